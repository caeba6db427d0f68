/* What the hooks of a measured run cost beyond the calibrated cost of measuring: the operators of a
 * hooked process sum to more than the same process takes without hooks, because hook and operator
 * drive each other out of the caches. It is told from what two processes never share, their luck
 * with the memory they were given, which makes all operators of one slower alike.
 */
#ifndef ASSAY_JOBS_HOOK_EXCESS_H
#define ASSAY_JOBS_HOOK_EXCESS_H

#include "base/arena.h"
#include "core/observation.h"

#include <stdint.h>

/* A run, and its operators as they stand in the training. */
struct hooked_run {
    double steady_ns; /* without hooks */
    uint32_t first, count;
};

/* Takes the excess off the operators. What it is as a share of the run, per operator, and per
 * operator that touches an eighth of `cache_bytes` or more (in part, below that), is learnt from
 * all runs. What a run's operators sum to then is brought half the way to what the run took, each
 * in proportion: both processes know it equally well. Of few runs nothing is learnt, and the
 * operators of each come to sum to its steady time. */
void hook_excess_remove(struct observation *observations, const struct hooked_run *runs,
                        uint32_t run_count, double cache_bytes);

#endif
