/* What a client may take of the server. Sizes of a request's head are fixed, because the library's
 * memory per connection is made to fit them; the rest can be chosen. */
#ifndef ASSAY_SERVER_HTTP_LIMITS_H
#define ASSAY_SERVER_HTTP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_HEAD_BYTES_MAX = 16 * 1024, /* request line and header fields: else 431 */
    HTTP_TARGET_BYTES_MAX = 4096,    /* path and query as sent: else 414 */
    HTTP_FIELDS_MAX = 64,            /* header fields: else 431 */
    HTTP_QUERY_MAX = 32,             /* parameters of a query: else 400 */
};

struct http_limits {
    uint32_t connections; /* at once */
    /* of one address, or of one /64 network of IPv6; loopback has no such limit: who can connect
     * from there is this machine, and often a proxy with the connections of many */
    uint32_t connections_per_address;
    uint32_t requests_per_connection;
    /* from accepting a connection, or from the end of the answer before, to the whole request; and
     * from an answer to its last byte being taken. A connection that is idle between two requests
     * is closed by it too. */
    uint64_t deadline_ns;
    /* at a limit of connections the oldest one whose client has been waited for this long makes
     * room; when there is none, the new one is refused */
    uint64_t patience_ns;
    size_t bodies_bytes;   /* of all requests being received or answered: else 503 */
    uint32_t slow_threads; /* for routes that are `slow` */
    uint32_t slow_waiting; /* requests that wait for such a thread: else 503 */
};

extern const struct http_limits http_limits_default;

#endif
