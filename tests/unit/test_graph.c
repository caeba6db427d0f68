/* The graph noun: building, asking, binding symbols, sorting, flattening. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/flat.h"
#include "core/graph.h"

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

static int32_t add(struct graph *graph, const char *name, int32_t rank, const int64_t *sizes) {
    int32_t tensor = graph_add_tensor(graph, name, DTYPE_FLOAT32);
    graph_set_shape(graph, tensor, rank, sizes);
    return tensor;
}

static int32_t add_relu(struct graph *graph, const char *name, int32_t from, int32_t to) {
    int32_t op = graph_add_op(graph, name, "Relu", "");
    graph_set_inputs(graph, op, 1, &from);
    graph_set_outputs(graph, op, 1, &to);
    return op;
}

/* ---- tensors --------------------------------------------------------------------------------- */

static void elements_and_bytes_follow_the_shape(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t t = add(graph, "t", 3, (int64_t[]){2, 3, 4});
    int32_t scalar = add(graph, "s", 0, NULL), empty = add(graph, "e", 2, (int64_t[]){0, 5});
    int32_t open = add(graph, "o", 2, (int64_t[]){GRAPH_DIM_UNKNOWN, 5});
    int32_t unknown = graph_add_tensor(graph, "u", DTYPE_FLOAT32);
    assert_int_equal(tensor_elements(&graph->tensors[t]), 24);
    assert_int_equal(tensor_bytes(&graph->tensors[t]), 96);
    assert_int_equal(tensor_elements(&graph->tensors[scalar]), 1);
    assert_int_equal(tensor_elements(&graph->tensors[empty]), 0);
    assert_int_equal(tensor_elements(&graph->tensors[open]), -1);
    assert_int_equal(tensor_bytes(&graph->tensors[open]), 0);
    assert_false(tensor_is_static(&graph->tensors[unknown]));
    assert_int_equal(tensor_elements(&graph->tensors[unknown]), -1);
}

static void product_beyond_2_to_the_62_is_not_static(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t t = add(graph, "t", 2, (int64_t[]){INT64_C(1) << 31, INT64_C(1) << 31});
    int32_t more = add(graph, "m", 2, (int64_t[]){INT64_C(1) << 32, INT64_C(1) << 31});
    assert_int_equal(tensor_elements(&graph->tensors[t]), INT64_C(1) << 62);
    assert_int_equal(tensor_elements(&graph->tensors[more]), -1);
}

static void four_bit_elements_are_packed(void **state) {
    (void)state;
    assert_int_equal(dtype_bytes(DTYPE_INT4, 5), 3);
    assert_int_equal(dtype_bytes(DTYPE_FLOAT16, 5), 10);
    assert_int_equal(dtype_by_name("bfloat16"), DTYPE_BFLOAT16);
    assert_int_equal(dtype_by_name("no such type"), DTYPE_UNDEFINED);
    assert_string_equal(dtype_name((enum dtype)63), "undefined");
}

static void shapes_are_written_with_symbols(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t t = add(graph, "t", 3, (int64_t[]){GRAPH_DIM_UNKNOWN, 3, GRAPH_DIM_UNKNOWN});
    graph->tensors[t].dims[0].symbol = graph_symbol(graph, "batch");
    assert_int_equal(graph_symbol(graph, "batch"), 0);
    assert_string_equal(tensor_shape_text(&arena, graph, &graph->tensors[t]), "batchx3x?");
    assert_int_equal(graph_bind_symbol(graph, "batch", 8), 1);
    assert_int_equal(graph_bind_symbol(graph, "nobody", 8), 0);
    assert_string_equal(tensor_shape_text(&arena, graph, &graph->tensors[t]), "8x3x?");
    assert_int_equal(graph->tensors[t].dims[0].symbol, 0);
}

/* ---- operators ------------------------------------------------------------------------------- */

