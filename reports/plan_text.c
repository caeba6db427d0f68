#include "reports/plan_text.h"

#include "reports/estimate_json.h"

#include <inttypes.h>
#include <math.h>

const char *plan_targets_text(struct arena *arena, const struct plan *plan) {
    const char *text = "";
    for (uint32_t i = 0; i < plan->target_count; i++) {
        char time[UNIT_TEXT_SIZE];
        text = arena_printf(arena, "%s%sp%g within %s", text, i ? ", " : "",
                            plan->targets[i].percentile,
                            unit_format(time, plan->targets[i].target_ns, UNIT_NS));
    }
    return text;
}

const char *plan_nodes_text(struct arena *arena, const struct node_share *nodes, uint32_t count) {
    const char *text = count ? "" : "-";
    for (uint32_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s%" PRIu64 " x %s", text, i ? ", " : "", nodes[i].count,
                            nodes[i].type->name);
    return text;
}

static uint64_t count_nodes(const struct plan_answer *answer) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < answer->node_count; i++)
        count += answer->nodes[i].count;
    return count;
}

/* " of 4 threads serving up to 8 requests together"; "" for the plainest replica. */
static const char *size_text(struct arena *arena, const struct plan *plan) {
    const struct plan_option *option = plan_choice(plan);
    const char *threads =
        option->threads == 1 ? "" : arena_printf(arena, " of %" PRIu32 " threads", option->threads);
    if (option->batch_max == 1)
        return threads;
    return arena_printf(arena, "%s serving up to %" PRIu32 " requests together", threads,
                        option->batch_max);
}

const char *plan_sentence(struct arena *arena, const struct plan *plan) {
    const struct plan_answer *answer = &plan->high;
    const char *routing = routing_info(plan->routing)->name;
    char price[UNIT_TEXT_SIZE];
    if (answer->reason)
        return arena_printf(arena, "No plan for %.12g requests/s with %s routing: %s.",
                            plan->rate_per_second, routing, answer->reason);
    const char *nodes = "";
    if (answer->node_count)
        nodes = arena_printf(arena, " on %" PRIu64 " node%s (%s)", count_nodes(answer),
                             count_nodes(answer) == 1 ? "" : "s",
                             plan_nodes_text(arena, answer->nodes, answer->node_count));
    const char *cost = "";
    if (!isnan(answer->usd_per_hour))
        cost = arena_printf(arena, ", %s",
                            unit_format(price, answer->usd_per_hour, UNIT_USD_PER_HOUR));
    return arena_printf(
        arena, "%.12g requests/s with %s need %" PRIu64 " replica%s%s%s%s, %s routing (%s).",
        plan->rate_per_second, plan_targets_text(arena, plan), answer->replicas,
        answer->replicas == 1 ? "" : "s", size_text(arena, plan), nodes, cost, routing,
        routing_info(plan->routing)->queue);
}

/* ---- tables --------------------------------------------------------------------------------- */

enum { FOR, SERVICE, REPLICAS, UTILISATION, NODES, PRICE, CPU_WASTE, MEMORY_WASTE, ANSWER_COLUMNS };

void plan_answer_table(struct arena *arena, const struct plan *plan, struct table *table) {
    static const struct table_column columns[] = {
        [FOR] = {"latency",      "Latency used",  UNIT_PLAIN,        TABLE_LEFT },
        [SERVICE] = {"service_ns",   "One inference", UNIT_NS,           TABLE_RIGHT},
        [REPLICAS] = {"replicas",     "Replicas",      UNIT_COUNT,        TABLE_RIGHT},
        [UTILISATION] = {"utilisation",  "Utilisation",   UNIT_FRACTION,     TABLE_RIGHT},
        [NODES] = {"nodes",        "Nodes",         UNIT_PLAIN,        TABLE_LEFT },
        [PRICE] = {"usd_per_hour", "Price",         UNIT_USD_PER_HOUR, TABLE_RIGHT},
        [CPU_WASTE] = {"cpu_waste",    "CPU unused",    UNIT_FRACTION,     TABLE_RIGHT},
        [MEMORY_WASTE] = {"memory_waste", "Memory unused", UNIT_FRACTION,     TABLE_RIGHT},
    };
    const struct {
        const char *name;
        const struct plan_answer *answer;
    } rows[] = {
        {"upper bound (the plan)", &plan->high },
        {"middle",                 &plan->value}
    };
    table_init(table, arena, "", columns, ANSWER_COLUMNS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct plan_answer *answer = rows[i].answer;
        table_row(table);
        table_text(table, FOR, rows[i].name);
        table_number(table, SERVICE, answer->service_ns);
        if (answer->reason) {
            table_text(table, NODES, answer->reason);
            continue;
        }
        table_int(table, REPLICAS, (int64_t)answer->replicas);
        table_number(table, UTILISATION, answer->n.utilisation);
        table_text(table, NODES, plan_nodes_text(arena, answer->nodes, answer->node_count));
        table_number(table, PRICE, answer->usd_per_hour);
        table_number(table, CPU_WASTE, answer->cpu_waste);
        table_number(table, MEMORY_WASTE, answer->memory_waste);
    }
}

