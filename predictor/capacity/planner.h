/* The whole plan: replicas for the rate and the targets, nodes to hold them. */
#ifndef ASSAY_PREDICTOR_CAPACITY_PLANNER_H
#define ASSAY_PREDICTOR_CAPACITY_PLANNER_H

#include "base/arena.h"
#include "base/err.h"
#include "core/plan.h"

/* Fills plan->high and plan->value from the rest of the plan. An answer that does not exist has
 * its reason; when that is the answer for latency_ns.high, the call also fails with ERR_FINDING
 * and that reason. Any other failure leaves the answers unfilled. */
int planner_solve(struct arena *arena, struct plan *plan, struct err *err);

/* Fills plan->curve: replicas at `count` rates from 0 to twice the plan's, evenly spaced. For
 * pictures; after planner_solve. */
int planner_curve(struct arena *arena, struct plan *plan, uint32_t count, struct err *err);

#endif
