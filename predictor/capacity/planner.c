#include "predictor/capacity/planner.h"

#include "predictor/capacity/pack.h"
#include "predictor/capacity/replicas.h"

#include <math.h>

static int find_nodes(struct arena *arena, const struct plan *plan, struct plan_answer *answer,
                      struct err *err) {
    if (plan->offer_count == 0)
        return 0;
    struct replica_size replica = {plan->threads, plan->replica_memory_bytes};
    struct packing packing;
    int rc = pack_replicas(arena, plan->offers, plan->offer_count, &replica, answer->n.replicas,
                           &packing, err);
    if (rc)
        return rc;
    answer->nodes = packing.nodes;
    answer->node_count = packing.node_count;
    answer->usd_per_hour = packing.usd_per_hour;
    answer->cpu_waste = packing.cpu_waste;
    answer->memory_waste = packing.memory_waste;
    return 0;
}

static struct service_demand demand_of(const struct plan *plan, double service_ns,
                                       const char *service_is) {
    return (struct service_demand){
        .rate_per_second = plan->rate_per_second,
        .service_ns = service_ns,
        .service_is = service_is,
        .targets = plan->targets,
        .target_count = plan->target_count,
        .routing = plan->routing,
    };
}

static int answer_for(struct arena *arena, const struct plan *plan, double service_ns,
                      const char *service_is, struct plan_answer *answer, struct err *err) {
    *answer = (struct plan_answer){
        .service_ns = service_ns, .usd_per_hour = NAN, .cpu_waste = NAN, .memory_waste = NAN};
    struct service_demand demand = demand_of(plan, service_ns, service_is);
    int rc = replicas_find(&demand, &answer->n, &answer->less, err);
    if (!rc)
        rc = find_nodes(arena, plan, answer, err);
    if (rc == -ERR_FINDING)
        answer->reason = arena_strdup(arena, err->message);
    return rc;
}

static int check_plan(const struct plan *plan, struct err *err) {
    if (plan->latency_ns.tier == TIER_REFUSED || !(plan->latency_ns.value > 0) ||
        !(plan->latency_ns.high >= plan->latency_ns.value))
        return err_set(err, ERR_FINDING, "no latency to plan with: the prediction was refused");
    if (plan->threads == 0)
        return err_set(err, ERR_USAGE, "a replica of 0 threads");
    if (plan->offer_count && !(plan->replica_memory_bytes > 0))
        return err_set(err, ERR_FINDING,
                       "nodes cannot be packed: how much memory a replica takes is not known");
    return 0;
}

int planner_solve(struct arena *arena, struct plan *plan, struct err *err) {
    int rc = check_plan(plan, err);
    if (rc)
        return rc;
    struct err middle = {0};
    const char *bound = plan->latency_ns.high > plan->latency_ns.value ? "upper bound" : "";
    int value_rc = answer_for(arena, plan, plan->latency_ns.value, "", &plan->value, &middle);
    rc = answer_for(arena, plan, plan->latency_ns.high, bound, &plan->high, err);
    if (!rc && value_rc && value_rc != -ERR_FINDING)
        return err_set(err, middle.code, "%s", middle.message);
    return rc;
}

/* Replicas at one rate, 0 when no number meets the targets. */
static int count_at(const struct plan *plan, double service_ns, double rate, uint64_t *replicas,
                    struct err *err) {
    struct service_demand demand = demand_of(plan, service_ns, "");
    struct service_level n, less;
    struct err none = {0};
    demand.rate_per_second = rate;
    int rc = replicas_find(&demand, &n, &less, &none);
    *replicas = rc ? 0 : n.replicas;
    return rc && rc != -ERR_FINDING ? err_set(err, none.code, "%s", none.message) : 0;
}

int planner_curve(struct arena *arena, struct plan *plan, uint32_t count, struct err *err) {
    int rc = check_plan(plan, err);
    if (rc || count < 2)
        return rc;
    struct plan_point *points = ARENA_ARRAY(arena, count, struct plan_point);
    for (uint32_t i = 0; !rc && i < count; i++) {
        double rate = 2 * plan->rate_per_second * i / (count - 1);
        points[i].rate_per_second = rate;
        rc = count_at(plan, plan->latency_ns.high, rate, &points[i].high, err);
        if (!rc)
            rc = count_at(plan, plan->latency_ns.value, rate, &points[i].value, err);
    }
    plan->curve = rc ? NULL : points;
    plan->curve_count = rc ? 0 : count;
    return rc;
}
