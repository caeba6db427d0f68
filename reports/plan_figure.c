#include "reports/plan_figure.h"

#include "reports/figure.h"
#include "reports/plan_text.h"

#include <inttypes.h>
#include <math.h>

/* Without prices CPUs are what it costs. */
static double cost_of(const struct plan *plan, const struct plan_option *option) {
    return isnan(plan->high.usd_per_hour) ? option->cpus : option->usd_per_hour;
}

static void add_point(struct figure *figure, const struct plan *plan,
                      const struct plan_option *option) {
    strbuf_printf(&figure->script, "%.9g", cost_of(plan, option));
    figure_value(figure, option->response_ns * 1e-6);
    strbuf_printf(&figure->script, "\t%" PRIu32 "x%" PRIu32 "\n", option->threads,
                  option->batch_max);
}

enum kind { KIND_OTHER, KIND_FRONT, KIND_CHOSEN };

static enum kind kind_of(const struct plan *plan, uint32_t i) {
    return i == plan->chosen ? KIND_CHOSEN : plan->options[i].on_front ? KIND_FRONT : KIND_OTHER;
}

/* True when there is a point. */
static bool add_block(struct figure *figure, const struct plan *plan, const char *name,
                      enum kind kind) {
    bool any = false;
    strbuf_printf(&figure->script, "$%s << EOD\n", name);
    for (uint32_t i = 0; i < plan->option_count; i++) {
        if (plan->options[i].reason || kind_of(plan, i) != kind)
            continue;
        add_point(figure, plan, &plan->options[i]);
        any = true;
    }
    strbuf_puts(&figure->script, "EOD\n");
    return any;
}

int plan_picture(struct arena *arena, const struct plan *plan, struct strbuf *svg,
                 struct err *err) {
    struct figure figure;
    if (plan->high.reason)
        return err_set(err, ERR_INPUT, "there is no plan to draw: %s", plan->high.reason);
    figure_init(&figure, "plan-options", 860, 460);
    bool others = add_block(&figure, plan, "other", KIND_OTHER);
    bool front = add_block(&figure, plan, "front", KIND_FRONT);
    add_block(&figure, plan, "chosen", KIND_CHOSEN);
    strbuf_printf(&figure.script, "set xlabel '%s' textcolor rgb '" FIGURE_INK "'\n",
                  isnan(plan->high.usd_per_hour) ? "CPUs" : "US dollars per hour");
    strbuf_puts(&figure.script,
                "set ylabel 'response at the target, ms' textcolor rgb '" FIGURE_INK "'\n"
                "set xrange [0:*]\nset yrange [0:*]\nset key top right\n"
                "plot $chosen using 1:2 with points pointtype 6 pointsize 1.6 linewidth 2 "
                "linecolor rgb '" FIGURE_RED "' title 'the plan (threads x batch)', "
                "$chosen using 1:2:3 with labels offset 0,-1 textcolor rgb '" FIGURE_INK
                "' notitle");
    if (front)
        strbuf_puts(&figure.script,
                    ", $front using 1:2 with points pointtype 7 pointsize 0.9 linecolor rgb "
                    "'" FIGURE_BLUE "' title 'dearer and quicker', $front using 1:2:3 with labels "
                    "offset 0,0.8 textcolor rgb '" FIGURE_INK "' notitle");
    if (others)
        strbuf_puts(&figure.script,
                    ", $other using 1:2 with points pointtype 7 pointsize 0.6 linecolor rgb "
                    "'" FIGURE_MUTED "' title 'other configurations'");
    strbuf_puts(&figure.script, "\n");
    int code = figure_document(&figure, plan_sentence(arena, plan), svg, err);
    figure_done(&figure);
    return code;
}
