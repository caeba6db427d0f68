#include "base/yaml.h"

#include "base/file.h"
#include "base/suggest.h"
#include "base/units.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* ---- scalars -------------------------------------------------------------------------------- */

static bool is_one_of(const char *text, const char *const *words) {
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static size_t digits(const char *text, const char *set) {
    return strspn(text, set);
}

/* 0x1F, 0o17 */
static bool is_radix(const char *text) {
    if (text[0] != '0' || (text[1] != 'x' && text[1] != 'o'))
        return false;
    size_t count = digits(text + 2, text[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567");
    return count > 0 && count <= 13 && text[2 + count] == 0;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?   (YAML 1.2.2, 10.3.2) */
static bool is_decimal(const char *text) {
    static const char ten[] = "0123456789";
    text += *text == '-' || *text == '+';
    size_t whole = digits(text, ten), part = 0;
    text += whole;
    if (*text == '.') {
        part = digits(text + 1, ten);
        text += 1 + part;
    }
    if (whole + part == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        text += 1 + (text[1] == '-' || text[1] == '+');
        size_t power = digits(text, ten);
        if (power == 0)
            return false;
        text += power;
    }
    return *text == 0;
}

static bool is_special(const char *text, double *number) {
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    *number = NAN;
    if (is_one_of(text, nans))
        return true;
    *number = *text == '-' ? -INFINITY : INFINITY;
    return is_one_of(text + (*text == '-' || *text == '+'), infinities);
}

/* The core schema (YAML 1.2.2, 10.3). */
static void resolve_plain(struct yaml_node *node) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    const char *text = node->text;
    node->kind = YAML_TEXT;
    if (is_one_of(text, nulls)) {
        node->kind = YAML_NULL;
    } else if (is_one_of(text, trues) || is_one_of(text, falses)) {
        node->kind = YAML_BOOL;
        node->boolean = is_one_of(text, trues);
    } else if (is_radix(text)) {
        node->kind = YAML_NUMBER;
        node->number = (double)strtoull(text + 2, NULL, text[1] == 'x' ? 16 : 8);
    } else if (is_decimal(text)) {
        node->kind = YAML_NUMBER;
        node->number = strtod(text, NULL);
    } else if (is_special(text, &node->number)) {
        node->kind = YAML_NUMBER;
    }
}

/* ---- events to a tree ----------------------------------------------------------------------- */

struct reader {
    struct arena *arena;
    yaml_parser_t parser;
    yaml_event_t event; /* the one looked at */
    bool holds_event;
    const char *name;
    uint32_t nodes, depth;
    struct err *err;
};

static int fail_at(struct reader *reader, yaml_mark_t mark, const char *what) {
    return err_set(reader->err, ERR_INPUT, "%s:%zu:%zu: %s", reader->name, mark.line + 1,
                   mark.column + 1, what);
}

static int fail_here(struct reader *reader, const char *what) {
    return fail_at(reader, reader->event.start_mark, what);
}

static int fail_parsing(struct reader *reader) {
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "no YAML";
    if (parser->error == YAML_READER_ERROR)
        return err_set(reader->err, ERR_INPUT, "%s: byte %zu: %s", reader->name,
                       parser->problem_offset, problem);
    if (!parser->context)
        return fail_at(reader, parser->problem_mark, problem);
    return err_set(reader->err, ERR_INPUT, "%s:%zu:%zu: %s (%s that began in line %zu)",
                   reader->name, parser->problem_mark.line + 1, parser->problem_mark.column + 1,
                   problem, parser->context, parser->context_mark.line + 1);
}

static int next_event(struct reader *reader) {
    if (reader->holds_event)
        yaml_event_delete(&reader->event);
    reader->holds_event = yaml_parser_parse(&reader->parser, &reader->event) != 0;
    return reader->holds_event ? 0 : fail_parsing(reader);
}

/* A node of the tree for the event looked at; the limits are watched here. */
static int begin_node(struct reader *reader, struct yaml_node *node) {
    if (++reader->nodes > YAML_NODES_MAX)
        return fail_here(reader, "more values than are read of one file");
    node->line = (uint32_t)reader->event.start_mark.line + 1;
    node->column = (uint32_t)reader->event.start_mark.column + 1;
    return 0;
}

static int read_scalar(struct reader *reader, struct yaml_node *node) {
    const char *value = (const char *)reader->event.data.scalar.value;
    size_t length = reader->event.data.scalar.length;
    if (reader->event.data.scalar.tag)
        return fail_here(reader, "tags are not read: expected a plain value");
    if (memchr(value, 0, length))
        return fail_here(reader, "a text with a NUL character");
    node->text = arena_strndup(reader->arena, value, length);
    node->kind = YAML_TEXT;
    if (reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        resolve_plain(node);
    return 0;
}

static int read_node(struct reader *reader, struct yaml_node *node);

static int read_list(struct reader *reader, struct yaml_node *node) {
    uint32_t capacity = 0;
    node->kind = YAML_LIST;
    for (;;) {
        int rc = next_event(reader);
        if (rc || reader->event.type == YAML_SEQUENCE_END_EVENT)
            return rc;
        struct yaml_node item = {0};
        rc = read_node(reader, &item);
        if (rc)
            return rc;
        *ARENA_PUSH(reader->arena, node->items, node->count, capacity) = item;
    }
}

static int read_key(struct reader *reader, const struct yaml_node *map, const char **key) {
    struct yaml_node name = {0};
    if (reader->event.type != YAML_SCALAR_EVENT)
        return fail_here(reader, "a key that is no plain text");
    if (map->count == YAML_KEYS_MAX)
        return fail_here(reader, "more keys than are read of one mapping");
    int rc = begin_node(reader, &name);
    if (!rc)
        rc = read_scalar(reader, &name);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key, name.text) == 0)
            return err_set(reader->err, ERR_INPUT,
                           "%s:%u:%u: the key \"%.100s\" stands twice, first for line %u",
                           reader->name, name.line, name.column, name.text, map->items[i].line);
    *key = name.text;
    return 0;
}

static int read_map(struct reader *reader, struct yaml_node *node) {
    uint32_t capacity = 0;
    node->kind = YAML_MAP;
    for (;;) {
        struct yaml_node item = {0};
        const char *key = NULL;
        int rc = next_event(reader);
        if (rc || reader->event.type == YAML_MAPPING_END_EVENT)
            return rc;
        rc = read_key(reader, node, &key);
        if (!rc)
            rc = next_event(reader);
        if (!rc)
            rc = read_node(reader, &item);
        if (rc)
            return rc;
        item.key = key;
        *ARENA_PUSH(reader->arena, node->items, node->count, capacity) = item;
    }
}

static int read_deeper(struct reader *reader, struct yaml_node *node) {
    bool is_list = reader->event.type == YAML_SEQUENCE_START_EVENT;
    const yaml_char_t *tag =
        is_list ? reader->event.data.sequence_start.tag : reader->event.data.mapping_start.tag;
    if (tag)
        return fail_here(reader, "tags are not read: expected a plain value");
    if (reader->depth == YAML_DEPTH_MAX)
        return fail_here(reader, "nested deeper than is read");
    reader->depth++;
    int rc = is_list ? read_list(reader, node) : read_map(reader, node);
    reader->depth--;
    return rc;
}

/* The value that begins with the event looked at. */
static int read_node(struct reader *reader, struct yaml_node *node) {
    int rc = begin_node(reader, node);
    if (rc)
        return rc;
    switch (reader->event.type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, node);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return read_deeper(reader, node);
    case YAML_ALIAS_EVENT:
        return fail_here(reader, "aliases are not read: write the value out");
    default:
        return fail_here(reader, "expected a value");
    }
}

static int read_document(struct reader *reader, struct yaml_node *root) {
    int rc = next_event(reader); /* the stream's start */
    if (!rc)
        rc = next_event(reader);
    if (rc || reader->event.type == YAML_STREAM_END_EVENT) {
        *root = (struct yaml_node){.kind = YAML_NULL, .line = 1, .column = 1, .text = ""};
        return rc;
    }
    rc = next_event(reader);
    if (!rc)
        rc = read_node(reader, root);
    if (!rc)
        rc = next_event(reader); /* the document's end */
    if (!rc)
        rc = next_event(reader);
    if (!rc && reader->event.type != YAML_STREAM_END_EVENT)
        rc = fail_here(reader, "a second document: expected one");
    return rc;
}

int yaml_parse(struct arena *arena, const char *bytes, size_t size, const char *name,
               struct yaml *yaml, struct err *err) {
    struct reader reader = {.arena = arena, .name = name, .err = err};
    struct yaml_node *root = ARENA_NEW(arena, struct yaml_node);
    *yaml = (struct yaml){name, root};
    if (size > YAML_BYTES_MAX)
        return err_set(err, ERR_INPUT, "%s: %zu bytes: expected at most %d", name, size,
                       YAML_BYTES_MAX);
    if (!yaml_parser_initialize(&reader.parser))
        return err_set(err, ERR_ENVIRONMENT, "%s: no memory to read it", name);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)(bytes ? bytes : ""), size);
    int rc = read_document(&reader, root);
    if (reader.holds_event)
        yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    return rc;
}

