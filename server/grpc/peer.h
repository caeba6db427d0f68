/* A connection with its socket, and TLS between the two when it is asked for. */
#ifndef ASSAY_SERVER_GRPC_PEER_H
#define ASSAY_SERVER_GRPC_PEER_H

#include "server/grpc/connection.h"
#include "server/grpc/tls.h"

#include <stdbool.h>
#include <stdint.h>

struct grpc_peer {
    struct grpc_peer *next, *previous; /* of its server */
    int socket;
    uint32_t events; /* that are waited for */
    bool waiting;    /* the socket takes no more output now */
    struct grpc_connection *connection;
    struct grpc_tls_session *tls; /* NULL: without */
    size_t encrypted_bytes;       /* of the connection's output that TLS holds */
};

/* Takes the socket over; `tls` may be NULL. NULL: no memory, the socket is still the caller's. */
struct grpc_peer *grpc_peer_open(const struct grpc_service *service, const struct grpc_tls *tls,
                                 int socket);
void grpc_peer_close(struct grpc_peer *peer);

/* Reads what has come, within reason. -1: the client is gone, or is no client. */
int grpc_peer_receive(struct grpc_peer *peer);

/* Writes what can be written; peer->waiting says whether some is left. -1: the client is gone. */
int grpc_peer_flush(struct grpc_peer *peer);

bool grpc_peer_finished(const struct grpc_peer *peer);

#endif
