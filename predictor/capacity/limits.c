#include "predictor/capacity/limits.h"

#include <math.h>

struct configuration {
    const struct plan *plan;
    const struct plan_option *option;
    const struct plan_answer *answer;
};

static double latency(const struct configuration *c, double percentile) {
    return percentile == CONSTRAINT_MEAN ? c->answer->n.response_mean_ns : NAN;
}

static double queue_wait(const struct configuration *c, double percentile) {
    return percentile == CONSTRAINT_MEAN ? c->answer->n.response_mean_ns - c->option->batch_ns[0]
                                         : NAN;
}

/* Of a full batch: what a request may have to sit through. */
static double compute(const struct configuration *c, double percentile) {
    (void)percentile;
    return c->option->batch_ns[c->option->batch_max - 1];
}

static double throughput(const struct configuration *c, double percentile) {
    (void)percentile;
    const struct plan_option *option = c->option;
    return (double)c->answer->replicas * option->batch_max * 1e9 /
           option->batch_ns[option->batch_max - 1];
}

static double memory(const struct configuration *c, double percentile) {
    (void)percentile;
    return c->option->memory_bytes > 0 ? (double)c->answer->replicas * c->option->memory_bytes
                                       : NAN;
}

static double memory_free(const struct configuration *c, double percentile) {
    double have = 0;
    for (uint32_t i = 0; i < c->answer->node_count; i++)
        have += (double)c->answer->nodes[i].count * c->answer->nodes[i].type->memory_bytes;
    return c->answer->node_count ? have - memory(c, percentile) : NAN;
}

static double utilisation(const struct configuration *c, double percentile) {
    (void)percentile;
    return c->answer->n.utilisation;
}

static double replicas(const struct configuration *c, double percentile) {
    (void)percentile;
    return (double)c->answer->replicas;
}

static double nodes(const struct configuration *c, double percentile) {
    (void)percentile;
    double count = 0;
    for (uint32_t i = 0; i < c->answer->node_count; i++)
        count += (double)c->answer->nodes[i].count;
    return c->answer->node_count ? count : NAN;
}

static double cost(const struct configuration *c, double percentile) {
    (void)percentile;
    return c->answer->usd_per_hour;
}

/* NaN where it is not known, and for percentiles that are targets already. */
static double (*const measures[METRIC_COUNT])(const struct configuration *c, double percentile) = {
    [METRIC_LATENCY] = latency,
    [METRIC_QUEUE] = queue_wait,
    [METRIC_COMPUTE] = compute,
    [METRIC_THROUGHPUT] = throughput,
    [METRIC_MEMORY] = memory,
    [METRIC_MEMORY_FREE] = memory_free,
    [METRIC_UTILISATION] = utilisation,
    [METRIC_REPLICAS] = replicas,
    [METRIC_NODES] = nodes,
    [METRIC_COST] = cost,
};

static bool is_target(const struct constraint *constraint) {
    return constraint->metric == METRIC_LATENCY && constraint->percentile != CONSTRAINT_MEAN;
}

static bool keeps(const struct constraint *constraint, double value) {
    double room = constraint->is_max ? constraint->value - value : value - constraint->value;
    return constraint->is_strict ? room > 0 : room >= 0;
}

const char *limits_broken(struct arena *arena, const struct plan *plan,
                          const struct plan_option *option, const struct plan_answer *answer) {
    const struct configuration configuration = {plan, option, answer};
    for (uint32_t i = 0; i < plan->constraint_count; i++) {
        const struct constraint *constraint = &plan->constraints[i];
        if (!measures[constraint->metric] || is_target(constraint))
            continue;
        double value = measures[constraint->metric](&configuration, constraint->percentile);
        if (isnan(value) || keeps(constraint, value))
            continue;
        const struct constraint_metric_info *info = constraint_metric_info(constraint->metric);
        return arena_printf(arena, "breaks %s (%s): %s would be %.4g%s%s", constraint->text,
                            constraint->source, info->name, value, info->unit[0] ? " " : "",
                            info->unit);
    }
    return NULL;
}

double limits_mean_response_ns(const struct plan *plan) {
    double most = INFINITY;
    for (uint32_t i = 0; i < plan->constraint_count; i++) {
        const struct constraint *constraint = &plan->constraints[i];
        if (constraint->metric == METRIC_LATENCY && constraint->is_max &&
            constraint->percentile == CONSTRAINT_MEAN)
            most = fmin(most, constraint->value);
    }
    return most;
}

const char *limits_unchecked(struct arena *arena, const struct plan *plan) {
    const char *text = NULL;
    for (uint32_t i = 0; i < plan->constraint_count; i++) {
        const struct constraint *constraint = &plan->constraints[i];
        if (measures[constraint->metric] &&
            (is_target(constraint) || constraint->percentile == CONSTRAINT_MEAN ||
             (constraint->metric != METRIC_LATENCY && constraint->metric != METRIC_QUEUE)))
            continue;
        text = arena_printf(arena, "%s%s%s", text ? text : "", text ? ", " : "", constraint->text);
    }
    return text;
}
