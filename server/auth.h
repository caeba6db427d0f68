/* The token that a client must show: `Authorization: Bearer TOKEN` (RFC 6750, section 2.1), or
 * `X-API-KEY: TOKEN` as KEDA's metrics-api scaler sends it. Of the token only a digest is kept, and
 * digests are compared in constant time, so neither content nor length shows in the time taken. */
#ifndef ASSAY_SERVER_AUTH_H
#define ASSAY_SERVER_AUTH_H

#include "base/err.h"
#include "base/sha256.h"

#include <stdbool.h>
#include <stddef.h>

struct auth {
    bool required;
    char digest[SHA256_HEX_SIZE];
};

#define AUTH_ENVIRONMENT "ASSAY_SERVE_TOKEN"

/* The token of `path`, or, when that is NULL, of the environment; neither: not required. A token is
 * 1 to 1024 visible ASCII characters; the file may end in a newline. */
int auth_load(struct auth *auth, const char *path, struct err *err);

/* The two header fields as sent; NULL: not sent. True when one holds the token. */
bool auth_accepts(const struct auth *auth, const char *authorization, const char *api_key);

/* The first of them alone, which need not end in NUL. */
bool auth_accepts_bearer(const struct auth *auth, const char *authorization, size_t length);

#endif
