/* Work per byte against work per second: how near each kernel class comes to what the machine can
 * do (Williams, Waterman, Patterson: Roofline, CACM 2009). */
#include "reports/page.h"
#include "reports/prediction_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL, KERNEL, INTENSITY, RATE, ROOF, REACHED, TIME, COLUMNS, NAMES_MAX = 6 };

struct dot {
    const char *model, *kernel;
    enum bound bound;
    double flop_per_byte, flops_per_s, latency_ns;
};

struct dots {
    struct dot *items;
    uint32_t count, capacity;
};

static void collect(struct page *page, struct dots *dots) {
    for (uint32_t i = 0; i < page->report->entry_count; i++) {
        const struct prediction *p = entry_best(&page->report->entries[i]);
        uint32_t count = 0;
        const struct kernel_sum *sums = p ? prediction_kernels(page->arena, p, &count) : NULL;
        for (uint32_t k = 0; k < count; k++) {
            if (!(sums[k].flops > 0 && sums[k].bytes > 0 && sums[k].latency_ns > 0))
                continue;
            struct dot *dot = ARENA_PUSH(page->arena, dots->items, dots->count, dots->capacity);
            *dot = (struct dot){page->report->entries[i].name,
                                sums[k].kernel,
                                sums[k].bound,
                                sums[k].flops / sums[k].bytes,
                                sums[k].flops / (sums[k].latency_ns * 1e-9),
                                sums[k].latency_ns};
        }
    }
}

/* NaN when the peaks are not known. */
static double roof_at(const struct report *report, double flop_per_byte) {
    double slope = flop_per_byte * report->peak_bytes_per_s;
    return isnan(slope) || isnan(report->peak_flops_per_s) ? NAN
                                                           : fmin(slope, report->peak_flops_per_s);
}

static void add_table(struct page *page, const struct dots *dots) {
    static const struct table_column columns[] = {
        [MODEL] = {"model",            "Model",        UNIT_PLAIN,       TABLE_LEFT },
        [KERNEL] = {"kernel",           "Kernel class", UNIT_PLAIN,       TABLE_LEFT },
        [INTENSITY] = {"flop_per_byte",    "FLOP/byte",    UNIT_PLAIN,       TABLE_RIGHT},
        [RATE] = {"flops_per_s",      "Achieved",     UNIT_FLOPS_PER_S, TABLE_RIGHT},
        [ROOF] = {"roof_flops_per_s", "Roof there",   UNIT_FLOPS_PER_S, TABLE_RIGHT},
        [REACHED] = {"reached",          "Reached",      UNIT_FRACTION,    TABLE_RIGHT},
        [TIME] = {"latency_ns",       "Time",         UNIT_NS,          TABLE_RIGHT},
    };
    struct table table;
    table_init(&table, page->arena, "", columns, COLUMNS);
    for (uint32_t i = 0; i < dots->count; i++) {
        const struct dot *dot = &dots->items[i];
        double roof = roof_at(page->report, dot->flop_per_byte);
        table_row(&table);
        table_text(&table, MODEL, dot->model);
        table_text(&table, KERNEL, dot->kernel);
        table_number(&table, INTENSITY, dot->flop_per_byte);
        table_number(&table, RATE, dot->flops_per_s);
        table_number(&table, ROOF, roof);
        table_number(&table, REACHED, dot->flops_per_s / roof);
        table_number(&table, TIME, dot->latency_ns);
    }
    html_folded_table(
        page->html, arena_printf(page->arena, "The %" PRIu32 " points of the picture", dots->count),
        &table);
}

static void add_points(struct figure *figure, const struct dots *dots) {
    for (enum bound bound = BOUND_COMPUTE; bound <= BOUND_OVERHEAD; bound++) {
        strbuf_printf(&figure->script, "$b%d << EOD\n", (int)bound);
        /* A block without rows is an error to gnuplot; this one is not drawn. */
        strbuf_puts(&figure->script, "\"\"\tNaN\tNaN\n");
        for (uint32_t i = 0; i < dots->count; i++) {
            if (dots->items[i].bound != bound)
                continue;
            figure_label(figure, dots->items[i].kernel);
            figure_value(figure, dots->items[i].flop_per_byte);
            figure_value(figure, dots->items[i].flops_per_s * 1e-9);
            strbuf_puts(&figure->script, "\n");
        }
        strbuf_puts(&figure->script, "EOD\n");
    }
}

static int compare_by_time(const void *a, const void *b) {
    const struct dot *x = *(const struct dot *const *)a, *y = *(const struct dot *const *)b;
    if (x->latency_ns != y->latency_ns)
        return x->latency_ns < y->latency_ns ? 1 : -1;
    return (x > y) - (x < y);
}

/* What the axes span, in FLOP/byte and GFLOP/s. */
struct frame {
    double left, right, bottom, top;
};

static struct frame frame_of(const struct report *report, const struct dots *dots) {
    struct frame f = {INFINITY, 0, INFINITY, 0};
    for (uint32_t i = 0; i < dots->count; i++) {
        f.left = fmin(f.left, dots->items[i].flop_per_byte);
        f.right = fmax(f.right, dots->items[i].flop_per_byte);
        f.bottom = fmin(f.bottom, dots->items[i].flops_per_s * 1e-9);
        f.top = fmax(f.top, dots->items[i].flops_per_s * 1e-9);
    }
    if (!isnan(roof_at(report, 1))) {
        f.top = fmax(f.top, report->peak_flops_per_s * 1e-9);
        f.right = fmax(f.right, 2 * report->peak_flops_per_s / report->peak_bytes_per_s);
    }
    return (struct frame){f.left / 1.6, f.right * 1.6, f.bottom / 1.8, f.top * 1.8};
}

