/* The cold start: from a process to the first answer, phase by phase. */
#include "reports/judgement.h"
#include "reports/page.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES = 6, PHASES_EACH = 2, ROW_HEIGHT = 26, FRAME = 110 };

/* Phases that stand together in the picture; what is of none of them goes to the first. */
static const struct series {
    const char *title, *color;
    const char *phases[PHASES_EACH];
} series[SERIES] = {
    {"process and library", FIGURE_MUTED,  {"process_start", "library_load"}},
    {"read and parse",      FIGURE_BLUE,   {"file_read", "parse"}           },
    {"optimise",            FIGURE_ORANGE, {"optimise", "load"}             },
    {"reorder filters",     FIGURE_GREEN,  {"reorder"}                      },
    {"prepack",             FIGURE_RED,    {"prepack"}                      },
    {"first inference",     FIGURE_PURPLE, {"first_run"}                    },
};

struct model_start {
    const struct report_entry *entry;
    double total_ns, parts_ns[SERIES];
};

/* The one that is shown: measured if it tells its phases. */
static const struct cold_start *start_of(const struct report_entry *entry) {
    const struct prediction *both[] = {entry->measured, entry->predicted};
    for (int i = 0; i < 2; i++)
        if (both[i] && both[i]->cold_start.phase_count &&
            isfinite(both[i]->cold_start.total_ns.value))
            return &both[i]->cold_start;
    return NULL;
}

static int series_of(const char *phase) {
    for (int s = 0; s < SERIES; s++)
        for (int k = 0; k < PHASES_EACH && series[s].phases[k]; k++)
            if (strcmp(series[s].phases[k], phase) == 0)
                return s;
    return 0;
}

static uint32_t collect(struct page *page, struct model_start *models) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < page->report->entry_count; i++) {
        const struct cold_start *start = start_of(&page->report->entries[i]);
        if (!start)
            continue;
        struct model_start *model = &models[count++];
        model->entry = &page->report->entries[i];
        for (uint32_t k = 0; k < start->phase_count; k++) {
            double ns = start->phases[k].ns.value;
            model->parts_ns[series_of(start->phases[k].name)] += ns;
            model->total_ns += ns;
        }
    }
    return count;
}

/* ---- the picture ----------------------------------------------------------------------------- */

static void add_rows(struct page *page, struct figure *figure, const struct model_start *models,
                     uint32_t count, int s) {
    char total[UNIT_TEXT_SIZE];
    strbuf_printf(&figure->script, "$s%d << EOD\n", s);
    for (uint32_t i = 0; i < count; i++) {
        double before = 0;
        for (int k = 0; k < s; k++)
            before += models[i].parts_ns[k];
        figure_label(figure, arena_printf(page->arena, "%s, %s", models[i].entry->name,
                                          unit_format(total, models[i].total_ns, UNIT_NS)));
        figure_value(figure, 100 * (before + models[i].parts_ns[s] / 2) / models[i].total_ns);
        figure_value(figure, -(double)i);
        figure_value(figure, 50 * models[i].parts_ns[s] / models[i].total_ns);
        strbuf_puts(&figure->script, "\n");
    }
    strbuf_puts(&figure->script, "EOD\n");
}

static void draw(struct page *page, const struct model_start *models, uint32_t count,
                 const char *alt) {
    struct figure figure;
    figure_init(&figure, "start", 760, (int)count * ROW_HEIGHT + FRAME);
    for (int s = 0; s < SERIES; s++)
        add_rows(page, &figure, models, count, s);
    strbuf_printf(&figure.script,
                  "set xlabel 'share of the cold start, %%' textcolor rgb '" FIGURE_INK "'\n"
                  "set xrange [0:100]\nset yrange [%g:0.6]\nset border 1\nset ytics scale 0\n"
                  "unset grid\nset key outside top center horizontal reverse Left maxrows 2\nplot ",
                  0.4 - count);
    for (int s = 0; s < SERIES; s++)
        strbuf_printf(&figure.script,
                      "%s$s%d using 2:3:4:(0.36):ytic(1) with boxxyerror fillcolor rgb '%s' "
                      "title '%s'",
                      s ? ", " : "", s, series[s].color, series[s].title);
    strbuf_puts(&figure.script, "\n");
    page_figure(page, &figure, alt,
                "One bar per model: a fresh process loads the runtime and the model and answers "
                "for the first time, files in the page cache. Measured where the run tells its "
                "phases, else predicted.");
}

