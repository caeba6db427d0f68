#include "base/json_strict.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

/* A key and the object it stands in. */
struct seen {
    uint64_t object;
    const unsigned char *key;
    size_t length;
};

struct checking {
    struct arena *arena;
    const struct json_limits *limits;
    uint64_t *open; /* number of the object at each depth, 0 for arrays */
    uint32_t depth;
    uint64_t objects, values;
    struct seen *seen;
    size_t seen_count, seen_capacity;
    struct err *err;
};

static int count_value(struct checking *c) {
    if (++c->values <= c->limits->values)
        return 1;
    err_set(c->err, ERR_INPUT, "more than %llu values", (unsigned long long)c->limits->values);
    return 0;
}

static int take_null(void *context) {
    return count_value(context);
}

static int take_boolean(void *context, int value) {
    (void)value;
    return count_value(context);
}

static int check_length(struct checking *c, size_t length) {
    if (length <= c->limits->text_bytes)
        return 1;
    err_set(c->err, ERR_INPUT, "a text of %zu bytes: at most %zu are read", length,
            c->limits->text_bytes);
    return 0;
}

static int take_number(void *context, const char *text, size_t length) {
    struct checking *c = context;
    char copy[512];
    if (length >= sizeof copy || !check_length(c, length)) {
        err_set(c->err, ERR_INPUT, "a number of %zu digits", length);
        return 0;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (isfinite(strtod(copy, NULL)))
        return count_value(c);
    err_set(c->err, ERR_INPUT, "%.60s is no number that can be held", copy);
    return 0;
}

/* A NUL inside would end the text for everyone who reads it afterwards. */
static int check_text(struct checking *c, const unsigned char *text, size_t length) {
    if (!check_length(c, length))
        return 0;
    if (!memchr(text, 0, length))
        return 1;
    err_set(c->err, ERR_INPUT, "a text with a NUL");
    return 0;
}

static int take_string(void *context, const unsigned char *text, size_t length) {
    return check_text(context, text, length) && count_value(context);
}

static int begin(struct checking *c, bool object) {
    if (c->depth == c->limits->depth) {
        err_set(c->err, ERR_INPUT, "nested deeper than %u", c->limits->depth);
        return 0;
    }
    c->open[c->depth++] = object ? ++c->objects : 0;
    return count_value(c);
}

static int begin_object(void *context) {
    return begin(context, true);
}

static int begin_array(void *context) {
    return begin(context, false);
}

static int end(void *context) {
    ((struct checking *)context)->depth--;
    return 1;
}

static int take_key(void *context, const unsigned char *text, size_t length) {
    struct checking *c = context;
    if (!check_text(c, text, length))
        return 0;
    struct seen *seen = ARENA_PUSH(c->arena, c->seen, c->seen_count, c->seen_capacity);
    seen->object = c->open[c->depth - 1];
    seen->key = (const unsigned char *)arena_strndup(c->arena, (const char *)text, length);
    seen->length = length;
    return 1;
}

static int by_object_and_key(const void *a, const void *b) {
    const struct seen *left = a, *right = b;
    if (left->object != right->object)
        return left->object < right->object ? -1 : 1;
    return strcmp((const char *)left->key, (const char *)right->key);
}

static int check_keys(struct checking *c) {
    if (c->seen_count)
        qsort(c->seen, c->seen_count, sizeof *c->seen, by_object_and_key);
    for (size_t i = 1; i < c->seen_count; i++)
        if (by_object_and_key(&c->seen[i - 1], &c->seen[i]) == 0)
            return err_set(c->err, ERR_INPUT, "the key \"%.100s\" stands twice in one object",
                           (const char *)c->seen[i].key);
    return 0;
}

static int parse(struct checking *c, const void *text, size_t length) {
    static const yajl_callbacks callbacks = {
        .yajl_null = take_null,
        .yajl_boolean = take_boolean,
        .yajl_number = take_number,
        .yajl_string = take_string,
        .yajl_start_map = begin_object,
        .yajl_map_key = take_key,
        .yajl_end_map = end,
        .yajl_start_array = begin_array,
        .yajl_end_array = end,
    };
    yajl_handle handle = yajl_alloc(&callbacks, NULL, c);
    if (!handle)
        return err_set(c->err, ERR_ENVIRONMENT, "out of memory");
    yajl_status status = yajl_parse(handle, text, length);
    size_t at = yajl_get_bytes_consumed(handle);
    if (status == yajl_status_ok)
        status = yajl_complete_parse(handle);
    yajl_free(handle);
    if (status != yajl_status_ok)
        err_set(c->err, ERR_INPUT, "not JSON");
    if (status != yajl_status_ok)
        return err_prefix(c->err, "near offset %zu", at);
    return 0;
}

int json_check_strict(struct arena *arena, const void *text, size_t length,
                      const struct json_limits *limits, const char *what, struct err *err) {
    struct checking c = {.arena = arena, .limits = limits, .err = err};
    c.open = ARENA_ARRAY(arena, limits->depth + 1u, uint64_t);
    if (length == 0)
        return err_set(err, ERR_INPUT, "%s: empty: expected JSON", what);
    return parse(&c, text, length) || check_keys(&c) ? err_prefix(err, "%s", what) : 0;
}
