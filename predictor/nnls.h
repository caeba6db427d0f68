/* Non-negative least squares: minimises ||A x - b|| with x >= 0.
 * Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23; the inner unconstrained
 * problems are solved by LAPACK (dposv on the normal equations of the columns in play). */
#ifndef ASSAY_PREDICTOR_NNLS_H
#define ASSAY_PREDICTOR_NNLS_H

#include "base/err.h"

#include <stdint.h>

enum { NNLS_COLUMNS_MAX = 32 };

/* `a` is rows x columns, row after row; a and b are left alone. Columns are scaled inside. Fails
 * with ERR_BUG on NaN. Columns that are all zero get 0. */
int nnls(const double *a, const double *b, uint32_t rows, uint32_t columns, double *x,
         struct err *err);

#endif
