/* The most valuable pods that fit one node: a bounded knapsack with several resources, exact unless
 * its step budget runs out; an upper bound of the value comes with the answer either way.
 *
 * Depth-first branch and bound. The bound is Dantzig's for one surrogate resource, a weighted sum
 * of all; its weights minimise the Lagrangian relaxation (subgradient steps from those of the last
 * call), so that the scarce resources count.
 */
#ifndef ASSAY_PREDICTOR_CAPACITY_KNAPSACK_H
#define ASSAY_PREDICTOR_CAPACITY_KNAPSACK_H

#include "base/arena.h"

#include <stdint.h>

enum pod_resource { POD_CPU, POD_MEMORY, POD_GPU, POD_SLOT, POD_RESOURCES };

/* Amounts are whole: millionths of a CPU, bytes, GPUs, pods. */
struct pod_size {
    int64_t amount[POD_RESOURCES];
};

struct knapsack {
    const struct pod_size *sizes; /* of kind i */
    uint32_t kind_count;
    struct knapsack_row *rows; /* scratch, a row for each kind and one more */
};

void knapsack_init(struct knapsack *knapsack, struct arena *arena, const struct pod_size *sizes,
                   uint32_t kind_count);

struct knapsack_question {
    struct pod_size room;
    const double *values; /* of one pod of kind i, >= 0 */
    const uint32_t *most; /* pods of kind i there are */
    double at_least;      /* only more than this is of interest */
    uint64_t steps_max;
    double weights[POD_RESOURCES]; /* of the surrogate: in and out, begins as zeroes */
};

struct knapsack_answer {
    double value; /* of `pods`; at_least when nothing better was found */
    double bound; /* no choice of pods is worth more; at least at_least */
    double reach; /* the relaxation's bound, which may be below at_least */
};

/* pods[i] is written only when more than at_least was found. */
struct knapsack_answer knapsack_solve(struct knapsack *knapsack, struct knapsack_question *question,
                                      uint32_t *pods);

#endif