static void attributes_answer_by_name_and_kind(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t op = graph_add_op(graph, "c", "Conv", "");
    graph_set_int(graph, op, "group", 32);
    graph_set_float(graph, op, "alpha", 0.5f);
    graph_set_string(graph, op, "auto_pad", "VALID");
    graph_set_ints(graph, op, "strides", 2, (int64_t[]){2, 1});
    const struct op *conv = &graph->ops[op];
    assert_int_equal(op_int(conv, "group", 1), 32);
    assert_int_equal(op_int(conv, "alpha", 7), 7); /* another kind: absent */
    assert_int_equal(op_int(conv, "none", 7), 7);
    assert_true(op_float(conv, "alpha", 0) == 0.5f);
    assert_string_equal(op_string(conv, "auto_pad", "NOTSET"), "VALID");
    assert_int_equal(op_attribute(conv, "strides")->ints[0], 2);
    assert_true(op_is(conv, "", "Conv"));
    assert_false(op_is(conv, "com.microsoft.nchwc", "Conv"));
}

static void omitted_operands_are_null(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t x = add(graph, "x", 0, NULL), op = graph_add_op(graph, "", "Clip", "");
    graph_set_inputs(graph, op, 2, (int32_t[]){x, GRAPH_NONE});
    assert_string_equal(op_input(graph, &graph->ops[op], 0)->name, "x");
    assert_null(op_input(graph, &graph->ops[op], 1));
    assert_null(op_input(graph, &graph->ops[op], 2));
    assert_null(op_output(graph, &graph->ops[op], 0));
}

static void opset_is_that_of_the_outermost_graph(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g"), *inner = graph_new(&arena, "i");
    graph_add_opset(graph, "", 17);
    inner->parent = graph;
    assert_int_equal(graph_opset_version(inner, ""), 17);
    assert_int_equal(graph_opset_version(inner, "com.microsoft"), 0);
}

/* ---- order ----------------------------------------------------------------------------------- */

static void sorting_is_topological_and_stable(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t t[5];
    for (int i = 0; i < 5; i++)
        t[i] = graph_add_tensor(graph, (char[]){(char)('a' + i), '\0'}, DTYPE_FLOAT32);
    graph_add_input(graph, t[0]);
    add_relu(graph, "late", t[3], t[4]);
    add_relu(graph, "one", t[0], t[1]);
    add_relu(graph, "two", t[0], t[2]);
    add_relu(graph, "three", t[1], t[3]);
    struct err err = {0};
    assert_int_equal(graph_sort(graph, &err), 0);
    static const char *const expected[] = {"one", "two", "three", "late"};
    for (int i = 0; i < 4; i++)
        assert_string_equal(graph->ops[i].name, expected[i]);
    assert_int_equal(graph->tensors[t[4]].producer, 3);
    assert_int_equal(graph->tensors[t[0]].producer, GRAPH_NONE);
}

static void cycle_is_an_error_that_names_an_operator(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t a = graph_add_tensor(graph, "a", DTYPE_FLOAT32);
    int32_t b = graph_add_tensor(graph, "b", DTYPE_FLOAT32);
    add_relu(graph, "there", a, b);
    add_relu(graph, "back", b, a);
    struct err err = {0};
    assert_int_equal(graph_sort(graph, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "operator Relu 'there' is part of a cycle"));
}

static void tensor_written_twice_is_an_error(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t a = graph_add_tensor(graph, "a", DTYPE_FLOAT32);
    int32_t b = graph_add_tensor(graph, "b", DTYPE_FLOAT32);
    graph_add_input(graph, a);
    add_relu(graph, "one", a, b);
    add_relu(graph, "two", a, b);
    struct err err = {0};
    assert_int_equal(graph_sort(graph, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "'b' is written twice, again by Relu 'two'"));
}

static void many_operators_sort_in_reasonable_time(void **state) {
    (void)state;
    enum { COUNT = 100000 };
    struct graph *graph = graph_new(&arena, "g");
    for (int i = 0; i <= COUNT; i++)
        graph_add_tensor(graph, "", DTYPE_FLOAT32);
    graph_add_input(graph, 0);
    for (int i = COUNT; i > 0; i--) /* the worst order */
        add_relu(graph, "", i - 1, i);
    struct err err = {0};
    assert_int_equal(graph_sort(graph, &err), 0);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(graph->ops[i].outputs[0], i + 1);
}

/* ---- subgraphs ------------------------------------------------------------------------------- */

