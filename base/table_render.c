/* One function per format; a new one adds its row in table.c. */
#include "base/table.h"

#include <inttypes.h>
#include <libsmartcols.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The cell as people read it: rounded, with its unit; an estimate as "12.3 ms (11.8 to 13.0 ms)".
 * The text lives in the table's arena. */
static const char *cell_text(const struct table *table, uint32_t row, uint32_t column) {
    const struct table_cell *cell = table_cell(table, row, column);
    enum unit unit = table->columns[column].unit;
    char value[UNIT_TEXT_SIZE], low[UNIT_TEXT_SIZE], high[UNIT_TEXT_SIZE];
    switch (cell->kind) {
    case CELL_TEXT:
        return cell->text;
    case CELL_BOOL:
        return cell->boolean ? "yes" : "no";
    case CELL_INT:
        return arena_strdup(table->arena, unit_format(value, (double)cell->integer, unit));
    case CELL_NUMBER:
        return arena_strdup(table->arena, unit_format(value, cell->number, unit));
    case CELL_ESTIMATE:
        unit_format(value, cell->estimate.value, unit);
        if (isnan(cell->estimate.low) || isnan(cell->estimate.high))
            return arena_strdup(table->arena, value);
        return arena_printf(table->arena, "%s (%s to %s)", value,
                            unit_format(low, cell->estimate.low, unit),
                            unit_format(high, cell->estimate.high, unit));
    case CELL_EMPTY:
        break;
    }
    return "";
}

/* Columns that have something to show in any row; the others are left out of text and HTML. */
static bool *shown_columns(const struct table *table) {
    bool *shown = ARENA_ARRAY(table->arena, table->column_count, bool);
    for (uint32_t row = 0; row < table->row_count; row++)
        for (uint32_t i = 0; i < table->column_count; i++)
            shown[i] |= *cell_text(table, row, i) != '\0';
    return shown;
}

