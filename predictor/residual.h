/* What the physical terms of a kernel class leave unexplained, as a smooth function of them: a
 * Gaussian process on log(measured / fitted) with a squared-exponential kernel over the logarithms
 * of the terms, carried by a few points spread over the observations (subset of regressors;
 * Quiñonero-Candela and Rasmussen, JMLR 6 (2005), 4.1). Away from the observations it returns to
 * 0, so it cannot extrapolate: there the physics stands alone.
 */
#ifndef ASSAY_PREDICTOR_RESIDUAL_H
#define ASSAY_PREDICTOR_RESIDUAL_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum { RESIDUAL_DIMS_MAX = 16, RESIDUAL_POINTS_MAX = 96, RESIDUAL_FOLDS = 10 };

struct residual {
    uint32_t points, dims; /* points 0: nothing was learnt, the function is 0 */
    double mean[RESIDUAL_DIMS_MAX],
        scale[RESIDUAL_DIMS_MAX]; /* of the inputs: (x - mean) * scale */
    double length;                /* of the kernel, in scaled units */
    const double *at;             /* points x dims, scaled */
    const double *weight;         /* per point */
};

/* Rows of inputs, `dims` each, with what is to be learnt, its standard deviation, and the fold it
 * is judged in, below RESIDUAL_FOLDS: a model is never split between folds. */
struct residual_rows {
    const double *inputs, *targets, *deviations;
    const uint32_t *folds;
    uint32_t count, dims;
};

/* Chooses the kernel's length by judging on folds left out, and learns nothing when that does not
 * lower the error. held_out gets, per row, what is said when its fold is left out. Deterministic;
 * the result lives in the arena. */
int residual_fit(struct arena *arena, const struct residual_rows *rows, struct residual *out,
                 double *held_out, struct err *err);

double residual_at(const struct residual *residual, const double *input);

#endif
