/* Replicas and nodes for a load. */
#include "reports/page.h"
#include "reports/plan_text.h"

#include <inttypes.h>
#include <math.h>

static double count_or_nan(uint64_t replicas) {
    return replicas ? (double)replicas : NAN;
}

static bool has_curve(const struct plan *plan) {
    for (uint32_t i = 0; i < plan->curve_count; i++)
        if (plan->curve[i].high || plan->curve[i].value)
            return true;
    return false;
}

static void draw(struct page *page, const struct plan *plan, const char *alt) {
    struct figure figure;
    figure_init(&figure, "plan", 760, 380);
    struct strbuf *s = &figure.script;
    strbuf_puts(s, "$curve << EOD\n");
    for (uint32_t i = 0; i < plan->curve_count; i++) {
        strbuf_printf(s, "%.9g", plan->curve[i].rate_per_second);
        figure_value(&figure, count_or_nan(plan->curve[i].high));
        figure_value(&figure, count_or_nan(plan->curve[i].value));
        strbuf_puts(s, "\n");
    }
    strbuf_puts(s, "EOD\n$chosen << EOD\n");
    strbuf_printf(s, "%.9g", plan->rate_per_second);
    figure_value(&figure, plan->high.reason ? NAN : (double)plan->high.n.replicas);
    strbuf_puts(s, "\nEOD\n");
    strbuf_puts(s,
                "set xlabel 'requests per second' textcolor rgb '" FIGURE_INK "'\n"
                "set ylabel 'replicas' textcolor rgb '" FIGURE_INK "'\n"
                "set yrange [0:*]\nset xrange [0:*]\nset key top left reverse Left\n"
                "plot $curve using 1:2 with steps linewidth 2 linecolor rgb '" FIGURE_BLUE
                "' title 'upper bound of the latency', "
                "$curve using 1:3 with steps linewidth 2 dashtype 2 linecolor rgb '" FIGURE_ORANGE
                "' title 'its middle'");
    if (!plan->high.reason)
        strbuf_puts(s, ", $chosen using 1:2 with points pointtype 6 pointsize 1.6 linewidth 2 "
                       "linecolor rgb '" FIGURE_INK "' title 'the plan'");
    strbuf_puts(s, "\n");
    page_figure(page, &figure, alt,
                arena_printf(page->arena,
                             "Fewest replicas that keep %s, %s routing (%s). The gap is what the "
                             "uncertainty of the latency costs.",
                             plan_targets_text(page->arena, plan),
                             routing_info(plan->routing)->name,
                             routing_info(plan->routing)->queue));
}

enum { RATE, HIGH, VALUE, COLUMNS };

static void add_curve_table(struct page *page, const struct plan *plan) {
    static const struct table_column columns[] = {
        [RATE] = {"rate_per_second", "Requests/s",            UNIT_PLAIN, TABLE_RIGHT},
        [HIGH] = {"replicas_high",   "Replicas, upper bound", UNIT_COUNT, TABLE_RIGHT},
        [VALUE] = {"replicas_value",  "Replicas, middle",      UNIT_COUNT, TABLE_RIGHT},
    };
    struct table table;
    table_init(&table, page->arena, "", columns, COLUMNS);
    for (uint32_t i = 0; i < plan->curve_count; i++) {
        table_row(&table);
        table_textf(&table, RATE, "%g", plan->curve[i].rate_per_second);
        table_number(&table, HIGH, count_or_nan(plan->curve[i].high));
        table_number(&table, VALUE, count_or_nan(plan->curve[i].value));
    }
    html_folded_table(page->html, "Replicas by rate", &table);
}

enum { NODE, CPUS, MEMORY, PRICE, RESERVE, PODS, NODE_COLUMNS };

static void add_offers(struct page *page, const struct plan *plan) {
    static const struct table_column columns[] = {
        [NODE] = {"name",         "Node offered",     UNIT_PLAIN,        TABLE_LEFT },
        [CPUS] = {"cpus",         "CPUs",             UNIT_PLAIN,        TABLE_RIGHT},
        [MEMORY] = {"memory_bytes", "Memory",           UNIT_BYTES,        TABLE_RIGHT},
        [PRICE] = {"usd_per_hour", "Price",            UNIT_USD_PER_HOUR, TABLE_RIGHT},
        [RESERVE] = {"reserve",      "System's reserve", UNIT_PLAIN,        TABLE_LEFT },
        [PODS] = {"pods_max",     "Pods at most",     UNIT_COUNT,        TABLE_RIGHT},
    };
    struct table table;
    table_init(&table, page->arena, "", columns, NODE_COLUMNS);
    for (uint32_t i = 0; i < plan->offer_count; i++) {
        table_row(&table);
        table_text(&table, NODE, plan->offers[i].name);
        table_number(&table, CPUS, plan->offers[i].cpus);
        table_number(&table, MEMORY, plan->offers[i].memory_bytes);
        table_number(&table, PRICE, plan->offers[i].usd_per_hour);
        table_text(&table, RESERVE, plan->offers[i].reserve);
        table_int(&table, PODS, plan->offers[i].pods_max);
    }
    html_folded_table(page->html, "Nodes offered", &table);
}

static void add_options(struct page *page, const struct plan *plan) {
    struct table table;
    if (plan->option_count < 2)
        return;
    plan_options_table(page->arena, plan, &table);
    html_folded_table(page->html, "Configurations", &table);
}

void section_plan(struct page *page) {
    const struct plan *plan = page->report->plan;
    struct table table;
    char memory[UNIT_TEXT_SIZE];
    if (!plan)
        return;
    const char *alt = plan_sentence(page->arena, plan);
    html_section_begin(page->html, "plan",
                       arena_printf(page->arena, "The plan for %s", plan->model));
    if (plan->high.reason)
        html_note(page->html, alt);
    else
        html_paragraph(page->html, alt);
    if (has_curve(plan))
        draw(page, plan, alt);
    unit_format(memory, plan_choice(plan)->memory_bytes, UNIT_BYTES);
    html_paragraph(page->html,
                   arena_printf(page->arena,
                                "One replica takes %" PRIu32
                                " CPU%s and %s of memory (%g %% bound). Requests come "
                                "as a Poisson process; one inference takes always the "
                                "same time; %s.",
                                plan_choice(plan)->threads,
                                plan_choice(plan)->threads == 1 ? "" : "s", memory,
                                100 * plan->memory_confidence, routing_info(plan->routing)->help));
    plan_answer_table(page->arena, plan, &table);
    html_table(page->html, &table);
    plan_proof_table(page->arena, plan, &table);
    if (table.row_count)
        html_paragraph(page->html, "The proof: so many replicas meet the target, one fewer does "
                                   "not.");
    html_table(page->html, &table);
    add_options(page, plan);
    add_offers(page, plan);
    if (has_curve(plan))
        add_curve_table(page, plan);
    html_section_end(page->html);
}
