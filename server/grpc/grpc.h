/* KEDA's external scaler over gRPC: HTTP/2 with prior knowledge, or over TLS with ALPN "h2". One
 * thread serves all connections; answers come from the scaler's memory. */
#ifndef ASSAY_SERVER_GRPC_GRPC_H
#define ASSAY_SERVER_GRPC_GRPC_H

#include "base/err.h"
#include "server/grpc/metrics.h"
#include "server/grpc/service.h"
#include "server/grpc/tls.h"
#include "server/listen.h"
#include "server/scaler.h"

struct grpc_options {
    struct listen_address address; /* port 0: any that is free */
    struct auth auth;
    struct grpc_metrics *metrics; /* NULL: nothing is counted; must stay until grpc_stop() */
    /* PEM files; without a certificate there is no TLS. Who has no certificate that client_ca
     * signed is not let in: all that KEDA can show, for it sends no token. */
    struct grpc_tls_files tls;
    struct grpc_limits limits; /* 0: the defaults */
};

struct grpc_server;

/* Starts listening and the thread; grpc_stop() ends both. `scaler` is used until then. Signals are
 * left to the other threads. */
int grpc_start(const struct grpc_options *options, const struct scaler *scaler,
               struct grpc_server **server, struct err *err);

/* "127.0.0.1:9809", with the port that was picked. */
const char *grpc_address(const struct grpc_server *server);

/* Tells the clients to go away, ends streams, waits a second at most for them to hear of it, and
 * frees all. NULL is allowed. */
void grpc_stop(struct grpc_server *server);

#endif
