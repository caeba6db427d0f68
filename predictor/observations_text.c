#include "predictor/observations_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char format_name[] = "assay-observations";
static const char format_version[] = "1";
enum { NUMBER_SIZE = 32, FIELDS_MAX = 64 };

/* ---- columns --------------------------------------------------------------------------------- */

/* Numbers by name and place: a new one is a row here, and older texts are then refused. */
struct number_column {
    const char *name;
    size_t offset;
};

#define RUN_NUMBER(field)                                                                          \
    { #field, offsetof(struct observed_run, field) }
#define FOOTPRINT_NUMBER(field)                                                                    \
    { #field, offsetof(struct observed_run, footprint.field) }
#define OP_NUMBER(field)                                                                           \
    { #field, offsetof(struct observation, field) }
#define FEATURE_NUMBER(field)                                                                      \
    { #field, offsetof(struct observation, features.field) }

static const struct number_column run_numbers[] = {
    RUN_NUMBER(latency_ns),
    RUN_NUMBER(cpu_ns),
    RUN_NUMBER(operators_ns),
    RUN_NUMBER(peak_bytes),
    RUN_NUMBER(resident_bytes),
    RUN_NUMBER(baseline_bytes),
    RUN_NUMBER(loaded_bytes),
    RUN_NUMBER(load_ns),
    RUN_NUMBER(first_run_ns),
    RUN_NUMBER(process_start_ns),
    RUN_NUMBER(library_load_ns),
    RUN_NUMBER(library_bytes),
    RUN_NUMBER(file_read_ns),
    RUN_NUMBER(parse_ns),
    RUN_NUMBER(optimise_ns),
    RUN_NUMBER(reorder_ns),
    RUN_NUMBER(prepack_ns),
    {"speed_probe_ns", offsetof(struct observed_run, speed.probe_ns)    },
    {"reference_ns",   offsetof(struct observed_run, speed.reference_ns)},
    FOOTPRINT_NUMBER(operators),
    FOOTPRINT_NUMBER(operator_kinds),
    FOOTPRINT_NUMBER(file_bytes),
    FOOTPRINT_NUMBER(file_nodes),
    FOOTPRINT_NUMBER(external_bytes),
    FOOTPRINT_NUMBER(weight_bytes),
    FOOTPRINT_NUMBER(weight_tensors),
    FOOTPRINT_NUMBER(small_weight_bytes),
    FOOTPRINT_NUMBER(blocked_weight_bytes),
    FOOTPRINT_NUMBER(large_filter_bytes),
    FOOTPRINT_NUMBER(packed_weight_bytes),
    FOOTPRINT_NUMBER(large_matrix_bytes),
    FOOTPRINT_NUMBER(regrown_bytes),
    FOOTPRINT_NUMBER(loading_bytes),
    FOOTPRINT_NUMBER(folded_bytes),
    FOOTPRINT_NUMBER(folded_largest_bytes),
    FOOTPRINT_NUMBER(resident_weight_bytes),
    FOOTPRINT_NUMBER(first_run_bytes),
    FOOTPRINT_NUMBER(arena_bytes),
    FOOTPRINT_NUMBER(arena_most_bytes),
    FOOTPRINT_NUMBER(activation_bytes),
    FOOTPRINT_NUMBER(total_activation_bytes),
    FOOTPRINT_NUMBER(feed_bytes),
};

static const struct number_column op_numbers[] = {
    OP_NUMBER(wall_ns),
    OP_NUMBER(spread),
    OP_NUMBER(slowness),
    FEATURE_NUMBER(flops),
    FEATURE_NUMBER(bytes_in),
    FEATURE_NUMBER(bytes_out),
    FEATURE_NUMBER(bytes_weights),
    FEATURE_NUMBER(inference_ns),
    FEATURE_NUMBER(reuse.weights[0]),
    FEATURE_NUMBER(reuse.weights[1]),
    FEATURE_NUMBER(reuse.weights[2]),
    FEATURE_NUMBER(reuse.weights[3]),
    FEATURE_NUMBER(reuse.weights[4]),
    FEATURE_NUMBER(reuse.data[0]),
    FEATURE_NUMBER(reuse.data[1]),
    FEATURE_NUMBER(reuse.data[2]),
    FEATURE_NUMBER(reuse.data[3]),
    FEATURE_NUMBER(reuse.data[4]),
    FEATURE_NUMBER(reuse.call),
};

enum {
    RUN_NUMBERS = sizeof run_numbers / sizeof *run_numbers,
    OP_NUMBERS = sizeof op_numbers / sizeof *op_numbers,
};

/* Fields before the numbers. */
static const char *const run_texts[] = {"id", "model", "sha256", "purpose"};
static const char *const op_texts[] = {"op", "kernel", "family", "guessed"};
enum { TEXTS = 4 };

_Static_assert(sizeof run_texts / sizeof *run_texts == TEXTS, "of a run");
_Static_assert(sizeof op_texts / sizeof *op_texts == TEXTS, "of an operator");
/* Whoever adds a number to these adds its row above. */
_Static_assert(sizeof(struct footprint) == 23 * sizeof(double), "a row for each number");
_Static_assert(sizeof(struct reuse) == 11 * sizeof(double), "a row for each age, and the call");
_Static_assert(RUN_NUMBERS + 1 + TEXTS < FIELDS_MAX, "a run fits a line");
_Static_assert(OP_NUMBERS + 1 + TEXTS + FEATURE_TERMS_MAX < FIELDS_MAX, "an operator fits a line");

static double number_of(const void *item, const struct number_column *column) {
    double value;
    memcpy(&value, (const char *)item + column->offset, sizeof value);
    return value;
}

static void set_number(void *item, const struct number_column *column, double value) {
    memcpy((char *)item + column->offset, &value, sizeof value);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* The shortest decimal that reads back the same. */
static void write_number(struct strbuf *out, double value) {
    char text[NUMBER_SIZE];
    if (value == rint(value) && fabs(value) < 1e15) {
        snprintf(text, sizeof text, "\t%.0f", value);
    } else {
        int digits = 15;
        do
            snprintf(text, sizeof text, "\t%.*g", digits, value);
        while (digits++ < 17 && strtod(text + 1, NULL) != value && isfinite(value));
    }
    strbuf_puts(out, text);
}

/* Tabs, line ends and backslashes escaped as in C. */
static void write_text(struct strbuf *out, const char *text) {
    static const char special[] = "\t\n\r\\", letters[] = "tnr\\";
    strbuf_puts(out, "\t");
    for (; *text; text++) {
        const char *found = strchr(special, *text);
        const char escaped[2] = {'\\', found ? letters[found - special] : '\0'};
        if (found)
            strbuf_add(out, escaped, 2);
        else
            strbuf_add(out, text, 1);
    }
}

static void write_columns(struct strbuf *out, const char *kind, const char *const *texts,
                          const struct number_column *numbers, uint32_t count) {
    strbuf_puts(out, kind);
    for (uint32_t i = 0; i < TEXTS; i++)
        write_text(out, texts[i]);
    for (uint32_t i = 0; i < count; i++)
        write_text(out, numbers[i].name);
    strbuf_puts(out, "\n");
}

static void write_head(struct strbuf *out, const struct training *training) {
    strbuf_printf(out, "%s\t%s\nthreads\t%" PRIu32 "\n", format_name, format_version,
                  training->threads);
    for (int f = 0; f < FAMILY_COUNT; f++) {
        const struct family_info *info = family_info((enum kernel_family)f);
        strbuf_puts(out, "family");
        write_text(out, info->name);
        for (int i = 0; i < FEATURE_TERMS_MAX && info->terms[i]; i++)
            write_text(out, info->terms[i]);
        strbuf_puts(out, "\n");
    }
    write_columns(out, "run-columns", run_texts, run_numbers, RUN_NUMBERS);
    write_columns(out, "op-columns", op_texts, op_numbers, OP_NUMBERS);
}

static void write_run(struct strbuf *out, const struct observed_run *run) {
    strbuf_printf(out, "run\t%" PRId64, run->id);
    write_text(out, run->model_name);
    write_text(out, run->model_sha256);
    write_text(out, run->purpose ? run->purpose : "");
    for (uint32_t i = 0; i < RUN_NUMBERS; i++)
        write_number(out, number_of(run, &run_numbers[i]));
    strbuf_puts(out, "\n");
}

static void write_op(struct strbuf *out, const struct observation *o) {
    const struct family_info *info = family_info(o->features.family);
    strbuf_printf(out, "op\t%" PRId32, o->op);
    write_text(out, o->features.key);
    write_text(out, info->name);
    write_text(out, o->features.guessed ? "1" : "0");
    for (uint32_t i = 0; i < OP_NUMBERS; i++)
        write_number(out, number_of(o, &op_numbers[i]));
    for (int i = 0; i < FEATURE_TERMS_MAX && info->terms[i]; i++)
        write_number(out, o->features.terms[i]);
    strbuf_puts(out, "\n");
}

void observations_write(const struct training *training, struct strbuf *out) {
    write_head(out, training);
    for (uint32_t r = 0; r < training->run_count; r++) {
        write_run(out, &training->runs[r]);
        uint32_t end = training_first(training, r + 1);
        for (uint32_t i = training_first(training, r); i < end; i++)
            write_op(out, &training->observations[i]);
    }
    strbuf_printf(out, "end\t%" PRIu32 "\t%" PRIu32 "\n", training->run_count,
                  training->observation_count);
}

/* ---- a line ---------------------------------------------------------------------------------- */

struct field {
    const char *text; /* not terminated */
    size_t length;
};

struct reading {
    struct arena *arena;
    const char *at, *end, *what;
    uint32_t line;
    struct field fields[FIELDS_MAX];
    uint32_t count; /* of the present line */
    struct observation *observations;
    struct observed_run *runs;
    uint32_t observation_count, observation_capacity, run_count, run_capacity, threads;
    bool ended;
    struct err *err;
};

static int wrong(struct reading *r, const char *expected) {
    return err_set(r->err, ERR_INPUT, "%s, line %" PRIu32 ": expected %s", r->what, r->line,
                   expected);
}

static int other_version(struct reading *r, const char *what) {
    err_set(r->err, ERR_INPUT, "%s, line %" PRIu32 ": %s are not those of this program", r->what,
            r->line, what);
    return err_hint(r->err,
                    "write it again from the database that it came from: `assay observations`");
}

static int next_line(struct reading *r) {
    const char *stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
    r->line++;
    r->count = 0;
    if (!stop)
        return wrong(r, "a whole line: the text is cut off");
    for (const char *at = r->at; r->count < FIELDS_MAX; at++) {
        const char *tab = memchr(at, '\t', (size_t)(stop - at));
        const char *end = tab ? tab : stop;
        r->fields[r->count++] = (struct field){at, (size_t)(end - at)};
        at = end;
        if (!tab)
            break;
    }
    r->at = stop + 1;
    return 0;
}

static bool is_word(const struct field *field, const char *word) {
    return field->length == strlen(word) && memcmp(field->text, word, field->length) == 0;
}

static bool is_kind(const struct reading *r, const char *kind) {
    return is_word(&r->fields[0], kind);
}

static const char *text_of(struct reading *r, uint32_t i) {
    static const char special[] = "\t\n\r\\", letters[] = "tnr\\";
    char *text = arena_strndup(r->arena, r->fields[i].text, r->fields[i].length), *to = text;
    for (const char *from = text; *from; from++) {
        const char *found = *from == '\\' && from[1] ? strchr(letters, from[1]) : NULL;
        *to++ = found ? special[found - letters] : *from;
        from += found != NULL;
    }
    *to = '\0';
    return text;
}

static int number_field(struct reading *r, uint32_t i, double *value) {
    char text[NUMBER_SIZE], *end;
    const struct field *field = &r->fields[i];
    if (field->length == 0 || field->length >= sizeof text)
        return wrong(r, "a number");
    memcpy(text, field->text, field->length);
    text[field->length] = '\0';
    *value = strtod(text, &end);
    return *end ? wrong(r, "a number") : 0;
}

static int whole_field(struct reading *r, uint32_t i, double low, double high, double *value) {
    if (number_field(r, i, value))
        return -(int)r->err->code;
    return *value >= low && *value <= high && *value == rint(*value) ? 0
                                                                     : wrong(r, "a whole number");
}

/* ---- the head -------------------------------------------------------------------------------- */

static bool has_columns(const struct reading *r, const char *kind, const char *const *texts,
                        const struct number_column *numbers, uint32_t count) {
    if (!is_kind(r, kind) || r->count != 1 + TEXTS + count)
        return false;
    for (uint32_t i = 0; i < TEXTS; i++)
        if (!is_word(&r->fields[1 + i], texts[i]))
            return false;
    for (uint32_t i = 0; i < count; i++)
        if (!is_word(&r->fields[1 + TEXTS + i], numbers[i].name))
            return false;
    return true;
}

static uint32_t term_count(enum kernel_family family) {
    uint32_t n = 0;
    while (n < FEATURE_TERMS_MAX && family_info(family)->terms[n])
        n++;
    return n;
}

static int read_family(struct reading *r, enum kernel_family family) {
    const struct family_info *info = family_info(family);
    if (next_line(r))
        return -(int)r->err->code;
    bool same = is_kind(r, "family") && r->count == 2 + term_count(family) &&
                is_word(&r->fields[1], info->name);
    for (uint32_t i = 2; same && i < r->count; i++)
        same = is_word(&r->fields[i], info->terms[i - 2]);
    return same ? 0 : other_version(r, "the terms of kernel families");
}

static int read_head(struct reading *r) {
    double threads;
    if (next_line(r))
        return -(int)r->err->code;
    if (!is_kind(r, format_name) || r->count != 2)
        return wrong(r, "\"assay-observations\" and a version");
    if (!is_word(&r->fields[1], format_version))
        return other_version(r, "version and format");
    if (next_line(r))
        return -(int)r->err->code;
    if (!is_kind(r, "threads") || r->count != 2)
        return wrong(r, "\"threads\" and their number");
    if (whole_field(r, 1, 1, 65536, &threads))
        return -(int)r->err->code;
    r->threads = (uint32_t)threads;
    for (int f = 0; f < FAMILY_COUNT; f++)
        if (read_family(r, (enum kernel_family)f))
            return -(int)r->err->code;
    if (next_line(r))
        return -(int)r->err->code;
    if (!has_columns(r, "run-columns", run_texts, run_numbers, RUN_NUMBERS))
        return other_version(r, "the columns of runs");
    if (next_line(r))
        return -(int)r->err->code;
    return has_columns(r, "op-columns", op_texts, op_numbers, OP_NUMBERS)
               ? 0
               : other_version(r, "the columns of operators");
}

/* ---- runs and operators ---------------------------------------------------------------------- */

static int read_numbers(struct reading *r, const struct number_column *columns, uint32_t count,
                        void *item) {
    for (uint32_t i = 0; i < count; i++) {
        double value;
        if (number_field(r, 1 + TEXTS + i, &value))
            return -(int)r->err->code;
        set_number(item, &columns[i], value);
    }
    return 0;
}

static int read_run(struct reading *r) {
    double id;
    if (r->count != 1 + TEXTS + RUN_NUMBERS)
        return wrong(r, "the fields that run-columns names");
    if (whole_field(r, 1, -9e15, 9e15, &id))
        return -(int)r->err->code;
    struct observed_run *run = ARENA_PUSH(r->arena, r->runs, r->run_count, r->run_capacity);
    run->id = (int64_t)id;
    run->model_name = text_of(r, 2);
    run->model_sha256 = text_of(r, 3);
    run->purpose = text_of(r, 4);
    return read_numbers(r, run_numbers, RUN_NUMBERS, run);
}

static int family_of(struct reading *r, uint32_t field) {
    for (int f = 0; f < FAMILY_COUNT; f++)
        if (is_word(&r->fields[field], family_info((enum kernel_family)f)->name))
            return f;
    return wrong(r, "the name of a kernel family");
}

static int read_op(struct reading *r) {
    double index;
    if (r->count < 1 + TEXTS + OP_NUMBERS)
        return wrong(r, "the fields that op-columns names, and the terms of the family");
    int family = family_of(r, 3);
    if (family < 0 || whole_field(r, 1, 0, INT32_MAX, &index))
        return -(int)r->err->code;
    uint32_t terms = term_count((enum kernel_family)family);
    if (r->count != 1 + TEXTS + OP_NUMBERS + terms)
        return wrong(r, "the fields that op-columns names, and the terms of the family");
    if (r->fields[2].length >= KERNEL_KEY_SIZE)
        return wrong(r, "a kernel class of at most 63 bytes");
    struct observation *o =
        ARENA_PUSH(r->arena, r->observations, r->observation_count, r->observation_capacity);
    o->op = (int32_t)index;
    o->run = r->run_count - 1;
    o->features.family = (enum kernel_family)family;
    o->features.guessed = is_word(&r->fields[4], "1");
    memcpy(o->features.key, r->fields[2].text, r->fields[2].length);
    for (uint32_t i = 0; i < terms; i++)
        if (number_field(r, 1 + TEXTS + OP_NUMBERS + i, &o->features.terms[i]))
            return -(int)r->err->code;
    return read_numbers(r, op_numbers, OP_NUMBERS, o);
}

static int read_end(struct reading *r) {
    double runs, operators;
    if (r->count != 3)
        return wrong(r, "\"end\", the numbers of runs and of operators");
    if (number_field(r, 1, &runs) || number_field(r, 2, &operators))
        return -(int)r->err->code;
    if (runs != r->run_count || operators != r->observation_count)
        return wrong(r, "as many runs and operators as there were: lines are missing");
    r->ended = true;
    return r->at == r->end ? 0 : wrong(r, "nothing behind \"end\"");
}

static int read_item(struct reading *r) {
    if (next_line(r))
        return -(int)r->err->code;
    if (is_kind(r, "run"))
        return read_run(r);
    if (is_kind(r, "op"))
        return r->run_count ? read_op(r) : wrong(r, "a run before its operators");
    return is_kind(r, "end") ? read_end(r) : wrong(r, "\"run\", \"op\" or \"end\"");
}

int observations_read(struct arena *arena, const char *text, size_t length, const char *what,
                      struct training *out, struct err *err) {
    struct reading r = {.arena = arena, .at = text, .end = text + length, .what = what, .err = err};
    *out = (struct training){0};
    if (read_head(&r))
        return -(int)err->code;
    while (!r.ended)
        if (read_item(&r))
            return -(int)err->code;
    *out = (struct training){r.observations, r.runs,    r.observation_count,
                             r.run_count,    r.threads, usual_speed(r.runs, r.run_count)};
    return 0;
}
