/* Another batch for a model with a fixed one: what is rewritten, what is kept, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "models/infer.h"
#include "models/onnx/read.h"
#include "models/onnx/rebatch.h"
#include "models/reader.h"
#include "tests/unit/onnx_bytes.h"

static struct arena arena;
static char folder[] = "/tmp/assay-rebatch-XXXXXX";

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

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

static const char *path_in(const char *name) {
    return arena_printf(&arena, "%s/%s", folder, name);
}

/* Ends `graph`. */
static struct model stored(int64_t ir_version, struct strbuf graph) {
    const char *path = path_in("in.onnx");
    struct strbuf bytes = model_with(ir_version, graph);
    struct model model = {0};
    struct err err = {0};
    if (file_replace(path, bytes.text, bytes.length, &err) ||
        model_read(&arena, path, NULL, &model, &err))
        fail_msg("%s", err.message);
    strbuf_done(&bytes);
    return model;
}

static struct graph *rebatched_file(const struct model *model, int64_t batch) {
    const char *path = path_in("out.onnx");
    struct model out;
    struct err err = {0};
    if (onnx_rebatch(model, batch, path, &err) || model_read(&arena, path, NULL, &out, &err) ||
        infer_shapes(out.graph, &err))
        fail_msg("%s", err.message);
    unlink(path);
    return out.graph;
}

static struct graph *rebatched(struct strbuf graph, int64_t batch) {
    struct model model = stored(8, graph);
    struct graph *out = rebatched_file(&model, batch);
    unlink(model.path);
    return out;
}

static void expect_refusal(struct strbuf graph, const char *words) {
    struct model model = stored(8, graph);
    struct err err = {0};
    assert_int_equal(onnx_rebatch(&model, 8, path_in("out.onnx"), &err), -ERR_INPUT);
    if (!strstr(err.message, words))
        fail_msg("'%s' is not in: %s", words, err.message);
    assert_int_not_equal(access(path_in("out.onnx"), F_OK), 0);
    unlink(model.path);
}

static const struct tensor *tensor_named(const struct graph *graph, const char *name) {
    int32_t index = graph_find_tensor(graph, name);
    if (index == GRAPH_NONE)
        fail_msg("no tensor '%s'", name);
    return &graph->tensors[index];
}

static void assert_shape(const struct graph *graph, const char *name, const char *expected) {
    assert_string_equal(tensor_shape_text(&arena, graph, tensor_named(graph, name)), expected);
}

static void put_ints(struct strbuf *graph, const char *name, int64_t count, const int64_t *values) {
    put_message(graph, ONNX_GRAPH_INITIALIZER, int64_tensor(name, count, values));
}

