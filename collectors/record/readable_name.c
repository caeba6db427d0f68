#include "collectors/record/readable_name.h"

#include "base/strbuf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* One <source-name>: its length in decimal, then its letters. NULL: there is none. */
static const char *add_part(const char *at, struct strbuf *out) {
    char *end;
    if (!isdigit((unsigned char)*at))
        return NULL;
    unsigned long length = strtoul(at, &end, 10);
    if (length == 0 || length > strlen(end))
        return NULL;
    if (out->length)
        strbuf_puts(out, "::");
    strbuf_add(out, end, length);
    return end + length;
}

/* False: not a nested name of plain parts. */
static bool read_nested(const char *symbol, struct strbuf *out) {
    if (strncmp(symbol, "_ZN", 3) != 0)
        return false;
    const char *at = symbol + 3;
    at += strspn(at, "rVKRO"); /* of member functions: const, volatile, & and && */
    while (at && *at != 'E')
        at = add_part(at, out);
    return at && out->length;
}

/* A function outside of namespaces: _Z, one part, then its arguments. */
static bool read_plain(const char *symbol, struct strbuf *out) {
    return strncmp(symbol, "_Z", 2) == 0 && add_part(symbol + 2, out);
}

const char *readable_name(struct arena *arena, const char *symbol) {
    struct strbuf out;
    strbuf_init(&out);
    bool read = read_nested(symbol, &out);
    if (!read) {
        strbuf_done(&out);
        strbuf_init(&out);
        read = read_plain(symbol, &out);
    }
    const char *name = arena_strdup(arena, read ? out.text : symbol);
    strbuf_done(&out);
    return name;
}
