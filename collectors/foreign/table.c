#include "collectors/foreign/table.h"

#include "base/utf8.h"
#include "collectors/foreign/csv.h"
#include "collectors/foreign/mapping.h"
#include "collectors/foreign/template.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BOUND_RULES_MAX = 4096 };

/* Cells that should be numbers or shapes and are not: counted, and the first one shown. */
struct complaint {
    const char *what; /* "time of mlp_act", NULL: none so far */
    uint64_t count, first_line;
    char first[48];
};

struct bound_number {
    bool said;
    double scale;
    struct template value;
    struct complaint complaint;
};

struct bound_condition {
    const struct mapping_condition *condition;
    struct template value;
};

struct bound_attribute {
    const char *key;
    struct template value;
};

/* A rule whose templates know the places of their columns. */
struct bound_rule {
    struct bound_condition *conditions;
    uint32_t condition_count;
    struct template name, device, shapes, dtypes;
    struct bound_number count, time, low, high, value;
    struct bound_attribute *attributes;
    uint32_t attribute_count;
    struct complaint shape_complaint;
    const char *metric, *unit; /* of a sample */
};

enum { TEXT_NAME, TEXT_DEVICE, TEXT_SHAPES, TEXT_DTYPES, TEXT_ATTRIBUTES, TEXT_CELL, TEXTS };

struct reader {
    const struct foreign_request *request;
    struct span_sink *sink;
    struct mapping mapping;
    struct bound_rule *rules;
    uint32_t rule_count;
    struct foreign_outcome *outcome;
    uint64_t lines, rows, samples, unmatched;
    struct strbuf texts[TEXTS];
};

/* ---- binding --------------------------------------------------------------------------------- */

struct binding {
    struct arena *arena;
    struct template_names names;
    const char *variable, *value; /* what `each` stands for; NULL */
};

static int bind(const struct binding *binding, const char *source, struct template *out,
                struct err *err) {
    *out = (struct template){0};
    if (!source)
        return 0;
    if (binding->variable)
        source = template_replace(binding->arena, source, binding->variable, binding->value);
    return template_compile(binding->arena, source, &binding->names, out, err);
}

static int bind_number(const struct binding *binding, const char *what,
                       const struct mapping_number *number, struct bound_number *out,
                       struct err *err) {
    out->said = number->value != NULL;
    out->scale = number->scale;
    out->complaint.what =
        !binding->value ? what : arena_printf(binding->arena, "%s of %s", what, binding->value);
    return bind(binding, number->value, &out->value, err);
}

static int bind_conditions(const struct binding *binding, const struct mapping_rule *rule,
                           struct bound_rule *out, struct err *err) {
    out->condition_count = rule->condition_count;
    out->conditions = ARENA_ARRAY(binding->arena, rule->condition_count, struct bound_condition);
    for (uint32_t i = 0; i < rule->condition_count; i++) {
        out->conditions[i].condition = &rule->conditions[i];
        if (bind(binding, rule->conditions[i].value, &out->conditions[i].value, err))
            return -(int)err->code;
    }
    return 0;
}

static int bind_attributes(const struct binding *binding, const struct mapping_rule *rule,
                           struct bound_rule *out, struct err *err) {
    out->attribute_count = rule->attribute_count;
    out->attributes = ARENA_ARRAY(binding->arena, rule->attribute_count, struct bound_attribute);
    for (uint32_t i = 0; i < rule->attribute_count; i++) {
        out->attributes[i].key = rule->attributes[i].key;
        if (bind(binding, rule->attributes[i].value, &out->attributes[i].value, err))
            return -(int)err->code;
    }
    return 0;
}

static int bind_rule(struct reader *reader, const struct binding *binding,
                     const struct mapping_rule *rule, struct err *err) {
    if (reader->rule_count == BOUND_RULES_MAX)
        return err_set(err, ERR_INPUT, "the mapping gives more than %d rows per line",
                       BOUND_RULES_MAX);
    struct bound_rule *out = &reader->rules[reader->rule_count++];
    const struct mapping_number count = {rule->count, 1}, value = {rule->value, 1};
    out->metric = rule->metric;
    out->unit = rule->unit;
    if (bind_conditions(binding, rule, out, err) || bind(binding, rule->name, &out->name, err) ||
        bind(binding, rule->device, &out->device, err) ||
        bind(binding, rule->shapes, &out->shapes, err) ||
        bind(binding, rule->dtypes, &out->dtypes, err) ||
        bind_number(binding, "count", &count, &out->count, err) ||
        bind_number(binding, "time", &rule->time, &out->time, err) ||
        bind_number(binding, "low", &rule->low, &out->low, err) ||
        bind_number(binding, "high", &rule->high, &out->high, err) ||
        bind_number(binding, rule->metric ? rule->metric : "value", &value, &out->value, err))
        return -(int)err->code;
    out->shape_complaint.what = "shapes";
    return bind_attributes(binding, rule, out, err);
}

