#include "server/http/match.h"

#include "base/units.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* RFC 9110, section 9, and PATCH (RFC 5789). */
static const char *const methods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                      "CONNECT", "OPTIONS", "TRACE", "PATCH"};

static bool is_method(const char *method) {
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i], method) == 0)
            return true;
    return false;
}

/* One segment of a pattern; the next one is behind it. A {name} takes any segment but an empty one,
 * and is written to `captured`. */
static bool fits_segment(const char *pattern, size_t length, const char *segment,
                         struct arena *arena, struct http_match *match,
                         struct http_field *captured) {
    if (pattern[0] != '{')
        return strlen(segment) == length && memcmp(pattern, segment, length) == 0;
    captured[match->captured_count++] =
        (struct http_field){arena_strndup(arena, pattern + 1, length - 2), segment};
    return *segment != '\0';
}

static bool fits(struct arena *arena, const char *pattern, const struct http_target *target,
                 struct http_match *match, struct http_field *captured) {
    match->captured_count = 0;
    for (uint32_t i = 0; i < target->segment_count; i++) {
        if (*pattern != '/')
            return false;
        size_t length = strcspn(++pattern, "/");
        if (!fits_segment(pattern, length, target->segments[i], arena, match, captured))
            return false;
        pattern += length;
    }
    return *pattern == '\0';
}

static const char *allow_also(struct arena *arena, const char *allow, const char *method) {
    bool get = strcmp(method, "GET") == 0;
    return arena_printf(arena, "%s%s%s%s", allow, *allow ? ", " : "", method, get ? ", HEAD" : "");
}

int http_match(struct arena *arena, const struct route *routes, const char *method,
               const struct http_target *target, struct http_match *match,
               struct http_refusal *refusal) {
    struct http_field *captured = ARENA_ARRAY(arena, target->segment_count, struct http_field);
    const char *sought = strcmp(method, "HEAD") == 0 ? "GET" : method;
    *match = (struct http_match){.captured = captured, .allow = ""};
    for (const struct route *route = routes; route->method; route++) {
        if (!fits(arena, route->pattern, target, match, captured))
            continue;
        match->route = route;
        if (strcmp(route->method, sought) == 0)
            return 0;
        match->allow = allow_also(arena, match->allow, route->method);
    }
    match->route = NULL;
    if (!is_method(method))
        return http_refuse(refusal, 501, REJECTED_MALFORMED, "the method is not known");
    if (*match->allow)
        return http_decline(refusal, 405, REJECTED_NOT, "%s: the methods of this path are %s",
                            target->path, match->allow);
    return http_decline(refusal, 404, REJECTED_NOT, "%s: there is no such path", target->path);
}

/* ---- the query ------------------------------------------------------------------------------ */

/* Decimal digits with a sign, a point, an exponent: what strtod takes besides is no number here. */
static bool parse_number(const char *text, double *value) {
    char *end;
    if (!*text || text[strspn(text, "+-.0123456789eE")])
        return false;
    *value = strtod(text, &end);
    return *end == '\0' && isfinite(*value);
}

static int check_value(const struct route_parameter *row, const char *text,
                       struct http_refusal *refusal) {
    char low[UNIT_TEXT_SIZE], high[UNIT_TEXT_SIZE];
    double value;
    if (row->type == PARAMETER_TEXT)
        return 0;
    if (!parse_number(text, &value))
        return http_decline(refusal, 400, REJECTED_NOT, "%s: '%s' is no number", row->name, text);
    if (row->type == PARAMETER_INTEGER && value != floor(value))
        return http_decline(refusal, 400, REJECTED_NOT, "%s: '%s' is no whole number", row->name,
                            text);
    if ((row->min != 0 || row->max != 0) && (value < row->min || value > row->max))
        return http_decline(refusal, 400, REJECTED_NOT, "%s: %s is not between %s and %s",
                            row->name, text, unit_exact(low, row->min), unit_exact(high, row->max));
    return 0;
}

bool http_is_in_path(const struct route *route, const char *name) {
    size_t length = strlen(name);
    for (const char *at = route->pattern; (at = strchr(at, '{')); at++)
        if (strncmp(at + 1, name, length) == 0 && at[1 + length] == '}')
            return true;
    return false;
}

static const struct route_parameter *find_row(const struct route *route, const char *name) {
    for (const struct route_parameter *row = route->parameters; row && row->name; row++)
        if (strcmp(row->name, name) == 0 && !http_is_in_path(route, name))
            return row;
    return NULL;
}

static bool is_given(const struct http_target *target, const char *name) {
    for (uint32_t i = 0; i < target->query_count; i++)
        if (strcmp(target->query[i].name, name) == 0)
            return true;
    return false;
}

int http_check_query(const struct route *route, const struct http_target *target,
                     struct http_refusal *refusal) {
    for (uint32_t i = 0; i < target->query_count; i++) {
        const struct http_field *field = &target->query[i];
        const struct route_parameter *row = find_row(route, field->name);
        if (!row)
            return http_decline(refusal, 400, REJECTED_NOT, "%s: there is no such parameter",
                                field->name);
        if (check_value(row, field->value, refusal) < 0)
            return -1;
    }
    for (const struct route_parameter *row = route->parameters; row && row->name; row++)
        if (row->required && !http_is_in_path(route, row->name) && !is_given(target, row->name))
            return http_decline(refusal, 400, REJECTED_NOT, "%s: the parameter is missing: %s",
                                row->name, row->help);
    return 0;
}
