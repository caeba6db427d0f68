#include "base/json_stream.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What may come next. */
enum state {
    WANT_VALUE,
    WANT_VALUE_OR_END, /* behind [ or a comma in an array */
    WANT_KEY_OR_END,   /* behind { or a comma in an object */
    WANT_COLON,
    WANT_COMMA_OR_END,
    WANT_NOTHING, /* the document is over */
    WANT_HELP,    /* it is bad or cut */
};

/* How a byte in a string is taken. */
enum byte_class { BYTE_PLAIN, BYTE_QUOTE, BYTE_ESCAPE, BYTE_CONTROL, BYTE_HIGH };

static inline enum byte_class class_of(unsigned char byte) {
    static const unsigned char classes[256] = {
        [0 ... 0x1f] = BYTE_CONTROL,
        ['"'] = BYTE_QUOTE,
        ['\\'] = BYTE_ESCAPE,
        [0x80 ... 0xff] = BYTE_HIGH,
    };
    return (enum byte_class)classes[byte];
}

int json_stream_open(struct json_stream *s, struct inflated *in, struct err *err) {
    *s = (struct json_stream){.in = in, .text = malloc(JSON_STREAM_TEXT_BYTES + 1)};
    return s->text ? 0 : err_set(err, ERR_ENVIRONMENT, "out of memory");
}

void json_stream_close(struct json_stream *s) {
    free(s->text);
}

uint64_t json_stream_offset(const struct json_stream *s) {
    return s->end_offset - (uint64_t)(s->end - s->at);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static int refill(struct json_stream *s, struct err *err) {
    size_t length;
    if (inflated_next(s->in, &s->at, &length, err) < 0)
        return -(int)err->code;
    s->end = s->at + length;
    s->end_offset = inflated_offset(s->in);
    s->over = length == 0;
    return 0;
}

/* Whether a byte is at s->at. */
static inline bool here(struct json_stream *s, struct err *err) {
    return s->at < s->end || (!s->over && refill(s, err) == 0 && s->at < s->end);
}

static inline bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool skip_blanks(struct json_stream *s, struct err *err) {
    while (here(s, err)) {
        if (!is_blank(*s->at))
            return true;
        s->at++;
    }
    return false;
}

static void set(struct json_stream *s, enum json_token token, int state) {
    s->token = token;
    s->state = state;
}

static void bad(struct json_stream *s, const char *problem) {
    s->problem = problem;
    set(s, JSON_BAD, WANT_HELP);
}

static void add_byte(struct json_stream *s, char byte) {
    if (s->length < JSON_STREAM_TEXT_BYTES)
        s->text[s->length++] = byte;
}

static void add_bytes(struct json_stream *s, const char *bytes, size_t count) {
    size_t room = JSON_STREAM_TEXT_BYTES - s->length;
    if (count > room)
        count = room;
    memcpy(s->text + s->length, bytes, count);
    s->length += count;
}

/* ---- strings --------------------------------------------------------------------------------- */

static void add_code_point(struct json_stream *s, uint32_t point) {
    if (point == 0 || (point >= 0xd800 && point < 0xe000)) {
        s->odd = true;
        add_byte(s, '?');
    } else if (point < 0x80) {
        add_byte(s, (char)point);
    } else if (point < 0x800) {
        add_byte(s, (char)(0xc0 | point >> 6));
        add_byte(s, (char)(0x80 | (point & 0x3f)));
    } else {
        add_byte(s, (char)(point < 0x10000 ? 0xe0 | point >> 12 : 0xf0 | point >> 18));
        if (point >= 0x10000)
            add_byte(s, (char)(0x80 | (point >> 12 & 0x3f)));
        add_byte(s, (char)(0x80 | (point >> 6 & 0x3f)));
        add_byte(s, (char)(0x80 | (point & 0x3f)));
    }
    s->high |= point >= 0x80;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Four hexadecimal digits; false when something else stands there. */
static bool take_hex(struct json_stream *s, uint32_t *value, struct err *err) {
    *value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = here(s, err) ? hex_digit(*s->at) : -1;
        if (digit < 0)
            return false;
        *value = *value << 4 | (uint32_t)digit;
        s->at++;
    }
    return true;
}

/* A leading surrogate that nothing followed. */
static void flush_lead(struct json_stream *s) {
    if (s->lead)
        add_code_point(s, s->lead);
    s->lead = 0;
}

/* Behind \u: a code unit, or half of a pair (RFC 8259, section 7). */
static void take_unicode(struct json_stream *s, struct err *err) {
    uint32_t unit;
    if (!take_hex(s, &unit, err)) {
        flush_lead(s);
        s->odd = true;
        add_byte(s, '?');
    } else if (s->lead && unit >= 0xdc00 && unit < 0xe000) {
        add_code_point(s, 0x10000 + ((s->lead - 0xd800) << 10) + (unit - 0xdc00));
        s->lead = 0;
    } else {
        flush_lead(s);
        if (unit >= 0xd800 && unit < 0xdc00)
            s->lead = unit;
        else
            add_code_point(s, unit);
    }
}

static void take_escape(struct json_stream *s, struct err *err) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (!here(s, err))
        return;
    char c = *s->at++;
    if (c == 'u') {
        take_unicode(s, err);
        return;
    }
    flush_lead(s);
    const char *known = c ? strchr(from, c) : NULL;
    if (known) {
        add_byte(s, to[known - from]);
        return;
    }
    s->odd = true;
    add_byte(s, '\\');
    add_byte(s, c ? c : '?');
    s->high |= class_of((unsigned char)c) == BYTE_HIGH;
}

