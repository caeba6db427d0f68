/* What the physical terms of a kernel class leave unexplained: log(measured / fitted) as a function
 * of the logarithms of the terms. How it is learnt is a row of a table. Whatever the row, the
 * function returns to 0 away from the observations, so it cannot extrapolate: there the physics
 * stands alone.
 */
#ifndef ASSAY_PREDICTOR_RESIDUAL_H
#define ASSAY_PREDICTOR_RESIDUAL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

enum { RESIDUAL_DIMS_MAX = 16, RESIDUAL_FOLDS = 10 };

/* Rows of inputs, `dims` each, with what is to be learnt, its standard deviation, and the fold it
 * is judged in, below RESIDUAL_FOLDS: a model is never split between folds. */
struct residual_rows {
    const double *inputs, *targets, *deviations;
    const uint32_t *folds;
    uint32_t count, dims;
};

struct residual_learner {
    const char *name; /* "gaussian-process" */
    const char *help;
    /* NULL: on every machine; else why not. */
    int (*available)(struct err *err);
    /* What is learnt, in the arena; NULL in *state when it does not lower the error on folds left
     * out. held_out (zeroes) gets, per row, what is said when its fold is left out. Equal rows give
     * equal bits. NULL: nothing is ever learnt. */
    int (*learn)(struct arena *arena, const struct residual_rows *rows, const void **state,
                 double *held_out, struct err *err);
    double (*at)(const void *state, uint32_t dims, const double *input);
    void (*write)(const void *state, uint32_t dims, cJSON *object);
    int (*read)(struct arena *arena, const cJSON *object, uint32_t dims, const void **state,
                struct err *err);
};

extern const struct residual_learner *const residual_learners[]; /* ends with NULL */
/* NULL when there is none of that name. */
const struct residual_learner *residual_learner_by_name(const char *name);

struct residual {
    const struct residual_learner *learner;
    const void *state; /* NULL: nothing was learnt, the function is 0 */
    uint32_t dims;
};

/* held_out as in learn(). The result lives in the arena. */
int residual_learn(struct arena *arena, const struct residual_learner *learner,
                   const struct residual_rows *rows, struct residual *out, double *held_out,
                   struct err *err);
double residual_at(const struct residual *residual, const double *input);

/* {"learner":"gaussian-process", ...}; only of what was learnt. */
void residual_write(const struct residual *residual, cJSON *object);
int residual_read(struct arena *arena, const cJSON *object, uint32_t dims, struct residual *out,
                  struct err *err);

#endif
