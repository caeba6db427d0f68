#include "reports/simulation_figure.h"

#include "reports/figure.h"

#include <inttypes.h>

enum { COLORS = 4 };

static const char *const colors[COLORS] = {FIGURE_BLUE, FIGURE_ORANGE, FIGURE_GREEN, FIGURE_PURPLE};

static void add_data(struct figure *figure, const struct simulation *simulation, uint32_t number) {
    const struct simulated *result = &simulation->result;
    double service_ns = simulation->service.batches[simulation->service.batch_max - 1].value_ns;
    double busy_per_rate = service_ns * 1e-9 / simulation->service.batch_max;
    strbuf_printf(&figure->script, "$policy%" PRIu32 " << EOD\n", number);
    for (uint32_t i = 0; i < result->moment_count; i++) {
        const struct fleet_moment *moment = &result->moments[i];
        strbuf_printf(&figure->script, "%.9g", moment->at_ns / 60e9);
        figure_value(figure, moment->arrivals_per_second * busy_per_rate);
        figure_value(figure, (double)moment->ready + moment->starting);
        figure_value(figure, moment->waiting);
        strbuf_puts(&figure->script, "\n");
    }
    strbuf_puts(&figure->script, "EOD\n");
}

static void plot_lines(struct figure *figure, const struct simulation *const *simulations,
                       uint32_t count, int column, bool titled, const char *before) {
    strbuf_puts(&figure->script, before);
    for (uint32_t i = 0; i < count; i++) {
        strbuf_printf(&figure->script,
                      "$policy%" PRIu32 " using 1:%d with steps linewidth 2 linecolor rgb '%s' ", i,
                      column, colors[i % COLORS]);
        if (titled)
            strbuf_printf(&figure->script, "title '%s: %.3g replica hours, %.2f %% in time'",
                          simulations[i]->policy, simulations[i]->result.replica_hours,
                          100 * simulations[i]->result.slo_attainment);
        else
            strbuf_puts(&figure->script, "notitle");
        strbuf_puts(&figure->script, i + 1 < count ? ", " : "\n");
    }
}

static const char *finding(struct arena *arena, const struct simulation *const *simulations,
                           uint32_t count) {
    const char *text = "";
    for (uint32_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s%s takes %.3g replica hours and answers %.2f %% in time",
                            text, i ? "; " : "", simulations[i]->policy,
                            simulations[i]->result.replica_hours,
                            100 * simulations[i]->result.slo_attainment);
    return arena_printf(arena, "%s.", text);
}

int simulation_picture(struct arena *arena, const struct simulation *const *simulations,
                       uint32_t count, struct strbuf *svg, struct err *err) {
    struct figure figure;
    for (uint32_t i = 0; i < count; i++)
        if (simulations[i]->result.moment_count == 0)
            return err_set(err, ERR_INPUT, "nothing was decided over time: nothing to draw");
    figure_init(&figure, "simulation", 1100, 620);
    for (uint32_t i = 0; i < count; i++)
        add_data(&figure, simulations[i], i);
    strbuf_puts(&figure.script,
                "set multiplot\nset yrange [0:*]\nset xrange [0:*]\n"
                "set origin 0,0.32\nset size 1,0.68\nset key top left reverse Left\n"
                "set ylabel 'replicas' textcolor rgb '" FIGURE_INK "'\n");
    plot_lines(&figure, simulations, count, 3, true,
               "plot $policy0 using 1:2 with lines linewidth 1 linecolor rgb '" FIGURE_MUTED
               "' title 'kept busy by the requests that came', ");
    strbuf_puts(&figure.script, "set origin 0,0\nset size 1,0.32\n"
                                "set ylabel 'requests waiting' textcolor rgb '" FIGURE_INK "'\n"
                                "set xlabel 'minutes' textcolor rgb '" FIGURE_INK "'\n");
    plot_lines(&figure, simulations, count, 4, false, "plot ");
    strbuf_puts(&figure.script, "unset multiplot\n");
    int code = figure_document(&figure, finding(arena, simulations, count), svg, err);
    figure_done(&figure);
    return code;
}
