#include "predictor/capacity/planner.h"

#include "base/progress.h"
#include "predictor/capacity/limits.h"
#include "predictor/capacity/pack.h"
#include "predictor/capacity/replicas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PROOF_REQUESTS = 2000000, PROOF_REQUESTS_MOST = 32000000 };

/* ---- one configuration ------------------------------------------------------------------------
 */

static int demand_of(const struct plan *plan, const double *batch_ns, uint32_t batch_max,
                     const char *service_is, struct service_demand *demand, struct err *err) {
    const struct service_shape *shape = service_shape_by_name(plan->distribution);
    *demand = (struct service_demand){
        .load = {.rate_per_second = plan->rate_planned,
                 .delay_ns = plan->delay_ns,
                 .routing = plan->routing,
                 .seed = plan->seed},
        .service_is = service_is,
        .targets = plan->targets,
        .target_count = plan->target_count,
    };
    return service_time_init(&demand->load.service, batch_ns, batch_max, shape, plan->scv, err);
}

/* An autoscaler that leaves differences up to the shortfall alone may stay for ever at any number
 * that asked / number - 1 does not pass: what is asked for is the least that leaves no such number
 * below the one that is needed. */
static uint64_t with_headroom(const struct plan_headroom *headroom, uint64_t needed) {
    double stays = floor((1 + headroom->shortfall) * (double)(needed - 1) + 1e-9) + 1;
    return (uint64_t)fmax((double)needed, stays) + headroom->spares;
}

static int find_nodes(struct arena *arena, const struct plan *plan,
                      const struct plan_option *option, uint64_t replicas, struct packing *packing,
                      struct err *err) {
    const struct replica_size replica = {
        .cpus = option->threads,
        .memory_bytes = option->memory_bytes,
        .per_node_most = option->replicas_per_node,
    };
    *packing = (struct packing){.usd_per_hour = NAN, .cpu_waste = NAN, .memory_waste = NAN};
    if (plan->offer_count == 0)
        return 0;
    return pack_replicas(arena, plan->offers, plan->offer_count, &replica, replicas, packing, err);
}

/* The targets are met; a limit on the mean may ask for more replicas. Without waiting at all the
 * mean is one service: a limit below that is left to be found broken. */
static int grow_for_mean(const struct plan *plan, const struct service_demand *demand,
                         struct plan_answer *answer, struct err *err) {
    enum { GROWTH_MOST = 1000 };
    double most_ns = limits_mean_response_ns(plan);
    int rc = 0;
    for (int i = 0; !rc && i < GROWTH_MOST && answer->n.response_mean_ns >= most_ns &&
                    most_ns > demand->load.service.batch_ns[0] + demand->load.delay_ns;
         i++) {
        answer->less = answer->n;
        answer->less.meets = false;
        rc = replicas_evaluate(demand, answer->less.replicas + 1, &answer->n, err);
    }
    return rc;
}

static int answer_for(struct arena *arena, const struct plan *plan,
                      const struct plan_option *option, const double *batch_ns,
                      const char *service_is, struct plan_answer *answer, struct err *err) {
    struct service_demand demand;
    struct packing packing;
    *answer = (struct plan_answer){
        .service_ns = batch_ns[0], .usd_per_hour = NAN, .cpu_waste = NAN, .memory_waste = NAN};
    int rc = demand_of(plan, batch_ns, option->batch_max, service_is, &demand, err);
    if (!rc)
        rc = replicas_find(&demand, &answer->n, &answer->less, err);
    if (!rc)
        rc = grow_for_mean(plan, &demand, answer, err);
    answer->replicas = rc ? 0 : with_headroom(&plan->headroom, answer->n.replicas);
    if (!rc)
        rc = find_nodes(arena, plan, option, answer->replicas, &packing, err);
    if (rc == -ERR_FINDING)
        answer->reason = arena_strdup(arena, err->message);
    if (rc)
        return rc;
    answer->nodes = packing.nodes;
    answer->node_count = packing.node_count;
    answer->usd_per_hour = packing.usd_per_hour;
    answer->cpu_waste = packing.cpu_waste;
    answer->memory_waste = packing.memory_waste;
    return 0;
}

/* ---- which is cheapest ------------------------------------------------------------------------
 */

struct cost {
    double usd_per_hour; /* 0 without prices */
    double cpus;
    double response_ns;
};

static double priced(double usd_per_hour) {
    return isnan(usd_per_hour) ? 0 : usd_per_hour;
}

static int compare_costs(const struct cost *a, const struct cost *b) {
    if (a->usd_per_hour != b->usd_per_hour)
        return a->usd_per_hour < b->usd_per_hour ? -1 : 1;
    if (a->cpus != b->cpus)
        return a->cpus < b->cpus ? -1 : 1;
    return (a->response_ns > b->response_ns) - (a->response_ns < b->response_ns);
}