/* An If whose branch reads `x` of the graph around it. */
static struct graph *graph_with_branch(void) {
    struct graph *graph = graph_new(&arena, "g"), *branch = graph_new(&arena, "b");
    int32_t c = add(graph, "c", 0, NULL), x = add(graph, "x", 1, (int64_t[]){3});
    int32_t y = graph_add_tensor(graph, "y", DTYPE_FLOAT32);
    graph_add_input(graph, c);
    int32_t choose = graph_add_op(graph, "if", "If", "");
    graph_set_inputs(graph, choose, 1, &c);
    graph_set_outputs(graph, choose, 1, &y);
    graph_add_attribute(graph, choose, "then_branch", ATTRIBUTE_GRAPH)->graph = branch;
    branch->parent = graph;
    int32_t outer = add(branch, "x", 1, (int64_t[]){3});
    branch->tensors[outer].flags = TENSOR_OUTER;
    branch->tensors[outer].outer = x;
    int32_t w = add(branch, "w", 1, (int64_t[]){5});
    branch->tensors[w].flags = TENSOR_INITIALIZER;
    add_relu(branch, "", outer, graph_add_tensor(branch, "z", DTYPE_FLOAT32));
    add_relu(graph, "source", c, x); /* stands after its reader */
    return graph;
}

static void reads_of_a_subgraph_order_its_operator(void **state) {
    (void)state;
    struct graph *graph = graph_with_branch();
    struct err err = {0};
    assert_int_equal(graph_sort(graph, &err), 0);
    assert_string_equal(graph->ops[0].name, "source");
    assert_string_equal(graph->ops[1].name, "if");
}

static void counts_include_subgraphs(void **state) {
    (void)state;
    struct graph *graph = graph_with_branch();
    assert_int_equal(graph_op_count(graph), 3);
    assert_int_equal(graph_parameters(graph), 5);
    assert_int_equal(graph_weight_bytes(graph), 20);
}

static void flat_list_opens_subgraphs_after_their_operator(void **state) {
    (void)state;
    struct graph *graph = graph_with_branch();
    struct flat_graph flat;
    struct err err = {0};
    assert_int_equal(flat_graph_build(&arena, graph, &flat, &err), 0);
    assert_int_equal(flat.count, 3);
    assert_string_equal(flat.ops[0].path, "if");
    assert_string_equal(flat.ops[1].path, "if/then_branch/Relu#0");
    assert_string_equal(flat.ops[1].branch, "then_branch");
    assert_int_equal(flat.ops[1].enclosing, 0);
    assert_string_equal(flat.ops[2].path, "source");
    assert_int_equal(flat.ops[2].enclosing, GRAPH_NONE);
}

static void flat_list_refuses_bottomless_nesting(void **state) {
    (void)state;
    struct graph *outermost = graph_new(&arena, "g"), *graph = outermost;
    for (int i = 0; i < 66; i++) {
        struct graph *inner = graph_new(&arena, "i");
        int32_t op = graph_add_op(graph, "", "If", "");
        graph_add_attribute(graph, op, "then_branch", ATTRIBUTE_GRAPH)->graph = inner;
        graph = inner;
    }
    graph_add_op(graph, "", "Relu", "");
    struct flat_graph flat;
    struct err err = {0};
    assert_int_equal(flat_graph_build(&arena, outermost, &flat, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "nest deeper"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(elements_and_bytes_follow_the_shape),
        TEST(product_beyond_2_to_the_62_is_not_static),
        TEST(four_bit_elements_are_packed),
        TEST(shapes_are_written_with_symbols),
        TEST(attributes_answer_by_name_and_kind),
        TEST(omitted_operands_are_null),
        TEST(opset_is_that_of_the_outermost_graph),
        TEST(sorting_is_topological_and_stable),
        TEST(cycle_is_an_error_that_names_an_operator),
        TEST(tensor_written_twice_is_an_error),
        TEST(many_operators_sort_in_reasonable_time),
        TEST(reads_of_a_subgraph_order_its_operator),
        TEST(counts_include_subgraphs),
        TEST(flat_list_opens_subgraphs_after_their_operator),
        TEST(flat_list_refuses_bottomless_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
