/* How far runs may be off: parts of a variance, learnt from runs whose law is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "predictor/run_spread.h"

#include <math.h>

enum { RUNS = 4000, NEW_RUNS = 2000 };

static const double normal_90 = 1.6448536269514722;

static struct arena arena;

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

/* Runs of all lengths whose operators are known to 5 to 30 %. */
static void draw(struct rng *rng, uint32_t count, const double *weights, struct spread_parts *parts,
                 double *errors) {
    for (uint32_t r = 0; r < count; r++) {
        double own = 0.05 + 0.25 * rng_uniform(rng), age = 0.1 * rng_uniform(rng);
        parts[r] = (struct spread_parts){
            {own * own, age * age, exp(-7 * rng_uniform(rng)), 1}
        };
        double variance = 0;
        for (int p = 0; p < SPREAD_PART_COUNT; p++)
            variance += weights[p] * parts[r].of[p];
        errors[r] = sqrt(variance) * rng_normal(rng);
    }
}

static struct run_spread learn(const double *errors, const struct spread_parts *parts,
                               uint32_t count) {
    struct run_spread spread;
    struct err err = {0};
    if (run_spread_learn(&arena, errors, parts, count, &spread, &err))
        fail_msg("%s", err.message);
    return spread;
}

static void the_parts_are_told_apart(void **state) {
    (void)state;
    static const double truth[] = {0.4, 0, 0.01, 0.0004};
    static struct spread_parts parts[RUNS];
    static double errors[RUNS];
    struct rng rng;
    rng_init(&rng, 3);
    draw(&rng, RUNS, truth, parts, errors);
    struct run_spread spread = learn(errors, parts, RUNS);
    double squared =
        spread.scale * spread.scale; /* large errors were cut off, and are made up for */
    assert_true(fabs(squared * spread.weights[SPREAD_OPERATORS] / truth[SPREAD_OPERATORS] - 1) <
                0.15);
    assert_true(fabs(squared * spread.weights[SPREAD_SHORT] / truth[SPREAD_SHORT] - 1) < 0.15);
}

static void ninety_per_cent_of_new_runs_lie_inside(void **state) {
    (void)state;
    static const double laws[][SPREAD_PART_COUNT] = {
        {1,   0, 0,    0    },
        {0.2, 1, 0,    0.001},
        {0,   0, 0.02, 0.002}
    };
    static struct spread_parts parts[RUNS];
    static double errors[RUNS];
    struct rng rng;
    rng_init(&rng, 4);
    for (size_t law = 0; law < 3; law++) {
        uint32_t inside = 0;
        draw(&rng, RUNS, laws[law], parts, errors);
        struct run_spread spread = learn(errors, parts, RUNS);
        draw(&rng, NEW_RUNS, laws[law], parts, errors);
        for (uint32_t r = 0; r < NEW_RUNS; r++)
            inside += fabs(errors[r]) <= normal_90 * run_spread_deviation(&spread, &parts[r]);
        assert_in_range(inside, 0.88 * NEW_RUNS, 0.92 * NEW_RUNS);
    }
}

/* Every tenth run is off by a factor of its own. */
static void outliers_widen_the_scale_and_not_the_parts(void **state) {
    (void)state;
    static const double truth[] = {0.5, 0, 0, 0};
    static struct spread_parts parts[RUNS];
    static double errors[RUNS];
    struct rng rng;
    rng_init(&rng, 5);
    draw(&rng, RUNS, truth, parts, errors);
    struct run_spread calm = learn(errors, parts, RUNS);
    for (uint32_t r = 0; r < RUNS; r += 10)
        errors[r] = 3;
    struct run_spread spread = learn(errors, parts, RUNS);
    assert_true(spread.weights[SPREAD_OPERATORS] < 4 * calm.weights[SPREAD_OPERATORS]);
    assert_true(run_spread_deviation(&spread, &parts[1]) >
                1.05 * run_spread_deviation(&calm, &parts[1]));
}

static void few_runs_keep_what_is_assumed(void **state) {
    (void)state;
    static struct spread_parts parts[20];
    static double errors[20];
    const struct run_spread assumed = run_spread_assumed();
    struct rng rng;
    rng_init(&rng, 6);
    draw(&rng, 20, (double[]){4, 0, 0, 0}, parts, errors);
    struct run_spread none = learn(errors, parts, 2), some = learn(errors, parts, 20);
    assert_memory_equal(none.weights, assumed.weights, sizeof assumed.weights);
    assert_true(none.scale == assumed.scale);
    assert_memory_equal(some.weights, assumed.weights, sizeof assumed.weights);
    assert_true(some.scale > 1.2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_are_told_apart),
        cmocka_unit_test(ninety_per_cent_of_new_runs_lie_inside),
        cmocka_unit_test(outliers_widen_the_scale_and_not_the_parts),
        cmocka_unit_test(few_runs_keep_what_is_assumed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
