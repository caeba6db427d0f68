#include "server/listen.h"

#include "server/auth.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refuse(const char *text, struct err *err) {
    err_set(err, ERR_USAGE, "'%s' is no address to listen on", text);
    return err_hint(err, "for example 127.0.0.1:9808 or [::1]:9808; port 0 picks a free one");
}

/* The digits behind the last colon. -1: no port. */
static int parse_port(const char *text) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits])
        return -1;
    int port = atoi(text);
    return port <= UINT16_MAX ? port : -1;
}

static bool parse_host(struct listen_address *address, const char *host, bool bracketed,
                       in_port_t port) {
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address->socket;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->socket;
    if (bracketed) {
        *v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        address->size = sizeof *v6;
        return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
    }
    *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    address->size = sizeof *v4;
    return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &v4->sin_addr) ==
           1;
}

int listen_parse(struct listen_address *address, const char *text, struct err *err) {
    char host[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[';
    *address = (struct listen_address){0};
    if (!colon || (bracketed && (colon == text || colon[-1] != ']')))
        return refuse(text, err);
    const char *start = text + bracketed, *end = colon - bracketed;
    int port = parse_port(colon + 1);
    if (port < 0 || end <= start || (size_t)(end - start) >= sizeof host)
        return refuse(text, err);
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    return parse_host(address, host, bracketed, (in_port_t)port) ? 0 : refuse(text, err);
}

bool address_is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
}

int listen_check_exposure(const struct listen_address *address, bool callers_known,
                          const char *option, struct err *err) {
    char text[LISTEN_TEXT_SIZE];
    if (callers_known || address_is_loopback((const struct sockaddr *)&address->socket))
        return 0;
    err_set(err, ERR_USAGE, "%s %s can be reached from other machines", option,
            listen_text(address, text));
    return err_hint(err, "give --auth-file FILE or set " AUTH_ENVIRONMENT
                         "; --insecure-public serves all who come");
}

const char *listen_text(const struct listen_address *address, char out[static LISTEN_TEXT_SIZE]) {
    char host[INET6_ADDRSTRLEN];
    if (address->socket.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->socket;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(out, LISTEN_TEXT_SIZE, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->socket;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(out, LISTEN_TEXT_SIZE, "%s:%u", host, ntohs(v4->sin_port));
    }
    return out;
}

int listen_open(struct listen_address *address, struct err *err) {
    enum { BACKLOG = 1024 };
    char text[LISTEN_TEXT_SIZE];
    const int on = 1;
    int family = address->socket.ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        /* What is accepted inherits it: answers are written whole. */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (family == AF_INET6)
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&address->socket, address->size) == 0 &&
            listen(fd, BACKLOG) == 0 &&
            getsockname(fd, (struct sockaddr *)&address->socket, &address->size) == 0)
            return fd;
    }
    err_set_errno(err, ERR_ENVIRONMENT, "cannot listen on %s", listen_text(address, text));
    if (fd >= 0)
        close(fd);
    return -(int)err->code;
}
