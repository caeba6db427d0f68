/* The HTTP/1.1 listener, on libmicrohttpd: it serves rows (server/route.h) and knows nothing of
 * what they do. Handlers are called from several threads at once; those of `slow` rows from threads
 * of their own. What a client may do is in server/http/limits.h; what is read strictly, in
 * server/http/head.h and server/http/target.h. */
#ifndef ASSAY_SERVER_HTTP_HTTP_H
#define ASSAY_SERVER_HTTP_HTTP_H

#include "base/arena.h"
#include "base/err.h"
#include "server/auth.h"
#include "server/http/limits.h"
#include "server/http/metrics.h"
#include "server/listen.h"
#include "server/route.h"

#include <stdint.h>

struct http_tls {
    const char *certificate, *key; /* PEM; the certificate may be a chain */
};

/* Everything pointed to must stay until the server has stopped. */
struct http_options {
    struct listen_address address;
    struct http_limits limits;
    struct auth auth;
    struct http_tls tls; /* certificate NULL: no TLS */
    const struct route *routes;
    void *service;                /* handed to the handlers */
    struct http_metrics *metrics; /* of these routes */
};

struct http_server;

/* Returns when it listens. ERR_ENVIRONMENT: the address cannot be had; ERR_INPUT: certificate and
 * key are not usable. */
int http_server_start(const struct http_options *options, struct http_server **server,
                      struct err *err);

/* "http://127.0.0.1:9808", with the port that was picked. */
const char *http_server_url(const struct http_server *server);

/* Accepts no more and lets what runs finish for so long. Returns how many requests still run: 0,
 * and the server is gone; else memory that its handlers use must not be freed before the end of the
 * process. */
uint32_t http_server_stop(struct http_server *server, uint64_t grace_ns);

/* Reads the two files into the arena. */
int http_tls_load(struct arena *arena, const char *certificate_path, const char *key_path,
                  struct http_tls *tls, struct err *err);

#endif
