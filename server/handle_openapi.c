/* GET /openapi.json: this server, described from the rows it dispatches over. */
#include "server/handlers.h"
#include "server/openapi.h"
#include "server/routes.h"

HANDLER(handle_openapi) {
    (void)service, (void)arena, (void)request, (void)err;
    openapi_print(routes, ASSAY_VERSION, &answer->body);
    return 0;
}
