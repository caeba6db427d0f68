/* The address that a server listens on: a numeric IPv4 address, or an IPv6 address in brackets, and
 * a port: "127.0.0.1:9808", "[::1]:9808"; "localhost:9808" is 127.0.0.1. */
#ifndef ASSAY_SERVER_LISTEN_H
#define ASSAY_SERVER_LISTEN_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/socket.h>

struct listen_address {
    struct sockaddr_storage socket;
    socklen_t size;
};

enum { LISTEN_TEXT_SIZE = 64 };

/* ERR_USAGE when the text is no such address. */
int listen_parse(struct listen_address *address, const char *text, struct err *err);

/* Whoever listens where other machines can reach it has to know who calls: by a token, by a
 * client's certificate. ERR_USAGE when `callers_known` is false there. `option` is what set the
 * address. */
int listen_check_exposure(const struct listen_address *address, bool callers_known,
                          const char *option, struct err *err);

/* 127.0.0.0/8, ::1, or the former written as IPv6. */
bool address_is_loopback(const struct sockaddr *address);

/* A listening socket that does not block and is closed on exec; -ERR_ENVIRONMENT when the address
 * cannot be had. Port 0 picks one: `address` then holds it. The caller closes it. */
int listen_open(struct listen_address *address, struct err *err);

/* As it was parsed: "[::1]:9808". Returns out. */
const char *listen_text(const struct listen_address *address, char out[static LISTEN_TEXT_SIZE]);

#endif
