#include "server/grpc/listen.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOST_SIZE = 64, BACKLOG = 128 };

/* Splits at the last colon; brackets around an IPv6 address are taken off. */
static int split(const char *address, char host[static HOST_SIZE], const char **port,
                 struct err *err) {
    const char *colon = strrchr(address, ':');
    const char *start = address, *end = colon;
    if (colon && address[0] == '[' && colon[-1] == ']')
        start++, end--;
    if (!colon || end <= start || end - start >= HOST_SIZE || colon[1] == '\0')
        return err_set(err, ERR_USAGE, "'%s' is no address to listen at, such as 127.0.0.1:9809",
                       address);
    snprintf(host, HOST_SIZE, "%.*s", (int)(end - start), start);
    *port = colon + 1;
    return 0;
}

static int resolve(const char *address, struct addrinfo **found, struct err *err) {
    const struct addrinfo wanted = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    char host[HOST_SIZE];
    const char *port = NULL;
    if (split(address, host, &port, err))
        return -(int)err->code;
    if (getaddrinfo(host, port, &wanted, found))
        return err_set(err, ERR_USAGE, "'%s' is no address to listen at, such as 127.0.0.1:9809",
                       address);
    return 0;
}

static bool is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)address;
        return ntohl(four->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *six = (const void *)address;
    return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

/* The port stands at the same place in the addresses of both families. */
static int port_of(int socket, uint16_t *port) {
    struct sockaddr_in6 bound = {0};
    socklen_t size = sizeof bound;
    static_assert(offsetof(struct sockaddr_in, sin_port) ==
                      offsetof(struct sockaddr_in6, sin6_port),
                  "one place");
    if (getsockname(socket, (struct sockaddr *)&bound, &size))
        return -1;
    *port = ntohs(bound.sin6_port);
    return 0;
}

static int open_socket(const struct addrinfo *where, int *opened, uint16_t *port) {
    const int yes = 1;
    *opened = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*opened < 0)
        return -1;
    if (setsockopt(*opened, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(*opened, where->ai_addr, where->ai_addrlen) == 0 && listen(*opened, BACKLOG) == 0 &&
        port_of(*opened, port) == 0)
        return 0;
    close(*opened);
    return -1;
}

int grpc_listen(const char *address, bool public_allowed, int *socket, uint16_t *port,
                struct err *err) {
    struct addrinfo *found = NULL;
    if (resolve(address, &found, err) || !found)
        return -(int)err->code;
    if (!is_loopback(found->ai_addr) && !public_allowed) {
        err_set(err, ERR_USAGE, "%s can be reached by others and anyone may call", address);
        err_hint(err, "ask for a token or for client certificates, or listen at 127.0.0.1");
    } else if (open_socket(found, socket, port))
        err_set_errno(err, ERR_ENVIRONMENT, "cannot listen at %s", address);
    freeaddrinfo(found);
    return -(int)err->code;
}
