/* "authorization: Bearer TOKEN" (RFC 6750 section 2.1). */
#ifndef ASSAY_SERVER_GRPC_BEARER_H
#define ASSAY_SERVER_GRPC_BEARER_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the header carries the token. The time it takes depends on the lengths alone. */
bool grpc_bearer_matches(const char *token, const char *header, size_t length);

#endif
