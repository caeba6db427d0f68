/* Whether a configuration keeps to the constraints that are not targets of the queue: memory, cost,
 * nodes, utilisation, throughput ... What a plan for CPUs cannot tell (GPU figures, tokens) is not
 * checked; limits_unchecked names it. */
#ifndef ASSAY_PREDICTOR_CAPACITY_LIMITS_H
#define ASSAY_PREDICTOR_CAPACITY_LIMITS_H

#include "base/arena.h"
#include "core/plan.h"

/* NULL: kept. Else which constraint is broken, by what, in the arena. */
const char *limits_broken(struct arena *arena, const struct plan *plan,
                          const struct plan_option *option, const struct plan_answer *answer);

/* The mean response that the constraints allow at most; INFINITY: any. More replicas help here. */
double limits_mean_response_ns(const struct plan *plan);

/* The constraints that nothing here tells, as text; NULL: there are none. */
const char *limits_unchecked(struct arena *arena, const struct plan *plan);

#endif
