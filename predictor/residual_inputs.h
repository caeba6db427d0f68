/* What residual learners share: inputs in units of their spread, points spread over them, and the
 * error by which they are judged. Inside predictor/. */
#ifndef ASSAY_PREDICTOR_RESIDUAL_INPUTS_H
#define ASSAY_PREDICTOR_RESIDUAL_INPUTS_H

#include "predictor/residual.h"

#include <stdbool.h>

enum { RESIDUAL_ROWS_MIN = 24 }; /* fewer teach nothing */

/* (input - mean) * scale; the scale of an input that is always the same is 0. */
struct residual_scales {
    double mean[RESIDUAL_DIMS_MAX], scale[RESIDUAL_DIMS_MAX];
};

struct residual_scales residual_scales_of(const struct residual_rows *rows);
void residual_scale(const struct residual_scales *scales, uint32_t dims, const double *input,
                    double *scaled);
/* All rows, dims each. */
double *residual_scale_rows(struct arena *arena, const struct residual_scales *scales,
                            const struct residual_rows *rows);
void residual_scales_write(const struct residual_scales *scales, uint32_t dims, cJSON *object);
int residual_scales_read(const cJSON *object, uint32_t dims, struct residual_scales *out,
                         struct err *err);

/* The rows, or `max` of them evenly taken. */
struct residual_rows residual_sample(struct arena *arena, const struct residual_rows *rows,
                                     uint32_t max);

/* Squared Euclidean. */
double residual_distance(const double *a, const double *b, uint32_t dims);
/* The same, or anything above the limit when it is above. */
double residual_distance_within(const double *a, const double *b, uint32_t dims, double limit);

/* Farthest first: each next point is the row that is covered worst so far. At most `max` points of
 * `dims`; *reach (may be NULL) gets how far a row is from its nearest point at most. */
uint32_t residual_spread_points(struct arena *arena, const double *scaled, uint32_t count,
                                uint32_t dims, uint32_t max, double *points, double *reach);

/* In units of the rows' variances, outliers counting less; held_out NULL: of the function 0. */
double residual_error(const struct residual_rows *rows, const double *held_out);
/* What an error must be below to be better than saying nothing. */
double residual_error_of_nothing(const struct residual_rows *rows);

#endif