enum {
    P_FOR,
    P_REPLICAS,
    P_UTILISATION,
    P50,
    P99,
    P_AT,
    P_SIMULATED,
    P_TARGET,
    P_MEETS,
    PROOF_COLUMNS
};

static void add_time(struct table *table, uint32_t column, double ns) {
    if (isinf(ns))
        table_text(table, column, "grows without end");
    else
        table_number(table, column, ns);
}

static void add_simulated(struct table *table, const struct service_level *level) {
    char low[UNIT_TEXT_SIZE], high[UNIT_TEXT_SIZE];
    if (isnan(level->simulated_low_ns))
        return;
    table_textf(table, P_SIMULATED, "%s to %s", unit_format(low, level->simulated_low_ns, UNIT_NS),
                unit_format(high, level->simulated_high_ns, UNIT_NS));
}

static void add_proof(struct table *table, const char *name, const struct service_level *level) {
    if (level->replicas == 0)
        return;
    table_row(table);
    table_text(table, P_FOR, name);
    table_int(table, P_REPLICAS, (int64_t)level->replicas);
    table_number(table, P_UTILISATION, level->utilisation);
    add_time(table, P50, level->response_p50_ns);
    add_time(table, P99, level->response_p99_ns);
    add_time(table, P_AT, level->response_ns);
    add_simulated(table, level);
    table_number(table, P_TARGET, level->target_ns);
    table_bool(table, P_MEETS, level->meets);
}

void plan_proof_table(struct arena *arena, const struct plan *plan, struct table *table) {
    static const struct table_column columns[] = {
        [P_FOR] = {"latency",         "Latency used",               UNIT_PLAIN,    TABLE_LEFT },
        [P_REPLICAS] = {"replicas",        "Replicas",                   UNIT_COUNT,    TABLE_RIGHT},
        [P_UTILISATION] = {"utilisation",     "Utilisation",                UNIT_FRACTION, TABLE_RIGHT},
        [P50] = {"response_p50_ns", "Response p50",               UNIT_NS,       TABLE_RIGHT},
        [P99] = {"response_p99_ns", "Response p99",               UNIT_NS,       TABLE_RIGHT},
        [P_AT] = {"response_ns",     "At the target's percentile", UNIT_NS,       TABLE_RIGHT},
        [P_SIMULATED] = {"simulated",       "Simulated",                  UNIT_PLAIN,    TABLE_RIGHT},
        [P_TARGET] = {"target_ns",       "Target",                     UNIT_NS,       TABLE_RIGHT},
        [P_MEETS] = {"meets",           "Meets it",                   UNIT_PLAIN,    TABLE_LEFT },
    };
    table_init(table, arena, "", columns, PROOF_COLUMNS);
    add_proof(table, "upper bound", &plan->high.n);
    add_proof(table, "upper bound", &plan->high.less);
    add_proof(table, "middle", &plan->value.n);
    add_proof(table, "middle", &plan->value.less);
}

enum {
    O_THREADS,
    O_BATCH,
    O_COMPANY,
    O_SLOWDOWN,
    O_REPLICAS,
    O_PRICE,
    O_CPUS,
    O_RESPONSE,
    O_UTILISATION,
    O_SAYS,
    OPTION_COLUMNS
};

