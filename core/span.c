#include "core/span.h"

#include <stddef.h>

const char *span_kind_name(enum span_kind kind) {
    static const char *const names[SPAN_KIND_COUNT] = {
        [SPAN_OPERATOR] = "operator", [SPAN_CALL] = "call",       [SPAN_KERNEL] = "kernel",
        [SPAN_COPY] = "copy",         [SPAN_SET] = "set",         [SPAN_ANNOTATION] = "annotation",
        [SPAN_OTHER] = "other",       [SPAN_SESSION] = "session",
    };
    return (unsigned)kind < SPAN_KIND_COUNT ? names[kind] : NULL;
}

const char *track_kind_name(enum track_kind kind) {
    static const char *const names[TRACK_KIND_COUNT] = {
        [TRACK_THREAD] = "thread",
        [TRACK_QUEUE] = "queue",
    };
    return (unsigned)kind < TRACK_KIND_COUNT ? names[kind] : NULL;
}
