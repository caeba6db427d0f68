/* Rows and typed columns, and the formats that print them. A format knows nothing of what the
 * columns mean; a column knows nothing of formats.
 *
 *     enum { NAME, TIME };
 *     static const struct table_column columns[] = {
 *         [NAME] = {"name", "Operator", UNIT_PLAIN, TABLE_LEFT},
 *         [TIME] = {"time_ns", "Time", UNIT_NS, TABLE_RIGHT},
 *     };
 *     struct table table;
 *     table_init(&table, arena, "Operators by time", columns, 2);
 *     table_row(&table);
 *     table_text(&table, NAME, op->name);
 *     table_number(&table, TIME, 1234.5);
 *
 * Numbers stay raw in JSON and CSV (unit in the column's id) and are rounded for people elsewhere.
 */
#ifndef ASSAY_BASE_TABLE_H
#define ASSAY_BASE_TABLE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "base/units.h"

#include <stdbool.h>
#include <stdint.h>

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table_column {
    const char *id;     /* key in JSON, heading in CSV: "time_ns" */
    const char *header; /* for people: "Time" */
    enum unit unit;     /* of numbers in this column */
    enum table_align align;
};

enum cell_kind { CELL_EMPTY, CELL_TEXT, CELL_BOOL, CELL_INT, CELL_NUMBER, CELL_ESTIMATE };

struct table_cell {
    enum cell_kind kind;
    union {
        const char *text;
        bool boolean;
        int64_t integer;
        double number;
        struct json_estimate estimate;
    };
};

struct table {
    struct arena *arena;
    const char *title; /* a caption, "" for none */
    const struct table_column *columns;
    struct table_cell *cells; /* row by row */
    uint32_t column_count, row_count, row_capacity;
};

/* Columns are borrowed and must outlive the table; everything else lives in the arena. */
void table_init(struct table *table, struct arena *arena, const char *title,
                const struct table_column *columns, uint32_t column_count);

/* Begins a row of empty cells; the setters below fill the newest row. */
void table_row(struct table *table);
void table_text(struct table *table, uint32_t column, const char *text); /* copied; NULL: empty */
void table_textf(struct table *table, uint32_t column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void table_bool(struct table *table, uint32_t column, bool value);
void table_int(struct table *table, uint32_t column, int64_t value);
void table_number(struct table *table, uint32_t column, double value); /* NaN: empty */
/* Strings of the estimate are borrowed. */
void table_estimate(struct table *table, uint32_t column, const struct json_estimate *estimate);

const struct table_cell *table_cell(const struct table *table, uint32_t row, uint32_t column);

struct table_style {
    unsigned width; /* of the terminal: text columns are broken to fit; 0: as wide as needed */
    bool color;
};

struct table_format {
    const char *name; /* "csv" */
    const char *help;
    void (*render)(const struct table *table, const struct table_style *style, struct strbuf *out);
};

extern const struct table_format table_formats[]; /* ends with a NULL name */
const struct table_format *table_format_by_name(const char *name);

void table_render_text(const struct table *table, const struct table_style *style,
                       struct strbuf *out);
void table_render_json(const struct table *table, const struct table_style *style,
                       struct strbuf *out);
void table_render_csv(const struct table *table, const struct table_style *style,
                      struct strbuf *out);
void table_render_markdown(const struct table *table, const struct table_style *style,
                           struct strbuf *out);
void table_render_html(const struct table *table, const struct table_style *style,
                       struct strbuf *out);

/* The rows as an array of objects; the caller owns it. */
cJSON *table_json(const struct table *table);

/* Appends text with the five characters of HTML replaced. */
void html_escape(const char *text, struct strbuf *out);

#endif
