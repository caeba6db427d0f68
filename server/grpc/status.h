/* How a call ended: a code of gRPC and words. On the wire it is two trailers, grpc-status and
 * grpc-message, the latter percent-encoded (gRPC over HTTP/2, "Responses"). */
#ifndef ASSAY_SERVER_GRPC_STATUS_H
#define ASSAY_SERVER_GRPC_STATUS_H

#include "base/err.h"

enum grpc_code {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1, /* the caller left; never said */
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_UNAUTHENTICATED = 16,
    GRPC_CODES,
};

enum { GRPC_MESSAGE_SIZE = 512, GRPC_ENCODED_SIZE = 3 * GRPC_MESSAGE_SIZE };

struct grpc_status {
    enum grpc_code code;
    char message[GRPC_MESSAGE_SIZE]; /* cut when longer */
};

/* The first failure wins, so the deepest cause is what the caller reads. Returns -1. */
int grpc_fail(struct grpc_status *status, enum grpc_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What a scaler's error is in gRPC's words: a model that is not there is NOT_FOUND. Returns -1. */
int grpc_fail_err(struct grpc_status *status, const struct err *err);

/* "NOT_FOUND". */
const char *grpc_code_name(enum grpc_code code);

/* Every byte outside printable ASCII, and "%", as %XX. Returns out. */
const char *grpc_encode_message(char out[static GRPC_ENCODED_SIZE], const char *message);

#endif
