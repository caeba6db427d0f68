#include "reports/scale_figure.h"

#include "reports/figure.h"

#include <inttypes.h>

enum { COLORS = 5, SERIES_MAX = 64 };

static const char *const colors[COLORS] = {FIGURE_BLUE, FIGURE_ORANGE, FIGURE_GREEN, FIGURE_RED,
                                           FIGURE_PURPLE};

/* A number of threads and of replicas. */
struct series {
    uint32_t threads, replicas;
};

static bool belongs(const struct scale_row *row, const struct series *series) {
    return !row->why && row->threads == series->threads && row->replicas == series->replicas;
}

static uint32_t find_series(const struct scaling *scaling, struct series *found) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < scaling->row_count; i++) {
        bool known = scaling->rows[i].why != NULL || count == SERIES_MAX;
        for (uint32_t s = 0; s < count && !known; s++)
            known = belongs(&scaling->rows[i], &found[s]);
        if (!known)
            found[count++] = (struct series){scaling->rows[i].threads, scaling->rows[i].replicas};
    }
    return count;
}

static void add_series(struct figure *figure, const struct scaling *scaling,
                       const struct series *series, uint32_t number) {
    strbuf_printf(&figure->script, "$series%" PRIu32 " << EOD\n", number);
    for (uint32_t i = 0; i < scaling->row_count; i++) {
        const struct scale_row *row = &scaling->rows[i];
        if (!belongs(row, series))
            continue;
        strbuf_printf(&figure->script, "%" PRId64, row->batch);
        figure_value(figure, row->per_second_all.value);
        figure_value(figure, row->per_second_all.low);
        figure_value(figure, row->per_second_all.high);
        figure_value(figure, row->latency_ns.value * 1e-6);
        figure_value(figure, row->latency_ns.low * 1e-6);
        figure_value(figure, row->latency_ns.high * 1e-6);
        strbuf_puts(&figure->script, "\n");
    }
    strbuf_puts(&figure->script, "EOD\n");
}

/* Value, low and high stand from `column` on. */
static void plot(struct figure *figure, const struct series *series, uint32_t count, int column,
                 bool titled) {
    for (uint32_t s = 0; s < count; s++) {
        strbuf_printf(&figure->script,
                      "%s$series%" PRIu32 " using 1:%d:%d:%d with yerrorlines pointtype 7 "
                      "pointsize 0.5 linecolor rgb '%s' ",
                      s ? ", " : "plot ", s, column, column + 1, column + 2, colors[s % COLORS]);
        if (titled)
            strbuf_printf(&figure->script, "title '%" PRIu32 " thread%s, %" PRIu32 " replica%s'",
                          series[s].threads, series[s].threads == 1 ? "" : "s", series[s].replicas,
                          series[s].replicas == 1 ? "" : "s");
        else
            strbuf_puts(&figure->script, "notitle");
    }
    strbuf_puts(&figure->script, "\n");
}

static void plot_both(struct figure *figure, const struct series *series, uint32_t count) {
    strbuf_puts(&figure->script,
                "set multiplot\nset origin 0,0\nset size 0.5,1\nset logscale x 2\n"
                "set xlabel 'batch' textcolor rgb '" FIGURE_INK "'\nset yrange [0:*]\n"
                "set title 'Inferences per second, all replicas' textcolor rgb '" FIGURE_INK "'\n"
                "set key bottom right\n");
    plot(figure, series, count, 2, true);
    strbuf_puts(&figure->script,
                "set origin 0.5,0\nset size 0.5,1\n"
                "set title 'Latency of a batch, ms' textcolor rgb '" FIGURE_INK "'\n");
    plot(figure, series, count, 5, false);
    strbuf_puts(&figure->script, "unset multiplot\n");
}

static const char *finding(struct arena *arena, const struct scaling *scaling) {
    const struct scale_row *most = &scaling->rows[scaling->best_throughput];
    const struct scale_row *least = &scaling->rows[scaling->best_latency];
    return arena_printf(arena,
                        "%s reaches %.3g inferences per second at batch %" PRId64 " with %" PRIu32
                        " threads and %" PRIu32 " replicas; its least latency is %.3g ms at batch "
                        "%" PRId64 ".",
                        scaling->model, most->per_second_all.value, most->batch, most->threads,
                        most->replicas, least->latency_ns.value * 1e-6, least->batch);
}

int scale_picture(struct arena *arena, const struct scaling *scaling, struct strbuf *svg,
                  struct err *err) {
    struct series series[SERIES_MAX];
    struct figure figure;
    if (scaling->best_throughput < 0)
        return err_set(err, ERR_INPUT, "no configuration was answered: nothing to draw");
    uint32_t count = find_series(scaling, series);
    figure_init(&figure, "scaling", 1100, 460);
    for (uint32_t s = 0; s < count; s++)
        add_series(&figure, scaling, &series[s], s);
    plot_both(&figure, series, count);
    int code = figure_document(&figure, finding(arena, scaling), svg, err);
    figure_done(&figure);
    return code;
}
