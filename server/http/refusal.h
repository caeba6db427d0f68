/* A request that is answered before any handler sees it: status, reason, what to tell the client.
 */
#ifndef ASSAY_SERVER_HTTP_REFUSAL_H
#define ASSAY_SERVER_HTTP_REFUSAL_H

#include "base/err.h"
#include "base/strbuf.h"

#include <stdbool.h>

/* Why requests and connections are turned away: the label of assay_http_rejected_total. */
enum http_rejection {
    REJECTED_NOT, /* an answer like any other: 404, 405 */
    REJECTED_MALFORMED,
    REJECTED_TOO_LARGE,
    REJECTED_UNAUTHORISED,
    REJECTED_BUSY,        /* too many slow requests, or too much in their bodies */
    REJECTED_CONNECTIONS, /* too many, of one address or at all */
    REJECTED_EVICTED,     /* closed to make room for another */
    REJECTED_DEADLINE,    /* the client took too long to send or to read */
    REJECTED_STOPPING,
    HTTP_REJECTIONS
};

struct http_refusal {
    int status; /* 0: not refused */
    enum http_rejection rejection;
    bool close; /* nothing that follows on the connection is trusted */
    struct err err;
};

/* Malformed or oversize: the connection is closed. Returns -1; the first refusal wins. */
int http_refuse(struct http_refusal *refusal, int status, enum http_rejection rejection,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Not what the client may have, in a request that is well-formed. Returns -1. */
int http_decline(struct http_refusal *refusal, int status, enum http_rejection rejection,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The status for an error that a handler returned. */
int http_status_of(enum err_code code);

/* The body of every error: the command line's JSON error and a newline. */
void http_print_error(const struct err *err, struct strbuf *out);

#endif
