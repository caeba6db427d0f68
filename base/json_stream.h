/* JSON of any size, one token after the other, in bounded memory.
 *
 * It follows RFC 8259 except where programs that write traces do not: raw control characters and
 * unknown escapes in strings, bytes that are no UTF-8 ("?" stands for them, and for NULs), the
 * words nan, inf and infinity in any case and with a sign. That is counted in `mended`. A comma may
 * stand before a closing bracket. What else is wrong is JSON_BAD, and json_resync() can go on
 * behind it.
 */
#ifndef ASSAY_BASE_JSON_STREAM_H
#define ASSAY_BASE_JSON_STREAM_H

#include "base/err.h"
#include "base/inflated.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JSON_STREAM_DEPTH = 128,
    JSON_STREAM_TEXT_BYTES = 64 << 10, /* of a string that are kept; the others are passed over */
};

enum json_token {
    JSON_DONE,   /* the document is over, nothing but blanks behind it */
    JSON_OBJECT, /* begins */
    JSON_OBJECT_END,
    JSON_ARRAY, /* begins */
    JSON_ARRAY_END,
    JSON_KEY,
    JSON_STRING,
    JSON_NUMBER, /* its text; "nan" for what is no finite number */
    JSON_WORD,   /* true, false, null */
    JSON_CUT,    /* the bytes are over, the document is not */
    JSON_BAD,    /* see `problem` */
};

struct json_stream {
    struct inflated *in;
    enum json_token token;
    char *text; /* of a key, string, number or word; NUL-terminated */
    size_t length;
    uint64_t offset; /* of the token's first byte */
    uint64_t mended;
    const char *problem; /* "expected a value" */
    unsigned depth;      /* objects and arrays that are open, the token's own included */
    /* Inside. */
    const char *at, *end;
    uint64_t end_offset; /* of `end` in the file */
    int state;
    bool over, odd, high;
    uint32_t lead;                            /* a surrogate that waits for the other */
    unsigned char objects[JSON_STREAM_DEPTH]; /* 1: an object is open at this depth */
};

int json_stream_open(struct json_stream *stream, struct inflated *in, struct err *err);
void json_stream_close(struct json_stream *stream);

/* Sets the token. Negative only when the file cannot be read. JSON_DONE, JSON_CUT and JSON_BAD
 * stay.
 */
int json_next(struct json_stream *stream, struct err *err);
/* Passes over the value whose first token is the present one, to its last token. */
int json_skip(struct json_stream *stream, struct err *err);
/* Behind the present token. */
uint64_t json_stream_offset(const struct json_stream *stream);
/* After JSON_BAD: goes on at the next object that stands in an array `depth` deep and whose first
 * key is one of `keys` (NULL-terminated). That key is the token then; else JSON_CUT. */
int json_resync(struct json_stream *stream, unsigned depth, const char *const *keys,
                struct err *err);

#endif
