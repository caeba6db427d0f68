#include "predictor/residual.h"

#include <lapacke.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MIN = 24, JUDGED_ROWS_MAX = 4000 };

static const double lengths[] = {0.5, 1.0, 2.0}; /* times the square root of the dimensions */
static const double prior_deviation = 0.25;      /* of the function around 0 */
static const double gain_min = 0.03;             /* of the squared error, or nothing is learnt */
static const double error_max = 5; /* deviations: what is further off counts as this */

/* ---- the kernel ------------------------------------------------------------------------------ */

static double distance(const double *a, const double *b, uint32_t dims) {
    double squares = 0;
    for (uint32_t d = 0; d < dims; d++)
        squares += (a[d] - b[d]) * (a[d] - b[d]);
    return squares;
}

double residual_at(const struct residual *residual, const double *input) {
    double scaled[RESIDUAL_DIMS_MAX], sum = 0;
    double factor = -1 / (2 * residual->length * residual->length);
    for (uint32_t d = 0; d < residual->dims; d++)
        scaled[d] = (input[d] - residual->mean[d]) * residual->scale[d];
    for (uint32_t p = 0; p < residual->points; p++)
        sum += residual->weight[p] *
               exp(factor *
                   distance(scaled, residual->at + (size_t)p * residual->dims, residual->dims));
    return sum;
}

/* ---- inputs and points ----------------------------------------------------------------------- */

static void find_scales(const struct residual_rows *rows, struct residual *out) {
    for (uint32_t d = 0; d < rows->dims; d++) {
        double sum = 0, squares = 0;
        for (uint32_t r = 0; r < rows->count; r++)
            sum += rows->inputs[(size_t)r * rows->dims + d];
        out->mean[d] = sum / rows->count;
        for (uint32_t r = 0; r < rows->count; r++) {
            double off = rows->inputs[(size_t)r * rows->dims + d] - out->mean[d];
            squares += off * off;
        }
        double deviation = sqrt(squares / rows->count);
        out->scale[d] = deviation > 1e-6 ? 1 / deviation : 0;
    }
}

static double *scaled_inputs(struct arena *arena, const struct residual_rows *rows,
                             const struct residual *out) {
    double *scaled = ARENA_ARRAY(arena, (size_t)rows->count * rows->dims, double);
    for (size_t i = 0; i < (size_t)rows->count * rows->dims; i++)
        scaled[i] = (rows->inputs[i] - out->mean[i % rows->dims]) * out->scale[i % rows->dims];
    return scaled;
}

/* Farthest first: each next point is the row that is covered worst so far. */
static uint32_t spread_points(struct arena *arena, const double *scaled, uint32_t count,
                              uint32_t dims, double *points) {
    double *nearest = ARENA_ARRAY(arena, count, double);
    uint32_t next = 0, made = 0;
    for (uint32_t r = 0; r < count; r++)
        nearest[r] = INFINITY;
    while (made < RESIDUAL_POINTS_MAX) {
        double *point = points + (size_t)made++ * dims;
        memcpy(point, scaled + (size_t)next * dims, dims * sizeof *point);
        uint32_t farthest = 0;
        for (uint32_t r = 0; r < count; r++) {
            nearest[r] = fmin(nearest[r], distance(scaled + (size_t)r * dims, point, dims));
            if (nearest[r] > nearest[farthest])
                farthest = r;
        }
        if (nearest[farthest] < 1e-4)
            break;
        next = farthest;
    }
    return made;
}

/* ---- the system ------------------------------------------------------------------------------ */

/* (K_pn W K_np + K_pp / s^2) weight = K_pn W target: W the inverse variances, s the prior. The sums
 * over rows are kept by fold, so that leaving one out is a subtraction. */
struct system {
    const struct residual_rows *rows;
    const double *scaled, *points;
    uint32_t n; /* points */
    double length;
    double *near;                       /* rows x n: kernel of row and point */
    double *prior;                      /* n x n */
    double *matrix[RESIDUAL_FOLDS + 1]; /* n x n, of the rows of a fold; the last: of all */
    double *right[RESIDUAL_FOLDS + 1];
};

static void add_row(struct system *s, uint32_t row) {
    uint32_t n = s->n, fold = s->rows->folds[row];
    double deviation = s->rows->deviations[row], inverse = 1 / (deviation * deviation);
    const double *near = s->near + (size_t)row * n;
    for (uint32_t i = 0; i < n; i++) {
        double scaled = inverse * near[i];
        s->right[fold][i] += scaled * s->rows->targets[row];
        for (uint32_t j = 0; j <= i; j++)
            s->matrix[fold][(size_t)i * n + j] += scaled * near[j];
    }
}

static void sum_folds(struct system *s) {
    size_t cells = (size_t)s->n * s->n;
    for (int fold = 0; fold < RESIDUAL_FOLDS; fold++) {
        for (size_t i = 0; i < cells; i++)
            s->matrix[RESIDUAL_FOLDS][i] += s->matrix[fold][i];
        for (uint32_t i = 0; i < s->n; i++)
            s->right[RESIDUAL_FOLDS][i] += s->right[fold][i];
    }
}

