#include "base/table.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

void table_init(struct table *table, struct arena *arena, const char *title,
                const struct table_column *columns, uint32_t column_count) {
    *table = (struct table){
        .arena = arena, .title = title, .columns = columns, .column_count = column_count};
}

void table_row(struct table *table) {
    uint32_t width = table->column_count;
    if (table->row_count == table->row_capacity) {
        uint32_t capacity = table->row_capacity ? 2 * table->row_capacity : 16;
        table->cells = arena_grow(table->arena, table->cells, (size_t)table->row_count * width,
                                  (size_t)capacity * width, sizeof *table->cells);
        table->row_capacity = capacity;
    }
    table->row_count++;
}

static struct table_cell *newest(struct table *table, uint32_t column) {
    assert(table->row_count > 0 && column < table->column_count);
    return &table->cells[(size_t)(table->row_count - 1) * table->column_count + column];
}

void table_text(struct table *table, uint32_t column, const char *text) {
    if (text)
        *newest(table, column) =
            (struct table_cell){.kind = CELL_TEXT, .text = arena_strdup(table->arena, text)};
}

void table_textf(struct table *table, uint32_t column, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(table->arena, format, args);
    va_end(args);
    *newest(table, column) = (struct table_cell){.kind = CELL_TEXT, .text = text};
}

void table_bool(struct table *table, uint32_t column, bool value) {
    *newest(table, column) = (struct table_cell){.kind = CELL_BOOL, .boolean = value};
}

void table_int(struct table *table, uint32_t column, int64_t value) {
    *newest(table, column) = (struct table_cell){.kind = CELL_INT, .integer = value};
}

void table_number(struct table *table, uint32_t column, double value) {
    if (!isnan(value))
        *newest(table, column) = (struct table_cell){.kind = CELL_NUMBER, .number = value};
}

void table_estimate(struct table *table, uint32_t column, const struct json_estimate *estimate) {
    *newest(table, column) = (struct table_cell){.kind = CELL_ESTIMATE, .estimate = *estimate};
}

const struct table_cell *table_cell(const struct table *table, uint32_t row, uint32_t column) {
    return &table->cells[(size_t)row * table->column_count + column];
}

/* In the order of `assay list formats`; text is the default of the command line. */
const struct table_format table_formats[] = {
    {"text",     "aligned columns for a terminal",                       table_render_text    },
    {"json",     "an array of objects with unrounded numbers",           table_render_json    },
    {"csv",      "comma-separated values (RFC 4180, lines end with LF)", table_render_csv     },
    {"markdown", "a pipe table",                                         table_render_markdown},
    {"html",     "a table element to be put into a page",                table_render_html    },
    {NULL,       NULL,                                                   NULL                 },
};

const struct table_format *table_format_by_name(const char *name) {
    for (const struct table_format *format = table_formats; format->name; format++)
        if (strcmp(format->name, name) == 0)
            return format;
    return NULL;
}
