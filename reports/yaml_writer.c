#include "reports/yaml_writer.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

static void indent(struct yaml_writer *yaml, int depth) {
    strbuf_printf(yaml->out, "%*s", 2 * depth, "");
}

/* The dash of a list's item stands where the item's first key would be indented. */
static void begin_line(struct yaml_writer *yaml) {
    indent(yaml, yaml->dash ? yaml->depth - 1 : yaml->depth);
    if (yaml->dash)
        strbuf_puts(yaml->out, "- ");
    yaml->dash = false;
}

/* How many bytes make the character at `text`, whose code goes to *code; 0 when it is no UTF-8
 * (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). */
static size_t decode(const char *text, uint32_t *code) {
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {
        {0x80, 0x00, 0      },
        {0xe0, 0xc0, 0x80   },
        {0xf0, 0xe0, 0x800  },
        {0xf8, 0xf0, 0x10000}
    };
    unsigned char first = (unsigned char)*text;
    for (size_t length = 1; length <= 4; length++) {
        if ((first & forms[length - 1].mask) != forms[length - 1].lead)
            continue;
        *code = first & (unsigned char)~forms[length - 1].mask;
        for (size_t i = 1; i < length; i++) {
            if ((text[i] & 0xc0) != 0x80)
                return 0;
            *code = *code << 6 | (uint32_t)(text[i] & 0x3f);
        }
        bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
        return *code < forms[length - 1].least || *code > 0x10ffff || surrogate ? 0 : length;
    }
    return 0;
}

/* Printable in YAML (5.1), and no line break in any of its versions. */
static bool is_printable(uint32_t code) {
    return (code >= 0x20 && code < 0x7f) ||
           (code >= 0xa0 && code != 0x2028 && code != 0x2029 && code != 0xfeff && code < 0xfffe) ||
           code >= 0x10000;
}

static void put_escape(struct strbuf *out, uint32_t code) {
    strbuf_printf(out, code < 0x100 ? "\\x%02X" : "\\u%04X", code);
}

/* Every character as it is or escaped; `quoted` also escapes what ends or begins an escape. */
static void put_safely(struct strbuf *out, const char *text, bool quoted) {
    while (*text) {
        uint32_t code = 0;
        size_t length = decode(text, &code);
        if (length == 0) {
            put_escape(out, 0xfffd);
            length = 1;
        } else if (quoted && (code == '"' || code == '\\')) {
            strbuf_printf(out, "\\%c", (char)code);
        } else if (is_printable(code)) {
            strbuf_add(out, text, length);
        } else {
            put_escape(out, code);
        }
        text += length;
    }
}

/* Words that some version of YAML reads as something else than text. */
static bool is_reserved(const char *text) {
    static const char *const words[] = {"y",   "n",    "yes",   "no",   "on",
                                        "off", "true", "false", "null", "nan"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

/* Begins with a letter, so it is no number, and holds nothing that YAML gives a meaning. */
static bool is_plain(const char *text) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char inner[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
    return *text && strchr(letters, *text) && text[strspn(text, inner)] == '\0' &&
           !is_reserved(text);
}

static void put_text(struct strbuf *out, const char *text) {
    if (is_plain(text)) {
        strbuf_puts(out, text);
        return;
    }
    strbuf_puts(out, "\"");
    put_safely(out, text, true);
    strbuf_puts(out, "\"");
}

static void put_key(struct yaml_writer *yaml, const char *key) {
    begin_line(yaml);
    put_text(yaml->out, key);
    strbuf_puts(yaml->out, ":");
}

void yaml_map(struct yaml_writer *yaml, const char *key) {
    put_key(yaml, key);
    strbuf_puts(yaml->out, "\n");
    yaml->depth++;
}

void yaml_list(struct yaml_writer *yaml, const char *key) {
    yaml_map(yaml, key);
}

void yaml_item(struct yaml_writer *yaml) {
    yaml->depth++;
    yaml->dash = true;
}

void yaml_end(struct yaml_writer *yaml) {
    assert(yaml->depth > 0 && !yaml->dash);
    yaml->depth--;
}

void yaml_text(struct yaml_writer *yaml, const char *key, const char *text) {
    put_key(yaml, key);
    strbuf_puts(yaml->out, " ");
    put_text(yaml->out, text);
    strbuf_puts(yaml->out, "\n");
}

void yaml_uint(struct yaml_writer *yaml, const char *key, uint64_t value) {
    put_key(yaml, key);
    strbuf_printf(yaml->out, " %llu\n", (unsigned long long)value);
}

void yaml_bool(struct yaml_writer *yaml, const char *key, bool value) {
    put_key(yaml, key);
    strbuf_puts(yaml->out, value ? " true\n" : " false\n");
}

void yaml_item_text(struct yaml_writer *yaml, const char *text) {
    indent(yaml, yaml->depth);
    strbuf_puts(yaml->out, "- ");
    put_text(yaml->out, text);
    strbuf_puts(yaml->out, "\n");
}

void yaml_document(struct yaml_writer *yaml) {
    assert(yaml->depth == 0);
    strbuf_puts(yaml->out, "---\n");
}

void yaml_comment(struct yaml_writer *yaml, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(yaml->arena, format, args);
    va_end(args);
    indent(yaml, yaml->depth);
    strbuf_puts(yaml->out, "# ");
    put_safely(yaml->out, text, false);
    strbuf_puts(yaml->out, "\n");
}
