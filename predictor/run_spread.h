/* How far a run may be from what was predicted. The variance of log(measured / predicted) is a sum
 * of parts, each with a weight that is learnt from runs left out; what they make of it is then
 * widened or narrowed until 90 % of those runs lie inside (split-conformal: Lei et al.,
 * Distribution-Free Predictive Inference for Regression, JASA 113 (2018)).
 */
#ifndef ASSAY_PREDICTOR_RUN_SPREAD_H
#define ASSAY_PREDICTOR_RUN_SPREAD_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum spread_part {
    SPREAD_OPERATORS, /* the operators' own relative variances, added up */
    SPREAD_AGE,       /* square of the share that hangs on what the shared cache has kept */
    SPREAD_SHORT,     /* how short the run is, 0 to 1: timers, caches that another run left */
    SPREAD_ALWAYS,    /* 1: what any run has */
    SPREAD_PART_COUNT
};

struct spread_parts {
    double of[SPREAD_PART_COUNT];
};

struct run_spread {
    double weights[SPREAD_PART_COUNT]; /* >= 0 */
    double scale;                      /* of the deviation */
};

const char *spread_part_name(enum spread_part part);

/* What is assumed before there are runs enough to learn from. */
struct run_spread run_spread_assumed(void);

/* The deviation of log(measured / predicted), at most 1. */
double run_spread_deviation(const struct run_spread *spread, const struct spread_parts *parts);

/* From runs left out: log(measured / predicted) and the parts of each; the less noise is in what
 * was measured, the more the result is of the prediction. With few of them the weights
 * stay what is assumed, with fewer than three the scale too. Returns 0, or -ERR_BUG on NaN. */
int run_spread_learn(struct arena *arena, const double *log_errors,
                     const struct spread_parts *parts, uint32_t count, struct run_spread *out,
                     struct err *err);

#endif
