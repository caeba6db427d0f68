/* Networks in other numbers: which operators they get, that shapes agree, that values fill their
 * types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "models/infer.h"
#include "models/zoo/zoo.h"

#include <stdlib.h>
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

static struct zoo_model built(const char *name, struct zoo_quantisation quantisation) {
    const struct zoo_options options = {.quantisation = quantisation};
    struct zoo_model model;
    struct err err = {0};
    if (zoo_build(&arena, name, &options, &model, &err))
        fail_msg("%s", err.message);
    return model;
}

static uint32_t count(const struct graph *graph, const char *type) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < graph->op_count; i++)
        n += strcmp(graph->ops[i].type, type) == 0;
    return n;
}

static const struct op *producer(const struct graph *graph, int32_t tensor) {
    int32_t op = graph->tensors[tensor].producer;
    return op < 0 ? NULL : &graph->ops[op];
}

/* ---- forms ----------------------------------------------------------------------------------- */

static void pairs_stand_around_every_convolution(void **state) {
    (void)state;
    struct zoo_model model = built("resnet18", (struct zoo_quantisation){.form = ZOO_QDQ});
    const struct graph *graph = model.graph;
    assert_int_equal(count(graph, "Conv"), 20);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        for (uint32_t k = 0; strcmp(op->type, "Conv") == 0 && k < op->input_count; k++)
            assert_string_equal(producer(graph, op->inputs[k])->type, "DequantizeLinear");
    }
}

static void a_rectifier_is_not_parted_from_its_convolution(void **state) {
    (void)state;
    struct zoo_model model = built("mobilenet_v2", (struct zoo_quantisation){.form = ZOO_QDQ});
    for (uint32_t i = 0; i < model.graph->op_count; i++) {
        const struct op *op = &model.graph->ops[i];
        if (strcmp(op->type, "Clip") == 0)
            assert_string_equal(producer(model.graph, op->inputs[0])->type, "Conv");
    }
}

static void operators_on_eight_bits_take_the_place_of_float_ones(void **state) {
    (void)state;
    struct zoo_model model = built("resnet18", (struct zoo_quantisation){.form = ZOO_OPERATORS});
    assert_int_equal(count(model.graph, "Conv"), 0);
    assert_int_equal(count(model.graph, "Relu"), 0);
    assert_int_equal(count(model.graph, "QLinearConv"), 20);
    assert_int_equal(count(model.graph, "QLinearAdd"), 8);
    assert_int_equal(count(model.graph, "QGemm"), 1);
    assert_int_equal(count(model.graph, "QuantizeLinear"), 1);
    assert_int_equal(count(model.graph, "DequantizeLinear"), 1);
}

static void dynamic_products_find_a_scale_once_per_input(void **state) {
    (void)state;
    struct zoo_model model = built("bert_tiny", (struct zoo_quantisation){.form = ZOO_DYNAMIC});
    /* Two layers of six products, three of which read the same; the pooler. */
    assert_int_equal(count(model.graph, "MatMulInteger"), 13);
    assert_int_equal(count(model.graph, "DynamicQuantizeLinear"), 9);
    assert_int_equal(count(model.graph, "MatMul"), 4); /* of attention: nothing is a weight */
}

static void half_precision_leaves_float32_at_the_borders_only(void **state) {
    (void)state;
    struct zoo_model model = built("resnet18", (struct zoo_quantisation){.form = ZOO_FLOAT16});
    for (uint32_t t = 0; t < model.graph->tensor_count; t++) {
        const struct tensor *tensor = &model.graph->tensors[t];
        if (tensor->dtype == DTYPE_FLOAT32)
            assert_true(tensor->flags & (TENSOR_INPUT | TENSOR_OUTPUT));
    }
}

static void products_alone_leave_additions_in_floating_point(void **state) {
    (void)state;
    struct zoo_model model =
        built("resnet18", (struct zoo_quantisation){.form = ZOO_OPERATORS, .products_only = true});
    assert_int_equal(count(model.graph, "QLinearConv"), 20);
    assert_int_equal(count(model.graph, "Add"), 8);
}

