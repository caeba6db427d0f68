#include "predictor/nnls.h"

#include <assert.h>
#include <lapacke.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The normal equations of the scaled problem: everything after the first pass over the rows works
 * on columns x columns numbers. */
struct problem {
    uint32_t columns;
    double gram[NNLS_COLUMNS_MAX][NNLS_COLUMNS_MAX]; /* A'A */
    double target[NNLS_COLUMNS_MAX];                 /* A'b */
    double scale[NNLS_COLUMNS_MAX];                  /* 1 / ||column||; 0 for an empty one */
    double size;                                     /* ||b||: thresholds are shares of it */
};

static void prepare(struct problem *p, const double *a, const double *b, uint32_t rows,
                    uint32_t columns) {
    memset(p, 0, sizeof *p);
    p->columns = columns;
    for (uint32_t r = 0; r < rows; r++) {
        p->size += b[r] * b[r];
        for (uint32_t i = 0; i < columns; i++) {
            double value = a[(size_t)r * columns + i];
            p->target[i] += value * b[r];
            for (uint32_t j = 0; j <= i; j++)
                p->gram[i][j] += value * a[(size_t)r * columns + j];
        }
    }
    p->size = p->size > 0 ? sqrt(p->size) : 1;
    for (uint32_t i = 0; i < columns; i++)
        p->scale[i] = p->gram[i][i] > 0 ? 1 / sqrt(p->gram[i][i]) : 0;
    for (uint32_t i = 0; i < columns; i++) {
        p->target[i] *= p->scale[i] / p->size;
        for (uint32_t j = 0; j <= i; j++)
            p->gram[i][j] = p->gram[j][i] = p->gram[i][j] * p->scale[i] * p->scale[j];
    }
}

/* Solves for the columns in play. The ridge keeps columns that are multiples of each other apart.
 */
static bool solve_passive(const struct problem *p, const bool *passive, double *x) {
    double matrix[NNLS_COLUMNS_MAX * NNLS_COLUMNS_MAX], right[NNLS_COLUMNS_MAX];
    uint32_t index[NNLS_COLUMNS_MAX], n = 0;
    for (uint32_t i = 0; i < p->columns; i++)
        if (passive[i])
            index[n++] = i;
    for (uint32_t i = 0; i < n; i++) {
        right[i] = p->target[index[i]];
        for (uint32_t j = 0; j < n; j++)
            matrix[i * n + j] = p->gram[index[i]][index[j]] + (i == j ? 1e-9 : 0);
    }
    if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', (lapack_int)n, 1, matrix, (lapack_int)n, right, 1))
        return false;
    memset(x, 0, p->columns * sizeof *x);
    for (uint32_t i = 0; i < n; i++)
        x[index[i]] = right[i];
    return true;
}

/* The column whose growth lowers the residual most; -1 when none does. */
static int steepest(const struct problem *p, const bool *passive, const double *x) {
    int best = -1;
    double best_gradient = 1e-10;
    for (uint32_t i = 0; i < p->columns; i++) {
        if (passive[i] || p->scale[i] == 0)
            continue;
        double gradient = p->target[i];
        for (uint32_t j = 0; j < p->columns; j++)
            gradient -= p->gram[i][j] * x[j];
        if (gradient > best_gradient) {
            best_gradient = gradient;
            best = (int)i;
        }
    }
    return best;
}

/* Walks from x towards the unconstrained solution z until a coefficient reaches 0; drops it. */
static void step_back(const struct problem *p, bool *passive, double *x, const double *z) {
    double alpha = 1;
    for (uint32_t i = 0; i < p->columns; i++)
        if (passive[i] && z[i] <= 0)
            alpha = fmin(alpha, x[i] / (x[i] - z[i]));
    for (uint32_t i = 0; i < p->columns; i++) {
        x[i] += alpha * (z[i] - x[i]);
        if (passive[i] && x[i] <= 1e-14) {
            passive[i] = false;
            x[i] = 0;
        }
    }
}

static bool all_positive(const struct problem *p, const bool *passive, const double *z) {
    for (uint32_t i = 0; i < p->columns; i++)
        if (passive[i] && z[i] <= 0)
            return false;
    return true;
}

int nnls(const double *a, const double *b, uint32_t rows, uint32_t columns, double *x,
         struct err *err) {
    struct problem p;
    bool passive[NNLS_COLUMNS_MAX] = {false};
    double z[NNLS_COLUMNS_MAX] = {0};
    assert(columns <= NNLS_COLUMNS_MAX);
    prepare(&p, a, b, rows, columns);
    if (!isfinite(p.size))
        return err_set(err, ERR_BUG, "least squares: the right-hand side is not finite");
    for (uint32_t i = 0; i < columns; i++)
        if (!isfinite(p.target[i]) || !isfinite(p.gram[i][i]))
            return err_set(err, ERR_BUG, "least squares: column %u is not finite", i);
    memset(x, 0, columns * sizeof *x);
    for (uint32_t round = 0; round < 10 * columns; round++) {
        int next = steepest(&p, passive, x);
        if (next < 0)
            break;
        passive[next] = true;
        for (;;) {
            if (!solve_passive(&p, passive, z))
                return err_set(err, ERR_BUG, "least squares: singular system");
            if (all_positive(&p, passive, z))
                break;
            step_back(&p, passive, x, z);
        }
        memcpy(x, z, columns * sizeof *x);
    }
    for (uint32_t i = 0; i < columns; i++)
        x[i] *= p.scale[i] * p.size;
    return 0;
}