/* Runs of bytes that stand for themselves are copied at once. */
static void take_plain(struct json_stream *s) {
    const char *from = s->at;
    while (s->at < s->end && class_of((unsigned char)*s->at) == BYTE_PLAIN)
        s->at++;
    add_bytes(s, from, (size_t)(s->at - from));
}

static void check_utf8(struct json_stream *s) {
    unsigned char *at = (unsigned char *)s->text;
    s->text[s->length] = '\0';
    while (*at) {
        size_t step = *at < 0x80 ? 1 : utf8_length(at);
        if (step == 0) {
            *at = '?';
            s->odd = true;
            step = 1;
        }
        at += step;
    }
}

/* Behind the opening quote. False: the bytes ended first. */
static bool take_string(struct json_stream *s, struct err *err) {
    s->length = 0;
    s->odd = s->high = false;
    s->lead = 0;
    while (here(s, err)) {
        enum byte_class class = class_of((unsigned char)*s->at);
        if (class == BYTE_PLAIN && s->lead == 0) {
            take_plain(s);
            continue;
        }
        char c = *s->at++;
        if (class == BYTE_ESCAPE) {
            take_escape(s, err);
            continue;
        }
        flush_lead(s);
        if (class == BYTE_QUOTE)
            break;
        s->odd |= class == BYTE_CONTROL;
        s->high |= class == BYTE_HIGH;
        add_byte(s, c ? c : '?');
    }
    if (s->high)
        check_utf8(s);
    s->text[s->length] = '\0';
    s->mended += s->odd;
    return !s->over;
}

/* ---- numbers and words ----------------------------------------------------------------------- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static const char *pass_digits(const char *at) {
    while (is_digit(*at))
        at++;
    return at;
}

/* RFC 8259, section 6. */
static bool is_number(const char *at) {
    at += *at == '-';
    if (!is_digit(*at) || (*at == '0' && is_digit(at[1])))
        return false;
    at = pass_digits(at);
    if (*at == '.') {
        if (!is_digit(*++at))
            return false;
        at = pass_digits(at);
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        if (!is_digit(*at))
            return false;
        at = pass_digits(at);
    }
    return *at == '\0';
}

