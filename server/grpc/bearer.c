#include "server/grpc/bearer.h"

#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

bool grpc_bearer_matches(const char *token, const char *header, size_t length) {
    static const char scheme[] = "Bearer ";
    size_t skip = sizeof scheme - 1;
    if (length < skip || strncasecmp(header, scheme, skip) != 0)
        return false;
    return length - skip == strlen(token) &&
           CRYPTO_memcmp(header + skip, token, length - skip) == 0;
}
