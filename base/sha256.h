/* SHA-256 (FIPS 180-4) through libcrypto, as lower-case hex. */
#ifndef ASSAY_BASE_SHA256_H
#define ASSAY_BASE_SHA256_H

#include "base/err.h"
#include "base/file.h"

#include <stddef.h>

enum { SHA256_HEX_SIZE = 65 };

void sha256_hex(const void *bytes, size_t length, char hex[static SHA256_HEX_SIZE]);
/* The same of a file that is mapped, copied out piece by piece: straight from a map, every page is
 * waited for, and a large file takes a third longer. `path` is for messages. */
int sha256_map(const struct file_map *map, const char *path, char hex[static SHA256_HEX_SIZE],
               struct err *err);
/* Of a whole file, in pieces: nothing of it stays in memory. */
int sha256_file(const char *path, char hex[static SHA256_HEX_SIZE], struct err *err);

#endif
