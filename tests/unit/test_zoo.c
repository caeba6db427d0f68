#include "models/zoo/zoo.h"

#include "base/file.h"
#include "base/sha256.h"
#include "core/features.h"
#include "models/infer.h"
#include "models/reader.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Calls `check` with every model, built with these options; a failure names the model. */
static void with_every_model(const struct zoo_options *options,
                             void check(struct zoo_model *model)) {
    for (size_t f = 0; f < zoo_family_count; f++)
        for (size_t i = 0; i < zoo_families[f]->count; i++) {
            struct arena arena;
            struct zoo_model model;
            struct err err = {0};
            arena_init(&arena);
            if (zoo_build(&arena, zoo_families[f]->rows[i].name, options, &model, &err))
                fail_msg("%s", err.message);
            check(&model);
            arena_done(&arena);
        }
}

/* ---- published figures ----------------------------------------------------------------------- */

static bool agrees(double value, struct zoo_figure published) {
    return published.step == 0 || fabs(value - published.value) <= published.step / 2;
}

static void check_parameters(struct zoo_model *model) {
    if (!agrees((double)model->parameters, model->row->parameters))
        fail_msg("%s: %llu parameters, published %.0f", model->row->name,
                 (unsigned long long)model->parameters, model->row->parameters.value);
}

static void test_parameters_equal_the_published_figures(void **state) {
    (void)state;
    with_every_model(&(struct zoo_options){.keep_batch_norm = true}, check_parameters);
}

static void test_folding_does_not_change_what_counts_as_a_parameter(void **state) {
    (void)state;
    with_every_model(NULL, check_parameters);
}

/* Elements of initializers that are no running statistics, no computed tables and no second copy of
 * a tied weight. */
static uint64_t trained_elements(const struct graph *graph) {
    uint64_t sum = graph_parameters(graph);
    for (uint32_t t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (tensor->flags & TENSOR_INITIALIZER &&
            (tensor->values || strstr(tensor->name, "running_") ||
             strcmp(tensor->name, "initial_state") == 0))
            sum -= (uint64_t)tensor_elements(tensor);
    }
    return sum;
}

static void check_initializers(struct zoo_model *model) {
    int32_t head = graph_find_tensor(model->graph, "lm_head.weight");
    uint64_t sum = trained_elements(model->graph);
    if (head != GRAPH_NONE && sum != model->parameters) /* tied */
        sum -= (uint64_t)tensor_elements(&model->graph->tensors[head]);
    if (sum != model->parameters)
        fail_msg("%s: initializers hold %llu, counted were %llu", model->row->name,
                 (unsigned long long)sum, (unsigned long long)model->parameters);
}

static void test_counted_parameters_are_those_in_the_file(void **state) {
    (void)state;
    with_every_model(&(struct zoo_options){.keep_batch_norm = true}, check_initializers);
}

/* Each step multiplies by the weights of the input and of the hidden state. */
static double lstm_multiply_adds(const struct graph *graph, const struct op *op) {
    const struct tensor *x = op_input(graph, op, 0);
    double weights =
        (double)(tensor_elements(op_input(graph, op, 1)) + tensor_elements(op_input(graph, op, 2)));
    return weights * (double)x->dims[0].size * (double)x->dims[1].size;
}

static double multiply_adds(const struct graph *graph) {
    static const char *const counted[] = {"Conv", "ConvTranspose", "Gemm", "MatMul"};
    double sum = 0;
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        for (size_t k = 0; k < sizeof counted / sizeof *counted; k++)
            if (op_is(op, "", counted[k]))
                sum += op_flops(graph, op) / 2;
        if (op_is(op, "", "LSTM"))
            sum += lstm_multiply_adds(graph, op);
    }
    return sum;
}

static void check_multiply_adds(struct zoo_model *model) {
    double gmacs = multiply_adds(model->graph) * 1e-9;
    if (!agrees(gmacs, model->row->gmacs))
        fail_msg("%s: %.5f GMACs, published %.3f", model->row->name, gmacs,
                 model->row->gmacs.value);
}

static void test_multiply_adds_equal_the_published_figures(void **state) {
    (void)state;
    with_every_model(NULL, check_multiply_adds);
}

