#include "db/conditions.h"

#include "base/strbuf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int by_symbol(const void *a, const void *b) {
    const struct dim_binding *left = a, *right = b;
    return strcmp(left->symbol, right->symbol);
}

static void add_symbol(struct strbuf *text, const char *symbol) {
    for (const unsigned char *at = (const unsigned char *)symbol; *at != '\0'; at++) {
        if (*at <= ' ' || *at == 0x7f || *at == '%' || *at == '=')
            strbuf_printf(text, "%%%02X", *at);
        else
            strbuf_add(text, (const char *)at, 1);
    }
}

const char *dims_text(struct arena *arena, const struct conditions *conditions) {
    uint32_t count = conditions->dim_count;
    struct dim_binding *sorted = ARENA_ARRAY(arena, count, struct dim_binding);
    if (count > 0) {
        memcpy(sorted, conditions->dims, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, by_symbol);
    }
    struct strbuf text;
    strbuf_init(&text);
    for (uint32_t i = 0; i < count; i++) {
        strbuf_puts(&text, i > 0 ? " " : "");
        add_symbol(&text, sorted[i].symbol);
        strbuf_printf(&text, "=%" PRId64, sorted[i].size);
    }
    const char *copy = arena_strndup(arena, text.text, text.length);
    strbuf_done(&text);
    return copy;
}

static const char *plain_symbol(struct arena *arena, const char *text, size_t length) {
    char *symbol = arena_strndup(arena, text, length);
    char *to = symbol;
    for (const char *from = symbol; *from != '\0'; from++) {
        char digits[3] = {0};
        if (*from == '%' && from[1] != '\0' && from[2] != '\0') {
            memcpy(digits, from + 1, 2);
            *to++ = (char)strtol(digits, NULL, 16);
            from += 2;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
    return symbol;
}

void dims_parse(struct arena *arena, const char *text, struct conditions *conditions) {
    struct dim_binding *dims = NULL;
    uint32_t count = 0, capacity = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        const char *equals = memchr(text, '=', length);
        if (equals != NULL) {
            struct dim_binding *dim = ARENA_PUSH(arena, dims, count, capacity);
            dim->symbol = plain_symbol(arena, text, (size_t)(equals - text));
            dim->size = strtoll(equals + 1, NULL, 10);
        }
        text += length + (text[length] == ' ');
    }
    conditions->dims = dims;
    conditions->dim_count = count;
}

void put_conditions(struct query *query, struct arena *arena, const struct conditions *conditions) {
    put_text(query, conditions->runtime);
    put_text(query, conditions->runtime_version);
    put_count(query, conditions->threads);
    put_int(query, conditions->batch);
    put_text(query, dims_text(arena, conditions));
}

uint64_t replicas_checksum(uint32_t replicas) {
    return replicas > 1 ? replicas * UINT64_C(0x9e3779b97f4a7c15) : 0; /* 2^64 / golden ratio */
}

void get_conditions(struct query *query, struct arena *arena, struct conditions *conditions) {
    conditions->runtime = get_text(query, arena);
    conditions->runtime_version = get_text(query, arena);
    conditions->threads = get_u32(query);
    conditions->batch = get_int(query);
    dims_parse(arena, get_text(query, arena), conditions);
}
