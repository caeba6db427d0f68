/* The target of a request as it was sent, taken apart strictly (RFC 3986; the form that RFC 9112
 * calls origin-form, nothing else): what two readers could understand differently is refused. */
#ifndef ASSAY_SERVER_HTTP_TARGET_H
#define ASSAY_SERVER_HTTP_TARGET_H

#include "base/arena.h"
#include "base/err.h"
#include "server/route.h"

#include <stdint.h>

/* Decoded; lives in the arena. */
struct http_target {
    const char *path;            /* "/v1/models/resnet50" */
    const char *const *segments; /* "v1", "models", "resnet50"; "/" has one, which is empty */
    uint32_t segment_count;
    const struct http_field *query; /* in the order sent; each name once */
    uint32_t query_count;
};

/* ERR_INPUT: not a path with a query, a character that does not belong there, a broken or needless
 * percent encoding (of NUL and other control characters, of / and \ in a path), a segment . or ..,
 * text that is not UTF-8, a parameter given twice. In a query + is a blank, as forms write it. */
int http_target_parse(struct arena *arena, const char *raw, struct http_target *target,
                      struct err *err);

#endif