static void put_floats(struct strbuf *graph, const char *name, int32_t rank, const int64_t *dims) {
    static const float zeros[4096];
    size_t count = 1;
    for (int32_t i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    put_message(graph, ONNX_GRAPH_INITIALIZER,
                raw_tensor(name, DTYPE_FLOAT32, rank, dims, zeros, count * sizeof *zeros));
}

static void put_axis_node(struct strbuf *graph, const char *type, const char *in, const char *out,
                          int64_t axis) {
    struct strbuf op = node(type, type, in, out);
    put_int_attribute(&op, "axis", axis);
    put_message(graph, ONNX_GRAPH_NODE, op);
}

static void put_transpose(struct strbuf *graph, const char *in, const char *out, size_t rank,
                          const int64_t *perm) {
    struct strbuf op = node("Transpose", "transpose", in, out);
    put_ints_attribute(&op, "perm", rank, perm);
    put_message(graph, ONNX_GRAPH_NODE, op);
}

/* x of the given shape to y, whose shape is left to inference. */
static struct strbuf graph_of(const char *shape) {
    struct strbuf graph = message();
    put_input(&graph, "x", shape);
    put_output(&graph, "y", NULL);
    return graph;
}

/* ---- what the batch is ----------------------------------------------------------------------- */

static void leading_dimension_is_fixed_symbolic_or_contradictory(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        int code;
        int64_t fixed;
        const char *symbol;
    } cases[] = {
        {"4x3", "4",   0,          4, NULL},
        {"4x3", "",    0,          4, NULL},
        {"nx3", "2x3", 0,          0, "n" },
        {"2x3", "nx3", 0,          0, "n" },
        {"?x3", "1",   0,          0, ""  },
        {"4x3", "2x3", -ERR_INPUT, 0, NULL},
        {"",    "",    -ERR_INPUT, 0, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct strbuf graph = message();
        put_input(&graph, "a", cases[i].a);
        put_input(&graph, "b", cases[i].b);
        struct model model = stored(8, graph);
        int64_t fixed;
        const char *symbol;
        struct err err = {0};
        assert_int_equal(model_batch(&model, &fixed, &symbol, &err), cases[i].code);
        assert_int_equal(fixed, cases[i].fixed);
        assert_true((symbol == NULL) == (cases[i].symbol == NULL));
        if (symbol)
            assert_string_equal(symbol, cases[i].symbol);
        unlink(model.path);
    }
}

static void symbolic_batch_needs_no_rewriting(void **state) {
    (void)state;
    struct strbuf graph = graph_of("rowsx3");
    put_node(&graph, "Relu", "r", "x", "y");
    expect_refusal(graph, "the batch is symbolic, 'rows'");
}

/* ---- rewritten ------------------------------------------------------------------------------- */

static void inputs_outputs_and_stale_value_info_change(void **state) {
    (void)state;
    struct strbuf graph = message();
    put_node(&graph, "Relu", "r", "x", "t");
    put_node(&graph, "Add", "a", "t c", "y");
    put_node(&graph, "Relu", "k", "c", "kept");
    put_floats(&graph, "c", 2, (int64_t[]){1, 3});
    put_input(&graph, "x", "2x3");
    put_output(&graph, "y", "2x3");
    put_value(&graph, ONNX_GRAPH_VALUE_INFO, "t", DTYPE_FLOAT32, "2x3");
    put_value(&graph, ONNX_GRAPH_VALUE_INFO, "kept", DTYPE_FLOAT32, "1x3");
    struct graph *out = rebatched(graph, 16);
    assert_shape(out, "x", "16x3");
    assert_shape(out, "t", "16x3");
    assert_shape(out, "y", "16x3");
    assert_shape(out, "c", "1x3");
}

static void weights_are_copied_byte_for_byte(void **state) {
    (void)state;
    struct strbuf graph = graph_of("1x3x8x8");
    float weights[4 * 3 * 9];
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        weights[i] = (float)i * 0.37f;
    put_message(
        &graph, ONNX_GRAPH_INITIALIZER,
        raw_tensor("w", DTYPE_FLOAT32, 4, (int64_t[]){4, 3, 3, 3}, weights, sizeof weights));
    put_message(&graph, ONNX_GRAPH_INITIALIZER,
                external_tensor("b", 1, (int64_t[]){4}, "w.bin", "4096", "16"));
    put_node(&graph, "Conv", "conv", "x w b", "y");
    struct model model = stored(8, graph);
    struct err err = {0};
    struct file_map map;
    assert_int_equal(onnx_rebatch(&model, 4, path_in("out.onnx"), &err), 0);
    assert_int_equal(file_map_open(&map, path_in("out.onnx"), &err), 0);
    struct graph *out;
    assert_int_equal(onnx_read_bytes(&arena, map.bytes, map.size, "out", &out, &err), 0);
    assert_memory_equal(map.bytes + tensor_named(out, "w")->file_offset, weights, sizeof weights);
    assert_string_equal(tensor_named(out, "b")->external->location, "w.bin");
    file_map_close(&map);
    assert_int_equal(infer_shapes(out, &err), 0);
    assert_shape(out, "y", "4x4x6x6");
    unlink(path_in("out.onnx"));
    unlink(model.path);
}

static void reshape_target_is_rewritten_where_it_is_used(void **state) {
    (void)state;
    for (int64_t ir = 3; ir <= 8; ir += 5) {
        struct strbuf graph = message();
        put_ints(&graph, "shape", 3, (int64_t[]){2, 3, 4});
        put_node(&graph, "Reshape", "r", "x shape", "y");
        put_node(&graph, "Identity", "i", "shape", "same");
        put_input(&graph, "x", "2x12");
        put_output(&graph, "y", "2x3x4");
        put_value(&graph, ONNX_GRAPH_OUTPUT, "same", DTYPE_INT64, "3");
        struct model model = stored(ir, graph);
        struct graph *out = rebatched_file(&model, 5);
        assert_shape(out, "y", "5x3x4");
        assert_int_equal(tensor_named(out, "shape")->values->ints[0], 2);
        unlink(model.path);
    }
}

static void batch_may_move_merge_and_come_back(void **state) {
    (void)state;
    struct strbuf graph = graph_of("1x6x8");
    put_ints(&graph, "rows", 2, (int64_t[]){6, 8}); /* batch and tokens in one axis */
    put_ints(&graph, "heads", 4, (int64_t[]){1, 6, 2, 4});
    put_ints(&graph, "back", 3, (int64_t[]){0, -1, 8}); /* nothing to rewrite */
    put_floats(&graph, "w", 2, (int64_t[]){8, 8});
    put_node(&graph, "Reshape", "r1", "x rows", "a");
    put_node(&graph, "MatMul", "m", "a w", "b");
    put_node(&graph, "Reshape", "r2", "b heads", "c");
    put_transpose(&graph, "c", "d", 4, (int64_t[]){0, 2, 1, 3});
    put_transpose(&graph, "d", "e", 4, (int64_t[]){0, 1, 3, 2});
    put_node(&graph, "MatMul", "scores", "d e", "f");
    put_axis_node(&graph, "Softmax", "f", "g", -1);
    put_node(&graph, "MatMul", "mix", "g d", "h");
    put_transpose(&graph, "h", "i", 4, (int64_t[]){0, 2, 1, 3});
    put_node(&graph, "Reshape", "r3", "i back", "y");
    struct graph *out = rebatched(graph, 7);
    assert_shape(out, "a", "42x8");
    assert_shape(out, "f", "7x2x6x6");
    assert_shape(out, "y", "7x6x8");
}

static void shapes_computed_from_the_input_follow_by_themselves(void **state) {
    (void)state;
    struct strbuf graph = graph_of("1x6x8");
    put_ints(&graph, "first", 1, (int64_t[]){0});
    put_ints(&graph, "rest", 1, (int64_t[]){-1});
    put_node(&graph, "Shape", "s", "x", "shape");
    put_axis_node(&graph, "Gather", "shape first", "batch", 0);
    put_axis_node(&graph, "Concat", "batch rest", "target", 0);
    put_node(&graph, "Reshape", "r", "x target", "y");
    struct graph *out = rebatched(graph, 3);
    assert_shape(out, "y", "3x48");
    assert_int_equal(out->op_count, 4);
}

static void expand_to_the_batch_is_rewritten(void **state) {
    (void)state;
    struct strbuf graph = graph_of("2x1x4");
    put_ints(&graph, "to", 3, (int64_t[]){2, 5, 4});
    put_node(&graph, "Expand", "e", "x to", "y");
    assert_shape(rebatched(graph, 6), "y", "6x5x4");
}

static void recurrent_batch_is_in_axis_1(void **state) {
    (void)state;
    struct strbuf graph = graph_of("1x5x4"), op = node("LSTM", "lstm", "t w r", "o h");
    put_floats(&graph, "w", 3, (int64_t[]){1, 12, 4});
    put_floats(&graph, "r", 3, (int64_t[]){1, 12, 3});
    put_transpose(&graph, "x", "t", 3, (int64_t[]){1, 0, 2});
    put_int_attribute(&op, "hidden_size", 3);
    put_message(&graph, ONNX_GRAPH_NODE, op);
    put_node(&graph, "Squeeze", "s", "h zero", "y");
    put_ints(&graph, "zero", 1, (int64_t[]){0});
    struct graph *out = rebatched(graph, 9);
    assert_shape(out, "o", "5x1x9x3");
    assert_shape(out, "y", "9x3");
}

/* ---- refused --------------------------------------------------------------------------------- */

static void reshape_that_mixes_samples_is_refused(void **state) {
    (void)state;
    struct strbuf graph = graph_of("2x9");
    put_ints(&graph, "shape", 2, (int64_t[]){3, 6});
    put_node(&graph, "Reshape", "r", "x shape", "y");
    expect_refusal(graph, "operator Reshape 'r' mixes the batch with other axes: batch 2 cannot");
}

static void work_across_samples_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *type;
        int64_t axis;
        const char *words;
    } cases[] = {
        {"Softmax",            0,  "operator Softmax 'Softmax' works along the batch"},
        {"Softmax",            -2, "works along the batch"                           },
        {"ArgMax",             0,  "operator ArgMax 'ArgMax' reduces over the batch" },
        {"Split",              0,  "operator Split 'Split' works along the batch"    },
        {"LayerNormalization", 0,  "works along the batch"                           },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct strbuf graph = graph_of("2x3");
        bool norm = strcmp(cases[i].type, "LayerNormalization") == 0;
        put_floats(&graph, "scale", 1, (int64_t[]){3});
        put_axis_node(&graph, cases[i].type, norm ? "x scale" : "x", "y", cases[i].axis);
        expect_refusal(graph, cases[i].words);
    }
}

