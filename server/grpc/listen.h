/* The socket that connections arrive at. */
#ifndef ASSAY_SERVER_GRPC_LISTEN_H
#define ASSAY_SERVER_GRPC_LISTEN_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* A non-blocking socket that listens at "127.0.0.1:9809" or "[::1]:9809"; the port it got. An
 * address that others can reach is refused with ERR_USAGE unless `public_allowed`. */
int grpc_listen(const char *address, bool public_allowed, int *socket, uint16_t *port,
                struct err *err);

#endif
