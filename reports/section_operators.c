/* Where the time of each model goes. */
#include "reports/page.h"
#include "reports/prediction_text.h"

#include <inttypes.h>
#include <math.h>

enum { BARS_MAX = 12, ROWS_MAX = 25, BAR_HEIGHT = 26, FRAME_HEIGHT = 70 };

static const struct {
    const char *name, *color;
} bounds[] = {
    [BOUND_COMPUTE] = {"bound by arithmetic", FIGURE_BLUE  },
    [BOUND_MEMORY] = {"bound by memory",     FIGURE_ORANGE},
    [BOUND_OVERHEAD] = {"bound by overhead",   FIGURE_PURPLE},
};

/* One data block per bound: label, milliseconds, place from the top. */
static void add_bars(struct figure *figure, const struct kernel_sum *sums, uint32_t count) {
    for (enum bound bound = BOUND_COMPUTE; bound <= BOUND_OVERHEAD; bound++) {
        strbuf_printf(&figure->script, "$b%d << EOD\n", (int)bound);
        for (uint32_t i = 0; i < count; i++) {
            figure_label(figure, sums[i].kernel);
            figure_value(figure, sums[i].bound == bound ? sums[i].latency_ns * 1e-6 : NAN);
            figure_value(figure, -(double)i);
            strbuf_puts(&figure->script, "\n");
        }
        strbuf_puts(&figure->script, "EOD\n");
    }
}

static void draw(struct page *page, uint32_t entry, const struct kernel_sum *sums, uint32_t count,
                 const char *alt) {
    struct figure figure;
    uint32_t shown = count < BARS_MAX ? count : BARS_MAX;
    figure_init(&figure, arena_printf(page->arena, "operators-%" PRIu32, entry), 760,
                (int)shown * BAR_HEIGHT + FRAME_HEIGHT);
    add_bars(&figure, sums, shown);
    strbuf_printf(&figure.script,
                  "set xlabel 'milliseconds per inference' textcolor rgb '" FIGURE_INK "'\n"
                  "set xrange [0:*]\nset yrange [%g:0.6]\nset border 1\nset ytics scale 0\n"
                  "unset grid\nset grid xtics linecolor rgb '" FIGURE_GRID "' dashtype solid\n"
                  "set key bottom right reverse Left\nplot ",
                  0.4 - shown);
    for (enum bound bound = BOUND_COMPUTE; bound <= BOUND_OVERHEAD; bound++)
        strbuf_printf(&figure.script,
                      "%s$b%d using ($2/2):3:($2/2):(0.36):ytic(1) with boxxyerror fillcolor "
                      "rgb '%s' title '%s'",
                      bound ? ", " : "", (int)bound, bounds[bound].color, bounds[bound].name);
    strbuf_puts(&figure.script, "\n");
    page_figure(page, &figure, alt,
                count > shown ? arena_printf(page->arena,
                                             "The %" PRIu32 " costliest of %" PRIu32
                                             " kernel classes, by what bounds them.",
                                             shown, count)
                              : "All kernel classes, by what bounds them.");
}

static void add_model(struct page *page, uint32_t index) {
    const struct report_entry *entry = &page->report->entries[index];
    const struct prediction *p = entry_best(entry);
    char time[UNIT_TEXT_SIZE];
    struct table table;
    uint32_t count;
    const struct kernel_sum *sums = prediction_kernels(page->arena, p, &count);
    const char *how = p->measured ? "measured" : "predicted";
    unit_format(time, p->latency_ns.value, UNIT_NS);
    html_details_begin(page->html, arena_printf(page->arena, "%s: %s, %s", entry->name, time, how),
                       index == 0);
    if (count) {
        const char *alt =
            arena_printf(page->arena, "%s spends %.0f %% of its operators' time (%s) in %s.",
                         entry->name, 100 * sums[0].share, how, sums[0].kernel);
        html_paragraph(page->html, alt);
        draw(page, index, sums, count, alt);
    }
    prediction_kernels_table(page->arena, p, &table);
    html_table(page->html, &table);
    prediction_refused_table(page->arena, p, &table);
    html_table(page->html, &table);
    prediction_operators_table(page->arena, p, ROWS_MAX, &table);
    html_folded_table(page->html,
                      p->operator_count > ROWS_MAX
                          ? arena_printf(page->arena, "The %d costliest of %" PRIu32 " operators",
                                         ROWS_MAX, p->operator_count)
                          : "All operators",
                      &table);
    html_details_end(page->html);
}

void section_operators(struct page *page) {
    if (page->report->entry_count == 0)
        return;
    html_section_begin(page->html, "operators", "Operators by time");
    for (uint32_t i = 0; i < page->report->entry_count; i++)
        if (entry_best(&page->report->entries[i]))
            add_model(page, i);
    html_section_end(page->html);
}
