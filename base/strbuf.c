#include "base/strbuf.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct strbuf *buf, size_t more) {
    if (buf->capacity - buf->length > more)
        return;
    size_t wanted = 2 * buf->capacity + more + 64;
    char *grown = realloc(buf->text, wanted);
    if (!grown) {
        fprintf(stderr, "assay: out of memory (%zu bytes asked)\n", wanted);
        exit(ERR_ENVIRONMENT);
    }
    buf->text = grown;
    buf->capacity = wanted;
}

void strbuf_init(struct strbuf *buf) {
    *buf = (struct strbuf){0};
    reserve(buf, 1);
    buf->text[0] = '\0';
}

void strbuf_done(struct strbuf *buf) {
    free(buf->text);
    *buf = (struct strbuf){0};
}

void strbuf_add(struct strbuf *buf, const char *bytes, size_t length) {
    reserve(buf, length + 1);
    memcpy(buf->text + buf->length, bytes, length);
    buf->length += length;
    buf->text[buf->length] = '\0';
}

void strbuf_puts(struct strbuf *buf, const char *text) {
    strbuf_add(buf, text, strlen(text));
}

void strbuf_printf(struct strbuf *buf, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    reserve(buf, (size_t)length + 1);
    vsnprintf(buf->text + buf->length, (size_t)length + 1, format, args);
    buf->length += (size_t)length;
    va_end(args);
}
