#include "collectors/record/torch_names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 128, SCHEMA_SIZE = 4096 };

struct schema {
    const char *underscored; /* "add_Tensor", as C++ names it */
    const char *dotted;      /* "add.Tensor" */
    const char *text;        /* the whole schema */
};

struct torch_names {
    struct schema *items;
    uint32_t count, capacity;
};

static bool is_word(unsigned char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_';
}

/* Where the text begins that has NAME or NAME.OVERLOAD before an opening bracket; NULL: none. */
static const char *name_before(const unsigned char *bytes, uint64_t bracket) {
    uint64_t start = bracket;
    int dots = 0;
    while (start > 0 && bracket - start < NAME_SIZE - 1 &&
           (is_word(bytes[start - 1]) || bytes[start - 1] == '.'))
        dots += bytes[--start] == '.';
    bool whole = start > 0 && bytes[start - 1] == '\0' && start < bracket;
    if (!whole || dots > 1 || bytes[start] == '.' || bytes[bracket - 1] == '.')
        return NULL;
    return (const char *)bytes + start;
}

/* A schema ends in the type of its result. */
static const char *schema_at(struct arena *arena, const char *text, const char *end) {
    size_t left = (size_t)(end - text);
    const char *nul = memchr(text, 0, left < SCHEMA_SIZE ? left : SCHEMA_SIZE);
    if (!nul || !memmem(text, (size_t)(nul - text), ") -> ", 5))
        return NULL;
    return arena_strndup(arena, text, (size_t)(nul - text));
}

static void add_schema(struct arena *arena, struct torch_names *names, const char *text) {
    const char *dotted = arena_strndup(arena, text, strcspn(text, "("));
    char *underscored = arena_strdup(arena, dotted), *dot = strchr(underscored, '.');
    if (dot)
        *dot = '_';
    *ARENA_PUSH(arena, names->items, names->count, names->capacity) =
        (struct schema){underscored, dotted, text};
}

static int by_underscored(const void *a, const void *b) {
    const struct schema *x = a, *y = b;
    return strcmp(x->underscored, y->underscored);
}

struct torch_names *torch_names_find(struct arena *arena, const unsigned char *bytes,
                                     uint64_t size) {
    struct torch_names *names = ARENA_NEW(arena, struct torch_names);
    const unsigned char *end = bytes + size;
    for (const unsigned char *at = bytes; size > 0 && (at = memchr(at, '(', (size_t)(end - at)));
         at++) {
        const char *text = name_before(bytes, (uint64_t)(at - bytes));
        const char *schema = text ? schema_at(arena, text, (const char *)end) : NULL;
        if (schema)
            add_schema(arena, names, schema);
    }
    if (names->count)
        qsort(names->items, names->count, sizeof *names->items, by_underscored);
    return names;
}

static bool find_whole(const struct torch_names *names, const char *underscored,
                       struct schema *out) {
    const struct schema wanted = {underscored, NULL, NULL};
    const struct schema *found =
        names->count ? bsearch(&wanted, names->items, names->count, sizeof wanted, by_underscored)
                     : NULL;
    if (found)
        *out = *found;
    return found != NULL;
}

/* A linker keeps a text that is the end of another one as that end only: "addmm(...)" of
 * "sspaddmm(...)". Several such ends must be the same. */
static bool find_tail(const struct torch_names *names, const char *underscored,
                      struct schema *out) {
    size_t length = strlen(underscored);
    bool found = false;
    for (uint32_t i = 0; i < names->count; i++) {
        const struct schema *item = &names->items[i];
        size_t whole = strlen(item->underscored);
        if (whole <= length || strcmp(item->underscored + whole - length, underscored) != 0)
            continue;
        const struct schema tail = {underscored, item->dotted + whole - length,
                                    item->text + whole - length};
        if (found && strcmp(tail.text, out->text) != 0)
            return false;
        *out = tail;
        found = true;
    }
    return found;
}

const char *torch_name(struct arena *arena, const struct torch_names *names, const char *readable,
                       const char **schema) {
    static const char head[] = "at::_ops::", tail[] = "::call";
    *schema = NULL;
    size_t length = strlen(readable), around = sizeof head - 1 + sizeof tail - 1;
    if (length <= around || strncmp(readable, head, sizeof head - 1) != 0 ||
        strcmp(readable + length - (sizeof tail - 1), tail) != 0)
        return readable;
    const char *inner = arena_strndup(arena, readable + sizeof head - 1, length - around);
    struct schema found;
    bool known = find_whole(names, inner, &found) || find_tail(names, inner, &found);
    *schema = known ? found.text : NULL;
    return arena_printf(arena, "at::%s", known ? found.dotted : inner);
}
