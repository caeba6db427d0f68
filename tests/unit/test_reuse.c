/* How far and how old data is, in graphs small enough to follow by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/features.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

enum { ROWS = 64, MIB = 1 << 20 };

/* A chain of products over ROWS rows; weights[i] is side x side, the same tensor where equal. */
static struct graph *chain(uint32_t count, const int *weights, int64_t side) {
    struct graph *graph = graph_new(&arena, "chain");
    int32_t x = graph_add_tensor(graph, "x", DTYPE_FLOAT32), known[8];
    const int64_t rows[] = {ROWS, side}, square[] = {side, side};
    graph_set_shape(graph, x, 2, rows);
    graph_add_input(graph, x);
    for (int w = 0; w < 8; w++) {
        char name[8];
        snprintf(name, sizeof name, "w%d", w);
        known[w] = graph_add_tensor(graph, name, DTYPE_FLOAT32);
        graph_set_shape(graph, known[w], 2, square);
        graph->tensors[known[w]].flags |= TENSOR_INITIALIZER;
    }
    for (uint32_t i = 0; i < count; i++) {
        char name[8];
        snprintf(name, sizeof name, "y%u", i);
        int32_t y = graph_add_tensor(graph, name, DTYPE_FLOAT32), op;
        graph_set_shape(graph, y, 2, rows);
        op = graph_add_op(graph, name, "MatMul", "");
        const int32_t inputs[] = {x, known[weights[i]]};
        graph_set_inputs(graph, op, 2, inputs);
        graph_set_outputs(graph, op, 1, &y);
        graph->tensors[y].producer = op;
        x = y;
    }
    graph_add_output(graph, x);
    graph->lowered = true;
    return graph;
}

static void what_fits_the_cache_is_near(void **state) {
    (void)state;
    const int weights[] = {0, 1, 2, 3};
    struct graph *graph = chain(4, weights, 64); /* 16 KiB each */
    const struct reuse *reuse = reuse_of(&arena, graph, 4 * MIB, 1);
    for (int i = 0; i < 4; i++)
        assert_true(reuse_bytes(reuse[i].weights) == 0 && reuse_bytes(reuse[i].data) == 0 &&
                    reuse[i].call == 0);
}

static void weights_beyond_the_cache_are_far_and_an_inference_old(void **state) {
    (void)state;
    const int weights[] = {0, 1, 2, 3};
    struct graph *graph = chain(4, weights, 1024); /* 4 MiB each */
    const struct reuse *reuse = reuse_of(&arena, graph, 1 * MIB, 1);
    for (int i = 0; i < 4; i++) {
        assert_true(fabs(reuse_bytes(reuse[i].weights) - 4 * MIB) < 1);
        assert_true(fabs(reuse[i].weights[REUSE_AGES - 1] - 4 * MIB) < 1);
        assert_true(reuse[i].call == 1); /* its code too */
    }
}

static void weights_that_operators_share_are_younger(void **state) {
    (void)state;
    const int weights[] = {0, 0, 0, 0, 0, 0, 0, 0};
    struct graph *graph = chain(8, weights, 1024);
    const struct reuse *reuse = reuse_of(&arena, graph, 1 * MIB, 1);
    for (int i = 0; i < 8; i++) {
        assert_true(reuse[i].weights[REUSE_AGES - 1] == 0);
        assert_true(fabs(reuse_bytes(reuse[i].weights) - 4 * MIB) < 1);
    }
}

/* What one operator writes and the next reads is near however large the model is. */
static void a_result_that_is_read_at_once_is_near(void **state) {
    (void)state;
    const int weights[] = {0, 1, 2, 3};
    struct graph *graph = chain(4, weights, 256); /* weights 256 KiB, rows 64 KiB */
    const struct reuse *reuse = reuse_of(&arena, graph, 700 << 10, 1);
    double input = reuse_bytes(reuse[2].data);
    assert_true(input < 128 << 10); /* at most what it writes */
}

static void a_longer_inference_makes_far_bytes_stale(void **state) {
    (void)state;
    const int weights[] = {0, 1, 2, 3};
    struct graph *graph = chain(4, weights, 1024);
    struct feature_target target = {.block = 16, .cache_bytes = MIB};
    target = feature_target_for(&arena, &target, graph);
    struct features features;
    struct err err = {0};
    assert_int_equal(features_of(graph, &graph->ops[1], &target, &features, &err), 0);
    assert_true(features_age_matters(&features));
    const char *const *terms = family_info(features.family)->terms;
    int stale = 0;
    while (strcmp(terms[stale], "stale_weight_bytes") != 0)
        stale++;
    double before = 0;
    for (double inference_ns = 1e5; inference_ns < 1e9; inference_ns *= 10) {
        features.inference_ns = inference_ns;
        features_forget(&features, 1e7);
        assert_true(features.terms[stale] > before);
        before = features.terms[stale];
    }
    assert_true(fabs(before - 4 * MIB) < 1);
    features.inference_ns = 0; /* not known: old */
    features_forget(&features, 1e7);
    assert_true(fabs(features.terms[stale] - 4 * MIB) < 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_the_cache_is_near),
        cmocka_unit_test(weights_beyond_the_cache_are_far_and_an_inference_old),
        cmocka_unit_test(weights_that_operators_share_are_younger),
        cmocka_unit_test(a_result_that_is_read_at_once_is_near),
        cmocka_unit_test(a_longer_inference_makes_far_bytes_stale),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
