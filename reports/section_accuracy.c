/* Predicted against measured latency. */
#include "reports/estimate_json.h"
#include "reports/judgement.h"
#include "reports/page.h"

#include <inttypes.h>
#include <math.h>

enum { NAME, MEASURED, PREDICTED, ERROR, INSIDE, HOLDOUT, TIER, COLUMNS };

static bool has_both(const struct report_entry *entry) {
    return judged_has_both(entry, quantity_latency);
}

static void fill_table(struct page *page, quantity_of *quantity, struct table *table) {
    static const struct table_column columns[] = {
        [NAME] = {"name",         "Model",               UNIT_PLAIN, TABLE_LEFT },
        [MEASURED] = {"measured_ns",  "Measured",            UNIT_NS,    TABLE_RIGHT},
        [PREDICTED] = {"predicted_ns", "Predicted",           UNIT_NS,    TABLE_RIGHT},
        [ERROR] = {"error",        "Error",               UNIT_PLAIN, TABLE_RIGHT},
        [INSIDE] = {"inside",       "Inside the interval", UNIT_PLAIN, TABLE_LEFT },
        [HOLDOUT] = {"held_out",     "Unseen by the fit",   UNIT_PLAIN, TABLE_LEFT },
        [TIER] = {"tier",         "Known by",            UNIT_PLAIN, TABLE_LEFT },
    };
    table_init(table, page->arena, "", columns, COLUMNS);
    for (uint32_t i = 0; i < page->report->entry_count; i++) {
        const struct report_entry *entry = &page->report->entries[i];
        table_row(table);
        table_text(table, NAME, entry->name);
        if (entry->measured) {
            struct json_estimate measured = report_estimate(quantity(entry->measured));
            table_estimate(table, MEASURED, &measured);
        }
        if (entry->predicted) {
            struct json_estimate predicted = report_estimate(quantity(entry->predicted));
            table_estimate(table, PREDICTED, &predicted);
            table_text(table, TIER, tier_name(quantity(entry->predicted)->tier));
            table_bool(table, HOLDOUT, entry->held_out);
        }
        if (!judged_has_both(entry, quantity))
            continue;
        table_textf(table, ERROR, "%+.1f %%", 100 * judged_error(entry, quantity));
        table_bool(table, INSIDE, judged_inside(entry, quantity));
    }
}

/* ---- picture -------------------------------------------------------------------------------- */

struct range {
    double low, high;
};

