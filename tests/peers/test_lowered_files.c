/* Graphs as ONNX Runtime lowers them, kept as ONNX without weights: what comes back has the same
 * operators, tensors and kernel classes. This is how the database holds them. */
#include "collectors/collector.h"
#include "core/features.h"
#include "models/onnx/read.h"
#include "models/onnx/write.h"
#include "models/zoo/zoo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct feature_target target = {.block = 16};

static void assert_same_tensor(struct arena *arena, const struct graph *ga, const struct tensor *a,
                               const struct graph *gb, const struct tensor *b) {
    if (!a || !b) {
        assert_ptr_equal(a, b);
        return;
    }
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->dtype, b->dtype);
    assert_string_equal(tensor_shape_text(arena, ga, a), tensor_shape_text(arena, gb, b));
    assert_int_equal(a->flags & TENSOR_INITIALIZER, b->flags & TENSOR_INITIALIZER);
}

static void assert_same_features(const struct graph *ga, const struct op *a, const struct graph *gb,
                                 const struct op *b) {
    struct features fa = {0}, fb = {0};
    struct err err_a = {0}, err_b = {0};
    assert_int_equal(features_of(ga, a, &target, &fa, &err_a),
                     features_of(gb, b, &target, &fb, &err_b));
    assert_string_equal(fa.key, fb.key);
    assert_true(fa.flops == fb.flops && features_bytes(&fa) == features_bytes(&fb));
}

static void assert_same_op(struct arena *arena, const struct graph *ga, const struct op *a,
                           const struct graph *gb, const struct op *b) {
    assert_string_equal(a->type, b->type);
    assert_string_equal(a->domain, b->domain);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->input_count, b->input_count);
    assert_int_equal(a->output_count, b->output_count);
    for (uint32_t i = 0; i < a->input_count; i++)
        assert_same_tensor(arena, ga, op_input(ga, a, i), gb, op_input(gb, b, i));
    for (uint32_t i = 0; i < a->output_count; i++)
        assert_same_tensor(arena, ga, op_output(ga, a, i), gb, op_output(gb, b, i));
    assert_same_features(ga, a, gb, b);
}

static void compare_through_file(struct arena *arena, const struct graph *lowered) {
    const struct onnx_weights omitted = {.mode = ONNX_WEIGHTS_OMITTED};
    struct strbuf bytes;
    struct graph *back = NULL;
    struct err err = {0};
    strbuf_init(&bytes);
    if (onnx_write_bytes(lowered, &omitted, &bytes, &err) ||
        onnx_read_bytes(arena, bytes.text, bytes.length, "lowered", &back, &err))
        fail_msg("%s", err.message);
    strbuf_done(&bytes);
    assert_true(lowered->lowered && back->lowered);
    assert_int_equal(graph_parameters(lowered), graph_parameters(back));
    struct flat_graph a, b;
    assert_int_equal(flat_graph_build(arena, lowered, &a, &err), 0);
    assert_int_equal(flat_graph_build(arena, back, &b, &err), 0);
    assert_int_equal(a.count, b.count);
    for (uint32_t i = 0; i < a.count; i++)
        assert_same_op(arena, a.ops[i].graph, a.ops[i].op, b.ops[i].graph, b.ops[i].op);
}

static void lower_and_compare(const struct collector *row, const char *name,
                              const struct zoo_options *options) {
    struct arena arena;
    struct err err = {0};
    struct graph *lowered = NULL;
    char path[] = "/tmp/assay-lowered-XXXXXX.onnx";
    arena_init(&arena);
    close(mkstemps(path, 5));
    struct collect_config config = {.model_path = path, .threads = 1, .seed = 1};
    if (zoo_write(name, options, path, &err) || row->lower(&arena, &config, &lowered, &err))
        fail_msg("%s: %s", name, err.message);
    compare_through_file(&arena, lowered);
    unlink(path);
    arena_done(&arena);
}

static void test_lowered_graphs_come_back_the_same(void **state) {
    static const struct {
        const char *name;
        struct zoo_options options;
    } rows[] = {
        {"resnet18",           {.image_size = 64}  },
        {"mobilenet_v3_small", {.image_size = 64}  },
        {"densenet121",        {.image_size = 64}  },
        {"bert_mini",          {.sequence = 16}    },
        {"llama_tiny",         {.sequence = 16}    },
        {"lstm_medium",        {.sequence = 4}     },
        {"deit_tiny",          {.image_size = 32}  },
        {"unet",               {.image_size = 32}  },
        {"m11_audio",          {.image_size = 4000}},
        {"shufflenet_v2_x1_0", {.image_size = 64}  },
    };
    (void)state;
    const struct collector *row = collector_by_name("onnxruntime");
    struct err err = {0};
    if (row->available(&err)) {
        printf("skip: ONNX Runtime: %s\n", err.message);
        skip();
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        lower_and_compare(row, rows[i].name, &rows[i].options);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lowered_graphs_come_back_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