/* Their names would overlap: nearer than a name is long and a line is high. */
static bool is_near(const struct dot *a, const struct dot *b, const struct frame *f) {
    double across = log(a->flop_per_byte / b->flop_per_byte) / log(f->right / f->left);
    double up = log(a->flops_per_s / b->flops_per_s) / log(f->top / f->bottom);
    return fabs(across) < 0.25 && fabs(up) < 0.05;
}

/* The costliest classes get their name, each class once, where there is room. */
static void add_names(struct page *page, struct figure *figure, const struct dots *dots,
                      const struct frame *frame) {
    const struct dot **order = ARENA_ARRAY(page->arena, dots->count, const struct dot *);
    const struct dot *named[NAMES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < dots->count; i++)
        order[i] = &dots->items[i];
    qsort(order, dots->count, sizeof *order, compare_by_time);
    strbuf_puts(&figure->script, "$names << EOD\n");
    for (uint32_t i = 0; i < dots->count && count < NAMES_MAX; i++) {
        uint32_t k = 0;
        while (k < count && strcmp(named[k]->kernel, order[i]->kernel) != 0 &&
               !is_near(named[k], order[i], frame))
            k++;
        if (k < count)
            continue;
        named[count++] = order[i];
        figure_label(figure, order[i]->kernel);
        figure_value(figure, order[i]->flop_per_byte);
        figure_value(figure, order[i]->flops_per_s * 1e-9);
        figure_value(figure, order[i]->flop_per_byte > frame->right / 8); /* no room to the right */
        strbuf_puts(&figure->script, "\n");
    }
    strbuf_puts(&figure->script, "EOD\n");
}

static void draw(struct page *page, const struct dots *dots, const char *alt) {
    static const struct {
        const char *title, *color;
        int shape;
    } series[] = {
        [BOUND_COMPUTE] = {"bound by arithmetic", FIGURE_BLUE,   7},
        [BOUND_MEMORY] = {"bound by memory",     FIGURE_ORANGE, 9},
        [BOUND_OVERHEAD] = {"bound by overhead",   FIGURE_PURPLE, 5},
    };
    const struct report *report = page->report;
    struct figure figure;
    const struct frame frame = frame_of(report, dots);
    figure_init(&figure, "roofline", 760, 460);
    add_points(&figure, dots);
    add_names(page, &figure, dots, &frame);
    strbuf_printf(&figure.script,
                  "set logscale xy\nset format '%%g'\nset xrange [%.6g:%.6g]\n"
                  "set yrange [%.6g:%.6g]\nset samples 400\n"
                  "set xlabel 'FLOP per byte moved' textcolor rgb '" FIGURE_INK "'\n"
                  "set ylabel 'GFLOP/s achieved' textcolor rgb '" FIGURE_INK "'\n"
                  "set key bottom right reverse Left\nplot ",
                  frame.left, frame.right, frame.bottom, frame.top);
    if (!isnan(roof_at(report, 1)))
        strbuf_printf(&figure.script,
                      "(x*%.9g < %.9g ? x*%.9g : %.9g) with lines linewidth 1.6 linecolor rgb "
                      "'" FIGURE_MUTED "' title 'roof', ",
                      report->peak_bytes_per_s * 1e-9, report->peak_flops_per_s * 1e-9,
                      report->peak_bytes_per_s * 1e-9, report->peak_flops_per_s * 1e-9);
    for (enum bound bound = BOUND_COMPUTE; bound <= BOUND_OVERHEAD; bound++)
        strbuf_printf(&figure.script,
                      "%s$b%d using 2:3 with points pointtype %d pointsize 0.6 linecolor rgb "
                      "'%s' title '%s'",
                      bound ? ", " : "", (int)bound, series[bound].shape, series[bound].color,
                      series[bound].title);
    strbuf_puts(&figure.script,
                ", $names using ($4 > 0 ? NaN : $2):3:1 with labels left offset 0.6,-0.8 "
                "font ',11' textcolor rgb '" FIGURE_INK "' notitle"
                ", $names using ($4 > 0 ? $2 : NaN):3:1 with labels right offset -0.6,-0.8 "
                "font ',11' textcolor rgb '" FIGURE_INK "' notitle\n");
    page_figure(page, &figure, alt,
                "Each point is a kernel class of a model. The slope of the roof is memory "
                "traffic, its flat part arithmetic; both scales are logarithmic.");
}

static const char *finding(struct page *page, const struct dots *dots) {
    const struct report *report = page->report;
    const struct dot *costliest = &dots->items[0];
    char rate[UNIT_TEXT_SIZE];
    for (uint32_t i = 1; i < dots->count; i++)
        if (dots->items[i].latency_ns > costliest->latency_ns)
            costliest = &dots->items[i];
    double roof = roof_at(report, costliest->flop_per_byte);
    unit_format(rate, costliest->flops_per_s, UNIT_FLOPS_PER_S);
    const char *of_roof = isnan(roof) ? ""
                                      : arena_printf(page->arena, ", %.0f %% of the roof there",
                                                     100 * costliest->flops_per_s / roof);
    return arena_printf(page->arena, "The costliest kernel class, %s in %s, reaches %s%s.",
                        costliest->kernel, costliest->model, rate, of_roof);
}

void section_roofline(struct page *page) {
    struct dots dots = {0};
    collect(page, &dots);
    if (dots.count == 0)
        return;
    const char *alt = finding(page, &dots);
    html_section_begin(page->html, "roofline", "Roofline");
    html_paragraph(page->html, alt);
    if (page->report->peaks_source && page->report->peaks_source[0])
        html_paragraph(page->html,
                       arena_printf(page->arena, "The roofs: %s.", page->report->peaks_source));
    draw(page, &dots, alt);
    add_table(page, &dots);
    html_section_end(page->html);
}
