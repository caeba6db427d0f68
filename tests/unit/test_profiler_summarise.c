#include "profiler/summarise.h"

#include "base/rng.h"
#include "profiler/protocol.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { MANY = 600 };

static void nan_is_left_out(void **state) {
    (void)state;
    double values[] = {NAN, 3, 1, NAN, 2}, scratch[5];
    struct summary summary = summarise(values, 5, 0.9, scratch);
    assert_int_equal(summary.count, 3);
    assert_float_equal(summary.median, 2, 1e-12);
    assert_float_equal(summary.low, 1, 1e-12);
    assert_float_equal(summary.high, 3, 1e-12);
}

static void nothing_has_no_median(void **state) {
    (void)state;
    double scratch[1] = {0};
    struct summary summary = summarise(scratch, 0, 0.9, scratch);
    assert_int_equal(summary.count, 0);
    assert_true(isnan(summary.median));
    assert_true(isinf(summary_half_width(&summary)));
}

/* Stated 90 % must hold the truth in about 90 % of repetitions, also when processes differ. */
static double coverage(double between, double within, uint32_t per_process) {
    enum { TRIALS = 1000, PROCESSES = 3 };
    double values[MANY], scratch[MANY];
    uint32_t process[MANY], hits = 0;
    struct rng rng;
    rng_init(&rng, 11);
    for (int trial = 0; trial < TRIALS; trial++) {
        uint32_t n = 0;
        for (uint32_t p = 0; p < PROCESSES; p++) {
            double offset = between * rng_normal(&rng);
            for (uint32_t i = 0; i < per_process; i++) {
                values[n] = 100 + offset + within * rng_normal(&rng);
                process[n++] = p;
            }
        }
        struct summary summary = summarise_processes(values, process, n, 0.9, scratch);
        hits += summary.low <= 100 && summary.high >= 100;
    }
    return (double)hits / TRIALS;
}

static void intervals_hold_what_they_promise(void **state) {
    (void)state;
    assert_true(coverage(2, 0.5, 20) >= 0.87); /* processes differ more than runs */
    assert_true(coverage(0.5, 2, 20) >= 0.87); /* runs differ more */
    assert_true(coverage(0, 1, 100) >= 0.87);  /* processes do not differ */
    assert_true(coverage(2, 0.5, 20) <= 0.95); /* and not by being endless */
}

static void pooled_interval_alone_would_be_too_narrow(void **state) {
    (void)state;
    double values[] = {10.0, 10.0, 10.1, 11.0, 11.0, 11.1, 12.0, 12.0, 12.1};
    uint32_t process[] = {0, 0, 0, 1, 1, 1, 2, 2, 2};
    double scratch[9];
    struct summary pooled = summarise(values, 9, 0.9, scratch);
    struct summary all = summarise_processes(values, process, 9, 0.9, scratch);
    assert_float_equal(pooled.median, all.median, 1e-12);
    /* Medians 10, 11, 12: sd 1, t(0.95, 2) = 2.920, over sqrt(3). */
    assert_true(fabs(all.high - (11 + 2.91999 / sqrt(3))) < 1e-3);
    assert_true(fabs(all.low - (11 - 2.91999 / sqrt(3))) < 1e-3);
}

static void thousands_of_runs_keep_an_interval(void **state) {
    (void)state;
    enum { COUNT = 5000 };
    static double values[COUNT], scratch[COUNT];
    struct rng rng;
    rng_init(&rng, 3);
    for (int i = 0; i < COUNT; i++)
        values[i] = 100 + rng_normal(&rng);
    struct summary summary = summarise(values, COUNT, 0.9, scratch);
    /* The median's standard error is sqrt(pi / 2 / n) = 0.0177; 90 % is 1.645 of them. */
    double half = summary_half_width(&summary) * summary.median;
    assert_true(half > 0.02 && half < 0.04);
}

static void far_values_are_counted(void **state) {
    (void)state;
    double values[100], scratch[100];
    for (int i = 0; i < 100; i++)
        values[i] = 100 + i % 7;
    assert_int_equal(count_outliers(values, 100, scratch), 0);
    values[3] = 1000;
    values[50] = 10;
    assert_int_equal(count_outliers(values, 100, scratch), 2);
}

static void load_moves_the_median_but_not_the_fastest(void **state) {
    (void)state;
    double values[200], scratch[200];
    for (int i = 0; i < 200; i++)
        values[i] = 100 + i % 5 + (i % 3 ? 80 : 0); /* two of three runs are disturbed */
    struct fastest fastest = find_fastest(values, 200, scratch);
    assert_true(fastest.value >= 100 && fastest.value <= 104);
    assert_true(fastest.half_width >= 0 && fastest.half_width <= 2);
    assert_true(summarise(values, 200, 0.9, scratch).median > 150);
    assert_true(isnan(find_fastest(values, 0, scratch).value));
}

static struct two_groups groups_of(double gap, double share, double (*draw)(struct rng *)) {
    double values[MANY], scratch[MANY];
    struct rng rng;
    rng_init(&rng, 5);
    for (int i = 0; i < MANY; i++)
        values[i] = 100 + draw(&rng) + (rng_uniform(&rng) < share ? gap : 0);
    return find_two_groups(values, MANY, scratch);
}

static void two_groups_are_told_from_one(void **state) {
    (void)state;
    struct two_groups two = groups_of(20, 0.4, rng_normal);
    assert_true(two.found);
    assert_true(fabs(two.low - 100) < 1 && fabs(two.high - 120) < 1);
    assert_false(groups_of(0, 0.4, rng_normal).found);
    assert_false(groups_of(0, 0.4, rng_uniform).found);
    assert_false(groups_of(0, 0.4, rng_exponential).found);
    assert_false(groups_of(2, 0.4, rng_normal).found);   /* too close to matter */
    assert_false(groups_of(20, 0.05, rng_normal).found); /* a tail, not a group */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nan_is_left_out),
        cmocka_unit_test(nothing_has_no_median),
        cmocka_unit_test(intervals_hold_what_they_promise),
        cmocka_unit_test(pooled_interval_alone_would_be_too_narrow),
        cmocka_unit_test(thousands_of_runs_keep_an_interval),
        cmocka_unit_test(far_values_are_counted),
        cmocka_unit_test(load_moves_the_median_but_not_the_fastest),
        cmocka_unit_test(two_groups_are_told_from_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
