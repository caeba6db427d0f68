#include "collectors/foreign/template.h"

#include <ctype.h>
#include <string.h>

static struct template_part *add_part(struct arena *arena, struct template *out) {
    out->parts = arena_grow(arena, out->parts, out->count, out->count + 1, sizeof *out->parts);
    return &out->parts[out->count++];
}

static void add_text(struct arena *arena, struct template *out, const char *text, size_t length) {
    if (length > 0)
        add_part(arena, out)->text = arena_strndup(arena, text, length);
}

static const struct pair *find_variable(const struct pairs *variables, const char *name) {
    for (uint32_t i = 0; i < variables->count; i++)
        if (strcmp(variables->items[i].key, name) == 0)
            return &variables->items[i];
    return NULL;
}

static bool cut_suffix(char *name, const char *suffix) {
    size_t length = strlen(name), part = strlen(suffix);
    if (length < part || strcmp(name + length - part, suffix) != 0)
        return false;
    name[length - part] = '\0';
    return true;
}

static int add_name(struct arena *arena, struct template *out, char *name,
                    const struct template_names *names, struct err *err) {
    bool tuples = cut_suffix(name, "|tuples");
    bool optional = cut_suffix(name, "?");
    int column = csv_column(names->header, name);
    const struct pair *variable = find_variable(names->variables, name);
    if (variable) {
        if (variable->value)
            add_text(arena, out, variable->value, strlen(variable->value));
    } else if (column >= 0) {
        struct template_part *part = add_part(arena, out);
        part->column = (uint32_t)column;
        part->tuples = tuples;
    } else if (!optional) {
        return err_set(err, ERR_INPUT, "\"%s\" is neither a column nor part of the path", name);
    }
    return 0;
}

int template_compile(struct arena *arena, const char *source, const struct template_names *names,
                     struct template *out, struct err *err) {
    *out = (struct template){0};
    while (*source) {
        size_t plain = strcspn(source, "{}");
        add_text(arena, out, source, plain);
        source += plain;
        if (source[0] && source[0] == source[1]) {
            add_text(arena, out, source, 1);
            source += 2;
        } else if (source[0] == '{') {
            size_t length = strcspn(source + 1, "}");
            if (source[1 + length] == '\0')
                return err_set(err, ERR_INPUT, "\"%s\": the brace is not closed", source);
            char *name = arena_strndup(arena, source + 1, length);
            if (add_name(arena, out, name, names, err))
                return -(int)err->code;
            source += length + 2;
        } else if (source[0] == '}') {
            return err_set(err, ERR_INPUT, "\"%s\": a brace closes nothing", source);
        }
    }
    return 0;
}

/* ---- tuples ---------------------------------------------------------------------------------- */

/* One "(4, 8)", as "4x8"; the end of it, NULL when it is none. */
static const char *add_tuple(const char *text, struct strbuf *out) {
    bool first = true;
    if (*text++ != '(')
        return NULL;
    for (;;) {
        text += strspn(text, ", ");
        if (*text == ')')
            return first ? NULL : text + 1;
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 18)
            return NULL;
        if (!first)
            strbuf_puts(out, "x");
        strbuf_add(out, text, digits);
        text += digits;
        first = false;
    }
}

/* A tuple, or a list of them, which may be empty. */
static bool add_tuples(const char *text, struct strbuf *out) {
    bool list = *text == '[';
    size_t begin = out->length;
    text += list;
    while (*text && *text != ']') {
        if (out->length > begin)
            strbuf_puts(out, " ");
        text = add_tuple(text, out);
        if (!text)
            return false;
        text += strspn(text, ", ");
    }
    return strcmp(text, list ? "]" : "") == 0;
}

/* ---- texts ----------------------------------------------------------------------------------- */

bool template_expand(const struct template *template, const char *const *cells,
                     struct strbuf *out) {
    bool whole = true;
    out->length = 0;
    out->text[0] = '\0';
    for (uint32_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        if (part->text)
            strbuf_puts(out, part->text);
        else if (part->tuples)
            whole &= add_tuples(cells[part->column], out);
        else
            strbuf_puts(out, cells[part->column]);
    }
    return whole;
}

const char *template_replace(struct arena *arena, const char *source, const char *name,
                             const char *value) {
    const char *pattern = arena_printf(arena, "{%s}", name);
    const char *at = strstr(source, pattern);
    if (!at)
        return source;
    const char *rest = template_replace(arena, at + strlen(pattern), name, value);
    return arena_printf(arena, "%.*s%s%s", (int)(at - source), source, value, rest);
}