/* A class token, an initial state: the same for every sample, so it is repeated. */
static void constants_without_a_batch_are_repeated(void **state) {
    (void)state;
    struct strbuf graph = graph_of("1x5x4");
    put_floats(&graph, "token", 3, (int64_t[]){1, 1, 4});
    put_axis_node(&graph, "Concat", "token x", "y", 1);
    struct graph *out = rebatched(graph, 3);
    assert_shape(out, "y", "3x6x4");
    assert_shape(out, "token", "1x1x4");
    graph = graph_of("1x5x4");
    struct strbuf op = node("LSTM", "lstm", "t w r - - h0", "y");
    put_floats(&graph, "w", 3, (int64_t[]){1, 12, 4});
    put_floats(&graph, "r", 3, (int64_t[]){1, 12, 3});
    put_floats(&graph, "h0", 3, (int64_t[]){1, 1, 3});
    put_transpose(&graph, "x", "t", 3, (int64_t[]){1, 0, 2});
    put_int_attribute(&op, "hidden_size", 3);
    put_message(&graph, ONNX_GRAPH_NODE, op);
    assert_shape(rebatched(graph, 2), "y", "5x1x2x3");
}

/* Attention heads beside the batch in one axis: [5, 1, 6] as [5, 2, 3] could hold the batch in
 * front of the positions or of the heads; only the latter lets the product pass. */
