#include "profiler/overhead.h"

#include "profiler/measure.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { PAIRS = 21 };

static void fill(double *values, double center, double step) {
    for (int i = 0; i < PAIRS; i++)
        values[i] = center + step * (i - PAIRS / 2);
}

static void pairs_give_the_cost_per_operator(void **state) {
    (void)state;
    double wall[PAIRS], cpu[PAIRS];
    fill(wall, 800e3, 1e3);
    fill(cpu, 700e3, 1e3);
    struct overhead cost = overhead_of_pairs(wall, cpu, PAIRS, 100, 2, 0.9);
    assert_int_equal(cost.source, OVERHEAD_THIS_MODEL);
    assert_float_equal(cost.wall_ns, 8000, 1e-6);
    assert_float_equal(cost.cpu_ns, 7000, 1e-6);
    assert_true(cost.half_width_ns > 0 && cost.half_width_ns < 100);
}

static void steadier_clock_decides_at_one_thread(void **state) {
    (void)state;
    double wall[PAIRS], cpu[PAIRS];
    fill(wall, 2e6, 200e3); /* another program was there */
    fill(cpu, 700e3, 1e3);
    assert_float_equal(overhead_of_pairs(wall, cpu, PAIRS, 100, 1, 0.9).wall_ns, 7000, 1e-6);
    assert_int_equal(overhead_of_pairs(wall, cpu, PAIRS, 100, 4, 0.9).source, OVERHEAD_THIS_MODEL);
    assert_float_equal(overhead_of_pairs(wall, cpu, PAIRS, 100, 4, 0.9).wall_ns, 20000, 1e-6);
}

static void noise_is_not_taken_for_cost(void **state) {
    (void)state;
    double values[PAIRS];
    fill(values, 100e3, 100e3);
    assert_int_equal(overhead_of_pairs(values, values, PAIRS, 100, 1, 0.9).source, OVERHEAD_NONE);
    fill(values, -5e3, 100);
    assert_int_equal(overhead_of_pairs(values, values, PAIRS, 100, 1, 0.9).source, OVERHEAD_NONE);
    fill(values, 5e3, 100);
    assert_int_equal(overhead_of_pairs(values, values, 4, 100, 1, 0.9).source, OVERHEAD_NONE);
    assert_int_equal(overhead_of_pairs(values, values, PAIRS, NAN, 1, 0.9).source, OVERHEAD_NONE);
}

static struct measured chain_of(double calls) {
    return (struct measured){
        .calls_per_run = calls,
        .fastest_wall_ns = {200e3,  2e3 },
        .fastest_cpu_ns = {200e3,  2e3 },
        .fastest_brackets_wall_ns = {1800e3, 10e3},
        .fastest_brackets_cpu_ns = {1700e3, 10e3},
    };
}

static void chain_gives_what_brackets_add_to_the_unprofiled_run(void **state) {
    (void)state;
    struct measured chain = chain_of(200);
    struct overhead cost;
    struct err err = {0};
    assert_int_equal(overhead_of_chain(&chain, &cost, &err), 0);
    assert_int_equal(cost.source, OVERHEAD_CALIBRATED);
    assert_float_equal(cost.wall_ns, 8000, 1e-6);
    assert_float_equal(cost.cpu_ns, 7500, 1e-6);
    assert_string_equal(overhead_source_name(cost.source), "calibrated");
}

static void chains_that_cannot_tell_are_refused(void **state) {
    (void)state;
    struct measured few = chain_of(20), noisy = chain_of(200), negative = chain_of(200);
    struct overhead cost;
    noisy.fastest_brackets_wall_ns = (struct fastest){1800e3, 900e3};
    negative.fastest_brackets_wall_ns = (struct fastest){100e3, 1e3};
    struct measured *const bad[] = {&few, &noisy, &negative};
    for (int i = 0; i < 3; i++) {
        struct err err = {0};
        assert_int_equal(overhead_of_chain(bad[i], &cost, &err), -ERR_FINDING);
        assert_int_equal(cost.source, OVERHEAD_NONE);
        assert_non_null(strstr(err.message, "cost of measuring"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_give_the_cost_per_operator),
        cmocka_unit_test(steadier_clock_decides_at_one_thread),
        cmocka_unit_test(noise_is_not_taken_for_cost),
        cmocka_unit_test(chain_gives_what_brackets_add_to_the_unprofiled_run),
        cmocka_unit_test(chains_that_cannot_tell_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
