#include "jobs/plan.h"

#include "jobs/constraints.h"
#include "jobs/pack.h"
#include "jobs/plan_options.h"
#include "predictor/capacity/limits.h"
#include "predictor/capacity/planner.h"
#include "predictor/capacity/replicas.h"

#include <math.h>
#include <string.h>

static const char *model_name(struct arena *arena, const char *path) {
    if (!path)
        return NULL;
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return arena_strndup(arena, name, dot ? (size_t)(dot - name) : strlen(name));
}

/* Targets are what --slo says and what the constraints say. */
static int read_targets(struct arena *arena, const struct plan_request *request,
                        struct planned *out, struct err *err) {
    struct plan *plan = &out->plan;
    struct constraints constraints = {0};
    const char *model = model_name(arena, request->service.predict.subject.model_path);
    if (request->targets &&
        slo_parse(arena, request->targets, &plan->targets, &plan->target_count, err))
        return -(int)err->code;
    if (request->constraints &&
        constraints_read(arena, request->constraints, model, &constraints, err))
        return -(int)err->code;
    constraints_add_targets(arena, &constraints, &plan->targets, &plan->target_count);
    plan->constraints = constraints.items;
    plan->constraint_count = constraints.count;
    out->constraints_note = constraints.note;
    out->constraints_unchecked = limits_unchecked(arena, plan);
    if (plan->target_count)
        return 0;
    err_set(err, ERR_USAGE, "a response target is missing");
    return err_hint(err, "for example --slo p99=50ms, or --constraints 'latency:p99<50ms'");
}

/* What is left of the targets for waiting and serving. */
static int take_overhead(struct arena *arena, double overhead_ns, struct plan *plan,
                         struct err *err) {
    struct slo *left = ARENA_ARRAY(arena, plan->target_count, struct slo);
    for (uint32_t i = 0; i < plan->target_count; i++) {
        left[i] = plan->targets[i];
        left[i].target_ns -= overhead_ns;
        if (left[i].target_ns <= 0)
            return err_set(err, ERR_USAGE, "--overhead leaves nothing of the target of p%g",
                           left[i].percentile);
    }
    plan->overhead_ns = overhead_ns;
    plan->targets = left;
    return 0;
}

static int take_prediction(const struct prediction *prediction, struct plan *plan,
                           struct err *err) {
    if (service_must_be_predicted(prediction, err))
        return -(int)err->code;
    plan->model = prediction->model.name;
    plan->machine = prediction->machine;
    plan->latency_ns = prediction->latency_ns;
    plan->memory_confidence = prediction->peak_memory_upper.confidence;
    if (prediction->cold_start.phase_count)
        plan->cold_start_ns = prediction->cold_start.total_ns;
    return 0;
}

static int describe(struct arena *arena, struct db *db, const struct plan_request *request,
                    struct planned *out, struct err *err) {
    struct plan *plan = &out->plan;
    if (request->service.predict.subject.model_path)
        return job_predict(arena, db, &request->service.predict, &out->predicted, err) ||
                       take_prediction(&out->predicted.prediction, plan, err) ||
                       plan_options_of_model(arena, db, request, &out->predicted.prediction, plan,
                                             err)
                   ? -(int)err->code
                   : 0;
    double ns = request->service.service_ns;
    plan->latency_ns = (struct estimate){ns, ns, ns, TIER_GIVEN, "given"};
    plan_options_given(arena, request, plan);
    return 0;
}

/* A replica for a higher rate answers when the rate was seen, acted on, and it has started. */
static void set_lead_time(const struct plan_request *request, struct plan *plan) {
    double given = request->service.cold_start_ns;
    if (!isnan(given))
        plan->cold_start_ns = (struct estimate){given, given, given, TIER_GIVEN, "given"};
    if (plan->cold_start_ns.tier != TIER_REFUSED)
        plan->headroom.lead_time_ns += plan->cold_start_ns.high;
}

int job_plan(struct arena *arena, struct db *db, const struct plan_request *request,
             struct progress *progress, struct planned *out, struct err *err) {
    *out = (struct planned){0};
    struct plan *plan = &out->plan;
    *plan = (struct plan){
        .rate_per_second = request->rate_per_second,
        .routing = request->routing,
        .distribution = request->distribution,
        .delay_ns = request->delay_ns,
        .headroom = request->headroom,
        .cold_start_ns = estimate_refused(),
        .seed = request->seed,
    };
    const struct service_shape *shape = service_shape_by_name(request->distribution);
    plan->scv = !isnan(request->scv) ? request->scv : shape->parameter(0) >= 0 ? 0 : 1;
    if (read_targets(arena, request, out, err) ||
        take_overhead(arena, request->overhead_ns, plan, err) ||
        node_types_read(arena, request->nodes, request->node_count, request->catalog_path,
                        &plan->offers, &plan->offer_count, err) ||
        describe(arena, db, request, out, err))
        return -(int)err->code;
    set_lead_time(request, plan);
    out->asked = *plan;
    plan->options = ARENA_ARRAY(arena, plan->option_count, struct plan_option);
    memcpy(plan->options, out->asked.options, plan->option_count * sizeof *plan->options);
    return planner_solve(arena, plan, progress, err);
}
