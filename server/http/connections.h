/* The connections that are open, and who is waited for. A connection is either busy (we make an
 * answer) or waits for its client, to send or to read; one that waits longer than the deadline is
 * shut down, whatever trickles in meanwhile. The library, which owns the socket, then sees its end
 * and closes it. */
#ifndef ASSAY_SERVER_HTTP_CONNECTIONS_H
#define ASSAY_SERVER_HTTP_CONNECTIONS_H

#include "base/err.h"
#include "server/http/limits.h"
#include "server/http/metrics.h"

#include <stdbool.h>
#include <sys/socket.h>

struct http_connections;

struct http_connection {
    uint32_t requests; /* begun; of the library's thread alone */
    /* the registry's */
    struct http_connection *next, *previous;
    int fd;
    unsigned char address[16]; /* IPv6, or IPv4 as IPv6; a /64 network when it is IPv6 */
    bool loopback, waits, ended;
    uint64_t since_ns;
};

/* Starts a thread that watches the deadline. */
int http_connections_new(const struct http_limits *limits, struct http_metrics *metrics,
                         struct http_connections **connections, struct err *err);
/* All connections must be gone. */
void http_connections_delete(struct http_connections *connections);

/* A new one, which waits. It may be shut down at once, or another one may be, when there are too
 * many. Never NULL. */
struct http_connection *http_connection_open(struct http_connections *connections, int fd,
                                             const struct sockaddr *address);
/* Before the socket is closed, so that its number is not shut down in the hands of another. */
void http_connection_close(struct http_connections *connections,
                           struct http_connection *connection);

void http_connection_waits(struct http_connections *connections,
                           struct http_connection *connection);
void http_connection_is_busy(struct http_connections *connections,
                             struct http_connection *connection);

#endif