/* "time_stats.{op}.median" once per column that is so, with what stands for {op}. */
static int bind_each(struct reader *reader, struct binding *binding,
                     const struct mapping_rule *rule, struct err *err) {
    const char *open = strchr(rule->each, '{'), *close = open ? strchr(open, '}') : NULL;
    uint32_t before = reader->rule_count;
    if (!close || close == open + 1)
        return err_set(err, ERR_INPUT, "each \"%s\" has no {name}", rule->each);
    size_t head = (size_t)(open - rule->each), tail = strlen(close + 1);
    binding->variable = arena_strndup(binding->arena, open + 1, (size_t)(close - open - 1));
    for (uint32_t i = 0; i < binding->names.header->count; i++) {
        const char *column = binding->names.header->cells[i];
        size_t length = strlen(column);
        if (length <= head + tail || strncmp(column, rule->each, head) != 0 ||
            strcmp(column + length - tail, close + 1) != 0)
            continue;
        binding->value = arena_strndup(binding->arena, column + head, length - head - tail);
        if (bind_rule(reader, binding, rule, err))
            return -(int)err->code;
    }
    binding->variable = binding->value = NULL;
    return reader->rule_count > before
               ? 0
               : err_set(err, ERR_INPUT, "no column is like \"%s\"", rule->each);
}

static int bind_all(struct reader *reader, const struct csv_record *header, struct err *err) {
    struct pairs variables;
    const struct mapping *mapping = &reader->mapping;
    if (mapping_variables(reader->request->arena, mapping->path, reader->request->path, &variables,
                          err))
        return -(int)err->code;
    struct binding binding = {
        .arena = reader->request->arena, .names = {header, &variables}
    };
    uint32_t most = mapping->rule_count * (header->count > 0 ? header->count : 1);
    reader->rules = ARENA_ARRAY(reader->request->arena,
                                most < BOUND_RULES_MAX ? most : BOUND_RULES_MAX, struct bound_rule);
    for (uint32_t i = 0; i < mapping->rule_count; i++) {
        const struct mapping_rule *rule = &mapping->rules[i];
        if (rule->each ? bind_each(reader, &binding, rule, err)
                       : bind_rule(reader, &binding, rule, err))
            return -(int)err->code;
    }
    return 0;
}

static int choose(struct reader *reader, const struct csv_record *header, struct err *err) {
    const struct foreign_request *request = reader->request;
    const char *folder, *missing;
    if (!request->mapping)
        return mapping_folder(request->arena, &folder, err) ||
                       mapping_choose(request->arena, folder, header, &reader->mapping, err)
                   ? -(int)err->code
                   : 0;
    if (mapping_read(request->arena, request->mapping, &reader->mapping, err))
        return -(int)err->code;
    missing = mapping_missing(&reader->mapping, header);
    return missing ? err_set(err, ERR_INPUT, "the mapping %s needs the column %s",
                             reader->mapping.name, missing)
                   : 0;
}

static int read_header(struct reader *reader, const struct csv_record *header, struct err *err) {
    if (choose(reader, header, err))
        return err_prefix(err, "%s", reader->request->path);
    if (bind_all(reader, header, err))
        return err_prefix(err, "%s: mapping %s", reader->request->path, reader->mapping.name);
    return 0;
}

/* ---- a line ---------------------------------------------------------------------------------- */

/* In the outcome's sum too, which is told at once. */
static void leave_out(struct reader *reader, uint64_t line, const char *what, const char *verb) {
    if (reader->outcome->skipped++ == 0)
        reader->outcome->why = arena_printf(reader->request->arena, "in line %llu: %s %s",
                                            (unsigned long long)line, what, verb);
}

static void complain(struct reader *reader, struct complaint *complaint,
                     const struct csv_record *record, const char *text) {
    leave_out(reader, record->line, complaint->what, "cannot be read");
    if (complaint->count++ > 0)
        return;
    complaint->first_line = record->line;
    snprintf(complaint->first, sizeof complaint->first, "%.*s", (int)utf8_prefix(text, 40), text);
}

