/* What any packing costs at least: the cheapest numbers of nodes of each type that satisfy all
 * that is known of every packing. Whole nodes make it tighter than the relaxation it comes from.
 *
 * What is known are cuts (predictor/capacity/pattern_lp.h): the nodes together can hold all pods by
 * CPU, by memory, and by the worth that any duals give the pods.
 */
#ifndef ASSAY_PREDICTOR_CAPACITY_COUNT_BOUND_H
#define ASSAY_PREDICTOR_CAPACITY_COUNT_BOUND_H

#include "predictor/capacity/pattern_lp.h"

struct count_bound {
    const struct packing_problem *problem;
    struct arena *arena;
    struct count_cut *cuts;
    uint32_t count, capacity;
};

/* Begins with the cuts by resource. */
void count_bound_init(struct count_bound *bound, struct arena *arena,
                      const struct packing_problem *problem);
/* The cut's worth is borrowed from an arena that lives as long. */
void count_bound_add(struct count_bound *bound, const struct count_cut *cut);

/* counts[t] nodes of type t, at a cost below `cutoff`; *cost is the least when 0 is returned, 1
 * says that there are none, -1 that time ran out: then *cost is at least a bound. */
int count_bound_solve(const struct count_bound *bound, double spare, double cutoff, double seconds,
                      uint32_t *counts, double *cost);

#endif
