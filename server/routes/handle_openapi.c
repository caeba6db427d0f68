/* GET /openapi.json: this server, described from the rows it dispatches over. */
#include "server/http/openapi.h"
#include "server/routes/handlers.h"
#include "server/routes/routes.h"

HANDLER(handle_openapi) {
    (void)service, (void)arena, (void)request, (void)err;
    openapi_print(routes, ASSAY_VERSION, &answer->body);
    return 0;
}
