/* Which route a request is for, and whether its query is what the route declares. */
#ifndef ASSAY_SERVER_HTTP_MATCH_H
#define ASSAY_SERVER_HTTP_MATCH_H

#include "server/http/refusal.h"
#include "server/http/target.h"
#include "server/route.h"

#include <stdbool.h>

struct http_match {
    const struct route *route;
    const struct http_field *captured; /* in the arena */
    uint32_t captured_count;
    const char *allow; /* with 405: the methods of this path, "GET, HEAD"; in the arena */
};

/* 404, 405 or 501 in `refusal` when there is none; the first row that fits wins. A HEAD is matched
 * as a GET. */
int http_match(struct arena *arena, const struct route *routes, const char *method,
               const struct http_target *target, struct http_match *match,
               struct http_refusal *refusal);

/* Unknown, missing, no number, out of range: 400 that names the parameter. */
int http_check_query(const struct route *route, const struct http_target *target,
                     struct http_refusal *refusal);

/* True when a row of that name describes a {name} of the pattern, not of the query. */
bool http_is_in_path(const struct route *route, const char *name);

#endif
