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

const char *plan_nodes_text(struct arena *arena, const struct plan_answer *answer) {
    const char *text = answer->node_count ? "" : "-";
    for (uint32_t i = 0; i < answer->node_count; i++)
        text = arena_printf(arena, "%s%s%" PRIu64 " x %s", text, i ? ", " : "",
                            answer->nodes[i].count, answer->nodes[i].type->name);
    return text;
}

static uint64_t count_nodes(const struct plan_answer *answer) {
    uint64_t count = 0;
    for (uint32_t i = 0; i < answer->node_count; i++)
        count += answer->nodes[i].count;
    return count;
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
                             count_nodes(answer) == 1 ? "" : "s", plan_nodes_text(arena, answer));
    const char *cost = "";
    if (!isnan(answer->usd_per_hour))
        cost = arena_printf(arena, ", %s",
                            unit_format(price, answer->usd_per_hour, UNIT_USD_PER_HOUR));
    return arena_printf(arena,
                        "%.12g requests/s with %s need %" PRIu64 " replica%s%s%s, %s routing (%s).",
                        plan->rate_per_second, plan_targets_text(arena, plan), answer->n.replicas,
                        answer->n.replicas == 1 ? "" : "s", nodes, cost, routing,
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
        table_int(table, REPLICAS, (int64_t)answer->n.replicas);
        table_number(table, UTILISATION, answer->n.utilisation);
        table_text(table, NODES, plan_nodes_text(arena, answer));
        table_number(table, PRICE, answer->usd_per_hour);
        table_number(table, CPU_WASTE, answer->cpu_waste);
        table_number(table, MEMORY_WASTE, answer->memory_waste);
    }
}

enum { P_FOR, P_REPLICAS, P_UTILISATION, P50, P99, P_AT, P_TARGET, P_MEETS, PROOF_COLUMNS };

static void add_time(struct table *table, uint32_t column, double ns) {
    if (isinf(ns))
        table_text(table, column, "grows without end");
    else
        table_number(table, column, ns);
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
        [P_TARGET] = {"target_ns",       "Target",                     UNIT_NS,       TABLE_RIGHT},
        [P_MEETS] = {"meets",           "Meets it",                   UNIT_PLAIN,    TABLE_LEFT },
    };
    table_init(table, arena, "", columns, PROOF_COLUMNS);
    add_proof(table, "upper bound", &plan->high.n);
    add_proof(table, "upper bound", &plan->high.less);
    add_proof(table, "middle", &plan->value.n);
    add_proof(table, "middle", &plan->value.less);
}