static void build(struct system *s, struct arena *arena, double length) {
    uint32_t n = s->n, dims = s->rows->dims;
    double factor = -1 / (2 * length * length);
    s->length = length;
    s->near = ARENA_ARRAY(arena, (size_t)s->rows->count * n, double);
    s->prior = ARENA_ARRAY(arena, (size_t)n * n, double);
    for (int fold = 0; fold <= RESIDUAL_FOLDS; fold++) {
        s->matrix[fold] = ARENA_ARRAY(arena, (size_t)n * n, double);
        s->right[fold] = ARENA_ARRAY(arena, n, double);
    }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j <= i; j++)
            s->prior[(size_t)i * n + j] =
                (exp(factor *
                     distance(s->points + (size_t)i * dims, s->points + (size_t)j * dims, dims)) +
                 (i == j ? 1e-6 : 0)) /
                (prior_deviation * prior_deviation);
    for (uint32_t r = 0; r < s->rows->count; r++) {
        for (uint32_t i = 0; i < n; i++)
            s->near[(size_t)r * n + i] = exp(factor * distance(s->scaled + (size_t)r * dims,
                                                               s->points + (size_t)i * dims, dims));
        add_row(s, r);
    }
    sum_folds(s);
}

/* The weights from all rows but those of a fold (RESIDUAL_FOLDS: from all). */
static bool solve(const struct system *s, struct arena *arena, int without, double *weight) {
    size_t cells = (size_t)s->n * s->n;
    double *matrix = ARENA_ARRAY(arena, cells, double);
    bool all = without == RESIDUAL_FOLDS;
    for (size_t i = 0; i < cells; i++)
        matrix[i] = s->prior[i] + s->matrix[RESIDUAL_FOLDS][i] - (all ? 0 : s->matrix[without][i]);
    for (uint32_t i = 0; i < s->n; i++)
        weight[i] = s->right[RESIDUAL_FOLDS][i] - (all ? 0 : s->right[without][i]);
    return LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', (lapack_int)s->n, 1, matrix, (lapack_int)s->n,
                         weight, 1) == 0;
}

/* What each row is said to be when its fold is left out. */
static bool say_held_out(const struct system *s, struct arena *arena, double *held_out) {
    double *weight = ARENA_ARRAY(arena, s->n, double);
    for (uint32_t fold = 0; fold < RESIDUAL_FOLDS; fold++) {
        if (!solve(s, arena, (int)fold, weight))
            return false;
        for (uint32_t r = 0; r < s->rows->count; r++) {
            if (s->rows->folds[r] != fold)
                continue;
            held_out[r] = 0;
            for (uint32_t i = 0; i < s->n; i++)
                held_out[r] += weight[i] * s->near[(size_t)r * s->n + i];
        }
    }
    return true;
}

/* ---- choosing and learning ------------------------------------------------------------------- */

/* Squared errors in units of the rows' variances; held_out NULL: of the function 0. */
static double squared_error(const struct residual_rows *rows, const double *held_out) {
    double sum = 0;
    for (uint32_t r = 0; r < rows->count; r++) {
        double off = (rows->targets[r] - (held_out ? held_out[r] : 0)) / rows->deviations[r];
        sum += fmin(off * off, error_max * error_max);
    }
    return sum;
}

static struct system prepare(struct arena *arena, const struct residual_rows *rows,
                             struct residual *scales) {
    find_scales(rows, scales);
    double *scaled = scaled_inputs(arena, rows, scales);
    double *points = ARENA_ARRAY(arena, (size_t)RESIDUAL_POINTS_MAX * rows->dims, double);
    uint32_t n = spread_points(arena, scaled, rows->count, rows->dims, points);
    return (struct system){.rows = rows, .scaled = scaled, .points = points, .n = n};
}

/* 0 when no length does better than saying nothing. */
static double choose_length(const struct residual_rows *rows) {
    struct residual_rows some = *rows;
    double chosen = 0;
    if (some.count > JUDGED_ROWS_MAX)
        some.count = JUDGED_ROWS_MAX;
    double best = (1 - gain_min) * squared_error(&some, NULL);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct arena scratch;
        struct residual scales = {0};
        arena_init(&scratch);
        struct system s = prepare(&scratch, &some, &scales);
        double *held_out = ARENA_ARRAY(&scratch, some.count, double);
        build(&s, &scratch, lengths[i] * sqrt((double)rows->dims));
        double error =
            say_held_out(&s, &scratch, held_out) ? squared_error(&some, held_out) : INFINITY;
        if (error < best) {
            best = error;
            chosen = s.length;
        }
        arena_done(&scratch);
    }
    return chosen;
}

int residual_fit(struct arena *arena, const struct residual_rows *rows, struct residual *out,
                 double *held_out, struct err *err) {
    *out = (struct residual){.dims = rows->dims};
    memset(held_out, 0, rows->count * sizeof *held_out);
    double length = rows->count >= ROWS_MIN && rows->dims ? choose_length(rows) : 0;
    if (length == 0)
        return 0;
    struct arena scratch;
    arena_init(&scratch);
    struct system s = prepare(&scratch, rows, out);
    double *weight = ARENA_ARRAY(arena, s.n, double);
    size_t numbers = (size_t)s.n * rows->dims;
    build(&s, &scratch, length);
    bool solved =
        solve(&s, &scratch, RESIDUAL_FOLDS, weight) && say_held_out(&s, &scratch, held_out);
    out->points = s.n;
    out->length = length;
    out->at = arena_grow(arena, s.points, numbers, numbers, sizeof *s.points);
    out->weight = weight;
    arena_done(&scratch);
    return solved ? 0 : err_set(err, ERR_BUG, "residuals: a system of %u points is singular", s.n);
}
