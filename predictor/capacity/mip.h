/* Whole numbers at least cost under linear bounds, over CBC. Nothing is printed. */
#ifndef ASSAY_PREDICTOR_CAPACITY_MIP_H
#define ASSAY_PREDICTOR_CAPACITY_MIP_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

/* Columns in the compressed form: entries of column i are starts[i] to starts[i + 1] - 1. */
struct mip {
    int columns, rows;
    const int *starts, *row_of;
    const double *entries;
    const double *costs, *upper; /* of columns; lower is 0 */
    const double *row_lower, *row_upper;
};

struct mip_answer {
    bool found;   /* values were written */
    bool optimal; /* none is cheaper, by the solver's word */
    bool infeasible;
    double cost;
    double bound; /* none can cost less, by the solver's word */
};

/* Stops after `seconds`, or when nothing below `cutoff` is left. values: one for each column. */
struct mip_answer mip_solve(const struct mip *mip, double cutoff, double seconds, double *values);

#endif
