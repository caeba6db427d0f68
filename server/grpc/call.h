/* One call: the request's headers and message as they come in, the answer's bytes as they go out.
 * No HTTP/2 here; connection.c moves frames in and out.
 *
 * A message on the wire is a flag (0: not compressed), its length in four bytes, most significant
 * first, and its bytes (gRPC over HTTP/2, "Length-Prefixed-Message"). */
#ifndef ASSAY_SERVER_GRPC_CALL_H
#define ASSAY_SERVER_GRPC_CALL_H

#include "base/strbuf.h"
#include "server/grpc/method.h"
#include "server/grpc/service.h"
#include "server/grpc/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { GRPC_PREFIX_BYTES = 5 };

enum grpc_phase {
    GRPC_RECEIVING, /* the request is not complete */
    GRPC_OPEN,      /* a stream that is watched */
    GRPC_ENDED,     /* the status stands; what is in `out` may still go out */
};

struct grpc_call {
    struct grpc_call *next, *previous; /* of its connection */
    int32_t stream;
    enum grpc_phase phase;
    const struct grpc_method *method; /* NULL until the path is known */
    bool is_post, is_grpc, authorised, compressed;
    bool begun; /* the answer's headers were handed over */
    bool cut;   /* its request never ended: to be reset once the status was sent */
    uint32_t header_bytes;
    uint64_t begun_ns;
    uint64_t deadline_ns; /* UINT64_MAX: none */
    uint64_t unsent_ns;   /* since when the caller takes nothing; UINT64_MAX: nothing waits */
    struct strbuf in;     /* the request with its prefix */
    struct strbuf out;    /* answers with their prefixes */
    size_t out_sent;
    struct strbuf last; /* of a stream: the last answer */
    struct grpc_status status;
};

struct grpc_call *grpc_call_new(int32_t stream, uint64_t now_ns);
void grpc_call_delete(struct grpc_call *call);

/* All take what comes in its order. A failure is the call's status, and is also returned: -1. */
int grpc_call_header(struct grpc_call *call, const struct grpc_service *service, const char *name,
                     const char *value, size_t value_length);
int grpc_call_headers_end(struct grpc_call *call, const struct grpc_service *service);
int grpc_call_data(struct grpc_call *call, const struct grpc_service *service, const void *bytes,
                   size_t length);
int grpc_call_request_end(struct grpc_call *call);

/* Asks the method; the answer is appended to `out` (of a stream only when it differs from the
 * last). Afterwards the call is open or ended. */
void grpc_call_answer(struct grpc_call *call, const struct grpc_service *service);

/* What HTTP itself has to say: 200, 405 when it is no POST, 415 when it is not gRPC. */
int grpc_call_http_status(const struct grpc_call *call);

/* "100m" is 100 ms: at most eight digits and one of H M S m u n. Returns -1 when it is not. */
int grpc_timeout_parse(const char *text, size_t length, uint64_t *ns);

#endif
