/* A file's bytes in pieces, unpacked when it is gzip (RFC 1952, several members too). Memory is
 * two buffers; nothing in the file decides how large they are. */
#ifndef ASSAY_BASE_INFLATED_H
#define ASSAY_BASE_INFLATED_H

#include "base/err.h"
#include "base/progress.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inflated;

enum { INFLATED_PEEK_BYTES = 256 << 10 };

/* ERR_INPUT when there is no such regular file. The path is borrowed. */
int inflated_open(struct inflated **in, const char *path, struct err *err);
/* Draws how far the file is whenever a piece is taken; NULL: nobody looks on. */
void inflated_watch(struct inflated *in, struct progress *progress);
/* The first bytes without taking them: `least` (up to INFLATED_PEEK_BYTES) or all there are, maybe
 * more; a NUL follows. To be called before any piece is taken. */
int inflated_peek(struct inflated *in, size_t least, const char **bytes, size_t *length,
                  struct err *err);
/* The next piece, a NUL behind it; length 0 at the end. Valid until the next call. A gzip stream
 * that ends early gives what it has, then length 0 with inflated_cut() true; one that is corrupt
 * the same. */
int inflated_next(struct inflated *in, const char **bytes, size_t *length, struct err *err);
bool inflated_cut(const struct inflated *in, const char **reason);
uint64_t inflated_offset(const struct inflated *in); /* unpacked bytes handed out */
/* Of the file as stored, for progress. */
uint64_t inflated_stored_offset(const struct inflated *in);
uint64_t inflated_stored_bytes(const struct inflated *in);
void inflated_close(struct inflated *in); /* NULL is allowed */

#endif
