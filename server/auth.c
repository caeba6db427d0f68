#include "server/auth.h"

#include "base/file.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TOKEN_BYTES_MAX = 1024 };

static int set_token(struct auth *auth, const char *token, size_t length, const char *where,
                     struct err *err) {
    if (length == 0 || length > TOKEN_BYTES_MAX)
        return err_set(err, ERR_INPUT, "%s: a token of 1 to %d characters was expected", where,
                       TOKEN_BYTES_MAX);
    for (size_t i = 0; i < length; i++)
        if (token[i] <= ' ' || token[i] > '~')
            return err_set(err, ERR_INPUT,
                           "%s: character %zu of the token is no visible ASCII character", where,
                           i + 1);
    auth->required = true;
    sha256_hex(token, length, auth->digest);
    return 0;
}

static int read_token(struct auth *auth, const char *path, struct err *err) {
    struct file_map map;
    if (file_map_open(&map, path, err) < 0)
        return -(int)err->code;
    size_t length = map.size;
    while (length && (map.bytes[length - 1] == '\n' || map.bytes[length - 1] == '\r'))
        length--;
    int code = set_token(auth, (const char *)map.bytes, length, path, err);
    file_map_close(&map);
    return code;
}

int auth_load(struct auth *auth, const char *path, struct err *err) {
    *auth = (struct auth){0};
    const char *token = getenv(AUTH_ENVIRONMENT);
    if (path)
        return read_token(auth, path, err);
    return token ? set_token(auth, token, strlen(token), AUTH_ENVIRONMENT, err) : 0;
}

static bool is_token(const struct auth *auth, const char *shown, size_t length) {
    char digest[SHA256_HEX_SIZE];
    sha256_hex(shown, length, digest);
    return CRYPTO_memcmp(digest, auth->digest, sizeof digest) == 0;
}

bool auth_accepts_bearer(const struct auth *auth, const char *authorization, size_t length) {
    static const char scheme[] = "Bearer ";
    size_t skip = sizeof scheme - 1;
    if (length < skip || strncasecmp(authorization, scheme, skip) != 0)
        return false;
    while (skip < length && authorization[skip] == ' ')
        skip++;
    return is_token(auth, authorization + skip, length - skip);
}

bool auth_accepts(const struct auth *auth, const char *authorization, const char *api_key) {
    if (authorization && auth_accepts_bearer(auth, authorization, strlen(authorization)))
        return true;
    return api_key && is_token(auth, api_key, strlen(api_key));
}