int yaml_read(struct arena *arena, const char *path, struct yaml *yaml, struct err *err) {
    struct file_map map;
    int rc = file_map_open(&map, path, err);
    if (rc)
        return rc;
    rc = yaml_parse(arena, (const char *)map.bytes, map.size, path, yaml, err);
    file_map_close(&map);
    return rc;
}

/* ---- asking the tree ------------------------------------------------------------------------ */

const char *yaml_kind_name(enum yaml_kind kind) {
    static const char *const names[] = {
        [YAML_NULL] = "nothing", [YAML_BOOL] = "true or false", [YAML_NUMBER] = "a number",
        [YAML_TEXT] = "a text",  [YAML_LIST] = "a list",        [YAML_MAP] = "a mapping",
    };
    return names[kind];
}

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key) {
    for (uint32_t i = 0; map->kind == YAML_MAP && i < map->count; i++)
        if (strcmp(map->items[i].key, key) == 0)
            return map->items[i].kind == YAML_NULL ? NULL : &map->items[i];
    return NULL;
}

int yaml_error(const struct yaml *yaml, const struct yaml_node *node, struct err *err,
               const char *format, ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_set(err, ERR_INPUT, "%s:%u:%u: %s", yaml->name, node->line, node->column, text);
}

int yaml_only(const struct yaml *yaml, const struct yaml_node *node, const char *const *known,
              struct err *err) {
    if (node->kind != YAML_MAP)
        return yaml_error(yaml, node, err, "expected a mapping, found %s",
                          yaml_kind_name(node->kind));
    for (uint32_t i = 0; i < node->count; i++) {
        const struct yaml_node *item = &node->items[i];
        if (is_one_of(item->key, known))
            continue;
        struct suggestion near = suggestion_for(item->key);
        for (const char *const *word = known; *word; word++)
            suggestion_offer(&near, *word);
        yaml_error(yaml, item, err, "\"%.60s\" is no key that is known here", item->key);
        if (near.nearest)
            return err_hint(err, "did you mean \"%s\"?", near.nearest);
        char list[300] = "";
        for (const char *const *word = known; *word; word++)
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s",
                     word == known ? "" : ", ", *word);
        return err_hint(err, "known are: %s", list);
    }
    return 0;
}

