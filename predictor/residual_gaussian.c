/* A Gaussian process with a squared-exponential kernel, carried by a few points spread over the
 * observations (subset of regressors; Quiñonero-Candela and Rasmussen, JMLR 6 (2005), 4.1). */
#include "predictor/residual_inputs.h"
#include "predictor/residual_learners.h"

#include <lapacke.h>
#include <math.h>
#include <string.h>

enum { POINTS_MAX = 192, JUDGED_POINTS_MAX = 96, JUDGED_ROWS_MAX = 4000 };

static const double lengths[] = {0.5, 1, 2}; /* times the square root of the dimensions */
/* Times the rows' variances: networks differ by more than their repeats do. */
static const double noises[] = {0.5, 1, 2, 4, 8};
static const double prior_deviation = 0.25; /* of the function around 0 */
static const double said_max = 1;           /* no row teaches more */

struct gaussian {
    struct residual_scales scales;
    double length; /* of the kernel, in scaled units */
    uint32_t points;
    const double *at;     /* points x dims, scaled */
    const double *weight; /* per point */
};

/* ---- the function ---------------------------------------------------------------------------- */

/* Of the exponent: what a point adds beyond is below the last digit, and most are beyond. */
static const double far = 40;

static double at(const void *state, uint32_t dims, const double *input) {
    const struct gaussian *g = state;
    double scaled[RESIDUAL_DIMS_MAX], sum = 0;
    double factor = -1 / (2 * g->length * g->length);
    residual_scale(&g->scales, dims, input, scaled);
    for (uint32_t p = 0; p < g->points; p++) {
        double near =
            residual_distance_within(scaled, g->at + (size_t)p * dims, dims, far / -factor);
        if (near * -factor < far)
            sum += g->weight[p] * exp(factor * near);
    }
    return fmax(-said_max, fmin(said_max, sum));
}

static void write(const void *state, uint32_t dims, cJSON *object) {
    const struct gaussian *g = state;
    json_add_number(object, "length", g->length);
    residual_scales_write(&g->scales, dims, object);
    json_add_numbers(object, "weight", g->weight, g->points);
    json_add_numbers(object, "at", g->at, (size_t)g->points * dims);
}

static int read(struct arena *arena, const cJSON *object, uint32_t dims, const void **state,
                struct err *err) {
    struct gaussian *g = ARENA_NEW(arena, struct gaussian);
    const cJSON *weights;
    if (json_get_tree(object, "weight", cJSON_Array, &weights, err))
        return -(int)err->code;
    g->points = (uint32_t)cJSON_GetArraySize(weights);
    double *points = ARENA_ARRAY(arena, (size_t)g->points * dims, double);
    double *weight = ARENA_ARRAY(arena, g->points, double);
    g->at = points;
    g->weight = weight;
    *state = g;
    if (json_get_number(object, "length", &g->length, err) ||
        residual_scales_read(object, dims, &g->scales, err) ||
        json_get_numbers(object, "weight", weight, g->points, err))
        return -(int)err->code;
    return json_get_numbers(object, "at", points, (size_t)g->points * dims, err);
}

/* ---- the system ------------------------------------------------------------------------------ */

/* (K_pn W K_np + K_pp / s^2) weight = K_pn W target: W the inverse variances, s the prior. The sums
 * over rows are kept by fold, so that leaving one out is a subtraction. */
struct system {
    const struct residual_rows *rows;
    const double *scaled, *points;
    uint32_t n;                         /* points */
    double length, noise;               /* noise: times the variances of the rows */
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
                (exp(factor * residual_distance(s->points + (size_t)i * dims,
                                                s->points + (size_t)j * dims, dims)) +
                 (i == j ? 1e-6 : 0)) /
                (prior_deviation * prior_deviation);
    for (uint32_t r = 0; r < s->rows->count; r++) {
        for (uint32_t i = 0; i < n; i++)
            s->near[(size_t)r * n + i] =
                exp(factor * residual_distance(s->scaled + (size_t)r * dims,
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
        matrix[i] = s->prior[i] * s->noise + s->matrix[RESIDUAL_FOLDS][i] -
                    (all ? 0 : s->matrix[without][i]);
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
            held_out[r] = fmax(-said_max, fmin(said_max, held_out[r]));
        }
    }
    return true;
}

/* ---- choosing and learning ------------------------------------------------------------------- */

static struct system prepare(struct arena *arena, const struct residual_rows *rows,
                             const struct residual_scales *scales, uint32_t points_max) {
    double *scaled = residual_scale_rows(arena, scales, rows);
    double *points = ARENA_ARRAY(arena, (size_t)points_max * rows->dims, double);
    uint32_t n =
        residual_spread_points(arena, scaled, rows->count, rows->dims, points_max, points, NULL);
    return (struct system){.rows = rows, .scaled = scaled, .points = points, .n = n};
}

struct choice {
    double length, noise; /* length 0: none does better than saying nothing */
};

static void try_noises(struct system *s, struct arena *arena, double *best, struct choice *out) {
    double *held_out = ARENA_ARRAY(arena, s->rows->count, double);
    for (size_t i = 0; i < sizeof noises / sizeof *noises; i++) {
        s->noise = noises[i];
        if (!say_held_out(s, arena, held_out))
            continue;
        double error = residual_error(s->rows, held_out);
        if (error < *best) {
            *best = error;
            *out = (struct choice){s->length, s->noise};
        }
    }
}

static struct choice choose(const struct residual_rows *rows,
                            const struct residual_scales *scales) {
    struct arena scratch;
    struct choice chosen = {0};
    arena_init(&scratch);
    const struct residual_rows some = residual_sample(&scratch, rows, JUDGED_ROWS_MAX);
    double best = residual_error_of_nothing(&some);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct system s = prepare(&scratch, &some, scales, JUDGED_POINTS_MAX);
        build(&s, &scratch, lengths[i] * sqrt((double)rows->dims));
        try_noises(&s, &scratch, &best, &chosen);
    }
    arena_done(&scratch);
    return chosen;
}

static int learn(struct arena *arena, const struct residual_rows *rows, const void **state,
                 double *held_out, struct err *err) {
    if (rows->count < RESIDUAL_ROWS_MIN)
        return 0;
    const struct residual_scales scales = residual_scales_of(rows);
    struct choice chosen = choose(rows, &scales);
    if (chosen.length == 0)
        return 0;
    struct gaussian *g = ARENA_NEW(arena, struct gaussian);
    struct arena scratch;
    arena_init(&scratch);
    struct system s = prepare(&scratch, rows, &scales, POINTS_MAX);
    double *weight = ARENA_ARRAY(arena, s.n, double);
    size_t numbers = (size_t)s.n * rows->dims;
    build(&s, &scratch, chosen.length);
    s.noise = chosen.noise;
    bool solved =
        solve(&s, &scratch, RESIDUAL_FOLDS, weight) && say_held_out(&s, &scratch, held_out);
    *g = (struct gaussian){scales, chosen.length, s.n,
                           arena_grow(arena, s.points, numbers, numbers, sizeof *s.points), weight};
    *state = g;
    arena_done(&scratch);
    return solved ? 0 : err_set(err, ERR_BUG, "residuals: a system of %u points is singular", s.n);
}

const struct residual_learner residual_gaussian = {
    .name = "gaussian-process",
    .help = "a smooth function of the terms' logarithms, carried by points spread over them",
    .learn = learn,
    .at = at,
    .write = write,
    .read = read,
};
