#include "collectors/foreign/csv.h"

#include "base/utf8.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum state {
    CELL_START,
    PLAIN,
    QUOTED,
    QUOTE_IN_QUOTED, /* the end of the cell, or the first of two */
};

void csv_init(struct csv *csv, const char *path, csv_record_fn *visit, void *context) {
    *csv =
        (struct csv){.path = path, .visit = visit, .context = context, .line = 1, .start_line = 1};
    strbuf_init(&csv->text);
    csv->starts = calloc(CSV_CELLS_MAX, sizeof *csv->starts);
    csv->cells = calloc(CSV_CELLS_MAX, sizeof *csv->cells);
}

void csv_done(struct csv *csv) {
    strbuf_done(&csv->text);
    free(csv->starts);
    free(csv->cells);
}

static int refuse(const struct csv *csv, struct err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(const struct csv *csv, struct err *err, const char *format, ...) {
    char what[160];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return err_set(err, ERR_INPUT, "%s:%llu: %s", csv->path, (unsigned long long)csv->line, what);
}

/* ---- a record -------------------------------------------------------------------------------- */

static int check_text(const struct csv *csv, const char *cell, struct err *err) {
    for (size_t step; *cell; cell += step) {
        step = utf8_length((const unsigned char *)cell);
        if (step == 0)
            return refuse(csv, err, "a cell is not UTF-8");
    }
    return 0;
}

static void begin_record(struct csv *csv) {
    csv->count = 0;
    csv->quoted = false;
    csv->text.length = 0;
    csv->start_line = csv->line;
    csv->whole_bytes = csv->offset;
    csv->state = CELL_START;
}

static int hand_over(struct csv *csv, struct err *err) {
    if (csv->records == 0)
        csv->width = csv->count;
    if (csv->count != csv->width)
        return refuse(csv, err, "%u cells, the header has %u", csv->count, csv->width);
    for (uint32_t i = 0; i < csv->count; i++) {
        csv->cells[i] = csv->text.text + csv->starts[i];
        if (check_text(csv, csv->cells[i], err))
            return -(int)err->code;
    }
    struct csv_record record = {csv->start_line, csv->count, csv->cells};
    if (csv->visit(csv->context, &record, err))
        return -(int)err->code;
    csv->records++;
    return 0;
}

static int end_cell(struct csv *csv, struct err *err) {
    if (csv->state == CELL_START) {
        if (csv->count == CSV_CELLS_MAX)
            return refuse(csv, err, "more than %d cells", CSV_CELLS_MAX);
        csv->starts[csv->count++] = csv->text.length;
    }
    strbuf_add(&csv->text, "", 1);
    csv->state = CELL_START;
    return 0;
}

static bool is_empty_line(const struct csv *csv) {
    return csv->state == CELL_START && csv->count == 0 && !csv->quoted;
}

static int end_record(struct csv *csv, struct err *err) {
    if (!is_empty_line(csv) && (end_cell(csv, err) || hand_over(csv, err)))
        return -(int)err->code;
    csv->line++;
    begin_record(csv);
    return 0;
}

/* ---- characters ------------------------------------------------------------------------------ */

static int begin_cell(struct csv *csv, enum state state, struct err *err) {
    if (csv->count == CSV_CELLS_MAX)
        return refuse(csv, err, "more than %d cells", CSV_CELLS_MAX);
    csv->starts[csv->count++] = csv->text.length;
    csv->state = state;
    return 0;
}

static int put(struct csv *csv, char c, struct err *err) {
    if (c == '\0')
        return refuse(csv, err, "a NUL byte in a text");
    if (csv->text.length >= CSV_RECORD_BYTES_MAX)
        return refuse(csv, err, "a record is longer than 1 MiB");
    strbuf_add(&csv->text, &c, 1);
    return 0;
}

/* CR LF ends a record as LF does; the CR is already in the cell. */
static void drop_carriage_return(struct csv *csv) {
    size_t length = csv->text.length;
    if (csv->state != PLAIN || csv->text.text[length - 1] != '\r')
        return;
    csv->text.length--;
    if (csv->starts[csv->count - 1] == csv->text.length) {
        csv->count--;
        csv->state = CELL_START;
    }
}

static int line_end(struct csv *csv, struct err *err) {
    if (csv->state == QUOTED) {
        csv->line++;
        return put(csv, '\n', err);
    }
    drop_carriage_return(csv);
    return end_record(csv, err);
}

static int plain_character(struct csv *csv, char c, struct err *err) {
    if (c == ',')
        return end_cell(csv, err);
    if (c == '"')
        return refuse(csv, err, "a quote inside a cell that does not begin with one");
    return put(csv, c, err);
}

static int first_character(struct csv *csv, char c, struct err *err) {
    if (c == ',')
        return end_cell(csv, err);
    csv->quoted |= c == '"';
    if (begin_cell(csv, c == '"' ? QUOTED : PLAIN, err))
        return -(int)err->code;
    return c == '"' ? 0 : put(csv, c, err);
}

static int quoted_character(struct csv *csv, char c, struct err *err) {
    if (c != '"')
        return put(csv, c, err);
    csv->state = QUOTE_IN_QUOTED;
    return 0;
}

static int after_quote(struct csv *csv, char c, struct err *err) {
    if (c == ',')
        return end_cell(csv, err);
    if (c == '\r') /* of CR LF */
        return 0;
    if (c != '"')
        return refuse(csv, err, "text behind the quote that ends a cell");
    csv->state = QUOTED;
    return put(csv, c, err);
}

static int character(struct csv *csv, char c, struct err *err) {
    static int (*const steps[])(struct csv *, char, struct err *) = {
        [CELL_START] = first_character,
        [PLAIN] = plain_character,
        [QUOTED] = quoted_character,
        [QUOTE_IN_QUOTED] = after_quote,
    };
    return c == '\n' ? line_end(csv, err) : steps[csv->state](csv, c, err);
}

/* The UTF-8 byte order mark is no part of the first column's name. */
static int skip_mark(struct csv *csv, char c, bool *skipped, struct err *err) {
    static const char mark[] = "\xef\xbb\xbf";
    *skipped = csv->mark < 3 && csv->mark == csv->offset && c == mark[csv->mark];
    if (*skipped) {
        csv->mark++;
        return 0;
    }
    uint32_t beginning = csv->mark < 3 ? csv->mark : 0;
    csv->mark = 3;
    for (uint32_t i = 0; i < beginning; i++)
        if (character(csv, mark[i], err))
            return -(int)err->code;
    return 0;
}

int csv_add(struct csv *csv, const char *bytes, size_t length, struct err *err) {
    for (size_t i = 0; i < length; i++) {
        bool skipped = false;
        if (csv->mark < 3 && skip_mark(csv, bytes[i], &skipped, err))
            return -(int)err->code;
        csv->offset++;
        if (!skipped && character(csv, bytes[i], err))
            return -(int)err->code;
    }
    return 0;
}

int csv_end(struct csv *csv, const char **cut, struct err *err) {
    *cut = NULL;
    if (is_empty_line(csv))
        return 0;
    if (csv->state == QUOTED)
        *cut = "the last cell is quoted and not closed";
    else if (csv->records > 0 && csv->count + (csv->state == CELL_START) < csv->width)
        *cut = "the last line has too few cells";
    return *cut ? 0 : end_record(csv, err);
}

static int add_all(struct csv *csv, struct inflated *in, struct err *err) {
    const char *bytes;
    size_t length;
    do {
        if (inflated_next(in, &bytes, &length, err) < 0 || csv_add(csv, bytes, length, err) < 0)
            return -(int)err->code;
    } while (length > 0);
    return 0;
}

int csv_read(const char *path, struct inflated *in, csv_record_fn *visit, void *context,
             struct foreign_outcome *out, struct err *err) {
    struct csv csv;
    csv_init(&csv, path, visit, context);
    int rc = add_all(&csv, in, err);
    /* What is left of a cut stream is not known to be whole. */
    if (rc == 0 && !inflated_cut(in, &out->cut))
        rc = csv_end(&csv, &out->cut, err);
    out->complete = rc == 0 && out->cut == NULL;
    out->whole_bytes = csv.whole_bytes;
    csv_done(&csv);
    return rc;
}

/* ---- cells ----------------------------------------------------------------------------------- */

int csv_column(const struct csv_record *header, const char *name) {
    for (uint32_t i = 0; i < header->count; i++)
        if (strcmp(header->cells[i], name) == 0)
            return (int)i;
    return -1;
}

bool csv_number(const char *cell, double *value) {
    char *end;
    if (cell[strspn(cell, "+-.0123456789eE")] != '\0')
        return false;
    *value = strtod(cell, &end);
    return end != cell && *end == '\0' && isfinite(*value);
}