static int expected(const struct yaml *yaml, const struct yaml_node *node, const char *what,
                    struct err *err) {
    if (node->text)
        return yaml_error(yaml, node, err, "%s: expected %s, found \"%.60s\"", node->key, what,
                          node->text);
    return yaml_error(yaml, node, err, "%s: expected %s, found %s", node->key, what,
                      yaml_kind_name(node->kind));
}

int yaml_get_text(const struct yaml *yaml, const struct yaml_node *map, const char *key,
                  const char **value, struct err *err) {
    const struct yaml_node *node = yaml_find(map, key);
    if (!node)
        return 0;
    /* A date or a version looks like a number and is text as it was written. */
    if (!node->text || !*node->text)
        return expected(yaml, node, "a text", err);
    *value = node->text;
    return 0;
}

int yaml_get_bool(const struct yaml *yaml, const struct yaml_node *map, const char *key,
                  bool *value, struct err *err) {
    const struct yaml_node *node = yaml_find(map, key);
    if (!node)
        return 0;
    if (node->kind != YAML_BOOL)
        return expected(yaml, node, "true or false", err);
    *value = node->boolean;
    return 0;
}

int yaml_get_number(const struct yaml *yaml, const struct yaml_node *map, const char *key,
                    double low, double high, double *value, struct err *err) {
    const struct yaml_node *node = yaml_find(map, key);
    char what[80];
    if (!node)
        return 0;
    snprintf(what, sizeof what, "a number from %.10g to %.10g", low, high);
    if (node->kind != YAML_NUMBER || !(node->number >= low && node->number <= high))
        return expected(yaml, node, what, err);
    *value = node->number;
    return 0;
}

