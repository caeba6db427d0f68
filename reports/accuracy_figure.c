#include "reports/accuracy_figure.h"

#include "reports/figure.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Names of all when they are few, else of the worst; classes that take most of the time. */
enum { NAMES_MAX = 24, NAMED_WORST = 6, CLASSES_MAX = 18 };

static bool has_both(const struct judged_run *run) {
    return isfinite(run->latency_ns.value) && run->measured_latency_ns > 0;
}

static double error_of(const struct judged_run *run) {
    return fabs(run->latency_ns.value / run->measured_latency_ns - 1);
}

static int downwards(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The error from which on a point bears its name. */
static double named_from(struct arena *arena, const struct accuracy *accuracy) {
    double *errors = ARENA_ARRAY(arena, accuracy->run_count + 1u, double);
    uint32_t count = 0;
    for (uint32_t r = 0; r < accuracy->run_count; r++)
        if (has_both(&accuracy->runs[r]))
            errors[count++] = error_of(&accuracy->runs[r]);
    if (count <= NAMES_MAX)
        return 0;
    qsort(errors, count, sizeof *errors, downwards);
    return errors[NAMED_WORST - 1];
}

struct range {
    double low, high;
};

static struct range range_of(const struct accuracy *accuracy) {
    struct range range = {INFINITY, 0};
    for (uint32_t r = 0; r < accuracy->run_count; r++) {
        const struct judged_run *run = &accuracy->runs[r];
        if (!has_both(run))
            continue;
        range.low = fmin(range.low, fmin(run->measured_latency_ns, run->latency_ns.low));
        range.high = fmax(range.high, fmax(run->measured_latency_ns, run->latency_ns.high));
    }
    return (struct range){range.low / 1.5e6, range.high * 1.5e-6};
}

static void add_models(struct arena *arena, struct figure *figure, const struct accuracy *accuracy,
                       struct range range) {
    double named = named_from(arena, accuracy);
    strbuf_puts(&figure->script, "$models << EOD\n");
    for (uint32_t r = 0; r < accuracy->run_count; r++) {
        const struct judged_run *run = &accuracy->runs[r];
        if (!has_both(run))
            continue;
        double place =
            log(run->measured_latency_ns * 1e-6 / range.low) / log(range.high / range.low);
        bool left =
            place > 0.7 || (place > 0.3 && run->latency_ns.value > run->measured_latency_ns);
        figure_label(figure, error_of(run) >= named ? run->model_name : "");
        figure_value(figure, run->measured_latency_ns * 1e-6);
        figure_value(figure, run->latency_ns.value * 1e-6);
        figure_value(figure, run->latency_ns.low * 1e-6);
        figure_value(figure, run->latency_ns.high * 1e-6);
        figure_value(figure, left);
        strbuf_puts(&figure->script, "\n");
    }
    strbuf_puts(&figure->script, "EOD\n");
}

static uint32_t shown_classes(const struct accuracy *accuracy) {
    return accuracy->class_count < CLASSES_MAX ? accuracy->class_count : CLASSES_MAX;
}

static void add_classes(struct figure *figure, const struct accuracy *accuracy) {
    strbuf_puts(&figure->script, "$classes << EOD\n");
    for (uint32_t c = 0; c < shown_classes(accuracy); c++) {
        const struct judged_class *class = &accuracy->classes[c];
        figure_label(figure, class->key);
        figure_value(figure, c);
        figure_value(figure, 100 * class->operators.median);
        figure_value(figure, 100 * class->operators.p90);
        figure_value(figure, 100 * class->operators.bias);
        strbuf_puts(&figure->script, "\n");
    }
    strbuf_puts(&figure->script, "EOD\n");
}

static void plot_models(struct figure *figure, struct range range) {
    strbuf_printf(&figure->script,
                  "$exact << EOD\n%.9g\n%.9g\nEOD\n"
                  "set multiplot\nset origin 0,0\nset size 0.54,1\n"
                  "set title 'Latency of models left out' textcolor rgb '" FIGURE_INK "'\n"
                  "set logscale xy\nset xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\n"
                  "set format '%%g'\nset xlabel 'measured, ms' textcolor rgb '" FIGURE_INK "'\n"
                  "set ylabel 'predicted, ms' textcolor rgb '" FIGURE_INK "'\n"
                  "set key top left reverse Left\nset clip two\n",
                  range.low, range.high, range.low, range.high, range.low, range.high);
    strbuf_puts(&figure->script,
                "plot $exact using 1:($1*0.9):($1*1.1) with filledcurves fillcolor "
                "rgb '" FIGURE_BAND "' title 'within 10 %', "
                "$exact using 1:1 with lines linecolor rgb '" FIGURE_MUTED "' title 'exact', "
                "$models using 2:3:4:5 with yerrorbars pointtype 7 pointsize 0.5 linecolor "
                "rgb '" FIGURE_BLUE "' title 'model, 90 % interval', "
                "$models using ($6 > 0 ? NaN : $2):3:1 with labels left offset 1,-0.2 font ',10' "
                "textcolor rgb '" FIGURE_INK "' notitle, "
                "$models using ($6 > 0 ? $2 : NaN):3:1 with labels right offset -1,0.2 font ',10' "
                "textcolor rgb '" FIGURE_INK "' notitle\n");
}

static void plot_classes(struct figure *figure, const struct accuracy *accuracy) {
    strbuf_printf(
        &figure->script,
        "unset logscale\nunset ylabel\nset origin 0.54,0\nset size 0.46,1\n"
        "set title 'Operators by kernel class, most time first' textcolor rgb '" FIGURE_INK
        "'\nset xrange [-50:100]\nset yrange [%" PRIu32 ".5:-0.5]\n"
        "set xlabel 'error, %%' textcolor rgb '" FIGURE_INK "'\n"
        "set key outside bottom center horizontal\nset arrow 1 from 0,graph 0 to 0,graph 1 nohead "
        "linecolor "
        "rgb '" FIGURE_MUTED "'\n",
        shown_classes(accuracy) ? shown_classes(accuracy) - 1 : 0);
    strbuf_puts(&figure->script,
                "plot $classes using (0):2:(0):4:($2-0.36):($2+0.36):ytic(1) with boxxyerror "
                "fillcolor rgb '" FIGURE_BAND "' title '90 % are below', "
                "$classes using (0):2:(0):3:($2-0.24):($2+0.24) with boxxyerror fillcolor "
                "rgb '" FIGURE_BLUE "' title 'median', "
                "$classes using 5:2 with points pointtype 7 pointsize 0.6 linecolor "
                "rgb '" FIGURE_RED "' title 'bias'\nunset multiplot\n");
}

int accuracy_picture(struct arena *arena, const struct accuracy *accuracy, struct strbuf *svg,
                     struct err *err) {
    struct figure figure;
    struct range range = range_of(accuracy);
    if (!(range.high > 0))
        return err_set(err, ERR_INPUT, "no run was predicted and measured: nothing to draw");
    figure_init(&figure, "accuracy", 1240, 620);
    add_models(arena, &figure, accuracy, range);
    add_classes(&figure, accuracy);
    plot_models(&figure, range);
    plot_classes(&figure, accuracy);
    const char *alt = arena_printf(
        arena,
        "%" PRIu32 " models left out are off by %.1f %% on average, half "
        "of them by less than %.1f %%, the worst by %.1f %%; %.0f %% of "
        "the 90 %% intervals hold.",
        accuracy->latency.count, 100 * accuracy->latency.mape, 100 * accuracy->latency.median,
        100 * accuracy->latency.worst, 100 * accuracy->latency.coverage);
    int code = figure_document(&figure, alt, svg, err);
    figure_done(&figure);
    return code;
}
