/* A growing text (or bytes) buffer: init, append, done. Always NUL-terminated. */
#ifndef ASSAY_BASE_STRBUF_H
#define ASSAY_BASE_STRBUF_H

#include <stddef.h>

struct strbuf {
    char *text; /* never NULL after strbuf_init */
    size_t length, capacity;
};

void strbuf_init(struct strbuf *buf);
void strbuf_done(struct strbuf *buf);
void strbuf_add(struct strbuf *buf, const char *bytes, size_t length);
void strbuf_puts(struct strbuf *buf, const char *text);
void strbuf_printf(struct strbuf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