static void another_place_is_tried_when_the_first_leads_nowhere(void **state) {
    (void)state;
    struct strbuf graph = graph_of("1x5x6");
    put_ints(&graph, "heads", 3, (int64_t[]){5, 2, 3});
    put_transpose(&graph, "x", "t", 3, (int64_t[]){1, 0, 2});
    put_node(&graph, "Reshape", "r", "t heads", "q");
    put_transpose(&graph, "q", "qt", 3, (int64_t[]){1, 0, 2});
    put_transpose(&graph, "q", "kt", 3, (int64_t[]){1, 2, 0});
    put_node(&graph, "MatMul", "m", "qt kt", "y");
    struct graph *out = rebatched(graph, 4);
    assert_shape(out, "q", "5x8x3");
    assert_shape(out, "y", "8x5x5");
}

static void sizes_follow_from_the_shape_of_what_has_the_batch(void **state) {
    (void)state;
    struct strbuf graph = graph_of("1x3x4x4");
    struct strbuf op = node("Resize", "resize", "x - - sizes", "y");
    put_ints(&graph, "zero", 1, (int64_t[]){0});
    put_ints(&graph, "two", 1, (int64_t[]){2});
    put_ints(&graph, "large", 2, (int64_t[]){8, 8});
    put_node(&graph, "Shape", "s", "x", "shape");
    put_node(&graph, "Slice", "cut", "shape zero two zero", "front");
    put_axis_node(&graph, "Concat", "front large", "sizes", 0);
    put_message(&graph, ONNX_GRAPH_NODE, op);
    assert_shape(rebatched(graph, 6), "y", "6x3x8x8");
}

/* Windows: [batch x 4, 2] back to [batch, 4, 2] by a division of the first size. */
static void sizes_are_divided_where_that_is_exact(void **state) {
    (void)state;
    for (int64_t windows = 4; windows <= 8; windows += 4) {
        struct strbuf graph = graph_of("1x8");
        put_ints(&graph, "split", 2, (int64_t[]){-1, 2});
        put_ints(&graph, "zero", 1, (int64_t[]){0});
        put_ints(&graph, "windows", 1, &windows);
        put_ints(&graph, "rest", 2, (int64_t[]){-1, 2});
        put_node(&graph, "Reshape", "r", "x split", "w");
        put_node(&graph, "Shape", "s", "w", "shape");
        put_axis_node(&graph, "Gather", "shape zero", "first", 0);
        put_node(&graph, "Div", "div", "first windows", "batch");
        put_axis_node(&graph, "Concat", "batch rest", "target", 0);
        put_node(&graph, "Reshape", "back", "w target", "y");
        if (windows == 4)
            assert_shape(rebatched(graph, 3), "y", "3x4x2");
        else
            expect_refusal(graph, "operator Div 'div' divides the batch by 8");
    }
}

