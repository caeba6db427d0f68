#include "cli/option_command.h"

#include "base/strbuf.h"
#include "base/units.h"

#include <string.h>

static bool is_plain_word(const char *text) {
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    return *text && text[strspn(text, plain)] == '\0';
}

/* $'...' is the one form in which every byte can be written down. */
const char *shell_word(struct arena *arena, const char *text) {
    struct strbuf quoted;
    if (is_plain_word(text))
        return text;
    strbuf_init(&quoted);
    bool odd = false;
    for (const char *c = text; *c; c++)
        odd = odd || *c < ' ' || *c == 0x7f || *c == '\'';
    strbuf_puts(&quoted, odd ? "$'" : "'");
    for (const char *c = text; *c; c++) {
        if (odd && (*c < ' ' || *c == 0x7f))
            strbuf_printf(&quoted, "\\x%02x", (unsigned)(unsigned char)*c);
        else if (odd && (*c == '\'' || *c == '\\'))
            strbuf_printf(&quoted, "\\%c", *c);
        else
            strbuf_add(&quoted, c, 1);
    }
    strbuf_puts(&quoted, "'");
    const char *word = arena_strdup(arena, quoted.text);
    strbuf_done(&quoted);
    return word;
}

static const char *value_text(struct arena *arena, const struct option_row *row,
                              const void *value) {
    char number[UNIT_TEXT_SIZE];
    const char *help;
    switch (row->type) {
    case OPTION_INT:
        return arena_printf(arena, "%lld", (long long)*(const int64_t *)value);
    case OPTION_NUMBER:
        return arena_strdup(arena, unit_exact(number, *(const double *)value));
    case OPTION_BYTES:
        return arena_printf(arena, "%llu", (unsigned long long)*(const uint64_t *)value);
    case OPTION_DURATION:
        return arena_printf(arena, "%lluns", (unsigned long long)*(const uint64_t *)value);
    case OPTION_CHOICE:
        return arena_strdup(arena, row->choice((size_t) * (const int *)value, &help));
    case OPTION_TEXT:
        return *(const char *const *)value;
    default:
        return NULL;
    }
}

static void add_option(struct arena *arena, struct strbuf *line, const char *name,
                       const char *value) {
    strbuf_printf(line, " --%s", name);
    if (value)
        strbuf_printf(line, " %s", shell_word(arena, value));
}

static void add_row(struct arena *arena, struct strbuf *line, const struct option_row *row,
                    const void *value, const void *fallback) {
    if (row->type == OPTION_LIST || row->type == OPTION_WORDS) {
        const struct text_list *list = value;
        for (uint32_t i = 0; i < list->count; i++)
            add_option(arena, line, row->name, list->items[i]);
    } else if (row->type == OPTION_FLAG) {
        if (*(const bool *)value)
            add_option(arena, line, row->name, NULL);
    } else {
        const char *given = value_text(arena, row, value);
        const char *usual = value_text(arena, row, fallback);
        if (given && (!usual || strcmp(given, usual) != 0))
            add_option(arena, line, row->name, given);
    }
}

static void add_arguments(struct arena *arena, struct strbuf *line, const struct argument_row *rows,
                          const void *target) {
    for (; rows && rows->name; rows++) {
        const char *word = *(const char *const *)((const char *)target + rows->offset);
        if (word)
            strbuf_printf(line, " %s%s", *word == '-' ? "./" : "", shell_word(arena, word));
    }
}

const char *option_command(struct arena *arena, const char *command,
                           const struct argument_row *arguments, const struct option_row *rows,
                           const void *target, size_t options_size) {
    void *defaults = arena_alloc(arena, options_size);
    const struct option_group group = {rows, defaults};
    options_defaults(&group, arena);
    struct strbuf line;
    strbuf_init(&line);
    strbuf_puts(&line, command);
    add_arguments(arena, &line, arguments, target);
    for (; rows->name; rows++)
        add_row(arena, &line, rows, (const char *)target + rows->offset,
                (const char *)defaults + rows->offset);
    const char *text = arena_strdup(arena, line.text);
    strbuf_done(&line);
    return text;
}
