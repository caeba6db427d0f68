#include "server/grpc/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 16 * 1024, READS_MAX = 4 };

struct grpc_peer *grpc_peer_open(const struct grpc_service *service, const struct grpc_tls *tls,
                                 int socket) {
    struct grpc_peer *peer = calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->connection = grpc_connection_open(service);
    peer->tls = tls ? grpc_tls_session_open(tls) : NULL;
    if (!peer->connection || (tls && !peer->tls)) {
        peer->socket = -1;
        grpc_peer_close(peer);
        return NULL;
    }
    peer->socket = socket;
    return peer;
}

void grpc_peer_close(struct grpc_peer *peer) {
    if (peer->tls)
        grpc_tls_session_close(peer->tls);
    if (peer->connection)
        grpc_connection_close(peer->connection);
    if (peer->socket >= 0) {
        shutdown(peer->socket, SHUT_WR);
        close(peer->socket);
    }
    free(peer);
}

static int take_encrypted(struct grpc_peer *peer, const void *bytes, size_t length) {
    unsigned char plain[READ_BYTES];
    int read;
    if (grpc_tls_feed(peer->tls, bytes, length))
        return -1;
    while ((read = grpc_tls_read(peer->tls, plain, sizeof plain)) > 0)
        if (grpc_connection_receive(peer->connection, plain, (size_t)read))
            return -1;
    return read;
}

static int take(struct grpc_peer *peer, const void *bytes, size_t length) {
    return peer->tls ? take_encrypted(peer, bytes, length)
                     : grpc_connection_receive(peer->connection, bytes, length);
}

int grpc_peer_receive(struct grpc_peer *peer) {
    unsigned char bytes[READ_BYTES];
    for (int i = 0; i < READS_MAX; i++) {
        ssize_t length = recv(peer->socket, bytes, sizeof bytes, 0);
        if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            return 0;
        if (length <= 0 || take(peer, bytes, (size_t)length))
            return -1;
        if (length < READ_BYTES)
            return 0;
    }
    return 0;
}

/* Only when the last piece has left: what the socket does not take must not pile up here. */
static int encrypt(struct grpc_peer *peer) {
    const void *bytes;
    size_t length = grpc_connection_output(peer->connection, &bytes);
    int taken = length ? grpc_tls_write(peer->tls, bytes, length) : 0;
    if (taken > 0)
        peer->encrypted_bytes = (size_t)taken;
    return taken < 0 ? -1 : 0;
}

static int output(struct grpc_peer *peer, const void **bytes, size_t *length) {
    if (!peer->tls) {
        *length = grpc_connection_output(peer->connection, bytes);
        return 0;
    }
    *length = grpc_tls_output(peer->tls, bytes);
    if (*length == 0 && encrypt(peer))
        return -1;
    *length = grpc_tls_output(peer->tls, bytes);
    return 0;
}

static void sent(struct grpc_peer *peer, size_t length) {
    const void *bytes;
    if (!peer->tls) {
        grpc_connection_sent(peer->connection, length);
        return;
    }
    grpc_tls_sent(peer->tls, length);
    if (grpc_tls_output(peer->tls, &bytes) == 0) {
        grpc_connection_sent(peer->connection, peer->encrypted_bytes);
        peer->encrypted_bytes = 0;
    }
}

int grpc_peer_flush(struct grpc_peer *peer) {
    const void *bytes;
    size_t length;
    peer->waiting = false;
    for (;;) {
        if (output(peer, &bytes, &length))
            return -1;
        if (length == 0)
            return 0;
        ssize_t written = send(peer->socket, bytes, length, MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            peer->waiting = errno == EAGAIN || errno == EWOULDBLOCK;
            return peer->waiting ? 0 : -1;
        }
        sent(peer, (size_t)written);
    }
}

bool grpc_peer_finished(const struct grpc_peer *peer) {
    return !peer->waiting && grpc_connection_finished(peer->connection);
}
