#include "base/json.h"

#include "base/units.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cJSON *made(cJSON *item) {
    if (!item) {
        fprintf(stderr, "assay: out of memory\n");
        exit(ERR_ENVIRONMENT);
    }
    return item;
}

cJSON *json_object(void) {
    return made(cJSON_CreateObject());
}

cJSON *json_array(void) {
    return made(cJSON_CreateArray());
}

void json_add(cJSON *parent, const char *key, cJSON *child) {
    made(child);
    cJSON_bool added =
        key ? cJSON_AddItemToObject(parent, key, child) : cJSON_AddItemToArray(parent, child);
    made(added ? child : NULL);
}

cJSON *json_add_object(cJSON *parent, const char *key) {
    cJSON *child = json_object();
    json_add(parent, key, child);
    return child;
}

cJSON *json_add_array(cJSON *parent, const char *key) {
    cJSON *child = json_array();
    json_add(parent, key, child);
    return child;
}

void json_add_text(cJSON *parent, const char *key, const char *text) {
    json_add(parent, key, text ? cJSON_CreateString(text) : cJSON_CreateNull());
}

void json_add_bool(cJSON *parent, const char *key, bool value) {
    json_add(parent, key, cJSON_CreateBool(value));
}

void json_add_null(cJSON *parent, const char *key) {
    json_add(parent, key, cJSON_CreateNull());
}

void json_add_number(cJSON *parent, const char *key, double value) {
    json_add(parent, key, isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

void json_add_numbers(cJSON *parent, const char *key, const double *values, size_t count) {
    cJSON *list = json_add_array(parent, key);
    for (size_t i = 0; i < count; i++)
        json_add_number(list, NULL, values[i]);
}

enum { EXACT_BITS = 53 };

void json_add_int(cJSON *parent, const char *key, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    bool exact = value >= -(1LL << EXACT_BITS) && value <= 1LL << EXACT_BITS;
    json_add(parent, key, exact ? cJSON_CreateNumber((double)value) : cJSON_CreateRaw(text));
}

void json_add_uint(cJSON *parent, const char *key, uint64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    bool exact = value <= 1ULL << EXACT_BITS;
    json_add(parent, key, exact ? cJSON_CreateNumber((double)value) : cJSON_CreateRaw(text));
}

cJSON *json_add_estimate(cJSON *parent, const char *key, const struct json_estimate *estimate) {
    cJSON *child = json_add_object(parent, key);
    json_add_number(child, "value", estimate->value);
    json_add_number(child, "low", estimate->low);
    json_add_number(child, "high", estimate->high);
    json_add_text(child, "tier", estimate->tier);
    if (estimate->evidence)
        json_add_text(child, "evidence", estimate->evidence);
    return child;
}

static const char *escape_of(unsigned char byte) {
    switch (byte) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return NULL;
    }
}

void json_print_text(const char *text, struct strbuf *out) {
    strbuf_puts(out, "\"");
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        const char *escape = escape_of(*at);
        size_t length = utf8_length(at);
        if (escape)
            strbuf_puts(out, escape);
        else if (*at < 0x20 || *at == 0x7f)
            strbuf_printf(out, "\\u%04x", *at);
        else if (length == 0)
            strbuf_puts(out, "\xef\xbf\xbd");
        else
            strbuf_add(out, (const char *)at, length);
        at += length ? length : 1;
    }
    strbuf_puts(out, "\"");
}

static void print_break(struct strbuf *out, bool pretty, int depth) {
    if (!pretty)
        return;
    strbuf_printf(out, "\n%*s", 2 * depth, "");
}

