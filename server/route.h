/* What the server answers, as rows: a route is a method, a pattern, a handler and the words that
 * describe it. The listener (server/http/http.h) dispatches over these rows and knows nothing of
 * models; handlers see a request that was checked against its row and never touch a socket. The
 * OpenAPI document is printed from the same rows. */
#ifndef ASSAY_SERVER_ROUTE_H
#define ASSAY_SERVER_ROUTE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_field {
    const char *name, *value;
};

/* Text is percent-decoded, valid UTF-8 and without control characters; it lives as long as the
 * request's arena. */
struct http_request {
    const char *method;                /* "GET"; a HEAD is handled as a GET whose body is dropped */
    const char *path;                  /* "/v1/models/resnet50/replicas" */
    const struct http_field *captured; /* by the {names} of the pattern */
    uint32_t captured_count;
    const struct http_field *query; /* each name once, and only names that the row declares */
    uint32_t query_count;
    const char *accept; /* "" when there is none */
    const char *content_type;
    const void *body; /* whole; at most route->body_max bytes */
    size_t body_bytes;
};

struct http_answer {
    int status;               /* 200 unless the handler says otherwise */
    const char *content_type; /* "application/json" unless the handler says otherwise */
    struct strbuf body;       /* initialised by the caller */
};

/* A parameter of the path or the query, or a member of the body: for checking and for OpenAPI. */
enum parameter_type { PARAMETER_TEXT, PARAMETER_NUMBER, PARAMETER_INTEGER };
struct route_parameter {
    const char *name; /* NULL ends the rows */
    enum parameter_type type;
    bool required;
    double min, max; /* of numbers; both 0: any */
    const char *help;
};

struct route {
    const char *method;  /* "GET"; NULL ends a table */
    const char *pattern; /* "/v1/models/{model}/replicas"; a {name} stands for one whole segment */
    const char *name;    /* label of its metrics: "replicas" */
    const char *summary;
    const struct route_parameter *parameters; /* of the query; NULL: none */
    size_t body_max;                          /* 0: no body is accepted */
    const char *body_type;                    /* what the body should be, for OpenAPI */
    bool writes;                              /* changes something: never without authorisation */
    bool open;                                /* needs no authorisation: health checks */
    bool slow; /* may take long: runs beside the threads that serve the connections */
    /* 0 with the answer filled, or the negative code in `err`: usage and input are answered with
     * 400, a finding with 422, the environment with 503, a bug with 500, unless the handler set
     * another status. The body of an error is the command line's JSON error. */
    int (*handle)(void *service, struct arena *arena, const struct http_request *request,
                  struct http_answer *answer, struct err *err);
};

/* NULL when absent. */
const char *request_captured(const struct http_request *request, const char *name);
const char *request_query(const struct http_request *request, const char *name);
/* `fallback` when absent; the value was checked against its row already. */
double request_number(const struct http_request *request, const char *name, double fallback);

#endif