void plan_options_table(struct arena *arena, const struct plan *plan, struct table *table) {
    static const struct table_column columns[] = {
        [O_THREADS] = {"threads",           "Threads",     UNIT_COUNT,        TABLE_RIGHT},
        [O_BATCH] = {"batch_max",         "Batch",       UNIT_COUNT,        TABLE_RIGHT},
        [O_COMPANY] = {"replicas_per_node", "On a node",   UNIT_COUNT,        TABLE_RIGHT},
        [O_SLOWDOWN] = {"slowdown",          "Slow-down",   UNIT_PLAIN,        TABLE_RIGHT},
        [O_REPLICAS] = {"replicas",          "Replicas",    UNIT_COUNT,        TABLE_RIGHT},
        [O_PRICE] = {"usd_per_hour",      "Price",       UNIT_USD_PER_HOUR, TABLE_RIGHT},
        [O_CPUS] = {"cpus",              "CPUs",        UNIT_PLAIN,        TABLE_RIGHT},
        [O_RESPONSE] = {"response_ns",       "Response",    UNIT_NS,           TABLE_RIGHT},
        [O_UTILISATION] = {"utilisation",       "Utilisation", UNIT_FRACTION,     TABLE_RIGHT},
        [O_SAYS] = {"says",              "",            UNIT_PLAIN,        TABLE_LEFT },
    };
    table_init(table, arena, "", columns, OPTION_COLUMNS);
    for (uint32_t i = 0; i < plan->option_count; i++) {
        const struct plan_option *option = &plan->options[i];
        if (option->reason)
            continue;
        table_row(table);
        table_int(table, O_THREADS, option->threads);
        table_int(table, O_BATCH, option->batch_max);
        if (option->replicas_per_node)
            table_int(table, O_COMPANY, option->replicas_per_node);
        table_number(table, O_SLOWDOWN, option->slowdown);
        table_int(table, O_REPLICAS, (int64_t)option->replicas);
        table_number(table, O_PRICE, option->usd_per_hour);
        table_number(table, O_CPUS, option->cpus);
        table_number(table, O_RESPONSE, option->response_ns);
        table_number(table, O_UTILISATION, option->utilisation);
        table_text(table, O_SAYS,
                   i == plan->chosen  ? "chosen"
                   : option->on_front ? "dearer and quicker"
                                      : "");
    }
}

enum { V_VALUE, V_REPLICAS, V_THREADS, V_BATCH, V_NODES, V_PRICE, V_USE, V_RESPONSE, V_COLUMNS };

void plan_variation_table(struct arena *arena, const struct plan_variation *variation,
                          struct table *table) {
    struct table_column *columns = ARENA_ARRAY(arena, V_COLUMNS, struct table_column);
    columns[V_VALUE] =
        (struct table_column){variation->name, variation->name, UNIT_PLAIN, TABLE_RIGHT};
    columns[V_REPLICAS] = (struct table_column){"replicas", "Replicas", UNIT_COUNT, TABLE_RIGHT};
    columns[V_THREADS] = (struct table_column){"threads", "Threads", UNIT_COUNT, TABLE_RIGHT};
    columns[V_BATCH] = (struct table_column){"batch_max", "Batch", UNIT_COUNT, TABLE_RIGHT};
    columns[V_NODES] = (struct table_column){"nodes", "Nodes", UNIT_PLAIN, TABLE_LEFT};
    columns[V_PRICE] =
        (struct table_column){"usd_per_hour", "Price", UNIT_USD_PER_HOUR, TABLE_RIGHT};
    columns[V_USE] =
        (struct table_column){"utilisation", "Utilisation", UNIT_FRACTION, TABLE_RIGHT};
    columns[V_RESPONSE] = (struct table_column){"response_ns", "Response", UNIT_NS, TABLE_RIGHT};
    table_init(table, arena, "", columns, V_COLUMNS);
    for (uint32_t i = 0; i < variation->variant_count; i++) {
        const struct plan_variant *variant = &variation->variants[i];
        table_row(table);
        table_text(table, V_VALUE, variant->value);
        if (variant->reason) {
            table_text(table, V_NODES, variant->reason);
            continue;
        }
        table_int(table, V_REPLICAS, (int64_t)variant->replicas);
        table_int(table, V_THREADS, variant->threads);
        table_int(table, V_BATCH, variant->batch_max);
        table_text(table, V_NODES, plan_nodes_text(arena, variant->nodes, variant->node_count));
        table_number(table, V_PRICE, variant->usd_per_hour);
        table_number(table, V_USE, variant->utilisation);
        table_number(table, V_RESPONSE, variant->response_ns);
    }
}

/* ---- remarks --------------------------------------------------------------------------------- */

static const char *overhead_note(struct arena *arena, const struct plan *plan) {
    char overhead[UNIT_TEXT_SIZE];
    if (plan->overhead_ns <= 0)
        return NULL;
    return arena_printf(arena, "targets and responses are without %s outside the replica",
                        unit_format(overhead, plan->overhead_ns, UNIT_NS));
}

