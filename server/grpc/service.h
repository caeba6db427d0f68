/* What all connections share, and none changes. */
#ifndef ASSAY_SERVER_GRPC_SERVICE_H
#define ASSAY_SERVER_GRPC_SERVICE_H

#include "server/auth.h"
#include "server/grpc/metrics.h"
#include "server/scaler.h"

#include <stdint.h>

enum { GRPC_CONNECTIONS_MAX = 256 };

/* A field that is 0 has the default that stands beside it. */
struct grpc_limits {
    uint32_t connections_max;    /* GRPC_CONNECTIONS_MAX; then strangers make room, or who comes is
                                    closed */
    uint32_t streams_max;        /* 100 calls at a time on a connection, open streams included */
    uint32_t message_max_bytes;  /* 64 KiB */
    uint32_t header_max_bytes;   /* 16 KiB, names and values and 32 for each (RFC 9113 6.5.2) */
    uint32_t buffered_max_bytes; /* 256 KiB of requests on one connection */
    uint64_t request_ns; /* 10 s for a request to be complete, and for an answer to be read */
    uint64_t idle_ns;    /* 300 s without a call */
    uint64_t poll_ns;    /* 1 s between two looks at what a stream watches */
};

struct grpc_service {
    const struct scaler *scaler;
    struct grpc_metrics *metrics; /* NULL: nothing is counted */
    struct auth auth;
    struct grpc_limits limits;
    uint64_t (*now_ns)(void); /* monotonic */
};

#endif
