/* The head of a request, judged. The library reads leniently: it takes a bare LF for the end of a
 * line, joins folded lines, ends values at a NUL, skips blanks and believes the first of several
 * Content-Length fields, all of which two servers in a row can understand differently (request
 * smuggling; RFC 9112, sections 2.2, 5 and 11.2).
 *
 * What it did can be seen without the bytes themselves. It reads in place: method, target, version,
 * names and values are handed out as pointers into one buffer, every line ending is overwritten
 * with as many NULs as it had bytes, and the size of the head is told. So each part must begin two
 * bytes behind the end of the last, and all of it must add up to that size; anything that the
 * library skipped, joined or cut leaves a gap. (One form stays unseen: a NUL followed by a bare LF,
 * which looks like the CRLF it stands for.) */
#ifndef ASSAY_SERVER_HTTP_HEAD_H
#define ASSAY_SERVER_HTTP_HEAD_H

#include "server/http/refusal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_known {
    FIELD_HOST,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_CONTENT_TYPE,
    FIELD_AUTHORIZATION,
    FIELD_API_KEY,
    FIELD_ORIGIN,
    FIELD_EXPECT,
    FIELD_ACCEPT,
    HTTP_KNOWN
};

struct http_head {
    const char *fields[HTTP_KNOWN]; /* NULL: not sent */
    bool chunked;
    uint64_t content_length; /* 0 when not sent */
    /* while reading */
    const char *start, *next; /* where the head begins, where the next part has to */
    uint32_t field_count;
    struct http_refusal *refusal;
};

/* The request line, as the library split it: `target` is what it was before decoding. */
int http_head_begin(struct http_head *head, const char *method, const char *target,
                    size_t target_bytes, const char *version, struct http_refusal *refusal);
/* A field, in the order received. */
int http_head_field(struct http_head *head, const char *name, size_t name_bytes, const char *value,
                    size_t value_bytes);
/* All fields were seen; `head_bytes` is the size of the head with its empty line. */
int http_head_end(struct http_head *head, size_t head_bytes, bool http_1_1);

#endif
