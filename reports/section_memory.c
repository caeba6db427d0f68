/* Peak memory, predicted and measured. */
#include "reports/estimate_json.h"
#include "reports/judgement.h"
#include "reports/memory_timeline.h"
#include "reports/memory_use.h"
#include "reports/page.h"

#include <math.h>

enum { NAME, MEASURED, PREDICTED, UPPER, ERROR, RESIDENT, COLUMNS, ROW_HEIGHT = 34, FRAME = 80 };

static double measured_peak(const struct report_entry *entry) {
    return entry->measured ? entry->measured->peak_memory_bytes.value : NAN;
}

static double predicted_peak(const struct report_entry *entry) {
    return entry->predicted ? entry->predicted->peak_memory_bytes.value : NAN;
}

static double upper_peak(const struct report_entry *entry) {
    double upper = entry->predicted ? entry->predicted->peak_memory_upper.value : NAN;
    return upper > 0 ? upper : NAN;
}

static bool has_peak(const struct report_entry *entry) {
    return !isnan(measured_peak(entry)) || !isnan(predicted_peak(entry));
}

static void fill_table(struct page *page, struct table *table) {
    static const struct table_column columns[] = {
        [NAME] = {"name",            "Model",          UNIT_PLAIN, TABLE_LEFT },
        [MEASURED] = {"measured_bytes",  "Measured peak",  UNIT_BYTES, TABLE_RIGHT},
        [PREDICTED] = {"predicted_bytes", "Predicted peak", UNIT_BYTES, TABLE_RIGHT},
        [UPPER] = {"upper_bytes",     "Upper bound",    UNIT_BYTES, TABLE_RIGHT},
        [ERROR] = {"error",           "Error",          UNIT_PLAIN, TABLE_RIGHT},
        [RESIDENT] = {"resident_bytes",  "Resident",       UNIT_BYTES, TABLE_RIGHT},
    };
    table_init(table, page->arena, "", columns, COLUMNS);
    for (uint32_t i = 0; i < page->report->entry_count; i++) {
        const struct report_entry *entry = &page->report->entries[i];
        if (!has_peak(entry))
            continue;
        table_row(table);
        table_text(table, NAME, entry->name);
        table_number(table, MEASURED, measured_peak(entry));
        if (entry->predicted) {
            struct json_estimate predicted = report_estimate(&entry->predicted->peak_memory_bytes);
            table_estimate(table, PREDICTED, &predicted);
        }
        table_number(table, UPPER, upper_peak(entry));
        table_number(table, RESIDENT, entry_best(entry)->resident_memory_bytes.value);
        double error = judged_error(entry, quantity_peak_memory);
        if (!isnan(error))
            table_textf(table, ERROR, "%+.1f %%", 100 * error);
    }
}

static void draw(struct page *page, uint32_t rows, const char *alt) {
    struct figure figure;
    double place = 0;
    figure_init(&figure, "memory", 760, (int)rows * ROW_HEIGHT + FRAME);
    struct strbuf *s = &figure.script;
    strbuf_puts(s, "$models << EOD\n");
    for (uint32_t i = 0; i < page->report->entry_count; i++) {
        const struct report_entry *entry = &page->report->entries[i];
        if (!has_peak(entry))
            continue;
        figure_label(&figure, entry->name);
        figure_value(&figure, measured_peak(entry) / 1048576);
        figure_value(&figure, predicted_peak(entry) / 1048576);
        figure_value(&figure, upper_peak(entry) / 1048576);
        figure_value(&figure, place--);
        strbuf_puts(s, "\n");
    }
    strbuf_puts(s, "EOD\n");
    strbuf_printf(s,
                  "set xlabel 'peak memory, MiB' textcolor rgb '" FIGURE_INK "'\nset xrange [0:*]\n"
                  "set yrange [%g:0.7]\nset border 1\nset ytics scale 0\nunset grid\n"
                  "set grid xtics linecolor rgb '" FIGURE_GRID "' dashtype solid\n"
                  "set key outside top center horizontal\n",
                  0.3 - rows);
    /* The first series has no area: it puts the names beside the middle of each pair of bars. */
    strbuf_puts(s, "plot $models using (0):5:(0):(0):ytic(1) with boxxyerror notitle, "
                   "$models using ($2/2):($5+0.19):($2/2):(0.17) with boxxyerror fillcolor "
                   "rgb '" FIGURE_BLUE "' title 'measured', "
                   "$models using ($3/2):($5-0.19):($3/2):(0.17) with boxxyerror fillcolor "
                   "rgb '" FIGURE_ORANGE "' title 'predicted', "
                   "$models using 4:($5-0.4):(0):(0.42) with vectors nohead linewidth 3 "
                   "linecolor rgb '" FIGURE_INK "' title 'upper bound'\n");
    page_figure(page, &figure, alt,
                "Peak resident memory of a fresh process that loads the runtime and the model and "
                "runs it. A replica is given the upper bound.");
}

/* ---- one of them, operator by operator ------------------------------------------------------- */

static double arena_bytes(const struct report_entry *entry) {
    const struct memory_timeline *timeline = &entry->predicted->timeline;
    return timeline->steps[timeline->arena_peak].arena_bytes;
}