/* ---- the table ------------------------------------------------------------------------------- */

enum { NAME, TOTAL, MEASURED, PREDICTED, ERROR, FIRST_SERIES, COLUMNS = FIRST_SERIES + SERIES };

/* Session creation and first inference: what both forms of an entry tell. */
static double load_and_first_ns(const struct prediction *p) {
    return p ? p->load_time_ns.value + p->first_run_ns.value : NAN;
}

static double error_of(const struct report_entry *entry) {
    return load_and_first_ns(entry->predicted) / load_and_first_ns(entry->measured) - 1;
}

static void add_table(struct page *page, const struct model_start *models, uint32_t count) {
    struct table_column columns[COLUMNS] = {
        [NAME] = {"model",         "Model",                     UNIT_PLAIN, TABLE_LEFT },
        [TOTAL] = {"cold_start_ns", "Cold start",                UNIT_NS,    TABLE_RIGHT},
        [MEASURED] = {"measured_ns",   "Load and first, measured",  UNIT_NS,    TABLE_RIGHT},
        [PREDICTED] = {"predicted_ns",  "Load and first, predicted", UNIT_NS,    TABLE_RIGHT},
        [ERROR] = {"error",         "Error",                     UNIT_PLAIN, TABLE_RIGHT},
    };
    for (int s = 0; s < SERIES; s++)
        columns[FIRST_SERIES + s] =
            (struct table_column){series[s].title, series[s].title, UNIT_NS, TABLE_RIGHT};
    struct table table;
    table_init(&table, page->arena, "", columns, COLUMNS);
    for (uint32_t i = 0; i < count; i++) {
        const struct report_entry *entry = models[i].entry;
        double error = error_of(entry);
        table_row(&table);
        table_text(&table, NAME, entry->name);
        table_number(&table, TOTAL, models[i].total_ns);
        table_number(&table, MEASURED, load_and_first_ns(entry->measured));
        table_number(&table, PREDICTED, load_and_first_ns(entry->predicted));
        if (isfinite(error))
            table_textf(&table, ERROR, "%+.1f %%", 100 * error);
        for (uint32_t s = 0; s < SERIES; s++)
            table_number(&table, FIRST_SERIES + s, models[i].parts_ns[s]);
    }
    html_folded_table(page->html, "Phases of the cold start", &table);
}

static const char *finding(struct page *page, const struct model_start *models, uint32_t count) {
    const struct model_start *slowest = &models[0];
    char total[UNIT_TEXT_SIZE];
    int most = 0;
    for (uint32_t i = 1; i < count; i++)
        if (models[i].total_ns > slowest->total_ns)
            slowest = &models[i];
    for (int s = 1; s < SERIES; s++)
        if (slowest->parts_ns[s] > slowest->parts_ns[most])
            most = s;
    return arena_printf(page->arena,
                        "%s starts %s: %s from nothing to the first answer, %.0f %% of it %s.",
                        slowest->entry->name, count > 1 ? "slowest" : "cold",
                        unit_format(total, slowest->total_ns, UNIT_NS),
                        100 * slowest->parts_ns[most] / slowest->total_ns, series[most].title);
}

void section_start(struct page *page) {
    struct model_start *models =
        ARENA_ARRAY(page->arena, page->report->entry_count + 1u, struct model_start);
    uint32_t count = collect(page, models);
    if (count == 0)
        return;
    const char *alt = finding(page, models, count);
    html_section_begin(page->html, "start", "Cold start");
    html_paragraph(page->html, alt);
    draw(page, models, count, alt);
    add_table(page, models, count);
    html_section_end(page->html);
}