static void shapes_and_types_agree_with_inference(void **state) {
    (void)state;
    static const char *const names[] = {
        "resnet18", "mobilenet_v3_small", "bert_tiny",   "llama_tiny",
        "unet",     "shufflenet_v2_x0_5", "lstm_medium", "deit_tiny"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int form = ZOO_QDQ; form < ZOO_FORM_COUNT; form++) {
            struct err err = {0};
            struct zoo_model model =
                built(names[i], (struct zoo_quantisation){.form = (enum zoo_number_form)form,
                                                          .per_channel = i % 2 == 0});
            enum dtype *dtypes = ARENA_ARRAY(&arena, model.graph->tensor_count, enum dtype);
            for (uint32_t t = 0; t < model.graph->tensor_count; t++)
                dtypes[t] = model.graph->tensors[t].dtype;
            if (infer_shapes(model.graph, &err))
                fail_msg("%s, form %d: %s", names[i], form, err.message);
            for (uint32_t t = 0; t < model.graph->tensor_count; t++)
                assert_int_equal(model.graph->tensors[t].dtype, dtypes[t]);
        }
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void numbers_of(const struct zoo_model *model, const char *name, void *bytes,
                       size_t length) {
    struct onnx_weights weights = zoo_weights(model, ONNX_WEIGHTS_INLINE);
    struct err err = {0};
    int32_t tensor = graph_find_tensor(model->graph, name);
    assert_true(tensor >= 0);
    assert_int_equal(weights.fill(weights.context, model->graph, tensor, 0, bytes, length, &err),
                     0);
}

static void weights_fill_eight_bits_around_zero(void **state) {
    (void)state;
    struct zoo_model model = built("resnet18", (struct zoo_quantisation){.form = ZOO_QDQ});
    int8_t values[4096];
    int low = 0, high = 0;
    numbers_of(&model, "layer1.0.conv1.weight_quantized", values, sizeof values);
    for (size_t i = 0; i < sizeof values; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    assert_in_range(-low, 120, 127);
    assert_in_range(high, 120, 127);
}

static void a_scale_times_its_steps_is_nearly_the_range_of_the_weight(void **state) {
    (void)state;
    struct zoo_model plain = built("resnet18", (struct zoo_quantisation){0});
    struct zoo_model model = built("resnet18", (struct zoo_quantisation){.form = ZOO_QDQ});
    float scale, weights[4096], most = 0;
    numbers_of(&model, "layer1.0.conv1.weight_scale", &scale, sizeof scale);
    numbers_of(&plain, "layer1.0.conv1.weight", weights, sizeof weights);
    for (size_t i = 0; i < 4096; i++)
        most = weights[i] > most ? weights[i] : most;
    assert_true(127 * scale > 0.79f * most && 127 * scale < 1.01f * most);
}

static void half_numbers_are_the_nearest(void **state) {
    (void)state;
    struct zoo_model plain = built("resnet18", (struct zoo_quantisation){0});
    struct zoo_model model = built("resnet18", (struct zoo_quantisation){.form = ZOO_FLOAT16});
    uint16_t halves[512];
    float floats[512];
    numbers_of(&model, "layer1.0.conv1.weight", halves, sizeof halves);
    numbers_of(&plain, "layer1.0.conv1.weight", floats, sizeof floats);
    for (size_t i = 0; i < 512; i++) {
        int exponent = halves[i] >> 10 & 31;
        float size = (float)(halves[i] & 1023) / 1024 + 1;
        for (; exponent < 15; exponent++)
            size /= 2;
        float value = halves[i] & 0x8000 ? -size : size;
        if (halves[i] & 0x7fff)
            assert_float_equal(value, floats[i], 0.0006f * size);
    }
}

static void channels_with_scales_of_their_own_have_signed_weights(void **state) {
    (void)state;
    const struct zoo_options options = {
        .quantisation = {.form = ZOO_QDQ, .per_channel = true, .unsigned_weights = true}
    };
    struct zoo_model model;
    struct err err = {0};
    assert_int_equal(zoo_build(&arena, "resnet18", &options, &model, &err), -ERR_USAGE);
    assert_non_null(strstr(err.message, "int8"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pairs_stand_around_every_convolution, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_rectifier_is_not_parted_from_its_convolution, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(operators_on_eight_bits_take_the_place_of_float_ones,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(dynamic_products_find_a_scale_once_per_input, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(half_precision_leaves_float32_at_the_borders_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(products_alone_leave_additions_in_floating_point, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(shapes_and_types_agree_with_inference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(weights_fill_eight_bits_around_zero, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_scale_times_its_steps_is_nearly_the_range_of_the_weight,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(half_numbers_are_the_nearest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(channels_with_scales_of_their_own_have_signed_weights,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