static void print_scalar(const cJSON *item, struct strbuf *out) {
    char number[UNIT_TEXT_SIZE];
    if (cJSON_IsString(item))
        json_print_text(item->valuestring, out);
    else if (cJSON_IsNumber(item) && isfinite(item->valuedouble))
        strbuf_puts(out, unit_exact(number, item->valuedouble));
    else if (cJSON_IsBool(item))
        strbuf_puts(out, cJSON_IsTrue(item) ? "true" : "false");
    else if (cJSON_IsRaw(item))
        strbuf_puts(out, item->valuestring);
    else
        strbuf_puts(out, "null");
}

static void print_item(const cJSON *item, bool pretty, int depth, struct strbuf *out) {
    bool object = cJSON_IsObject(item);
    if (!object && !cJSON_IsArray(item)) {
        print_scalar(item, out);
        return;
    }
    strbuf_puts(out, object ? "{" : "[");
    for (const cJSON *child = item->child; child; child = child->next) {
        print_break(out, pretty, depth + 1);
        if (object) {
            json_print_text(child->string, out);
            strbuf_puts(out, pretty ? ": " : ":");
        }
        print_item(child, pretty, depth + 1, out);
        if (child->next)
            strbuf_puts(out, ",");
    }
    if (item->child)
        print_break(out, pretty, depth);
    strbuf_puts(out, object ? "}" : "]");
}

void json_print(const cJSON *tree, bool pretty, struct strbuf *out) {
    print_item(tree, pretty, 0, out);
}

cJSON *json_parse(const char *text, size_t length, const char *what, struct err *err) {
    const char *end = NULL;
    cJSON *tree = cJSON_ParseWithLengthOpts(text, length, &end, 0);
    if (!tree) {
        err_set(err, ERR_INPUT, "%s: not JSON at offset %td", what, end ? end - text : 0);
        return NULL;
    }
    while (end < text + length && strchr(" \t\r\n", *end) && *end)
        end++;
    if (end == text + length)
        return tree;
    cJSON_Delete(tree);
    err_set(err, ERR_INPUT, "%s: more text after the JSON document, at offset %td", what,
            end - text);
    return NULL;
}

static int wrong_member(const char *key, const char *expected, struct err *err) {
    return err_set(err, ERR_INPUT, "member \"%s\" is missing or not %s", key, expected);
}

int json_get_text(const cJSON *object, const char *key, const char **text, struct err *err) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(item))
        return wrong_member(key, "a string", err);
    *text = item->valuestring;
    return 0;
}

int json_get_number(const cJSON *object, const char *key, double *value, struct err *err) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(item))
        return wrong_member(key, "a number", err);
    *value = item->valuedouble;
    return 0;
}

int json_get_numbers(const cJSON *object, const char *key, double *values, size_t count,
                     struct err *err) {
    const cJSON *list, *item;
    size_t n = 0;
    if (json_get_tree(object, key, cJSON_Array, &list, err))
        return -(int)err->code;
    cJSON_ArrayForEach(item, list) {
        if (n == count || !cJSON_IsNumber(item))
            return err_set(err, ERR_INPUT, "%s does not hold %zu numbers", key, count);
        values[n++] = item->valuedouble;
    }
    return n == count ? 0 : err_set(err, ERR_INPUT, "%s does not hold %zu numbers", key, count);
}

int json_get_int(const cJSON *object, const char *key, int64_t *value, struct err *err) {
    double number = NAN;
    if (json_get_number(object, key, &number, err) < 0)
        return -(int)err->code;
    if (number != floor(number) || fabs(number) > 0x1p53)
        return wrong_member(key, "a whole number below 2^53", err);
    *value = (int64_t)number;
    return 0;
}

int json_get_bool(const cJSON *object, const char *key, bool *value, struct err *err) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsBool(item))
        return wrong_member(key, "true or false", err);
    *value = cJSON_IsTrue(item);
    return 0;
}

int json_get_tree(const cJSON *object, const char *key, int type, const cJSON **child,
                  struct err *err) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item || (item->type & 0xff) != type)
        return wrong_member(key, type == cJSON_Array ? "an array" : "an object", err);
    *child = item;
    return 0;
}
