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

static int answer_for(struct arena *arena, const struct plan *plan, double service_ns,
                      const char *service_is, struct plan_answer *answer, struct err *err) {
    *answer = (struct plan_answer){
        .service_ns = service_ns, .usd_per_hour = NAN, .cpu_waste = NAN, .memory_waste = NAN};
    struct service_demand demand = {
        .rate_per_second = plan->rate_per_second,
        .service_ns = service_ns,
        .service_is = service_is,
        .targets = plan->targets,
        .target_count = plan->target_count,
        .routing = plan->routing,
    };
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
                       "no memory bound to pack nodes with: the prediction was "
                       "refused");
    return 0;
}

int planner_solve(struct arena *arena, struct plan *plan, struct err *err) {
    int rc = check_plan(plan, err);
    if (rc)
        return rc;
    struct err middle = {0};
    int value_rc = answer_for(arena, plan, plan->latency_ns.value, "", &plan->value, &middle);
    rc = answer_for(arena, plan, plan->latency_ns.high, "upper bound", &plan->high, err);
    if (!rc && value_rc && value_rc != -ERR_FINDING)
        return err_set(err, middle.code, "%s", middle.message);
    return rc;
}