static struct cost cost_of(const struct plan_option *option) {
    return (struct cost){priced(option->usd_per_hour), option->cpus, option->response_ns};
}

/* What the option costs at least: as many replicas as are busy all the time. ERR_FINDING when it
 * fits no node. */
static int least_cost(struct arena *arena, const struct plan *plan,
                      const struct plan_option *option, struct cost *cost, struct err *err) {
    struct service_demand demand;
    struct packing packing;
    int rc = demand_of(plan, option->batch_ns, option->batch_max, "", &demand, err);
    if (rc)
        return rc;
    double busy = fmin(1e15, floor(queue_offered(&demand.load)) + 1);
    uint64_t replicas = with_headroom(&plan->headroom, (uint64_t)busy);
    rc = find_nodes(arena, plan, option, replicas, &packing, err);
    *cost = (struct cost){priced(packing.usd_per_hour), (double)replicas * option->threads,
                          option->batch_ns[0]};
    return rc;
}

struct candidate {
    uint32_t option;
    struct cost least;
};

static int compare_candidates(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    int order = compare_costs(&x->least, &y->least);
    return order ? order : x->option < y->option ? -1 : 1;
}

/* The options that fit a node, the cheapest bound first. */
static int list_candidates(struct arena *arena, struct plan *plan, struct candidate *candidates,
                           uint32_t *count, struct err *err) {
    *count = 0;
    for (uint32_t i = 0; i < plan->option_count; i++) {
        struct plan_option *option = &plan->options[i];
        struct candidate *candidate = &candidates[*count];
        struct err why = {0};
        option->usd_per_hour = option->response_ns = option->utilisation = NAN;
        candidate->option = i;
        if (option->reason)
            continue;
        int rc = least_cost(arena, plan, option, &candidate->least, &why);
        if (rc == -ERR_FINDING)
            option->reason = arena_strdup(arena, why.message);
        else if (rc)
            return err_set(err, why.code, "%s", why.message);
        else
            (*count)++;
    }
    qsort(candidates, *count, sizeof *candidates, compare_candidates);
    return 0;
}

static void take_answer(struct plan_option *option, const struct plan_answer *answer) {
    option->reason = answer->reason;
    option->constrained = answer->reason && answer->replicas > 0;
    if (answer->reason && !option->constrained)
        return;
    option->replicas = answer->replicas;
    option->usd_per_hour = answer->usd_per_hour;
    option->cpus = (double)answer->replicas * option->threads;
    option->response_ns = answer->n.response_ns;
    option->utilisation = answer->n.utilisation;
}

/* Solves the options in the order of what they cost at least, until none can beat the best. */
static int choose(struct arena *arena, struct plan *plan, struct progress *progress,
                  struct err *err) {
    struct candidate *candidates = ARENA_ARRAY(arena, plan->option_count, struct candidate);
    uint32_t count;
    struct cost best = {INFINITY, INFINITY, INFINITY};
    if (list_candidates(arena, plan, candidates, &count, err))
        return -(int)err->code;
    progress_start(progress, count, "planning");
    for (uint32_t i = 0; i < count; i++) {
        struct plan_option *option = &plan->options[candidates[i].option];
        struct plan_answer answer;
        struct err why = {0};
        progress_update(progress, i, NULL);
        if (compare_costs(&candidates[i].least, &best) > 0) {
            option->reason = "costs more than the best even with every replica busy";
            continue;
        }
        const char *bound = plan->latency_ns.high > plan->latency_ns.value ? "upper bound" : "";
        int rc = answer_for(arena, plan, option, option->batch_ns, bound, &answer, &why);
        if (!rc)
            answer.reason = limits_broken(arena, plan, option, &answer);
        if (rc && rc != -ERR_FINDING)
            return err_set(err, why.code, "%s", why.message);
        take_answer(option, &answer);
        struct cost cost = cost_of(option);
        if (option->reason || compare_costs(&cost, &best) >= 0)
            continue;
        best = cost;
        plan->chosen = candidates[i].option;
        plan->high = answer;
    }
    progress_done(progress);
    return 0;
}

/* Neither dearer nor slower than another is what a reader should see. */
static void mark_front(struct plan *plan) {
    for (uint32_t i = 0; i < plan->option_count; i++) {
        struct plan_option *option = &plan->options[i];
        struct cost own = cost_of(option);
        option->on_front = !option->reason;
        for (uint32_t j = 0; j < plan->option_count && option->on_front; j++) {
            struct cost other = cost_of(&plan->options[j]);
            if (plan->options[j].reason || i == j)
                continue;
            bool dearer = own.usd_per_hour > other.usd_per_hour ||
                          (own.usd_per_hour == other.usd_per_hour && own.cpus > other.cpus);
            bool as_dear = own.usd_per_hour == other.usd_per_hour && own.cpus == other.cpus;
            option->on_front = !((dearer && own.response_ns >= other.response_ns) ||
                                 (as_dear && own.response_ns > other.response_ns));
        }
    }
}

