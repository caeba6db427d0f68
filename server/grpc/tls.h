/* TLS between a socket's bytes and a connection's, through memory alone: it reads and writes no
 * descriptor, so the listener treats both kinds of connection alike. */
#ifndef ASSAY_SERVER_GRPC_TLS_H
#define ASSAY_SERVER_GRPC_TLS_H

#include "base/err.h"

#include <stddef.h>

struct grpc_tls_files {
    const char *certificate, *key;
    const char *client_ca; /* NULL: clients need no certificate */
};

struct grpc_tls;         /* certificate and key */
struct grpc_tls_session; /* of one connection */

int grpc_tls_open(const struct grpc_tls_files *files, struct grpc_tls **tls, struct err *err);
void grpc_tls_close(struct grpc_tls *tls);

/* NULL: no memory. */
struct grpc_tls_session *grpc_tls_session_open(const struct grpc_tls *tls);
void grpc_tls_session_close(struct grpc_tls_session *session);

/* Takes what the socket gave. -1: this is not TLS, or nothing is left to be said. */
int grpc_tls_feed(struct grpc_tls_session *session, const void *bytes, size_t length);
/* What was meant, decrypted: the number of bytes, 0 when more must be fed first, -1 at an end. */
int grpc_tls_read(struct grpc_tls_session *session, void *buffer, size_t size);
/* Encrypts. 0 bytes are taken while the handshake goes on. -1: broken. */
int grpc_tls_write(struct grpc_tls_session *session, const void *bytes, size_t length);
/* What is to be written to the socket, and how much of it was. */
size_t grpc_tls_output(struct grpc_tls_session *session, const void **bytes);
void grpc_tls_sent(struct grpc_tls_session *session, size_t length);

#endif
