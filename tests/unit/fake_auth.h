/* A token that is asked for, without a file or the environment. */
#ifndef ASSAY_TESTS_FAKE_AUTH_H
#define ASSAY_TESTS_FAKE_AUTH_H

#include "server/auth.h"

#include <string.h>

static inline struct auth fake_auth(const char *token) {
    struct auth auth = {.required = true};
    sha256_hex(token, strlen(token), auth.digest);
    return auth;
}

#endif