static void test_most_rows_have_exact_figures(void **state) {
    (void)state;
    size_t rows = 0, exact = 0, with_macs = 0;
    for (size_t f = 0; f < zoo_family_count; f++)
        for (size_t i = 0; i < zoo_families[f]->count; i++) {
            const struct zoo_row *row = &zoo_families[f]->rows[i];
            assert_true(row->parameters.value > 0 && row->source[0] && row->help[0]);
            assert_ptr_equal(zoo_find(row->name), row); /* names are unique */
            rows++;
            exact += row->parameters.step == 1;
            with_macs += row->gmacs.step > 0;
        }
    assert_true(exact * 4 >= rows * 3);
    assert_true(with_macs * 2 >= rows);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

/* The builder's own shapes against inference that starts from inputs and weights alone. */
static void check_shapes(struct zoo_model *model) {
    struct graph *graph = model->graph;
    const char **built = ARENA_ARRAY(graph->arena, graph->tensor_count, const char *);
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        built[t] = tensor_shape_text(graph->arena, graph, &graph->tensors[t]);
    struct err err = {0};
    infer_forget(graph);
    if (infer_shapes(graph, &err))
        fail_msg("%s: %s", model->row->name, err.message);
    for (uint32_t t = 0; t < graph->tensor_count; t++) {
        const char *inferred = tensor_shape_text(graph->arena, graph, &graph->tensors[t]);
        if (strcmp(inferred, built[t]) != 0)
            fail_msg("%s: %s is %s, inferred %s", model->row->name, graph->tensors[t].name,
                     built[t], inferred);
    }
}

static void test_shapes_equal_what_is_inferred(void **state) {
    (void)state;
    with_every_model(NULL, check_shapes);
}

static void test_shapes_equal_what_is_inferred_in_other_spellings(void **state) {
    (void)state;
    with_every_model(&(struct zoo_options){.opset = 13, .keep_batch_norm = true}, check_shapes);
    with_every_model(&(struct zoo_options){.opset = 21, .batch = 3}, check_shapes);
}

static void test_sizes_follow_the_options(void **state) {
    (void)state;
    struct arena arena;
    struct zoo_model model;
    struct err err = {0};
    arena_init(&arena);
    struct zoo_options options = {.batch = 4, .image_size = 64, .classes = 7, .opset = 15};
    assert_int_equal(zoo_build(&arena, "resnet18", &options, &model, &err), 0);
    const struct graph *graph = model.graph;
    assert_string_equal(tensor_shape_text(&arena, graph, &graph->tensors[graph->inputs[0]]),
                        "4x3x64x64");
    assert_string_equal(tensor_shape_text(&arena, graph, &graph->tensors[graph->outputs[0]]),
                        "4x7");
    assert_int_equal(graph_opset_version(graph, ""), 15);
    arena_done(&arena);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void test_what_cannot_be_built_is_refused_with_the_reason(void **state) {
    static const struct {
        const char *name;
        struct zoo_options options;
        const char *said;
    } rows[] = {
        {"resnet51",             {0},                     "no model 'resnet51'"  },
        {"resnet18",             {.sequence = 5},         "no sequence to choose"},
        {"resnet18",             {.opset = 12},           "opset 12"             },
        {"resnet18",             {.batch = -1},           "batch -1"             },
        {"alexnet",              {.image_size = 16},      "would be empty"       },
        {"vgg11",                {.image_size = 100},     "not a multiple of 7"  },
        {"vit_b_16",             {.image_size = 100},     "not a multiple of 16" },
        {"swin_t",               {.image_size = 256},     "not a multiple of 224"},
        {"unet",                 {.image_size = 100},     "not a multiple of 16" },
        {"bert_tiny",            {.sequence = 513},       "longer than its 512"  },
        {"gpt2",                 {.sequence = 1025},      "longer than its 1024" },
        {"resnet18",             {.image_size = 1 << 30}, "is not in 1 to"       },
        {"whisper_tiny_encoder", {.sequence = 3002},      "more than its 3000"   },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        struct zoo_model model;
        struct err err = {0};
        arena_init(&arena);
        assert_int_equal(zoo_build(&arena, rows[i].name, &rows[i].options, &model, &err),
                         -ERR_USAGE);
        if (!strstr(err.message, rows[i].said))
            fail_msg("%s: '%s' does not say '%s'", rows[i].name, err.message, rows[i].said);
        arena_done(&arena);
    }
}

/* ---- weights --------------------------------------------------------------------------------- */

static void hash_of(const char *name, const struct zoo_options *options,
                    enum onnx_weights_mode mode, char hex[static SHA256_HEX_SIZE]) {
    struct arena arena;
    struct zoo_model model;
    struct strbuf bytes;
    struct err err = {0};
    arena_init(&arena);
    strbuf_init(&bytes);
    assert_int_equal(zoo_build(&arena, name, options, &model, &err), 0);
    struct onnx_weights weights = zoo_weights(&model, mode);
    assert_int_equal(onnx_write_bytes(model.graph, &weights, &bytes, &err), 0);
    sha256_hex(bytes.text, bytes.length, hex);
    strbuf_done(&bytes);
    arena_done(&arena);
}

static void test_the_same_seed_gives_the_same_file(void **state) {
    (void)state;
    char first[SHA256_HEX_SIZE], again[SHA256_HEX_SIZE], other[SHA256_HEX_SIZE];
    hash_of("resnet8", NULL, ONNX_WEIGHTS_INLINE, first);
    hash_of("resnet8", &(struct zoo_options){.seed = 1}, ONNX_WEIGHTS_INLINE, again);
    hash_of("resnet8", &(struct zoo_options){.seed = 2}, ONNX_WEIGHTS_INLINE, other);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
}

/* Files are known by their hash, so a change here makes stored measurements strangers. The order of
 * operators must not depend on the compiler either. */
static void test_files_are_the_same_with_every_compiler(void **state) {
    static const struct {
        const char *name, *hash;
    } rows[] = {
        {"mlp",                "c908dba323e9307d6646b0a0ca4d82ee17ed4ef7d93b4c2c2591dd3343f98603"},
        {"llama_stories260k",  "e2627fc5988d9e93c68dd7b000a09d0dfcff3d5f14b0556044ddb8df2948ccd0"},
        {"shufflenet_v2_x0_5", "3d0a463e3c6e51485795f5daadc8a024ac1e1dbbe4cf5237752e04c61c3b7f41"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char hash[SHA256_HEX_SIZE];
        hash_of(rows[i].name, NULL, ONNX_WEIGHTS_INLINE, hash);
        assert_string_equal(hash, rows[i].hash);
    }
}

static void test_structures_are_the_same_with_every_compiler(void **state) {
    (void)state;
    struct strbuf all;
    strbuf_init(&all);
    for (size_t f = 0; f < zoo_family_count; f++)
        for (size_t i = 0; i < zoo_families[f]->count; i++) {
            char hash[SHA256_HEX_SIZE];
            hash_of(zoo_families[f]->rows[i].name, NULL, ONNX_WEIGHTS_OMITTED, hash);
            strbuf_printf(&all, "%s %s\n", zoo_families[f]->name, hash);
        }
    char hash[SHA256_HEX_SIZE];
    sha256_hex(all.text, all.length, hash);
    strbuf_done(&all);
    assert_string_equal(hash, "8266a1fb0a7fde7c09b54362f3cbbd6c6b1b956bd02702dca210a340217422c0");
}

static void test_weights_have_the_deviation_of_their_fan_in(void **state) {
    (void)state;
    struct arena arena;
    struct zoo_model model;
    struct err err = {0};
    arena_init(&arena);
    assert_int_equal(zoo_build(&arena, "mlp", NULL, &model, &err), 0);
    struct onnx_weights weights = zoo_weights(&model, ONNX_WEIGHTS_INLINE);
    int32_t t = graph_find_tensor(model.graph, "dense1.weight");
    enum { COUNT = 100000 };
    float *values = ARENA_ARRAY(&arena, COUNT, float);
    assert_int_equal(
        weights.fill(weights.context, model.graph, t, 0, values, COUNT * sizeof *values, &err), 0);
    double sum = 0, squares = 0;
    for (int i = 0; i < COUNT; i++) {
        sum += (double)values[i];
        squares += (double)values[i] * (double)values[i];
    }
    double expected = 1 / sqrt(784);
    assert_true(fabs(sum / COUNT) < 0.01 * expected);
    assert_true(fabs(sqrt(squares / COUNT) - expected) < 0.01 * expected);
    arena_done(&arena);
}

static void test_a_written_model_is_read_back(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char folder[] = "/tmp/assay-zoo-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *path = arena_printf(&arena, "%s/squeezenet.onnx", folder);
    struct err err = {0};
    assert_int_equal(zoo_write("squeezenet1_1", NULL, path, &err), 0);
    struct model model;
    assert_int_equal(model_read(&arena, path, NULL, &model, &err), 0);
    assert_int_equal(graph_parameters(model.graph), 1235496);
    assert_true(model.file_bytes > 4 * 1235496);
    unlink(path);
    rmdir(folder);
    arena_done(&arena);
}

/* ---- documentation --------------------------------------------------------------------------- */

static void print_published(struct strbuf *out, const struct zoo_row *row) {
    const struct zoo_figure *parameters = &row->parameters, *gmacs = &row->gmacs;
    if (parameters->step > 1)
        strbuf_printf(out, " %.2f M ± %.2g |", parameters->value / 1e6, parameters->step / 2e6);
    else
        strbuf_printf(out, " %.0f |", parameters->value);
    if (gmacs->step > 0)
        strbuf_printf(out, " %.*f |", gmacs->step < 0.01 ? 3 : 1, gmacs->value);
    else
        strbuf_puts(out, " |");
}

static void print_row(struct strbuf *out, const struct zoo_row *row) {
    struct arena arena;
    struct zoo_model model;
    struct err err = {0};
    arena_init(&arena);
    assert_int_equal(zoo_build(&arena, row->name, NULL, &model, &err), 0);
    strbuf_printf(out, "| %s | %s | %u | %llu | %.4f |", row->name, row->help,
                  model.graph->op_count, (unsigned long long)model.parameters,
                  multiply_adds(model.graph) * 1e-9);
    print_published(out, row);
    strbuf_printf(out, " %s |\n", row->source);
    arena_done(&arena);
}

static const char introduction[] =
    "# The zoo\n"
    "\n"
    "Architectures that `assay zoo write NAME FILE` builds, with seeded random weights scaled by\n"
    "fan-in. Real is the graph: operators, shapes, the number of parameters and of multiply-adds.\n"
    "\n"
    "It is spelt as PyTorch's exporter spells a model in evaluation mode: batch normalisation\n"
    "folded into convolutions (`--keep-batch-norm` leaves it), ReLU6 as Clip, GELU through Erf\n"
    "before opset 20, layer normalisation as one operator from opset 17. Options choose batch,\n"
    "image size (or samples of sound), sequence length (tokens or frames), classes, opset (13 to\n"
    "21) and seed.\n"
    "\n"
    "`--quantise FORM` writes any of them in other numbers, as the usual tools do: `qdq` and\n"
    "`operators` (eight bits, scales fixed ahead: QuantizeLinear and DequantizeLinear around\n"
    "operators, or QLinearConv and its like), `dynamic` (eight-bit weights, scales found while\n"
    "running) and `float16`. `--per-channel`, `--int8-activations`, `--uint8-weights` and\n"
    "`--products-only` choose among the forms of eight bits.\n"
    "\n"
    "`--gguf TYPE` writes those of the Llama kind for llama.cpp ([llamacpp.md](llamacpp.md)).\n"
    "\n"
    "Parameters are those that were trained: batch normalisation counted unfolded, a tied weight\n"
    "once. Multiply-adds, in 10^9, are those of convolutions, matrix products and LSTM layers at "
    "the\n"
    "default sizes and batch 1. The unit tests compare both with the published figures to the "
    "digits\n"
    "published; an empty cell was not published by the source.\n"
    "\n"
    "This file is written by `ASSAY_UPDATE_DOCS=1 build/tests/unit/test_zoo`.\n"
    "\n"
    "| name | what | operators | parameters | multiply-adds | published parameters | published "
    "multiply-adds | source |\n"
    "|---|---|---:|---:|---:|---:|---:|---|\n";

static void print_documentation(struct strbuf *out) {
    strbuf_puts(out, introduction);
    for (size_t f = 0; f < zoo_family_count; f++)
        for (size_t i = 0; i < zoo_families[f]->count; i++)
            print_row(out, &zoo_families[f]->rows[i]);
}

static void test_the_documentation_is_the_table(void **state) {
    (void)state;
    static const char *const path = "docs/zoo.md";
    struct strbuf text;
    struct err err = {0};
    strbuf_init(&text);
    print_documentation(&text);
    if (getenv("ASSAY_UPDATE_DOCS"))
        assert_int_equal(file_replace(path, text.text, text.length, &err), 0);
    struct file_map map;
    if (file_map_open(&map, path, &err)) {
        strbuf_done(&text);
        printf("skip: docs/zoo.md is not seen from this folder\n");
        skip();
    }
    assert_int_equal(map.size, text.length);
    assert_memory_equal(map.bytes, text.text, text.length);
    file_map_close(&map);
    strbuf_done(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_equal_the_published_figures),
        cmocka_unit_test(test_folding_does_not_change_what_counts_as_a_parameter),
        cmocka_unit_test(test_counted_parameters_are_those_in_the_file),
        cmocka_unit_test(test_multiply_adds_equal_the_published_figures),
        cmocka_unit_test(test_most_rows_have_exact_figures),
        cmocka_unit_test(test_shapes_equal_what_is_inferred),
        cmocka_unit_test(test_shapes_equal_what_is_inferred_in_other_spellings),
        cmocka_unit_test(test_sizes_follow_the_options),
        cmocka_unit_test(test_what_cannot_be_built_is_refused_with_the_reason),
        cmocka_unit_test(test_the_same_seed_gives_the_same_file),
        cmocka_unit_test(test_files_are_the_same_with_every_compiler),
        cmocka_unit_test(test_structures_are_the_same_with_every_compiler),
        cmocka_unit_test(test_weights_have_the_deviation_of_their_fan_in),
        cmocka_unit_test(test_a_written_model_is_read_back),
        cmocka_unit_test(test_the_documentation_is_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
