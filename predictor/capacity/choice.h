/* Whole choices among patterns, and the last word where bounds do not meet: all patterns that any
 * packing cheaper than the one known can use, and the cheapest whole choice among them
 * (predictor/capacity/mip.h).
 *
 * With prices of pods so that no node's load is worth more than the node costs, a packing costs
 * the worth of all pods and what each of its nodes costs beyond its load. So none of its loads may
 * fall short by more than the packing may cost beyond that worth. */
#ifndef ASSAY_PREDICTOR_CAPACITY_CHOICE_H
#define ASSAY_PREDICTOR_CAPACITY_CHOICE_H

#include "predictor/capacity/pattern_lp.h"

struct choice {
    const struct packing_problem *problem;
    const double *prices;                   /* of pods, by kind */
    const double (*weights)[POD_RESOURCES]; /* of a surrogate, by type: for pruning */
    double cutoff;                          /* only what is cheaper is of interest */
    double deadline_s;
};

enum choice_result {
    CHOICE_FOUND,     /* the cheapest of all: pods[] by node, type_of[] of each */
    CHOICE_CHEAPER,   /* cheaper than the cutoff, but time ran out */
    CHOICE_NONE,      /* nothing is cheaper than the cutoff */
    CHOICE_UNDECIDED, /* too many patterns, or no time */
};

/* The packing lives in the arena. */
enum choice_result choose_among(struct arena *arena, const struct choice *choice,
                                const struct pattern_pool *pool, uint32_t *node_count,
                                const uint32_t **type_of, const uint32_t **pods);
enum choice_result choose_patterns(struct arena *arena, const struct choice *choice,
                                   uint32_t *node_count, const uint32_t **type_of,
                                   const uint32_t **pods);

#endif
