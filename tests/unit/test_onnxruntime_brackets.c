/* Brackets: whose time it was. */
#include "collectors/onnxruntime/brackets.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct bench {
    struct arena arena;
    struct brackets brackets;
    struct request_op ops[16];
    struct sample samples[64];
    uint32_t count;
};

static void keep(void *context, const struct sample *sample) {
    struct bench *bench = context;
    bench->samples[bench->count++] = *sample;
}

static const struct request_op ops[] = {
    {"conv",      "Conv",    0},
    {"if",        "If",      0},
    {"inner",     "Neg",     0},
    {"relu",      "Relu",    0},
    {"reorder_1", "Reorder", 0},
    {"",          "Add",     0},
    {"",          "Mul",     0},
    {"",          "Add",     0},
    {"reorder_2", "Reorder", 0},
};

enum { OP_COUNT = sizeof ops / sizeof ops[0], REORDER_1 = 4, REORDER_2 = 8 };

/* The shapes of the two reorderings, in our form and in the runtime's. */
static const int64_t shapes[2][2] = {
    {8, 32},
    {8, 64}
};
static const char *const shape_texts[2] = {"[{\"float\":[8,32]}]", "[{\"float\":[8,64]}]"};

static void add_identities(struct bench *bench) {
    struct graph *graph = graph_new(&bench->arena, "g");
    memcpy(bench->ops, ops, sizeof ops);
    for (int i = 0; i < 2; i++) {
        int32_t tensor = graph_add_tensor(graph, i ? "a" : "b", DTYPE_FLOAT32);
        graph_set_shape(graph, tensor, 2, shapes[i]);
        int32_t op = graph_add_op(graph, "", "Reorder", "");
        graph_set_outputs(graph, op, 1, &tensor);
        bench->ops[i ? REORDER_2 : REORDER_1].identity = identity_of_op(graph, &graph->ops[op]);
    }
}

static int setup(void **state) {
    static struct bench bench;
    bench = (struct bench){0};
    arena_init(&bench.arena);
    add_identities(&bench);
    brackets_init(&bench.brackets, &bench.arena, bench.ops, OP_COUNT);
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

struct said {
    const char *type, *shapes;
};

static const char *argument(const struct hook_event *event, const char *key) {
    const struct said *said = event->handle;
    return strcmp(key, "op_name") == 0 ? said->type : said->shapes;
}

static void close_bracket(struct bench *bench, const char *name, const char *type,
                          const char *shape, int64_t duration_us) {
    const struct said said = {type, shape};
    const struct hook_event event = {HOOK_OPERATOR, name, duration_us, argument, &said, NULL};
    brackets_stop(&bench->brackets);
    brackets_name(&bench->brackets, &event);
}

/* One operator that takes so long, as the runtime brackets it. Returns how long it took in truth,
 * at most: the machine may be busy. */
static double run_shaped(struct bench *bench, const char *name, const char *type, const char *shape,
                         int64_t microseconds) {
    int64_t start = now_ns();
    brackets_start(&bench->brackets);
    spin_us(microseconds);
    int64_t duration_us = (now_ns() - start) / 1000;
    close_bracket(bench, name, type, shape, duration_us);
    return (double)(duration_us + 1) * 1e3;
}

static double run(struct bench *bench, const char *name, const char *type, int64_t microseconds) {
    return run_shaped(bench, name, type, "[]", microseconds);
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
    run(bench, "conv_kernel_time", "Conv", 300);
    flush(bench, 7);
    assert_int_equal(bench->count, 1);
    assert_int_equal(bench->samples[0].op, 0);
    assert_int_equal(bench->samples[0].repeat, 7);
    assert_int_equal(bench->samples[0].phase, PHASE_PROFILED);
    assert_true(wall_of(bench, 0) > 290e3);
}

static void test_an_operator_that_did_not_run_has_no_sample(void **state) {
    struct bench *bench = *state;
    run(bench, "conv_kernel_time", "Conv", 10);
    flush(bench, 0);
    flush(bench, 1);
    assert_int_equal(bench->count, 0);
}

static void test_inner_operators_are_taken_out_of_the_outer(void **state) {
    struct bench *bench = *state;
    int64_t start = now_ns();
    brackets_start(&bench->brackets);
    spin_us(200);
    run(bench, "inner_kernel_time", "Neg", 2000);
    run(bench, "inner_kernel_time", "Neg", 2000);
    int64_t duration_us = (now_ns() - start) / 1000;
    close_bracket(bench, "if_kernel_time", "If", "[]", duration_us);
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
    close_bracket(bench, "conv_kernel_time", "Conv", "[]", duration_us);
    flush(bench, 0);
    assert_true(wall_of(bench, 0) > 990e3);
    assert_true(wall_of(bench, 0) < 1003e3 + (double)(duration_us - 1000) * 1e3);
    assert_int_equal(bench->count, 2);
    assert_int_equal(bench->samples[1].metric, METRIC_CPU_NS);
}

static void test_names_made_up_anew_are_known_by_their_shapes(void **state) {
    struct bench *bench = *state;
    for (int i = 0; i < 2; i++) { /* the names of the two have changed places */
        run_shaped(bench, "reorder_1_kernel_time", "Reorder", shape_texts[1], 4000);
        double second = run_shaped(bench, "reorder_2_kernel_time", "Reorder", shape_texts[0], 100);
        flush(bench, 0);
        assert_true(wall_of(bench, REORDER_2) > 3990e3);
        assert_true(wall_of(bench, REORDER_1) <= second);
    }
}

static void test_nameless_operators_are_known_by_type_and_order(void **state) {
    struct bench *bench = *state;
    for (int i = 0; i < 2; i++) {
        double first = run(bench, "Add_12_kernel_time", "Add", 100);
        run(bench, "Mul_3_kernel_time", "Mul", 200);
        run(bench, "Add_11_kernel_time", "Add", 4000);
        flush(bench, 0);
        assert_int_equal(bench->count, 3);
        assert_true(wall_of(bench, 5) <= first);
        assert_true(wall_of(bench, 6) > 195e3);
        assert_true(wall_of(bench, 7) > 3990e3);
    }
}

static void test_other_events_count_for_nobody(void **state) {
    struct bench *bench = *state;
    run(bench, "model_run", NULL, 10);
    run(bench, "conv_fence_before", "Conv", 10);
    run(bench, "stranger_kernel_time", "Stranger", 10);
    run(bench, "_kernel_time", NULL, 10);
    run(bench, "", NULL, 10);
    flush(bench, 0);
    assert_int_equal(bench->count, 0);
    assert_int_equal(bench->brackets.identity.unknown, 1);
    assert_int_equal(bench->brackets.depth, 0);
}

static void test_deeper_than_the_stack_is_survived(void **state) {
    struct bench *bench = *state;
    for (int i = 0; i < BRACKETS_DEPTH + 10; i++)
        brackets_start(&bench->brackets);
    for (int i = 0; i < BRACKETS_DEPTH + 10; i++) {
        close_bracket(bench, "conv_kernel_time", "Conv", "[]", 1);
    }
    assert_int_equal(bench->brackets.depth, 0);
    close_bracket(bench, "conv_kernel_time", "Conv", "[]", 1);
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
        TEST(test_names_made_up_anew_are_known_by_their_shapes),
        TEST(test_nameless_operators_are_known_by_type_and_order),
        TEST(test_other_events_count_for_nobody),
        TEST(test_deeper_than_the_stack_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