static bool is_no_number(const char *text) {
    static const char *const words[] = {"nan", "inf", "infinity"};
    text += *text == '-' || *text == '+';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

static bool is_scalar_byte(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

static void name_scalar(struct json_stream *s) {
    if (is_number(s->text)) {
        set(s, JSON_NUMBER, s->depth ? WANT_COMMA_OR_END : WANT_NOTHING);
    } else if (strcmp(s->text, "true") == 0 || strcmp(s->text, "false") == 0 ||
               strcmp(s->text, "null") == 0) {
        set(s, JSON_WORD, s->depth ? WANT_COMMA_OR_END : WANT_NOTHING);
    } else if (is_no_number(s->text)) {
        strcpy(s->text, "nan");
        s->length = 3;
        s->mended++;
        set(s, JSON_NUMBER, s->depth ? WANT_COMMA_OR_END : WANT_NOTHING);
    } else {
        bad(s, s->length ? "no number, true, false or null" : "expected a value");
    }
}

static void take_scalar(struct json_stream *s, struct err *err) {
    s->length = 0;
    while (here(s, err) && is_scalar_byte(*s->at))
        add_byte(s, *s->at++);
    s->text[s->length] = '\0';
    if (s->over && s->depth) /* it may go on in what was lost */
        set(s, JSON_CUT, WANT_HELP);
    else
        name_scalar(s);
}

/* ---- structure ------------------------------------------------------------------------------- */

static void open_container(struct json_stream *s, bool object) {
    if (s->depth == JSON_STREAM_DEPTH) {
        bad(s, "nested deeper than 128");
        return;
    }
    s->at++;
    s->objects[s->depth++] = object;
    set(s, object ? JSON_OBJECT : JSON_ARRAY, object ? WANT_KEY_OR_END : WANT_VALUE_OR_END);
}

static bool in_object(const struct json_stream *s) {
    return s->depth && s->objects[s->depth - 1];
}

static void close_container(struct json_stream *s, bool object) {
    s->at++;
    s->depth--;
    set(s, object ? JSON_OBJECT_END : JSON_ARRAY_END, s->depth ? WANT_COMMA_OR_END : WANT_NOTHING);
}

static void take_value(struct json_stream *s, char c, struct err *err) {
    if (c == '{' || c == '[') {
        open_container(s, c == '{');
    } else if (c == '"') {
        s->at++;
        if (take_string(s, err))
            set(s, JSON_STRING, s->depth ? WANT_COMMA_OR_END : WANT_NOTHING);
        else
            set(s, JSON_CUT, WANT_HELP);
    } else {
        take_scalar(s, err);
    }
}

static void take_key(struct json_stream *s, struct err *err) {
    s->at++;
    if (!take_string(s, err) || !skip_blanks(s, err))
        set(s, JSON_CUT, WANT_HELP);
    else if (*s->at != ':')
        bad(s, "expected ':' behind a key");
    else {
        s->at++;
        set(s, JSON_KEY, WANT_VALUE);
    }
}

/* With a byte that is no blank in place. True: a comma was passed, and there is no token yet. */
static bool take_token(struct json_stream *s, struct err *err) {
    char c = *s->at;
    bool object = in_object(s);
    s->offset = json_stream_offset(s);
    if (s->state == WANT_NOTHING)
        bad(s, "more behind the end of the document");
    else if (s->depth && s->state != WANT_VALUE && c == (object ? '}' : ']'))
        close_container(s, object);
    else if (s->state == WANT_VALUE || s->state == WANT_VALUE_OR_END)
        take_value(s, c, err);
    else if (s->state == WANT_KEY_OR_END && c == '"')
        take_key(s, err);
    else if (s->state == WANT_KEY_OR_END)
        bad(s, "expected a key or '}'");
    else if (c != ',')
        bad(s, object ? "expected ',' or '}'" : "expected ',' or ']'");
    else {
        s->at++;
        s->state = object ? WANT_KEY_OR_END : WANT_VALUE_OR_END;
        return true;
    }
    return false;
}

int json_next(struct json_stream *s, struct err *err) {
    bool again = s->state != WANT_HELP;
    while (again) {
        if (skip_blanks(s, err))
            again = take_token(s, err);
        else {
            set(s, s->state == WANT_NOTHING ? JSON_DONE : JSON_CUT, s->state);
            again = false;
        }
    }
    return err->code ? -(int)err->code : 0;
}

int json_skip(struct json_stream *s, struct err *err) {
    unsigned depth = s->depth;
    if (s->token != JSON_OBJECT && s->token != JSON_ARRAY)
        return 0;
    while (s->depth >= depth && s->state != WANT_HELP && s->token != JSON_CUT)
        if (json_next(s, err) < 0)
            return -(int)err->code;
    return 0;
}

/* ---- going on behind what is wrong ----------------------------------------------------------- */

static bool is_one_of(const char *text, const char *const *keys) {
    for (; *keys; keys++)
        if (strcmp(text, *keys) == 0)
            return true;
    return false;
}

/* Goes behind the next brace that follows a comma or opening bracket, and the quote behind it. */
static bool find_object(struct json_stream *s, struct err *err) {
    char before = '\0', last = '\0';
    while (skip_blanks(s, err)) {
        char c = *s->at++;
        if (c == '"' && last == '{' && (before == ',' || before == '['))
            return true;
        before = last;
        last = c;
    }
    return false;
}

int json_resync(struct json_stream *s, unsigned depth, const char *const *keys, struct err *err) {
    while (find_object(s, err)) {
        if (!take_string(s, err) || !skip_blanks(s, err))
            break;
        if (*s->at != ':' || !is_one_of(s->text, keys))
            continue;
        s->at++;
        s->depth = depth + 1;
        s->objects[depth] = 1;
        set(s, JSON_KEY, WANT_VALUE);
        return err->code ? -(int)err->code : 0;
    }
    set(s, JSON_CUT, WANT_HELP);
    return err->code ? -(int)err->code : 0;
}
