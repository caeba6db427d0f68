/* The whole plan: for every configuration the replicas that the rate and the targets need and the
 * cheapest nodes that hold them; the cheapest configuration; the proof. */
#ifndef ASSAY_PREDICTOR_CAPACITY_PLANNER_H
#define ASSAY_PREDICTOR_CAPACITY_PLANNER_H

#include "base/arena.h"
#include "base/err.h"
#include "core/plan.h"

struct progress;

/* Fills what the planner fills of every option, `chosen`, plan->high and plan->value from the rest
 * of the plan. An option that costs more than the best even with all replicas busy is not solved
 * to the end: its reason says so. An answer that does not exist has its reason; when that is the
 * answer for the latency's upper end, the call also fails with ERR_FINDING and that reason. Any
 * other failure leaves the answers unfilled. */
int planner_solve(struct arena *arena, struct plan *plan, struct progress *progress,
                  struct err *err);

/* Fills plan->curve: replicas at `count` rates from 0 to twice the plan's, evenly spaced. For
 * pictures; after planner_solve. */
int planner_curve(struct arena *arena, struct plan *plan, uint32_t count, struct err *err);

#endif