/* NaN where the table does not say it; what is no number is complained of. */
static double number_of(struct reader *reader, struct bound_number *number,
                        const struct csv_record *record, double least) {
    struct strbuf *cell = &reader->texts[TEXT_CELL];
    double value;
    if (!number->said)
        return NAN;
    template_expand(&number->value, record->cells, cell);
    if (csv_number(cell->text, &value) && value * number->scale >= least &&
        isfinite(value * number->scale))
        return value * number->scale;
    complain(reader, &number->complaint, record, cell->text);
    return NAN;
}

static bool is_one_of(const struct mapping_condition *condition, const char *text) {
    for (uint32_t i = 0; i < condition->count; i++)
        if (strcmp(condition->texts[i], text) == 0)
            return true;
    return false;
}

static bool applies(struct reader *reader, const struct bound_rule *rule,
                    const struct csv_record *record) {
    struct strbuf *cell = &reader->texts[TEXT_CELL];
    for (uint32_t i = 0; i < rule->condition_count; i++) {
        const struct bound_condition *bound = &rule->conditions[i];
        template_expand(&bound->value, record->cells, cell);
        if (is_one_of(bound->condition, cell->text) == bound->condition->unless)
            return false;
    }
    return true;
}

/* NULL where nothing stands. */
static const char *text_of(struct reader *reader, int which, const struct template *template,
                           const struct csv_record *record) {
    struct strbuf *text = &reader->texts[which];
    template_expand(template, record->cells, text);
    return text->length > 0 ? text->text : NULL;
}

static const char *shapes_of(struct reader *reader, struct bound_rule *rule,
                             const struct csv_record *record) {
    struct strbuf *text = &reader->texts[TEXT_SHAPES];
    if (template_expand(&rule->shapes, record->cells, text))
        return text->length > 0 ? text->text : NULL;
    complain(reader, &rule->shape_complaint, record, text->text);
    return NULL;
}

/* A value with blanks, quotes or "=" stands in quotes, and its quotes twice. */
static void add_attribute(struct strbuf *out, const char *key, const char *value) {
    strbuf_puts(out, out->length > 0 ? " " : "");
    strbuf_puts(out, key);
    strbuf_puts(out, "=");
    if (value[strcspn(value, " \t\r\n\"=")] == '\0') {
        strbuf_puts(out, value);
        return;
    }
    strbuf_puts(out, "\"");
    for (; *value; value++) {
        strbuf_puts(out, *value == '"' ? "\"" : "");
        strbuf_add(out, value, 1);
    }
    strbuf_puts(out, "\"");
}

static const char *attributes_of(struct reader *reader, const struct bound_rule *rule,
                                 const struct csv_record *record) {
    struct strbuf *out = &reader->texts[TEXT_ATTRIBUTES], *cell = &reader->texts[TEXT_CELL];
    out->length = 0;
    for (uint32_t i = 0; i < rule->attribute_count; i++) {
        template_expand(&rule->attributes[i].value, record->cells, cell);
        if (cell->length > 0)
            add_attribute(out, rule->attributes[i].key, cell->text);
    }
    return out->length > 0 ? out->text : NULL;
}

static int give_row(struct reader *reader, struct bound_rule *rule, const struct csv_record *record,
                    struct err *err) {
    double count = number_of(reader, &rule->count, record, 0);
    const char *name = text_of(reader, TEXT_NAME, &rule->name, record);
    struct table_row row = {
        .name = name ? name : "",
        .device = text_of(reader, TEXT_DEVICE, &rule->device, record),
        .shapes = shapes_of(reader, rule, record),
        .dtypes = text_of(reader, TEXT_DTYPES, &rule->dtypes, record),
        .attributes = attributes_of(reader, rule, record),
        .count = count >= 1 && count < 9e15 ? (uint64_t)count : 0,
        .time_ns = number_of(reader, &rule->time, record, 0),
        .low_ns = number_of(reader, &rule->low, record, 0),
        .high_ns = number_of(reader, &rule->high, record, 0),
    };
    reader->rows++;
    return reader->sink->row ? reader->sink->row(reader->sink->context, &row, err) : 0;
}

static int give_sample(struct reader *reader, struct bound_rule *rule,
                       const struct csv_record *record, struct err *err) {
    double at = number_of(reader, &rule->time, record, -9e18);
    double value = number_of(reader, &rule->value, record, -INFINITY);
    if (!(fabs(at) < 9e18) || isnan(value))
        return 0;
    const struct track_sample sample = {
        .metric = rule->metric, .unit = rule->unit, .at_ns = llround(at), .value = value};
    reader->samples++;
    return reader->sink->sample ? reader->sink->sample(reader->sink->context, &sample, err) : 0;
}