static void picking_and_joining_samples_is_refused(void **state) {
    (void)state;
    struct strbuf graph = graph_of("2x3");
    put_ints(&graph, "i", 1, (int64_t[]){0});
    put_axis_node(&graph, "Gather", "x i", "y", 0);
    expect_refusal(graph, "operator Gather 'Gather' picks samples out of the batch");
    graph = graph_of("2x3");
    put_axis_node(&graph, "Concat", "x x", "y", 0);
    expect_refusal(graph, "operator Concat 'Concat' works along the batch");
    graph = graph_of("2x3");
    put_floats(&graph, "token", 2, (int64_t[]){2, 1});
    put_axis_node(&graph, "Concat", "x token", "y", 1);
    expect_refusal(graph, "operator Concat 'Concat' takes input 1 for one batch size only");
    graph = graph_of("2x3");
    put_ints(&graph, "zero", 1, (int64_t[]){0});
    put_ints(&graph, "one", 1, (int64_t[]){1});
    put_node(&graph, "Slice", "cut", "x zero one zero", "y");
    expect_refusal(graph, "operator Slice 'cut' cuts the batch");
}

static void sums_over_samples_are_refused(void **state) {
    (void)state;
    struct strbuf graph = graph_of("2x3");
    put_node(&graph, "ReduceMean", "mean", "x", "y");
    expect_refusal(graph, "operator ReduceMean 'mean' reduces over the batch");
    graph = graph_of("2x3");
    put_floats(&graph, "w", 2, (int64_t[]){2, 4});
    put_transpose(&graph, "x", "t", 2, (int64_t[]){1, 0});
    put_node(&graph, "MatMul", "m", "t w", "y");
    expect_refusal(graph, "operator MatMul 'm' sums over the batch");
    graph = graph_of("2x3");
    put_transpose(&graph, "x", "t", 2, (int64_t[]){1, 0});
    put_node(&graph, "MatMul", "gram", "x t", "y");
    expect_refusal(graph, "operator MatMul 'gram' multiplies samples with one another");
}

static void constants_for_each_sample_are_refused(void **state) {
    (void)state;
    struct strbuf graph = graph_of("2x3");
    put_floats(&graph, "c", 2, (int64_t[]){2, 3});
    put_node(&graph, "Add", "add", "x c", "y");
    expect_refusal(graph, "operator Add 'add' combines the batch with a constant of size 2");
    graph = graph_of("2x5x4");
    struct strbuf op = node("LSTM", "lstm", "t w r - - h0", "y");
    put_floats(&graph, "w", 3, (int64_t[]){1, 12, 4});
    put_floats(&graph, "r", 3, (int64_t[]){1, 12, 3});
    put_floats(&graph, "h0", 3, (int64_t[]){1, 2, 3});
    put_transpose(&graph, "x", "t", 3, (int64_t[]){1, 0, 2});
    put_int_attribute(&op, "hidden_size", 3);
    put_message(&graph, ONNX_GRAPH_NODE, op);
    expect_refusal(graph, "operator LSTM 'lstm' takes input 5 for one batch size only");
}

static void squeezing_the_batch_away_is_refused(void **state) {
    (void)state;
    struct strbuf graph = graph_of("1x3");
    put_ints(&graph, "zero", 1, (int64_t[]){0});
    put_node(&graph, "Squeeze", "s", "x zero", "y");
    expect_refusal(graph, "operator Squeeze 's' removes the batch axis");
    graph = graph_of("1x3");
    put_node(&graph, "Squeeze", "s", "x", "y");
    expect_refusal(graph, "operator Squeeze 's' does not say which axes");
}

static void unknown_operators_and_subgraphs_are_refused(void **state) {
    (void)state;
    struct strbuf graph = graph_of("2x3"), op = node("Mystery", "m", "x", "y"), branch;
    put_text(&op, ONNX_NODE_DOMAIN, "acme");
    put_message(&graph, ONNX_GRAPH_NODE, op);
    expect_refusal(graph, "operator Mystery 'm' is not known to keep the samples");
    graph = graph_of("2x3"), op = node("If", "if", "c", "y");
    for (int i = 0; i < 2; i++) {
        branch = message();
        put_node(&branch, "Relu", "r", "x", "z");
        put_output(&branch, "z", NULL);
        put_graph_attribute(&op, i ? "else_branch" : "then_branch", branch);
    }
    put_message(&graph, ONNX_GRAPH_NODE, op);
    put_message(&graph, ONNX_GRAPH_INITIALIZER, raw_tensor("c", DTYPE_BOOL, 0, NULL, "\1", 1));
    expect_refusal(graph, "operator If 'if' has a subgraph that reads the batch");
}

