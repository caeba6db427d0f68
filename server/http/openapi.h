/* The OpenAPI 3.0.3 document of a server, printed from the rows that it dispatches over. */
#ifndef ASSAY_SERVER_HTTP_OPENAPI_H
#define ASSAY_SERVER_HTTP_OPENAPI_H

#include "base/strbuf.h"
#include "server/route.h"

/* Appends the document and a newline; equal rows give equal bytes. */
void openapi_print(const struct route *routes, const char *version, struct strbuf *out);

#endif
