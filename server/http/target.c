#include "server/http/target.h"

#include "base/utf8.h"
#include "server/http/limits.h"

#include <stdbool.h>
#include <string.h>

enum { SEGMENTS_MAX = 32 };

/* RFC 3986, appendix A: pchar, and / and ? which separate; % is looked at on its own. */
static bool may_stand_in_target(char c) {
    static const char marks[] = "-._~!$&'()*+,;=:@/?%";
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || (c && memchr(marks, c, sizeof marks - 1));
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int check_text(const char *text, const char *what, struct err *err) {
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t length = utf8_length(at);
        if (length == 0)
            return err_set(err, ERR_INPUT, "%s is not UTF-8", what);
        /* U+0080 to U+009F are control characters too. */
        if (*at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0))
            return err_set(err, ERR_INPUT, "%s holds a control character", what);
        at += length;
    }
    return 0;
}

/* One piece between separators, decoded. */
static int decode(struct arena *arena, const char *raw, size_t length, bool query,
                  const char **decoded, struct err *err) {
    const char *what = query ? "the query" : "the path";
    char *text = arena_alloc(arena, length + 1), *out = text;
    for (size_t i = 0; i < length; i++) {
        char c = raw[i];
        if (c == '%') {
            int high = i + 2 < length ? hex_digit(raw[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(raw[i + 2]) : -1;
            if (low < 0)
                return err_set(err, ERR_INPUT, "%s: %% is not followed by two hex digits", what);
            c = (char)(16 * high + low);
            i += 2;
            if (c == '\0' || (!query && (c == '/' || c == '\\')))
                return err_set(err, ERR_INPUT, "%s: %%%02x does not belong there", what, c);
        } else if (query && c == '+') {
            c = ' ';
        }
        *out++ = c;
    }
    *decoded = text;
    return check_text(text, what, err);
}

static int parse_path(struct arena *arena, const char *raw, size_t length,
                      struct http_target *target, struct err *err) {
    const char **segments = ARENA_ARRAY(arena, SEGMENTS_MAX, const char *);
    char *path = arena_alloc(arena, length + 1), *out = path;
    for (size_t start = 1; start <= length;) {
        const char *slash = memchr(raw + start, '/', length - start);
        size_t end = slash ? (size_t)(slash - raw) : length;
        if (target->segment_count == SEGMENTS_MAX)
            return err_set(err, ERR_INPUT, "the path has more than %d segments", SEGMENTS_MAX);
        const char **segment = &segments[target->segment_count++];
        if (decode(arena, raw + start, end - start, false, segment, err) < 0)
            return -(int)err->code;
        if (strcmp(*segment, ".") == 0 || strcmp(*segment, "..") == 0)
            return err_set(err, ERR_INPUT, "the path holds a segment '%s'", *segment);
        *out++ = '/';
        out = stpcpy(out, *segment);
        start = end + 1;
    }
    target->path = path;
    target->segments = segments;
    return 0;
}

static int add_parameter(struct arena *arena, const char *raw, size_t length,
                         struct http_field *fields, struct http_target *target, struct err *err) {
    const char *equals = memchr(raw, '=', length);
    size_t name_length = equals ? (size_t)(equals - raw) : length;
    size_t value_start = equals ? name_length + 1 : length;
    struct http_field *field = &fields[target->query_count];
    if (decode(arena, raw, name_length, true, &field->name, err) < 0 ||
        decode(arena, raw + value_start, length - value_start, true, &field->value, err) < 0)
        return -(int)err->code;
    for (uint32_t i = 0; i < target->query_count; i++)
        if (strcmp(fields[i].name, field->name) == 0)
            return err_set(err, ERR_INPUT, "%s: the parameter is given twice", field->name);
    target->query_count++;
    return 0;
}

static int parse_query(struct arena *arena, const char *raw, struct http_target *target,
                       struct err *err) {
    struct http_field *fields = ARENA_ARRAY(arena, HTTP_QUERY_MAX, struct http_field);
    target->query = fields;
    while (*raw) {
        size_t length = strcspn(raw, "&");
        if (target->query_count == HTTP_QUERY_MAX)
            return err_set(err, ERR_INPUT, "the query has more than %d parameters", HTTP_QUERY_MAX);
        if (length && add_parameter(arena, raw, length, fields, target, err) < 0)
            return -(int)err->code;
        raw += length + (raw[length] == '&');
    }
    return 0;
}

int http_target_parse(struct arena *arena, const char *raw, struct http_target *target,
                      struct err *err) {
    *target = (struct http_target){0};
    if (raw[0] != '/')
        return err_set(err, ERR_INPUT, "the target of the request is not a path");
    for (const char *at = raw; *at; at++)
        if (!may_stand_in_target(*at))
            return err_set(err, ERR_INPUT,
                           "character %d of the request's target does not belong there",
                           (int)(at - raw) + 1);
    size_t path_length = strcspn(raw, "?");
    if (parse_path(arena, raw, path_length, target, err) < 0)
        return -(int)err->code;
    return raw[path_length] ? parse_query(arena, raw + path_length + 1, target, err) : 0;
}