int yaml_get_count(const struct yaml *yaml, const struct yaml_node *map, const char *key,
                   uint32_t low, uint32_t high, uint32_t *value, struct err *err) {
    double number = *value;
    int rc = yaml_get_number(yaml, map, key, low, high, &number, err);
    if (rc)
        return rc;
    if (number != floor(number))
        return expected(yaml, yaml_find(map, key), "a whole number", err);
    *value = (uint32_t)number;
    return 0;
}

int yaml_bytes_of(const char *text, double *bytes, struct err *err) {
    static const char binary[] = "KMGTP";
    size_t length = strlen(text);
    uint64_t whole = 0;
    char unit[UNIT_TEXT_SIZE];
    const char *as_ours = text;
    /* Kubernetes leaves the B of GiB out. */
    if (length >= 2 && length + 2 < sizeof unit && text[length - 1] == 'i' &&
        strchr(binary, text[length - 2])) {
        snprintf(unit, sizeof unit, "%sB", text);
        as_ours = unit;
    }
    int rc = unit_parse_bytes(as_ours, &whole, err);
    *bytes = (double)whole;
    return rc;
}

int yaml_cpus_of(const char *text, double *cpus, struct err *err) {
    size_t length = strlen(text);
    char number[UNIT_TEXT_SIZE];
    bool milli = length > 1 && length < sizeof number && text[length - 1] == 'm' &&
                 isdigit((unsigned char)text[length - 2]);
    snprintf(number, sizeof number, "%.*s", (int)(milli ? length - 1 : length), text);
    int rc = unit_parse_number(milli ? number : text, cpus, err);
    if (!rc && !(*cpus >= 0 && *cpus <= 1e9))
        rc = err_set(err, ERR_USAGE, "%s: expected a number of CPUs", text);
    *cpus *= milli ? 1e-3 : 1;
    return rc;
}

static int get_amount(const struct yaml *yaml, const struct yaml_node *map, const char *key,
                      int (*parse)(const char *, double *, struct err *), const char *what,
                      double *value, struct err *err) {
    const struct yaml_node *node = yaml_find(map, key);
    struct err wrong = {0};
    double amount = 0;
    if (!node)
        return 0;
    if ((node->kind != YAML_NUMBER && node->kind != YAML_TEXT) ||
        parse(node->text, &amount, &wrong))
        return expected(yaml, node, what, err);
    *value = amount;
    return 0;
}

int yaml_get_bytes(const struct yaml *yaml, const struct yaml_node *map, const char *key,
                   double *bytes, struct err *err) {
    return get_amount(yaml, map, key, yaml_bytes_of, "a size such as 32GiB", bytes, err);
}

int yaml_get_cpus(const struct yaml *yaml, const struct yaml_node *map, const char *key,
                  double *cpus, struct err *err) {
    return get_amount(yaml, map, key, yaml_cpus_of, "CPUs such as 2 or 500m", cpus, err);
}
