/* SHA-256 (FIPS 180-4) through libcrypto, as lower-case hex. */
#ifndef ASSAY_BASE_SHA256_H
#define ASSAY_BASE_SHA256_H

#include "base/err.h"

#include <stddef.h>

enum { SHA256_HEX_SIZE = 65 };

void sha256_hex(const void *bytes, size_t length, char hex[static SHA256_HEX_SIZE]);
/* Of a whole file, in pieces: nothing of it stays in memory. */
int sha256_file(const char *path, char hex[static SHA256_HEX_SIZE], struct err *err);

#endif
