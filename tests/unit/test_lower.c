/* Lowering rules, one by one, on graphs of a few operators. */
#include "models/infer.h"
#include "models/lower.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct graph *graph;
};

static int setup(void **state) {
    static struct fixture f;
    arena_init(&f.arena);
    f.graph = graph_new(&f.arena, "test");
    graph_add_opset(f.graph, "", 17);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    arena_done(&((struct fixture *)*state)->arena);
    return 0;
}

#define SIZES(...)  (int64_t[]){__VA_ARGS__}, (int32_t)(sizeof(int64_t[]){__VA_ARGS__} / 8)
#define INPUTS(...) (int32_t[]){__VA_ARGS__}, (uint32_t)(sizeof(int32_t[]){__VA_ARGS__} / 4)

static int32_t tensor(struct fixture *f, const char *name, const int64_t *sizes, int32_t rank) {
    int32_t t = graph_add_tensor(f->graph, name, DTYPE_FLOAT32);
    graph_set_shape(f->graph, t, rank, sizes);
    return t;
}

static int32_t input(struct fixture *f, const int64_t *sizes, int32_t rank) {
    int32_t t = tensor(f, "input", sizes, rank);
    graph_add_input(f->graph, t);
    return t;
}

static int32_t weight(struct fixture *f, const int64_t *sizes, int32_t rank) {
    int32_t t = tensor(f, "weight", sizes, rank);
    f->graph->tensors[t].flags |= TENSOR_INITIALIZER;
    return t;
}

static int32_t number(struct fixture *f, double value) {
    int32_t t = weight(f, NULL, 0);
    struct tensor_values *v = ARENA_NEW(&f->arena, struct tensor_values);
    double *copy = ARENA_NEW(&f->arena, double);
    *copy = value;
    *v = (struct tensor_values){.count = 1, .floats = copy};
    f->graph->tensors[t].values = v;
    return t;
}

/* Returns the output. */
static int32_t add(struct fixture *f, const char *type, const int32_t *inputs, uint32_t count) {
    int32_t op = graph_add_op(f->graph, "node", type, "");
    int32_t y = graph_add_tensor(f->graph, "y", DTYPE_UNDEFINED);
    graph_set_inputs(f->graph, op, count, inputs);
    graph_set_outputs(f->graph, op, 1, &y);
    return y;
}

static int32_t last_op(const struct fixture *f) {
    return (int32_t)f->graph->op_count - 1;
}

/* The lowered graph as "Type Type ...", blocked operators marked with '. */
static const char *lowered(struct fixture *f, int32_t output, int64_t block) {
    struct err err = {0};
    struct graph *graph = NULL;
    const struct lower_target target = {block};
    const char *text = "";
    graph_add_output(f->graph, output);
    assert_int_equal(graph_sort(f->graph, &err), 0);
    if (infer_shapes(f->graph, &err) || lower_by_rules(&f->arena, f->graph, &target, &graph, &err))
        fail_msg("%s", err.message);
    for (uint32_t i = 0; i < graph->op_count; i++)
        text = arena_printf(&f->arena, "%s%s%s%s", text, *text ? " " : "", graph->ops[i].type,
                            strcmp(graph->ops[i].domain, "com.microsoft.nchwc") == 0 ? "'" : "");
    assert_true(graph->lowered);
    return text;
}

static int32_t conv(struct fixture *f, int32_t x, int64_t from, int64_t to) {
    return add(f, "Conv", INPUTS(x, weight(f, SIZES(to, from, 1, 1))));
}

static void convolution_takes_in_norm_and_activation(void **state) {
    struct fixture *f = *state;
    int32_t y = conv(f, input(f, SIZES(1, 3, 8, 8)), 3, 32);
    y = add(f, "BatchNormalization",
            INPUTS(y, weight(f, SIZES(32)), weight(f, SIZES(32)), weight(f, SIZES(32)),
                   weight(f, SIZES(32))));
    assert_string_equal(lowered(f, add(f, "Relu", INPUTS(y)), 0), "FusedConv");
}

static void blocked_layout_is_left_for_the_output(void **state) {
    struct fixture *f = *state;
    int32_t y = conv(f, input(f, SIZES(1, 3, 8, 8)), 3, 32);
    assert_string_equal(lowered(f, add(f, "Relu", INPUTS(y)), 16), "Conv' ReorderOutput'");
}

static void residual_sum_goes_into_the_convolution(void **state) {
    struct fixture *f = *state;
    int32_t a = conv(f, input(f, SIZES(1, 3, 8, 8)), 3, 32);
    int32_t sum = add(f, "Add", INPUTS(conv(f, a, 32, 32), a));
    assert_string_equal(lowered(f, add(f, "Relu", INPUTS(sum)), 8), "Conv' Conv' ReorderOutput'");
}

static void channels_that_do_not_fit_stay_plain(void **state) {
    struct fixture *f = *state;
    assert_string_equal(lowered(f, conv(f, input(f, SIZES(1, 18, 8, 8)), 18, 32), 16), "Conv");
}

static void product_and_bias_become_gemm_with_reshapes(void **state) {
    struct fixture *f = *state;
    int32_t y = add(f, "MatMul", INPUTS(input(f, SIZES(2, 5, 8)), weight(f, SIZES(8, 6))));
    y = add(f, "Add", INPUTS(y, weight(f, SIZES(6))));
    assert_string_equal(lowered(f, y, 16), "Reshape Gemm Reshape");
}

