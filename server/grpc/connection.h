/* One HTTP/2 connection without its socket: bytes in, bytes out, and when to look at it again. So
 * the same code is driven by the listener, by TLS, by tests with a clock of their own and by a
 * fuzzer. Not thread-safe. */
#ifndef ASSAY_SERVER_GRPC_CONNECTION_H
#define ASSAY_SERVER_GRPC_CONNECTION_H

#include "base/err.h"
#include "server/grpc/service.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grpc_connection;

/* `service` is used until the connection is closed; its limits are all set. NULL: no memory. */
struct grpc_connection *grpc_connection_open(const struct grpc_service *service);
void grpc_connection_close(struct grpc_connection *connection);

/* -1: the bytes are no HTTP/2 at all; nothing is left to be said. */
int grpc_connection_receive(struct grpc_connection *connection, const void *bytes, size_t length);

/* What is to be written now, and how much of it was. 0 bytes: nothing waits. */
size_t grpc_connection_output(struct grpc_connection *connection, const void **bytes);
void grpc_connection_sent(struct grpc_connection *connection, size_t length);

/* When grpc_connection_tick() is to be called; never 0. */
uint64_t grpc_connection_due_ns(const struct grpc_connection *connection);
/* Streams are looked at, what is overdue ends. -1: the client does not even read; drop it. */
int grpc_connection_tick(struct grpc_connection *connection);

/* Whether a call of this client was ever answered: until then it is a stranger. */
bool grpc_connection_has_answered(const struct grpc_connection *connection);

/* Says that no more calls are taken and ends those that are open with UNAVAILABLE. */
void grpc_connection_stop(struct grpc_connection *connection);

/* All was said, and nothing more will be listened to. */
bool grpc_connection_finished(struct grpc_connection *connection);

#endif
