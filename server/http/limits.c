#include "server/http/limits.h"

const struct http_limits http_limits_default = {
    .connections = 1024,
    .connections_per_address = 64,
    .requests_per_connection = 1000,
    /* A client sees its end within ten seconds, the way there included. */
    .deadline_ns = 9500000000,
    .patience_ns = 1000000000,
    .bodies_bytes = (size_t)256 << 20,
    .slow_threads = 1,
    .slow_waiting = 16,
};
