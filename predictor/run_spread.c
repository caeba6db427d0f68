#include "predictor/run_spread.h"

#include "base/stats.h"
#include "predictor/nnls.h"

#include <math.h>

enum { ROUNDS = 12, RUNS_MIN = 50, SCORES_MIN = 3 };

static const double normal_90 = 1.6448536269514722; /* two-sided 90 % */
/* An error counts as two deviations at most: a few runs are off by far more, for reasons of their
 * own. */
static const double squares_max = 4;
static const double variance_min = 1e-6;
/* An operator that nothing is known of may be off by any factor; five says so. */
static const double deviation_max = 1;
static const double scale_min = 0.2;
static const struct run_spread assumed = {
    {[SPREAD_OPERATORS] = 1, [SPREAD_AGE] = 1, [SPREAD_SHORT] = 0.02, [SPREAD_ALWAYS] = 2.5e-4},
    1
};

const char *spread_part_name(enum spread_part part) {
    static const char *const names[] = {
        [SPREAD_OPERATORS] = "operators",
        [SPREAD_AGE] = "age",
        [SPREAD_SHORT] = "short",
        [SPREAD_ALWAYS] = "always",
    };
    return names[part];
}

struct run_spread run_spread_assumed(void) {
    return assumed;
}

static double variance_of(const double *weights, const struct spread_parts *parts) {
    double sum = 0;
    for (int p = 0; p < SPREAD_PART_COUNT; p++)
        sum += weights[p] * parts->of[p];
    return fmax(sum, variance_min);
}

double run_spread_deviation(const struct run_spread *spread, const struct spread_parts *parts) {
    return fmin(spread->scale * sqrt(variance_of(spread->weights, parts)), deviation_max);
}

/* Weighted by what is expected of each: least squares of relative variances, again and again since
 * the weights follow from the result. */
static int learn_weights(struct arena *arena, const double *log_errors,
                         const struct spread_parts *parts, uint32_t count, double *weights,
                         struct err *err) {
    double *a = ARENA_ARRAY(arena, (size_t)count * SPREAD_PART_COUNT, double);
    double *b = ARENA_ARRAY(arena, count, double);
    for (int round = 0; round < ROUNDS; round++) {
        for (uint32_t r = 0; r < count; r++) {
            double expected = variance_of(weights, &parts[r]),
                   *row = a + (size_t)r * SPREAD_PART_COUNT;
            for (int p = 0; p < SPREAD_PART_COUNT; p++)
                row[p] = parts[r].of[p] / expected;
            b[r] = fmin(log_errors[r] * log_errors[r] / expected, squares_max);
        }
        if (nnls(a, b, count, SPREAD_PART_COUNT, weights, err))
            return -(int)err->code;
    }
    return 0;
}

int run_spread_learn(struct arena *arena, const double *log_errors,
                     const struct spread_parts *parts, uint32_t count, struct run_spread *out,
                     struct err *err) {
    *out = assumed;
    if (count >= RUNS_MIN && learn_weights(arena, log_errors, parts, count, out->weights, err))
        return -(int)err->code;
    if (count < SCORES_MIN)
        return 0;
    double *scores = ARENA_ARRAY(arena, count, double);
    for (uint32_t r = 0; r < count; r++)
        scores[r] = fabs(log_errors[r]) / run_spread_deviation(out, &parts[r]);
    stats_sort(scores, count);
    uint32_t rank = (uint32_t)ceil(0.9 * (count + 1));
    out->scale = fmax(scores[(rank > count ? count : rank) - 1] / normal_90, scale_min);
    return 0;
}
