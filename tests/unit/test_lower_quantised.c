/* Lowering of networks on eight bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "models/infer.h"
#include "models/lower.h"
#include "models/zoo/zoo.h"

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

static struct zoo_model built(const char *name, enum zoo_number_form form) {
    const struct zoo_options options = {.quantisation = {.form = form}};
    struct zoo_model model;
    struct err err = {0};
    if (zoo_build(&arena, name, &options, &model, &err) || infer_shapes(model.graph, &err))
        fail_msg("%s", err.message);
    return model;
}

static const struct graph *lowered(const struct graph *graph) {
    const struct lower_target target = {16};
    struct graph *result;
    struct err err = {0};
    if (lower_by_rules(&arena, graph, &target, &result, &err))
        fail_msg("%s", err.message);
    return result;
}

static uint32_t count(const struct graph *graph, const char *type) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < graph->op_count; i++)
        n += strcmp(graph->ops[i].type, type) == 0;
    return n;
}

static void pairs_become_operators_on_eight_bits(void **state) {
    (void)state;
    struct zoo_model model = built("resnet8", ZOO_QDQ);
    uint32_t convolutions = count(model.graph, "Conv");
    const struct graph *graph = lowered(model.graph);
    assert_int_equal(count(graph, "QLinearConv"), convolutions);
    assert_int_equal(count(graph, "QLinearAdd"), 3);
    assert_int_equal(count(graph, "QGemm"), 1);
    assert_int_equal(count(graph, "Conv") + count(graph, "Relu"), 0);
    assert_int_equal(count(graph, "QuantizeLinear"), 1);
}

static void channels_are_last_between_convolutions(void **state) {
    (void)state;
    const struct graph *graph = lowered(built("mobilenet_v1_025", ZOO_QDQ).graph);
    for (uint32_t i = 0; i < graph->op_count; i++)
        if (strcmp(graph->ops[i].type, "QLinearConv") == 0)
            assert_int_equal(op_int(&graph->ops[i], "channels_last", 0), 1);
    assert_in_range(count(graph, "Transpose"), 1, 2); /* before the first, perhaps after the last */
}

static void a_rectifier_stays_where_the_scale_goes_below_zero(void **state) {
    (void)state;
    struct zoo_model model = built("resnet8", ZOO_QDQ);
    struct graph *graph = model.graph;
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        int32_t producer = graph->tensors[op->inputs[0]].producer;
        if (strcmp(op->type, "QuantizeLinear") != 0 || producer < 0 ||
            strcmp(graph->ops[producer].type, "Relu") != 0)
            continue;
        static const int64_t zero = 10;
        struct tensor_values *values = ARENA_NEW(&arena, struct tensor_values);
        *values = (struct tensor_values){.count = 1, .ints = &zero};
        graph->tensors[op->inputs[2]].values = values;
        break;
    }
    /* Its convolution then is one of floating point, and takes it in. */
    assert_int_equal(count(lowered(graph), "FusedConv"), 1);
}

static void products_take_in_what_scales_them(void **state) {
    (void)state;
    const struct graph *graph = lowered(built("bert_tiny", ZOO_DYNAMIC).graph);
    assert_int_equal(count(graph, "MatMulInteger"), 0);
    /* Queries, keys and values share what they read, the others quantise for themselves. */
    assert_int_equal(count(graph, "MatMulIntegerToFloat"), 6);
    assert_int_equal(count(graph, "DynamicQuantizeMatMul"), 7);
    assert_int_equal(count(graph, "DynamicQuantizeLinear"), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(pairs_become_operators_on_eight_bits),
        TEST(channels_are_last_between_convolutions),
        TEST(a_rectifier_stays_where_the_scale_goes_below_zero),
        TEST(products_take_in_what_scales_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
