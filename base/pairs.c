#include "base/pairs.h"

#include "base/strbuf.h"

#include <stdbool.h>
#include <string.h>

static int parse_one(struct arena *arena, const char *part, size_t length, struct pairs *pairs,
                     struct err *err) {
    const char *equals = memchr(part, '=', length);
    if (!equals || equals == part)
        return err_set(err, ERR_USAGE, "'%.*s' is not of the form name=value", (int)length, part);
    size_t key_length = (size_t)(equals - part);
    const char *key = arena_strndup(arena, part, key_length);
    if (pairs_find(pairs, key))
        return err_set(err, ERR_USAGE, "'%s' is given twice", key);
    const char *value = arena_strndup(arena, equals + 1, length - key_length - 1);
    pairs->items[pairs->count++] = (struct pair){key, value};
    return 0;
}

int pairs_parse(struct arena *arena, const char *text, struct pairs *pairs, struct err *err) {
    size_t parts = 1;
    for (const char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ','))
        parts++;
    *pairs = (struct pairs){ARENA_ARRAY(arena, parts, struct pair), 0};
    for (size_t i = 0; i < parts; i++) {
        size_t length = strcspn(text, ",");
        if (parse_one(arena, text, length, pairs, err) < 0)
            return -(int)err->code;
        text += length + 1;
    }
    return 0;
}

const char *pairs_find(const struct pairs *pairs, const char *key) {
    for (uint32_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->items[i].key, key) == 0)
            return pairs->items[i].value;
    return NULL;
}

static bool is_known(const char *const *known, const char *key) {
    for (; *known; known++)
        if (strcmp(*known, key) == 0)
            return true;
    return false;
}

int pairs_only(const struct pairs *pairs, const char *const *known, struct err *err) {
    for (uint32_t i = 0; i < pairs->count; i++) {
        if (is_known(known, pairs->items[i].key))
            continue;
        struct strbuf names;
        strbuf_init(&names);
        for (const char *const *name = known; *name; name++)
            strbuf_printf(&names, "%s%s", name == known ? "" : ", ", *name);
        err_set(err, ERR_USAGE, "'%s' is not known; expected one of: %s", pairs->items[i].key,
                names.text);
        strbuf_done(&names);
        return -(int)err->code;
    }
    return 0;
}