static void widen(struct range *range, double value) {
    if (!(value > 0))
        return;
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

static struct range range_of(const struct report *report) {
    struct range range = {INFINITY, 0};
    for (uint32_t i = 0; i < report->entry_count; i++) {
        if (!has_both(&report->entries[i]))
            continue;
        widen(&range, report->entries[i].measured->latency_ns.value);
        widen(&range, report->entries[i].predicted->latency_ns.value);
        widen(&range, report->entries[i].predicted->latency_ns.low);
        widen(&range, report->entries[i].predicted->latency_ns.high);
    }
    return (struct range){range.low / 1.5, range.high * 1.5};
}

static double bound_or(double bound, double value) {
    return bound > 0 ? bound : value;
}

/* Names alternate between the sides of the line in the order of the predictions, so that those of
 * neighbours do not meet; near the right edge there is room on the left only. */
static bool name_goes_left(const struct report *report, const struct report_entry *entry,
                           struct range range) {
    double value = entry->predicted->latency_ns.value;
    uint32_t rank = 0;
    for (uint32_t i = 0; i < report->entry_count; i++) {
        const struct report_entry *other = &report->entries[i];
        if (has_both(other))
            rank += other->predicted->latency_ns.value < value ||
                    (other->predicted->latency_ns.value == value && other < entry);
    }
    double place = log(entry->measured->latency_ns.value / range.low) / log(range.high / range.low);
    return place > 0.8 || (rank % 2 && place > 0.25);
}

/* Name, both values with their intervals in ms, and whether the name goes to the left. */
static void add_point(struct figure *figure, const struct report *report,
                      const struct report_entry *entry, struct range range) {
    const struct estimate *m = &entry->measured->latency_ns, *p = &entry->predicted->latency_ns;
    const double values[] = {m->value,
                             p->value,
                             bound_or(m->low, m->value),
                             bound_or(m->high, m->value),
                             bound_or(p->low, p->value),
                             bound_or(p->high, p->value)};
    figure_label(figure, entry->name);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        figure_value(figure, values[i] * 1e-6);
    figure_value(figure, name_goes_left(report, entry, range));
    strbuf_puts(&figure->script, "\n");
}

static void draw(struct page *page, const char *alt) {
    struct figure figure;
    struct range range = range_of(page->report);
    double low = range.low * 1e-6, high = range.high * 1e-6;
    figure_init(&figure, "accuracy", 760, 520);
    struct strbuf *s = &figure.script;
    strbuf_puts(s, "$models << EOD\n");
    for (uint32_t i = 0; i < page->report->entry_count; i++)
        if (has_both(&page->report->entries[i]))
            add_point(&figure, page->report, &page->report->entries[i], range);
    strbuf_printf(s, "EOD\n$exact << EOD\n%.9g\n%.9g\nEOD\n", low, high);
    strbuf_printf(s,
                  "set logscale xy\nset xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\n"
                  "set format '%%g'\nset xlabel 'measured, ms' textcolor rgb '" FIGURE_INK "'\n"
                  "set ylabel 'predicted, ms' textcolor rgb '" FIGURE_INK "'\n"
                  "set key top left reverse Left\nset clip two\n",
                  low, high, low, high);
    strbuf_puts(s,
                "plot $exact using 1:($1*0.9):($1*1.1) with filledcurves fillcolor "
                "rgb '" FIGURE_BAND "' title 'within 10 %', "
                "$exact using 1:1 with lines linecolor rgb '" FIGURE_MUTED "' title 'exact', "
                "$models using 2:3:4:5:6:7 with xyerrorbars pointtype 7 pointsize 0.7 linecolor "
                "rgb '" FIGURE_BLUE "' title 'model, 90 % interval', "
                "$models using ($8 > 0 ? NaN : $2):3:1 with labels left offset 1,-0.2 font ',11' "
                "textcolor rgb '" FIGURE_INK "' notitle, "
                "$models using ($8 > 0 ? $2 : NaN):3:1 with labels right offset -1,0.2 font ',11' "
                "textcolor rgb '" FIGURE_INK "' notitle\n");
    page_figure(page, &figure, alt,
                "Each point is a model, its bars the 90 % intervals; on the line the prediction is "
                "exact. Both scales are logarithmic.");
}

/* With one thread the clock and the CPU agree unless others took the CPU away. */
static uint32_t count_disturbed(const struct report *report) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < report->entry_count; i++) {
        const struct prediction *m = report->entries[i].measured;
        count +=
            m && m->conditions.threads == 1 && m->latency_ns.value > 1.1 * m->cpu_time_ns.value;
    }
    return count;
}

static void add_cpu_time(struct page *page) {
    struct table table;
    struct judgement j = judge(page->report, quantity_cpu_time);
    uint32_t disturbed = count_disturbed(page->report);
    const char *sentence = judgement_sentence(page->arena, &j, "CPU time");
    if (disturbed)
        html_note(page->html,
                  arena_printf(page->arena,
                               "The machine was busy with other work: %" PRIu32
                               " measured latencies are more than 10 %% above their CPU time. "
                               "Compare CPU times, or measure again on a quiet machine.",
                               disturbed));
    if (!sentence)
        return;
    html_paragraph(page->html, sentence);
    fill_table(page, quantity_cpu_time, &table);
    html_folded_table(page->html, "CPU time: predicted against measured", &table);
}

void section_accuracy(struct page *page) {
    struct table table;
    struct judgement j = judge(page->report, quantity_latency);
    const char *alt = judgement_sentence(page->arena, &j, "latency");
    if (page->report->entry_count == 0)
        return;
    html_section_begin(page->html, "latency", "Latency: predicted against measured");
    if (alt) {
        html_paragraph(page->html, alt);
        draw(page, alt);
    }
    fill_table(page, quantity_latency, &table);
    html_table(page->html, &table);
    add_cpu_time(page);
    html_section_end(page->html);
}