/* On a terminal too narrow for the table, text columns are broken into lines; numbers never. */
static struct libscols_table *new_text_table(const struct table *table,
                                             const struct table_style *style, const bool *shown) {
    struct libscols_table *text = scols_new_table();
    if (!text)
        return NULL;
    scols_table_set_termforce(text, style->width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
    if (style->width)
        scols_table_set_termwidth(text, style->width);
    for (uint32_t i = 0; i < table->column_count; i++) {
        bool right = table->columns[i].align == TABLE_RIGHT;
        int flags = right ? SCOLS_FL_RIGHT : style->width ? SCOLS_FL_WRAP : 0;
        if (shown[i] && !scols_table_new_column(text, table->columns[i].header, 0, flags)) {
            scols_unref_table(text);
            return NULL;
        }
    }
    return text;
}

static int fill_text_table(struct libscols_table *text, const struct table *table,
                           const bool *shown) {
    for (uint32_t row = 0; row < table->row_count; row++) {
        struct libscols_line *line = scols_table_new_line(text, NULL);
        if (!line)
            return -1;
        size_t place = 0;
        for (uint32_t i = 0; i < table->column_count; i++)
            if (shown[i] && scols_line_set_data(line, place++, cell_text(table, row, i)) != 0)
                return -1;
    }
    return 0;
}

/* libsmartcols pads the last column too; nobody wants blanks at the ends of lines. */
static void add_trimmed(const char *text, struct strbuf *out) {
    while (*text) {
        size_t length = strcspn(text, "\n"), kept = length;
        while (kept && text[kept - 1] == ' ')
            kept--;
        strbuf_add(out, text, kept);
        strbuf_puts(out, "\n");
        text += length + (text[length] == '\n');
    }
}

static void add_title(const struct table *table, const struct table_style *style,
                      struct strbuf *out) {
    if (*table->title)
        strbuf_printf(out, style->color ? "\033[1m%s\033[0m\n" : "%s\n", table->title);
}

void table_render_text(const struct table *table, const struct table_style *style,
                       struct strbuf *out) {
    add_title(table, style, out);
    if (table->row_count == 0) {
        strbuf_puts(out, "(none)\n");
        return;
    }
    const bool *shown = shown_columns(table);
    struct libscols_table *text = new_text_table(table, style, shown);
    char *printed = NULL;
    if (!text || fill_text_table(text, table, shown) != 0 ||
        scols_print_table_to_string(text, &printed) != 0 || !printed) {
        fprintf(stderr, "assay: out of memory\n");
        exit(ERR_ENVIRONMENT);
    }
    add_trimmed(printed, out);
    free(printed);
    scols_unref_table(text);
}

static void add_json_cell(cJSON *object, const struct table_column *column,
                          const struct table_cell *cell) {
    switch (cell->kind) {
    case CELL_TEXT:
        json_add_text(object, column->id, cell->text);
        break;
    case CELL_BOOL:
        json_add_bool(object, column->id, cell->boolean);
        break;
    case CELL_INT:
        json_add_int(object, column->id, cell->integer);
        break;
    case CELL_NUMBER:
        json_add_number(object, column->id, cell->number);
        break;
    case CELL_ESTIMATE:
        json_add_estimate(object, column->id, &cell->estimate);
        break;
    case CELL_EMPTY:
        json_add_null(object, column->id);
        break;
    }
}

cJSON *table_json(const struct table *table) {
    cJSON *rows = json_array();
    for (uint32_t row = 0; row < table->row_count; row++) {
        cJSON *object = json_add_object(rows, NULL);
        for (uint32_t i = 0; i < table->column_count; i++)
            add_json_cell(object, &table->columns[i], table_cell(table, row, i));
    }
    return rows;
}

void table_render_json(const struct table *table, const struct table_style *style,
                       struct strbuf *out) {
    (void)style;
    cJSON *rows = table_json(table);
    json_print(rows, true, out);
    strbuf_puts(out, "\n");
    cJSON_Delete(rows);
}

static void add_csv_text(const char *text, struct strbuf *out) {
    if (!strpbrk(text, ",\"\r\n")) {
        strbuf_puts(out, text);
        return;
    }
    strbuf_puts(out, "\"");
    for (; *text; text++)
        strbuf_add(out, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    strbuf_puts(out, "\"");
}

static void add_csv_number(double value, struct strbuf *out) {
    char text[UNIT_TEXT_SIZE];
    if (!isnan(value))
        strbuf_puts(out, unit_exact(text, value));
}

static void add_csv_cell(const struct table_cell *cell, struct strbuf *out) {
    switch (cell->kind) {
    case CELL_TEXT:
        add_csv_text(cell->text, out);
        break;
    case CELL_BOOL:
        strbuf_puts(out, cell->boolean ? "true" : "false");
        break;
    case CELL_INT:
        strbuf_printf(out, "%" PRId64, cell->integer);
        break;
    case CELL_NUMBER:
        add_csv_number(cell->number, out);
        break;
    case CELL_ESTIMATE:
        add_csv_number(cell->estimate.value, out);
        strbuf_puts(out, ",");
        add_csv_number(cell->estimate.low, out);
        strbuf_puts(out, ",");
        add_csv_number(cell->estimate.high, out);
        strbuf_puts(out, ",");
        add_csv_text(cell->estimate.tier ? cell->estimate.tier : "", out);
        break;
    case CELL_EMPTY:
        break;
    }
}

/* A column with an estimate in any row takes four CSV columns in every row. */
static bool *estimate_columns(const struct table *table) {
    bool *flags = ARENA_ARRAY(table->arena, table->column_count, bool);
    for (uint32_t row = 0; row < table->row_count; row++)
        for (uint32_t i = 0; i < table->column_count; i++)
            flags[i] |= table_cell(table, row, i)->kind == CELL_ESTIMATE;
    return flags;
}

void table_render_csv(const struct table *table, const struct table_style *style,
                      struct strbuf *out) {
    (void)style;
    const bool *wide = estimate_columns(table);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const char *id = table->columns[i].id;
        strbuf_printf(out, "%s%s", i ? "," : "", id);
        if (wide[i])
            strbuf_printf(out, ",%s_low,%s_high,%s_tier", id, id, id);
    }
    strbuf_puts(out, "\n");
    for (uint32_t row = 0; row < table->row_count; row++) {
        for (uint32_t i = 0; i < table->column_count; i++) {
            const struct table_cell *cell = table_cell(table, row, i);
            strbuf_puts(out, i ? "," : "");
            add_csv_cell(cell, out);
            if (cell->kind != CELL_ESTIMATE && wide[i])
                strbuf_puts(out, ",,,");
        }
        strbuf_puts(out, "\n");
    }
}

static void add_markdown_text(const char *text, struct strbuf *out) {
    for (; *text; text++) {
        if (*text == '\n')
            strbuf_puts(out, " ");
        else
            strbuf_printf(out, strchr("|\\`*_<", *text) ? "\\%c" : "%c", *text);
    }
}

void table_render_markdown(const struct table *table, const struct table_style *style,
                           struct strbuf *out) {
    (void)style;
    if (*table->title)
        strbuf_printf(out, "**%s**\n\n", table->title);
    for (uint32_t i = 0; i < table->column_count; i++)
        strbuf_printf(out, "| %s ", table->columns[i].header);
    strbuf_puts(out, "|\n");
    for (uint32_t i = 0; i < table->column_count; i++)
        strbuf_puts(out, table->columns[i].align == TABLE_RIGHT ? "| ---: " : "| --- ");
    strbuf_puts(out, "|\n");
    for (uint32_t row = 0; row < table->row_count; row++) {
        for (uint32_t i = 0; i < table->column_count; i++) {
            strbuf_puts(out, "| ");
            add_markdown_text(cell_text(table, row, i), out);
            strbuf_puts(out, " ");
        }
        strbuf_puts(out, "|\n");
    }
}

void html_escape(const char *text, struct strbuf *out) {
    static const struct {
        char byte;
        const char *entity;
    } entities[] = {
        {'&',  "&amp;" },
        {'<',  "&lt;"  },
        {'>',  "&gt;"  },
        {'"',  "&quot;"},
        {'\'', "&#39;" },
    };
    for (; *text; text++) {
        const char *entity = NULL;
        for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
            if (entities[i].byte == *text)
                entity = entities[i].entity;
        strbuf_add(out, entity ? entity : text, entity ? strlen(entity) : 1);
    }
}

static void add_html_cell(const char *element, enum table_align align, const char *text,
                          struct strbuf *out) {
    strbuf_printf(out, align == TABLE_RIGHT ? "<%s class=\"num\">" : "<%s>", element);
    html_escape(text, out);
    strbuf_printf(out, "</%s>", element);
}

void table_render_html(const struct table *table, const struct table_style *style,
                       struct strbuf *out) {
    (void)style;
    const bool *shown = shown_columns(table);
    strbuf_puts(out, "<table>\n");
    if (*table->title) {
        strbuf_puts(out, "<caption>");
        html_escape(table->title, out);
        strbuf_puts(out, "</caption>\n");
    }
    strbuf_puts(out, "<thead><tr>");
    for (uint32_t i = 0; i < table->column_count; i++)
        if (shown[i] || table->row_count == 0)
            add_html_cell("th", table->columns[i].align, table->columns[i].header, out);
    strbuf_puts(out, "</tr></thead>\n<tbody>\n");
    for (uint32_t row = 0; row < table->row_count; row++) {
        strbuf_puts(out, "<tr>");
        for (uint32_t i = 0; i < table->column_count; i++)
            if (shown[i])
                add_html_cell("td", table->columns[i].align, cell_text(table, row, i), out);
        strbuf_puts(out, "</tr>\n");
    }
    strbuf_puts(out, "</tbody>\n</table>\n");
}