/* ---- the plan ---------------------------------------------------------------------------------
 */

static int check_plan(const struct plan *plan, struct err *err) {
    if (plan->latency_ns.tier == TIER_REFUSED || !(plan->latency_ns.value > 0) ||
        !(plan->latency_ns.high >= plan->latency_ns.value))
        return err_set(err, ERR_FINDING, "no latency to plan with: the prediction was refused");
    if (plan->option_count == 0)
        return err_set(err, ERR_USAGE, "no configuration to choose from");
    for (uint32_t i = 0; i < plan->option_count; i++) {
        if (plan->options[i].threads == 0)
            return err_set(err, ERR_USAGE, "a replica of 0 threads");
        if (plan->offer_count && !plan->options[i].reason && !(plan->options[i].memory_bytes > 0))
            return err_set(err, ERR_FINDING,
                           "nodes cannot be packed: how much memory a replica takes is not known");
    }
    return 0;
}

/* With nothing chosen the plan's reason is that of the first option; its middle may have an answer.
 */
static int refuse(struct arena *arena, struct plan *plan, struct err *err) {
    const struct plan_option *option = &plan->options[0];
    struct err middle = {0};
    plan->chosen = 0;
    plan->high = plan->value = (struct plan_answer){
        .service_ns = option->batch_ns ? option->batch_ns[0] : NAN,
        .reason = option->reason,
        .usd_per_hour = NAN,
        .cpu_waste = NAN,
        .memory_waste = NAN,
    };
    if (option->batch_value_ns)
        answer_for(arena, plan, option, option->batch_value_ns, "", &plan->value, &middle);
    err_set(err, ERR_FINDING, "%s", option->reason);
    return err_hint(err, "give a replica more threads, choose a smaller model or a later target");
}

/* Longer and longer, until the interval leaves no doubt on which side of the target it is. */
static int prove_level(const struct service_demand *demand, struct service_level *level,
                       struct err *err) {
    for (uint64_t requests = PROOF_REQUESTS; requests <= PROOF_REQUESTS_MOST; requests *= 4) {
        if (replicas_prove(demand, requests, level, err))
            return -(int)err->code;
        if (!(level->simulated_low_ns <= level->target_ns &&
              level->target_ns <= level->simulated_high_ns))
            break;
    }
    return 0;
}

static int prove(struct plan *plan, struct err *err) {
    struct service_demand demand;
    const struct plan_option *option = plan_choice(plan);
    if (demand_of(plan, option->batch_ns, option->batch_max, "", &demand, err) ||
        prove_level(&demand, &plan->high.n, err))
        return -(int)err->code;
    return prove_level(&demand, &plan->high.less, err);
}

int planner_solve(struct arena *arena, struct plan *plan, struct progress *progress,
                  struct err *err) {
    double minutes = plan->headroom.lead_time_ns / 60e9;
    plan->rate_planned = plan->rate_per_second * (1 + plan->headroom.growth_per_minute * minutes);
    plan->high.replicas = 0;
    if (check_plan(plan, err) || choose(arena, plan, progress, err))
        return -(int)err->code;
    if (plan->high.replicas == 0)
        return refuse(arena, plan, err);
    mark_front(plan);
    const struct plan_option *option = plan_choice(plan);
    struct err middle = {0};
    int rc = answer_for(arena, plan, option, option->batch_value_ns, "", &plan->value, &middle);
    if (rc && rc != -ERR_FINDING)
        return err_set(err, middle.code, "%s", middle.message);
    return prove(plan, err);
}

/* Replicas at one rate, 0 when no number meets the targets. */
static int count_at(const struct plan *plan, const double *batch_ns, double rate,
                    uint64_t *replicas, struct err *err) {
    struct service_demand demand;
    struct service_level n, less;
    struct err none = {0};
    if (demand_of(plan, batch_ns, plan_choice(plan)->batch_max, "", &demand, err))
        return -(int)err->code;
    demand.load.rate_per_second = rate;
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
        rc = count_at(plan, plan_choice(plan)->batch_ns, rate, &points[i].high, err);
        if (!rc)
            rc = count_at(plan, plan_choice(plan)->batch_value_ns, rate, &points[i].value, err);
    }
    plan->curve = rc ? NULL : points;
    plan->curve_count = rc ? 0 : count;
    return rc;
}
