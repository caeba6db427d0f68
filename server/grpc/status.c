#include "server/grpc/status.h"

#include <stdarg.h>
#include <stdio.h>

int grpc_fail(struct grpc_status *status, enum grpc_code code, const char *format, ...) {
    if (status->code != GRPC_OK)
        return -1;
    status->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(status->message, sizeof status->message, format, args);
    va_end(args);
    return -1;
}

/* ERR_INPUT is what server/scaler.h promises for a model that cannot be named. */
static const enum grpc_code code_of_err[] = {
    [ERR_OK] = GRPC_INTERNAL,
    [ERR_FINDING] = GRPC_FAILED_PRECONDITION,
    [ERR_USAGE] = GRPC_INVALID_ARGUMENT,
    [ERR_INPUT] = GRPC_NOT_FOUND,
    [ERR_ENVIRONMENT] = GRPC_UNAVAILABLE,
    [ERR_BUG] = GRPC_INTERNAL,
};

int grpc_fail_err(struct grpc_status *status, const struct err *err) {
    if (err->hint[0] == '\0')
        return grpc_fail(status, code_of_err[err->code], "%s", err->message);
    return grpc_fail(status, code_of_err[err->code], "%s (%s)", err->message, err->hint);
}

static const char *const code_names[GRPC_CODES] = {
    [GRPC_OK] = "OK",
    [GRPC_CANCELLED] = "CANCELLED",
    [GRPC_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
    [GRPC_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
    [GRPC_NOT_FOUND] = "NOT_FOUND",
    [GRPC_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
    [GRPC_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
    [GRPC_UNIMPLEMENTED] = "UNIMPLEMENTED",
    [GRPC_INTERNAL] = "INTERNAL",
    [GRPC_UNAVAILABLE] = "UNAVAILABLE",
    [GRPC_UNAUTHENTICATED] = "UNAUTHENTICATED",
};

const char *grpc_code_name(enum grpc_code code) {
    return code_names[code];
}

const char *grpc_encode_message(char out[static GRPC_ENCODED_SIZE], const char *message) {
    char *end = out;
    for (const unsigned char *byte = (const unsigned char *)message; *byte; byte++) {
        if (*byte >= 0x20 && *byte <= 0x7e && *byte != '%')
            *end++ = (char)*byte;
        else
            end += snprintf(end, 4, "%%%02X", *byte);
    }
    *end = '\0';
    return out;
}
