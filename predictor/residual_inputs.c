#include "predictor/residual_inputs.h"

#include <math.h>
#include <string.h>

static const double gain_min = 0.03; /* of the squared error, or nothing is learnt */
static const double error_max = 5;   /* deviations: what is further off counts as this */
static const double same_point = 1e-4;

/* ---- scales ---------------------------------------------------------------------------------- */

struct residual_scales residual_scales_of(const struct residual_rows *rows) {
    struct residual_scales out = {0};
    for (uint32_t d = 0; d < rows->dims; d++) {
        double sum = 0, squares = 0;
        for (uint32_t r = 0; r < rows->count; r++)
            sum += rows->inputs[(size_t)r * rows->dims + d];
        out.mean[d] = sum / rows->count;
        for (uint32_t r = 0; r < rows->count; r++) {
            double off = rows->inputs[(size_t)r * rows->dims + d] - out.mean[d];
            squares += off * off;
        }
        double deviation = sqrt(squares / rows->count);
        out.scale[d] = deviation > 1e-6 ? 1 / deviation : 0;
    }
    return out;
}

void residual_scale(const struct residual_scales *scales, uint32_t dims, const double *input,
                    double *scaled) {
    for (uint32_t d = 0; d < dims; d++)
        scaled[d] = (input[d] - scales->mean[d]) * scales->scale[d];
}

double *residual_scale_rows(struct arena *arena, const struct residual_scales *scales,
                            const struct residual_rows *rows) {
    uint32_t dims = rows->dims;
    double *scaled = ARENA_ARRAY(arena, (size_t)rows->count * dims, double);
    for (uint32_t r = 0; r < rows->count; r++)
        residual_scale(scales, dims, rows->inputs + (size_t)r * dims, scaled + (size_t)r * dims);
    return scaled;
}

void residual_scales_write(const struct residual_scales *scales, uint32_t dims, cJSON *object) {
    json_add_numbers(object, "mean", scales->mean, dims);
    json_add_numbers(object, "scale", scales->scale, dims);
}

int residual_scales_read(const cJSON *object, uint32_t dims, struct residual_scales *out,
                         struct err *err) {
    *out = (struct residual_scales){0};
    if (json_get_numbers(object, "mean", out->mean, dims, err))
        return -(int)err->code;
    return json_get_numbers(object, "scale", out->scale, dims, err);
}

struct residual_rows residual_sample(struct arena *arena, const struct residual_rows *rows,
                                     uint32_t max) {
    if (rows->count <= max)
        return *rows;
    uint32_t dims = rows->dims;
    double *inputs = ARENA_ARRAY(arena, (size_t)max * dims, double);
    double *targets = ARENA_ARRAY(arena, max, double);
    double *deviations = ARENA_ARRAY(arena, max, double);
    uint32_t *folds = ARENA_ARRAY(arena, max, uint32_t);
    for (uint32_t i = 0; i < max; i++) {
        size_t r = (size_t)i * rows->count / max;
        memcpy(inputs + (size_t)i * dims, rows->inputs + r * dims, dims * sizeof *inputs);
        targets[i] = rows->targets[r];
        deviations[i] = rows->deviations[r];
        folds[i] = rows->folds[r];
    }
    return (struct residual_rows){inputs, targets, deviations, folds, max, dims};
}

/* ---- points ---------------------------------------------------------------------------------- */

double residual_distance(const double *a, const double *b, uint32_t dims) {
    double squares = 0;
    for (uint32_t d = 0; d < dims; d++)
        squares += (a[d] - b[d]) * (a[d] - b[d]);
    return squares;
}

double residual_distance_within(const double *a, const double *b, uint32_t dims, double limit) {
    double squares = 0;
    for (uint32_t d = 0; d < dims && squares <= limit; d++)
        squares += (a[d] - b[d]) * (a[d] - b[d]);
    return squares;
}

uint32_t residual_spread_points(struct arena *arena, const double *scaled, uint32_t count,
                                uint32_t dims, uint32_t max, double *points, double *reach) {
    double *nearest = ARENA_ARRAY(arena, count, double);
    uint32_t next = 0, made = 0, farthest = 0;
    for (uint32_t r = 0; r < count; r++)
        nearest[r] = INFINITY;
    while (made < max) {
        double *point = points + (size_t)made++ * dims;
        memcpy(point, scaled + (size_t)next * dims, dims * sizeof *point);
        farthest = 0;
        for (uint32_t r = 0; r < count; r++) {
            nearest[r] =
                fmin(nearest[r], residual_distance(scaled + (size_t)r * dims, point, dims));
            if (nearest[r] > nearest[farthest])
                farthest = r;
        }
        if (nearest[farthest] < same_point)
            break;
        next = farthest;
    }
    if (reach)
        *reach = sqrt(nearest[farthest]);
    return made;
}

/* ---- errors ---------------------------------------------------------------------------------- */

double residual_error(const struct residual_rows *rows, const double *held_out) {
    double sum = 0;
    for (uint32_t r = 0; r < rows->count; r++) {
        double off = (rows->targets[r] - (held_out ? held_out[r] : 0)) / rows->deviations[r];
        sum += fmin(off * off, error_max * error_max);
    }
    return sum;
}

double residual_error_of_nothing(const struct residual_rows *rows) {
    return (1 - gain_min) * residual_error(rows, NULL);
}
