#include "jobs/plan.h"

#include "predictor/capacity/pack.h"
#include "predictor/capacity/planner.h"
#include "predictor/capacity/replicas.h"

#include <math.h>

static int read_nodes(struct arena *arena, const struct plan_request *request, struct plan *plan,
                      struct err *err) {
    struct node_type *offers = ARENA_ARRAY(arena, request->node_count + 1u, struct node_type);
    for (uint32_t i = 0; i < request->node_count; i++)
        if (node_type_parse(arena, request->nodes[i], &offers[i], err))
            return -(int)err->code;
    plan->offers = offers;
    plan->offer_count = request->node_count;
    return 0;
}

static int take_prediction(const struct prediction *prediction, struct plan *plan,
                           struct err *err) {
    if (prediction->refused_count)
        return err_set(err, ERR_FINDING, "%s cannot be planned: %s '%s' was refused: %s",
                       prediction->model.name, prediction->refused[0].op,
                       prediction->refused[0].name, prediction->refused[0].why);
    plan->model = prediction->model.name;
    plan->machine = prediction->machine;
    plan->latency_ns = prediction->latency_ns;
    plan->threads = prediction->conditions.threads;
    plan->replica_memory_bytes = prediction->peak_memory_upper.value;
    plan->memory_confidence = prediction->peak_memory_upper.confidence;
    return 0;
}

int job_plan(struct arena *arena, struct db *db, const struct plan_request *request,
             struct planned *out, struct err *err) {
    *out = (struct planned){0};
    struct plan *plan = &out->plan;
    plan->rate_per_second = request->rate_per_second;
    plan->routing = request->routing;
    plan->threads = 1;
    if (slo_parse(arena, request->targets, &plan->targets, &plan->target_count, err) ||
        read_nodes(arena, request, plan, err))
        return -(int)err->code;
    if (request->predict.subject.model_path) {
        if (job_predict(arena, db, &request->predict, &out->predicted, err) ||
            take_prediction(&out->predicted.prediction, plan, err))
            return -(int)err->code;
    } else {
        double ns = request->service_ns;
        plan->latency_ns = (struct estimate){ns, ns, ns, TIER_MEASURED, "given"};
    }
    return planner_solve(arena, plan, err);
}