static void computing_with_the_batch_size_is_refused(void **state) {
    (void)state;
    struct strbuf graph = graph_of("2x3");
    put_ints(&graph, "one", 1, (int64_t[]){1});
    put_node(&graph, "Shape", "s", "x", "shape");
    put_node(&graph, "Add", "plus", "shape one", "more");
    put_node(&graph, "ConstantOfShape", "c", "more", "y");
    expect_refusal(graph, "operator Add 'plus' computes with the size of the batch");
}

static void batch_must_be_positive(void **state) {
    (void)state;
    struct model model = stored(8, relu_graph());
    struct err err = {0};
    assert_int_equal(onnx_rebatch(&model, 0, path_in("out.onnx"), &err), -ERR_USAGE);
    unlink(model.path);
}

static void unwritable_folder_is_an_error_of_the_environment(void **state) {
    (void)state;
    struct model model = stored(8, relu_graph());
    struct err err = {0};
    assert_int_equal(onnx_rebatch(&model, 4, path_in("nowhere/out.onnx"), &err), -ERR_ENVIRONMENT);
    unlink(model.path);
}

/* ---- real exports ---------------------------------------------------------------------------- */

static void every_shared_model_takes_another_batch(void **state) {
    (void)state;
    static const char *const names[] = {
        "bert_base",
        "efficientnet_b0",
        "light_bvlc_alexnet",
        "light_inception_v1",
        "light_resnet50",
        "light_squeezenet",
        "llama_s",
        "mobilenet_v2",
        "regnet_x_800mf",
        "resnet18",
        "resnet50",
        "squeezenet1_1",
        "vgg11",
    };
    const char *shared = getenv("ASSAY_SHARED_DATA");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct model model;
        struct err err = {0};
        const char *path =
            arena_printf(&arena, "%s/models/%s.onnx", shared ? shared : "../shared/data", names[i]);
        if (access(path, R_OK) != 0) {
            print_message("skip: no shared model files\n");
            skip();
        }
        if (model_read(&arena, path, NULL, &model, &err) || infer_shapes(model.graph, &err))
            fail_msg("%s", err.message);
        struct graph *out = rebatched_file(&model, 8);
        const struct tensor *before = &model.graph->tensors[model.graph->outputs[0]];
        const struct tensor *after = &out->tensors[out->outputs[0]];
        assert_int_equal(tensor_elements(after), 8 * tensor_elements(before));
        assert_int_equal(after->dims[0].size, 8);
        assert_int_equal(graph_parameters(out), graph_parameters(model.graph));
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(leading_dimension_is_fixed_symbolic_or_contradictory),
        TEST(symbolic_batch_needs_no_rewriting),
        TEST(inputs_outputs_and_stale_value_info_change),
        TEST(weights_are_copied_byte_for_byte),
        TEST(reshape_target_is_rewritten_where_it_is_used),
        TEST(batch_may_move_merge_and_come_back),
        TEST(shapes_computed_from_the_input_follow_by_themselves),
        TEST(expand_to_the_batch_is_rewritten),
        TEST(recurrent_batch_is_in_axis_1),
        TEST(reshape_that_mixes_samples_is_refused),
        TEST(work_across_samples_is_refused),
        TEST(constants_without_a_batch_are_repeated),
        TEST(another_place_is_tried_when_the_first_leads_nowhere),
        TEST(sizes_follow_from_the_shape_of_what_has_the_batch),
        TEST(sizes_are_divided_where_that_is_exact),
        TEST(picking_and_joining_samples_is_refused),
        TEST(sums_over_samples_are_refused),
        TEST(constants_for_each_sample_are_refused),
        TEST(squeezing_the_batch_away_is_refused),
        TEST(unknown_operators_and_subgraphs_are_refused),
        TEST(computing_with_the_batch_size_is_refused),
        TEST(batch_must_be_positive),
        TEST(unwritable_folder_is_an_error_of_the_environment),
        TEST(every_shared_model_takes_another_batch),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
