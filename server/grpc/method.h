/* The calls that are answered, as rows. A method sees the bytes of one request message and leaves
 * the bytes of one answer; it knows nothing of connections. */
#ifndef ASSAY_SERVER_GRPC_METHOD_H
#define ASSAY_SERVER_GRPC_METHOD_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "server/grpc/status.h"
#include "server/scaler.h"

#include <stdbool.h>
#include <stddef.h>

struct grpc_request {
    const struct scaler *scaler;
    struct arena *arena;
    const void *bytes;
    size_t length;
};

struct grpc_method {
    const char *path; /* "/package.Service/Method"; NULL ends the rows */
    bool open;        /* needs no token: health checks */
    /* The answer is a stream: the method is asked again and again, and what differs from the last
     * answer is sent. */
    bool streams;
    /* Appends to `answer`, or fails with the status. */
    int (*answer)(const struct grpc_request *request, struct strbuf *answer,
                  struct grpc_status *status);
};

extern const struct grpc_method grpc_methods[];

/* NULL when there is none. */
const struct grpc_method *grpc_method_find(const char *path);

#endif