static void erf_formula_becomes_gelu(void **state) {
    struct fixture *f = *state;
    int32_t x = input(f, SIZES(2, 8));
    int32_t erf = add(f, "Erf", INPUTS(add(f, "Div", INPUTS(x, number(f, 1.4142135)))));
    int32_t sum = add(f, "Add", INPUTS(erf, number(f, 1)));
    int32_t y = add(f, "Mul", INPUTS(add(f, "Mul", INPUTS(x, sum)), number(f, 0.5)));
    assert_string_equal(lowered(f, y, 16), "Gelu");
}

static void swish_becomes_quick_gelu(void **state) {
    struct fixture *f = *state;
    int32_t x = input(f, SIZES(2, 8));
    int32_t y = add(f, "Mul", INPUTS(x, add(f, "Sigmoid", INPUTS(x))));
    assert_string_equal(lowered(f, y, 16), "QuickGelu");
}

static void scale_behind_a_product_becomes_alpha(void **state) {
    struct fixture *f = *state;
    int32_t y = add(f, "MatMul", INPUTS(input(f, SIZES(4, 5, 8)), input(f, SIZES(4, 8, 5))));
    y = add(f, "Div", INPUTS(y, number(f, 8)));
    assert_string_equal(lowered(f, y, 16), "FusedMatMul");
}

static void residual_before_a_norm_becomes_skip(void **state) {
    struct fixture *f = *state;
    int32_t sum = add(f, "Add", INPUTS(input(f, SIZES(1, 5, 8)), input(f, SIZES(1, 5, 8))));
    int32_t y = add(f, "LayerNormalization", INPUTS(sum, weight(f, SIZES(8)), weight(f, SIZES(8))));
    assert_string_equal(lowered(f, y, 16), "SkipLayerNormalization");
}

static void transposes_that_cancel_go(void **state) {
    struct fixture *f = *state;
    int32_t y = add(f, "Transpose", INPUTS(input(f, SIZES(2, 3, 4, 5))));
    graph_set_ints(f->graph, last_op(f), "perm", 4, (int64_t[]){0, 2, 3, 1});
    y = add(f, "Transpose", INPUTS(add(f, "Tanh", INPUTS(y))));
    graph_set_ints(f->graph, last_op(f), "perm", 4, (int64_t[]){0, 3, 1, 2});
    assert_string_equal(lowered(f, y, 16), "Tanh");
}

static void shape_arithmetic_disappears(void **state) {
    struct fixture *f = *state;
    int32_t x = input(f, SIZES(2, 3, 4));
    int32_t y = add(f, "Reshape", INPUTS(x, add(f, "Shape", INPUTS(x))));
    assert_string_equal(lowered(f, y, 16), "Reshape");
}

static void the_same_work_is_done_once(void **state) {
    struct fixture *f = *state;
    int32_t x = input(f, SIZES(2, 3));
    int32_t y = add(f, "Add", INPUTS(add(f, "Exp", INPUTS(x)), add(f, "Exp", INPUTS(x))));
    assert_string_equal(lowered(f, y, 16), "Exp Add");
}

static void identity_at_the_output_keeps_its_name(void **state) {
    struct fixture *f = *state;
    int32_t y = add(f, "Identity", INPUTS(add(f, "Exp", INPUTS(input(f, SIZES(2, 3))))));
    assert_string_equal(lowered(f, y, 16), "Exp");
}

static struct graph *branch(struct fixture *f, int32_t outer, const char *type) {
    struct graph *g = graph_new(&f->arena, "branch");
    g->parent = f->graph;
    int32_t x = graph_add_tensor(g, "x", DTYPE_FLOAT32), y = graph_add_tensor(g, "z", 0);
    g->tensors[x].flags |= TENSOR_OUTER;
    g->tensors[x].outer = outer;
    int32_t op = graph_add_op(g, "inner", type, "");
    graph_set_inputs(g, op, 1, &x);
    graph_set_outputs(g, op, 1, &y);
    graph_add_output(g, y);
    return g;
}

static void an_if_of_known_condition_is_opened(void **state) {
    struct fixture *f = *state;
    int32_t x = input(f, SIZES(2, 3)), condition = number(f, 0);
    int32_t y = add(f, "If", INPUTS(condition));
    graph_add_attribute(f->graph, last_op(f), "then_branch", ATTRIBUTE_GRAPH)->graph =
        branch(f, x, "Exp");
    graph_add_attribute(f->graph, last_op(f), "else_branch", ATTRIBUTE_GRAPH)->graph =
        branch(f, x, "Log");
    assert_string_equal(lowered(f, y, 16), "Log");
}

static void every_rule_has_a_name_and_says_what_it_does(void **state) {
    const char *name, *what;
    uint32_t count = 0;
    (void)state;
    for (; lower_rule_at(count, &name, &what); count++)
        assert_true(*name && *what);
    assert_in_range(count, 25, 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(convolution_takes_in_norm_and_activation),
        TEST(blocked_layout_is_left_for_the_output),
        TEST(residual_sum_goes_into_the_convolution),
        TEST(channels_that_do_not_fit_stay_plain),
        TEST(product_and_bias_become_gemm_with_reshapes),
        TEST(erf_formula_becomes_gelu),
        TEST(swish_becomes_quick_gelu),
        TEST(scale_behind_a_product_becomes_alpha),
        TEST(residual_before_a_norm_becomes_skip),
        TEST(transposes_that_cancel_go),
        TEST(shape_arithmetic_disappears),
        TEST(the_same_work_is_done_once),
        TEST(identity_at_the_output_keeps_its_name),
        TEST(an_if_of_known_condition_is_opened),
        TEST(every_rule_has_a_name_and_says_what_it_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