static const struct report_entry *with_most_activations(struct page *page) {
    const struct report_entry *largest = NULL;
    for (uint32_t i = 0; i < page->report->entry_count; i++) {
        const struct report_entry *entry = &page->report->entries[i];
        if (entry->predicted && entry->predicted->timeline.step_count > 1 &&
            (!largest || arena_bytes(entry) > arena_bytes(largest)))
            largest = entry;
    }
    return largest;
}

static void add_steps(struct figure *figure, const char *name,
                      const struct memory_timeline *timeline, double base) {
    strbuf_printf(&figure->script, "$%s << EOD\n", name);
    for (uint32_t i = 0; i < timeline->step_count; i++) {
        strbuf_printf(&figure->script, "%u", i + 1);
        figure_value(figure, base / 1048576);
        figure_value(figure, (base + timeline->steps[i].live_bytes) / 1048576);
        figure_value(figure, (base + timeline->steps[i].arena_bytes) / 1048576);
        strbuf_puts(&figure->script, "\n");
    }
    strbuf_puts(&figure->script, "EOD\n");
}

static const struct memory_timeline *measured_timeline(const struct report_entry *entry) {
    const struct memory_timeline *timeline = entry->measured ? &entry->measured->timeline : NULL;
    return timeline && timeline->step_count > 1 ? timeline : NULL;
}

static void plot_steps(struct figure *figure, const struct memory_timeline *measured) {
    strbuf_puts(
        &figure->script,
        "plot $steps using 1:4 with steps linewidth 2 linecolor rgb '" FIGURE_INK "' title 'held', "
        "$steps using 1:3 with steps linewidth 2 linecolor rgb '" FIGURE_ORANGE "' title 'needed', "
        "$steps using 1:2 with steps linewidth 2 linecolor rgb '" FIGURE_BLUE
        "' title 'weights and inputs'");
    if (measured)
        strbuf_puts(&figure->script,
                    ", $seen using 1:4 with points pointtype 7 pointsize 0.4 linecolor rgb "
                    "'" FIGURE_INK "' title 'held, measured', "
                    "$seen using 1:3 with points pointtype 7 pointsize 0.4 linecolor rgb "
                    "'" FIGURE_ORANGE "' title 'needed, measured'");
    strbuf_puts(&figure->script, "\n");
}

static void tell_measured(struct page *page, const struct report_entry *entry) {
    const char *sentences[] = {
        arena_printf(page->arena, "As measured: %s",
                     memory_timeline_sentence(page->arena, measured_timeline(entry))),
        memory_use_sentence(page->arena, entry->measured),
    };
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (sentences[i])
            html_paragraph(page->html, sentences[i]);
    if (!entry->measured->memory)
        return;
    struct table table;
    memory_use_table(page->arena, entry->measured->memory, &table);
    html_table(page->html, &table);
}

static void draw_timeline(struct page *page) {
    const struct report_entry *entry = with_most_activations(page);
    if (!entry)
        return;
    const struct memory_timeline *timeline = &entry->predicted->timeline;
    const struct memory_timeline *measured = measured_timeline(entry);
    const char *alt = arena_printf(page->arena, "%s, operator by operator: %s", entry->name,
                                   memory_timeline_sentence(page->arena, timeline));
    struct figure figure;
    html_paragraph(page->html, alt);
    figure_init(&figure, "timeline", 760, 320);
    double base = timeline->weight_bytes + timeline->feed_bytes;
    add_steps(&figure, "steps", timeline, base);
    if (measured)
        add_steps(&figure, "seen", measured, base);
    strbuf_printf(&figure.script,
                  "set xlabel 'operators in the order of execution' textcolor rgb '" FIGURE_INK
                  "'\nset ylabel 'MiB' textcolor rgb '" FIGURE_INK "'\nset xrange [1:%u]\n"
                  "set yrange [0:*]\nset key outside top center horizontal\n",
                  timeline->step_count);
    plot_steps(&figure, measured);
    page_figure(page, &figure, alt,
                "The first run played through, of the model with the most activations; points are "
                "what was measured of them, above the same weights and inputs. Held is what the "
                "arena has written, needed are live activations. The arena gives nothing back: "
                "what lies between them is room for later operators.");
    if (measured)
        tell_measured(page, entry);
}

static const char *finding(struct page *page, uint32_t *rows) {
    const struct report_entry *largest = NULL;
    char peak[UNIT_TEXT_SIZE];
    double most = -1;
    for (uint32_t i = 0; i < page->report->entry_count; i++) {
        const struct report_entry *entry = &page->report->entries[i];
        double value = isnan(measured_peak(entry)) ? predicted_peak(entry) : measured_peak(entry);
        *rows += has_peak(entry);
        if (value > most) {
            most = value;
            largest = entry;
        }
    }
    return largest ? arena_printf(page->arena, "%s takes the most memory, %s at its peak.",
                                  largest->name, unit_format(peak, most, UNIT_BYTES))
                   : NULL;
}

void section_memory(struct page *page) {
    struct table table;
    uint32_t rows = 0;
    const char *alt = finding(page, &rows);
    if (!alt)
        return;
    html_section_begin(page->html, "memory", "Memory");
    html_paragraph(page->html, alt);
    struct judgement j = judge(page->report, quantity_peak_memory);
    const char *sentence = judgement_sentence(page->arena, &j, "peak memory");
    if (sentence)
        html_paragraph(page->html, sentence);
    draw(page, rows, sentence ? sentence : alt);
    fill_table(page, &table);
    html_table(page->html, &table);
    draw_timeline(page);
    html_section_end(page->html);
}
