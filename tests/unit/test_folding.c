/* What loading computes of a graph, counted by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/folding.h"
#include "core/footprint.h"

static struct arena arena;
static struct graph *graph;

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    graph = graph_new(&arena, "scene");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

enum { SIDE = 32, BYTES = 4 * SIDE * SIDE };

static int32_t tensor(bool weight) {
    static const int64_t square[] = {SIDE, SIDE};
    int32_t t =
        graph_add_tensor(graph, arena_printf(&arena, "t%u", graph->tensor_count), DTYPE_FLOAT32);
    graph_set_shape(graph, t, 2, square);
    if (weight)
        graph->tensors[t].flags |= TENSOR_INITIALIZER;
    return t;
}

static int32_t apply(const char *type, int32_t a, int32_t b) {
    int32_t op = graph_add_op(graph, "", type, ""), y = tensor(false);
    const int32_t inputs[] = {a, b};
    graph_set_inputs(graph, op, b == GRAPH_NONE ? 1 : 2, inputs);
    graph_set_outputs(graph, op, 1, &y);
    graph->tensors[y].producer = op;
    return y;
}

static void what_hangs_on_weights_alone_is_computed_while_loading(void **state) {
    (void)state;
    int32_t x = tensor(false), w = tensor(true);
    graph_add_input(graph, x);
    int32_t turned = apply("Transpose", w, GRAPH_NONE);
    apply("MatMul", x, apply("Mul", turned, turned)); /* two results, the product is not */
    struct folding folding = folding_of(graph);
    assert_true(folding.bytes == 2 * BYTES && folding.largest_bytes == BYTES);
}

static void equal_work_is_done_once(void **state) {
    (void)state;
    int32_t w = tensor(true), v = tensor(true);
    for (int i = 0; i < 3; i++)
        apply("Sqrt", apply("Transpose", w, GRAPH_NONE), GRAPH_NONE);
    apply("Transpose", v, GRAPH_NONE);
    assert_true(folding_of(graph).bytes == 3 * BYTES);
}

static void other_attributes_are_other_work(void **state) {
    (void)state;
    int32_t w = tensor(true);
    for (int64_t axis = 0; axis < 2; axis++) {
        apply("CumSum", w, GRAPH_NONE);
        graph_set_int(graph, (int32_t)graph->op_count - 1, "exclusive", axis);
    }
    assert_true(folding_of(graph).bytes == 2 * BYTES);
}

static void other_names_are_no_work(void **state) {
    (void)state;
    int32_t w = tensor(true);
    apply("Sqrt", apply("Identity", w, GRAPH_NONE), GRAPH_NONE);
    apply("Sqrt", w, GRAPH_NONE);
    assert_true(folding_of(graph).bytes == BYTES);
}

static void random_numbers_are_not_computed_ahead(void **state) {
    (void)state;
    apply("RandomNormalLike", tensor(true), GRAPH_NONE);
    assert_true(folding_of(graph).bytes == 0);
}

static void weights_of_eight_bits_are_not_widened_ahead(void **state) {
    (void)state;
    apply("Transpose", apply("DequantizeLinear", tensor(true), tensor(true)), GRAPH_NONE);
    assert_true(folding_of(graph).bytes == 0);
}

static void the_most_that_loading_holds_knows_of_it(void **state) {
    (void)state;
    struct footprint footprint = {.file_bytes = 1000, .loading_bytes = 5000};
    footprint_fold(&footprint, &(struct folding){300, 100});
    assert_true(footprint.loading_bytes == 5000 && footprint.folded_bytes == 300);
    footprint_fold(&footprint, &(struct folding){8000, 2000});
    assert_true(footprint.loading_bytes == 11000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_hangs_on_weights_alone_is_computed_while_loading),
        TEST(equal_work_is_done_once),
        TEST(other_attributes_are_other_work),
        TEST(other_names_are_no_work),
        TEST(random_numbers_are_not_computed_ahead),
        TEST(weights_of_eight_bits_are_not_widened_ahead),
        TEST(the_most_that_loading_holds_knows_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