static const char *growth_note(struct arena *arena, const struct plan *plan) {
    char lead[UNIT_TEXT_SIZE];
    if (plan->rate_planned <= plan->rate_per_second)
        return NULL;
    return arena_printf(arena,
                        "planned for %.12g requests/s: what may come before a replica that is "
                        "asked for now answers, %s later",
                        plan->rate_planned,
                        unit_format(lead, plan->headroom.lead_time_ns, UNIT_NS));
}

static const char *headroom_note(struct arena *arena, const struct plan *plan) {
    const struct plan_answer *answer = &plan->high;
    if (answer->reason || answer->replicas == answer->n.replicas)
        return NULL;
    return arena_printf(arena,
                        "%" PRIu64 " replicas meet the targets; %" PRIu32
                        " more may fail, the rest is for an autoscaler that stays %g %% below",
                        answer->n.replicas, plan->headroom.spares, 100 * plan->headroom.shortfall);
}

/* Routing that does not look is worth a word when it decides the answer. */
static const char *routing_note(struct arena *arena, const struct plan *plan) {
    (void)arena;
    if (plan->high.reason || plan->routing != ROUTING_RANDOM || plan->high.n.utilisation > 0.5 ||
        plan->high.n.replicas < 4)
        return NULL;
    return "random routing decides this plan: most replicas wait for requests that queue at "
           "others; try --routing least-loaded, or larger batches";
}

static const char *company_note(struct arena *arena, const struct plan *plan) {
    (void)arena;
    return plan->company_unknown
               ? "how replicas on one node slow each other down is not known and taken as not at "
                 "all: `assay calibrate`"
               : NULL;
}

/* Most configurations are ruled out without being solved; one that was refused may matter. */
static const char *refused_note(struct arena *arena, const struct plan *plan) {
    uint32_t refused = 0;
    for (uint32_t i = 0; i < plan->option_count; i++)
        refused += plan->options[i].reason != NULL;
    if (refused == 0 || refused == plan->option_count)
        return NULL;
    return arena_printf(arena,
                        "%" PRIu32 " of %" PRIu32 " configurations cost more than the plan or "
                        "cannot be: --json has the reason of each",
                        refused, plan->option_count);
}

/* What keeping to the constraints costs: the cheapest of what they rule out. */
static const char *constraint_note(struct arena *arena, const struct plan *plan) {
    const struct plan_option *chosen = plan_choice(plan), *cheapest = NULL;
    char less[UNIT_TEXT_SIZE];
    for (uint32_t i = 0; i < plan->option_count && !plan->high.reason; i++) {
        const struct plan_option *option = &plan->options[i];
        if (option->constrained && option->usd_per_hour < chosen->usd_per_hour &&
            (!cheapest || option->usd_per_hour < cheapest->usd_per_hour))
            cheapest = option;
    }
    if (!cheapest)
        return NULL;
    unit_format(less, chosen->usd_per_hour - cheapest->usd_per_hour, UNIT_USD_PER_HOUR);
    return arena_printf(arena,
                        "constraints cost %s: %" PRIu64 " replicas of %" PRIu32
                        " threads, batch %" PRIu32 " would do but for: %s",
                        less, cheapest->replicas, cheapest->threads, cheapest->batch_max,
                        cheapest->reason);
}

static const char *spot_note(struct arena *arena, const struct plan *plan) {
    uint64_t all = plan->high.replicas;
    for (uint32_t i = 0; i < plan->high.node_count; i++) {
        const struct node_type *type = plan->high.nodes[i].type;
        if (type->spot)
            return arena_printf(arena,
                                "%s nodes may be taken away (%.3g times an hour each): plan with "
                                "--spares %" PRIu64 " to lose one",
                                type->name, type->interruptions_per_hour,
                                plan->high.nodes[i].replicas_per_node < all
                                    ? plan->high.nodes[i].replicas_per_node
                                    : all);
    }
    return NULL;
}

static const char *price_note(struct arena *arena, const struct plan *plan) {
    const char *date = NULL, *source = NULL;
    for (uint32_t i = 0; i < plan->high.node_count && !date; i++) {
        date = plan->high.nodes[i].type->price_date;
        source = plan->high.nodes[i].type->price_source;
    }
    return date ? arena_printf(arena, "prices of %s, %s", date, source ? source : "no source given")
                : NULL;
}

const char *plan_note(struct arena *arena, const struct plan *plan, uint32_t index) {
    static const char *(*const notes[])(struct arena *, const struct plan *) = {
        overhead_note, growth_note,     headroom_note, routing_note, company_note,
        refused_note,  constraint_note, spot_note,     price_note};
    for (uint32_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        const char *note = notes[i](arena, plan);
        if (note && index-- == 0)
            return note;
    }
    return NULL;
}
