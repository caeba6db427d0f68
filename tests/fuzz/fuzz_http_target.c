/* Any bytes as the target of a request: refused, or parts that are what they promise to be and that
 * give the same parts again when they are encoded. */
#include "base/utf8.h"
#include "server/http/limits.h"
#include "server/http/target.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void encode(const char *text, struct strbuf *out) {
    for (; *text; text++)
        if (isalnum((unsigned char)*text) && (unsigned char)*text < 0x80)
            strbuf_add(out, text, 1);
        else
            strbuf_printf(out, "%%%02X", (unsigned char)*text);
}

static void check_text(const char *text) {
    for (size_t length; *text; text += length) {
        length = utf8_length((const unsigned char *)text);
        if (length == 0 || (unsigned char)*text < 0x20 || *text == 0x7f)
            abort();
    }
}

static void check(const struct http_target *target) {
    if (target->query_count > HTTP_QUERY_MAX || target->path[0] != '/')
        abort();
    for (uint32_t i = 0; i < target->segment_count; i++) {
        check_text(target->segments[i]);
        if (strchr(target->segments[i], '/') || strcmp(target->segments[i], "..") == 0)
            abort();
    }
    for (uint32_t i = 0; i < target->query_count; i++) {
        check_text(target->query[i].name);
        check_text(target->query[i].value);
    }
}

static void write_back(const struct http_target *target, struct strbuf *out) {
    for (uint32_t i = 0; i < target->segment_count; i++) {
        strbuf_puts(out, "/");
        encode(target->segments[i], out);
    }
    for (uint32_t i = 0; i < target->query_count; i++) {
        strbuf_puts(out, i ? "&" : "?");
        encode(target->query[i].name, out);
        strbuf_puts(out, "=");
        encode(target->query[i].value, out);
    }
}

static void check_same(const struct http_target *a, const struct http_target *b) {
    if (strcmp(a->path, b->path) != 0 || a->segment_count != b->segment_count ||
        a->query_count != b->query_count)
        abort();
    for (uint32_t i = 0; i < a->query_count; i++)
        if (strcmp(a->query[i].name, b->query[i].name) != 0 ||
            strcmp(a->query[i].value, b->query[i].value) != 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena;
    struct http_target target, again;
    struct err err = {0};
    arena_init(&arena);
    const char *raw = arena_strndup(&arena, (const char *)data, size);
    if (http_target_parse(&arena, raw, &target, &err) == 0) {
        struct strbuf text;
        strbuf_init(&text);
        check(&target);
        write_back(&target, &text);
        if (http_target_parse(&arena, text.text, &again, &err) < 0)
            abort();
        check_same(&target, &again);
        strbuf_done(&text);
    }
    arena_done(&arena);
    return 0;
}