static int read_record(void *context, const struct csv_record *record, struct err *err) {
    struct reader *reader = context;
    bool matched = false;
    if (!reader->rules)
        return read_header(reader, record, err);
    for (uint32_t i = 0; i < reader->rule_count; i++) {
        struct bound_rule *rule = &reader->rules[i];
        if (!applies(reader, rule, record))
            continue;
        matched = true;
        if (rule->metric ? give_sample(reader, rule, record, err)
                         : give_row(reader, rule, record, err))
            return -(int)err->code;
    }
    reader->lines++;
    if (matched)
        return 0;
    reader->unmatched++;
    leave_out(reader, record->line, "no rule", "applies");
    return 0;
}

/* ---- what is said of the whole --------------------------------------------------------------- */

static int say(struct reader *reader, const char *key, const char *value, struct err *err) {
    return reader->sink->fact ? reader->sink->fact(reader->sink->context, key, value, err) : 0;
}

static int say_count(struct reader *reader, const char *key, uint64_t count, struct err *err) {
    return say(reader, key, arena_printf(reader->request->arena, "%llu", (unsigned long long)count),
               err);
}

static int say_complaint(struct reader *reader, uint32_t rule, const struct complaint *complaint,
                         struct err *err) {
    if (complaint->count == 0)
        return 0;
    struct arena *arena = reader->request->arena;
    return say(reader,
               arena_printf(arena, "table cells left out: %s (row %u of a line)", complaint->what,
                            rule + 1),
               arena_printf(arena, "%llu, the first in line %llu: \"%s\"",
                            (unsigned long long)complaint->count,
                            (unsigned long long)complaint->first_line, complaint->first),
               err);
}

static int say_complaints(struct reader *reader, struct err *err) {
    for (uint32_t i = 0; i < reader->rule_count; i++) {
        const struct bound_rule *rule = &reader->rules[i];
        if (say_complaint(reader, i, &rule->time.complaint, err) ||
            say_complaint(reader, i, &rule->low.complaint, err) ||
            say_complaint(reader, i, &rule->high.complaint, err) ||
            say_complaint(reader, i, &rule->count.complaint, err) ||
            say_complaint(reader, i, &rule->value.complaint, err) ||
            say_complaint(reader, i, &rule->shape_complaint, err))
            return -(int)err->code;
    }
    return 0;
}

static int say_all(struct reader *reader, struct err *err) {
    if (say(reader, "mapping", reader->mapping.name, err) ||
        say_count(reader, "table lines", reader->lines, err) ||
        say_count(reader, "table rows", reader->rows + reader->samples, err) ||
        (reader->unmatched > 0 &&
         say_count(reader, "table lines left out: no rule applies", reader->unmatched, err)))
        return -(int)err->code;
    return say_complaints(reader, err);
}

static int read_table(const struct foreign_request *request, struct inflated *in,
                      struct span_sink *sink, struct foreign_outcome *out, struct err *err) {
    struct reader reader = {.request = request, .sink = sink, .outcome = out};
    for (size_t i = 0; i < TEXTS; i++)
        strbuf_init(&reader.texts[i]);
    int rc = csv_read(request->path, in, read_record, &reader, out, err);
    if (rc == 0 && !reader.rules)
        rc = err_set(err, ERR_INPUT, "%s: a table without a header", request->path);
    out->events = reader.lines;
    if (rc == 0)
        rc = say_all(&reader, err);
    for (size_t i = 0; i < TEXTS; i++)
        strbuf_done(&reader.texts[i]);
    return rc;
}

/* A first line of several words between commas, none of them a number. Which table it is the
 * mappings know. */
static bool sniff_table(const char *head, size_t length) {
    size_t end = 0, commas = 0;
    if (length >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0)
        head += 3, length -= 3;
    while (end < length && head[end] != '\n') {
        unsigned char c = (unsigned char)head[end++];
        if (c < 0x20 && c != '\r')
            return false;
        commas += c == ',';
    }
    return commas > 0 && end < length && !strchr("{[<#%(", head[0]) &&
           !isdigit((unsigned char)head[0]);
}

const struct foreign_format foreign_table = {
    .name = "table",
    .help = "operators as CSV, read by a mapping",
    .sniff = sniff_table,
    .read = read_table,
};
