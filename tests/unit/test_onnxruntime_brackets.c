/* Brackets: whose time it was. */
#include "collectors/onnxruntime/brackets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

struct bench {
    struct arena arena;
    struct brackets brackets;
    struct sample samples[64];
    uint32_t count;
};

static void keep(void *context, const struct sample *sample) {
    struct bench *bench = context;
    bench->samples[bench->count++] = *sample;
}

static const struct request_op ops[] = {
    {"conv",  "Conv", "",            -1},
    {"if",    "If",   "",            -1},
    {"inner", "Neg",  "then_branch", 1 },
    {"same",  "Relu", "",            -1},
    {"same",  "Relu", "",            -1},
    {"",      "Add",  "",            -1},
    {"",      "Mul",  "",            -1},
    {"",      "Add",  "",            -1},
};

static int setup(void **state) {
    static struct bench bench;
    bench = (struct bench){0};
    arena_init(&bench.arena);
    brackets_init(&bench.brackets, &bench.arena, ops, sizeof ops / sizeof ops[0]);
    *state = &bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    arena_done(&bench->arena);
    return 0;
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void spin_us(int64_t microseconds) {
    for (int64_t end = now_ns() + microseconds * 1000; now_ns() < end;)
        ;
}

/* One operator that takes so long, as the runtime brackets it. Returns how long it took in truth,
 * at most: the machine may be busy. */
static double run(struct bench *bench, const char *event, int64_t microseconds) {
    int64_t start = now_ns();
    brackets_start(&bench->brackets);
    spin_us(microseconds);
    int64_t duration_us = (now_ns() - start) / 1000;
    brackets_stop(&bench->brackets);
    brackets_name(&bench->brackets, event, duration_us);
    return (double)(duration_us + 1) * 1e3;
}

static void flush(struct bench *bench, uint32_t repeat) {
    struct sink sink = {keep, bench};
    bench->count = 0;
    brackets_flush(&bench->brackets, PHASE_PROFILED, repeat, &sink);
}

static double wall_of(const struct bench *bench, int32_t op) {
    for (uint32_t i = 0; i < bench->count; i++)
        if (bench->samples[i].op == op && bench->samples[i].metric == METRIC_WALL_NS)
            return bench->samples[i].value;
    return NAN;
}

static void test_time_goes_to_the_operator_named(void **state) {
    struct bench *bench = *state;
    run(bench, "conv_kernel_time", 300);
    flush(bench, 7);
    assert_int_equal(bench->count, 1);
    assert_int_equal(bench->samples[0].op, 0);
    assert_int_equal(bench->samples[0].repeat, 7);
    assert_int_equal(bench->samples[0].phase, PHASE_PROFILED);
    assert_true(wall_of(bench, 0) > 290e3);
}

static void test_an_operator_that_did_not_run_has_no_sample(void **state) {
    struct bench *bench = *state;
    run(bench, "conv_kernel_time", 10);
    flush(bench, 0);
    flush(bench, 1);
    assert_int_equal(bench->count, 0);
}

static void test_inner_operators_are_taken_out_of_the_outer(void **state) {
    struct bench *bench = *state;
    int64_t start = now_ns();
    brackets_start(&bench->brackets);
    spin_us(200);
    run(bench, "inner_kernel_time", 2000);
    run(bench, "inner_kernel_time", 2000);
    int64_t duration_us = (now_ns() - start) / 1000;
    brackets_stop(&bench->brackets);
    brackets_name(&bench->brackets, "if_kernel_time", duration_us);
    flush(bench, 0);
    assert_true(wall_of(bench, 2) > 3990e3);
    assert_true(wall_of(bench, 1) > 190e3);
    assert_true(wall_of(bench, 1) < (double)duration_us * 1e3 - 3990e3);
}

static void test_what_the_runtime_does_after_the_kernel_is_left_out(void **state) {
    struct bench *bench = *state;
    bench->brackets.cpu = true;
    int64_t start = now_ns();
    brackets_start(&bench->brackets);
    spin_us(1000);
    int64_t duration_us = (now_ns() - start) / 1000;
    spin_us(1500);
    brackets_stop(&bench->brackets);
    brackets_name(&bench->brackets, "conv_kernel_time", duration_us);
    flush(bench, 0);
    assert_true(wall_of(bench, 0) > 990e3);
    assert_true(wall_of(bench, 0) < 1003e3 + (double)(duration_us - 1000) * 1e3);
    assert_int_equal(bench->count, 2);
    assert_int_equal(bench->samples[1].metric, METRIC_CPU_NS);
}

static void test_operators_of_one_name_take_turns(void **state) {
    struct bench *bench = *state;
    double first = run(bench, "same_kernel_time", 100);
    run(bench, "same_kernel_time", 4000);
    flush(bench, 0);
    assert_true(wall_of(bench, 3) > 95e3 && wall_of(bench, 3) <= first);
    assert_true(wall_of(bench, 4) > 3990e3);
}

static void test_nameless_operators_are_known_by_type_and_turn(void **state) {
    struct bench *bench = *state;
    double first = run(bench, "Add_12_kernel_time", 100);
    run(bench, "Mul_3_kernel_time", 200);
    run(bench, "Add_11_kernel_time", 4000);
    flush(bench, 0);
    assert_int_equal(bench->count, 3);
    assert_true(wall_of(bench, 5) <= first);
    assert_true(wall_of(bench, 6) > 195e3);
    assert_true(wall_of(bench, 7) > 3990e3);
}

static void test_other_events_count_for_nobody(void **state) {
    struct bench *bench = *state;
    run(bench, NULL, 10);
    run(bench, "conv_fence_before", 10);
    run(bench, "stranger_kernel_time", 10);
    run(bench, "_kernel_time", 10);
    run(bench, "", 10);
    flush(bench, 0);
    assert_int_equal(bench->count, 0);
    assert_int_equal(bench->brackets.unknown, 1);
    assert_int_equal(bench->brackets.depth, 0);
}

static void test_deeper_than_the_stack_is_survived(void **state) {
    struct bench *bench = *state;
    for (int i = 0; i < BRACKETS_DEPTH + 10; i++)
        brackets_start(&bench->brackets);
    for (int i = 0; i < BRACKETS_DEPTH + 10; i++) {
        brackets_stop(&bench->brackets);
        brackets_name(&bench->brackets, "conv_kernel_time", 1);
    }
    assert_int_equal(bench->brackets.depth, 0);
    brackets_stop(&bench->brackets);
    brackets_name(&bench->brackets, "conv_kernel_time", 1);
    flush(bench, 0);
    assert_int_equal(bench->count, 1);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_time_goes_to_the_operator_named),
        TEST(test_an_operator_that_did_not_run_has_no_sample),
        TEST(test_inner_operators_are_taken_out_of_the_outer),
        TEST(test_what_the_runtime_does_after_the_kernel_is_left_out),
        TEST(test_operators_of_one_name_take_turns),
        TEST(test_nameless_operators_are_known_by_type_and_turn),
        TEST(test_other_events_count_for_nobody),
        TEST(test_deeper_than_the_stack_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
