/* The rules of the batch proof, one operator at a time: where the batch goes, what is edited, what
 * is refused. x is the input, y the tensor that is asked about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "models/infer.h"
#include "models/onnx/batch.h"
#include "models/onnx/read.h"
#include "tests/unit/onnx_bytes.h"

static struct arena arena;
static struct batch_proof proof;
static struct graph *graph;

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

/* x at batch `from` to batch 5. */
static int prove(struct strbuf body, int64_t from, struct err *err) {
    struct strbuf model = model_of(body);
    if (onnx_read_bytes(&arena, model.text, model.length, "m", &graph, err) ||
        infer_shapes(graph, err))
        fail_msg("%s", err->message);
    strbuf_done(&model);
    return batch_prove(&arena, graph, from, 5, &proof, err);
}

static void expect_axis(struct strbuf body, int64_t from, int32_t axis, int64_t outer,
                        int64_t inner) {
    struct err err = {0};
    if (prove(body, from, &err))
        fail_msg("%s", err.message);
    const struct batch_state *y = &proof.states[graph_find_tensor(graph, "y")];
    assert_int_equal(y->kind, BATCH_AXIS);
    assert_int_equal(y->axis, axis);
    assert_int_equal(y->outer, outer);
    assert_int_equal(y->inner, inner);
}

static void expect_refusal(struct strbuf body, int64_t from, const char *words) {
    struct err err = {0};
    assert_int_equal(prove(body, from, &err), -ERR_INPUT);
    if (!strstr(err.message, words))
        fail_msg("'%s' is not in: %s", words, err.message);
}

static struct strbuf start(const char *shape) {
    struct strbuf body = message();
    put_input(&body, "x", shape);
    put_value(&body, ONNX_GRAPH_OUTPUT, "y", DTYPE_UNDEFINED, NULL);
    return body;
}

static void ints(struct strbuf *body, const char *name, int64_t count, const int64_t *values) {
    put_message(body, ONNX_GRAPH_INITIALIZER, int64_tensor(name, count, values));
}

static void floats(struct strbuf *body, const char *name, int32_t rank, const int64_t *dims,
                   const float *values, size_t count) {
    put_message(body, ONNX_GRAPH_INITIALIZER,
                raw_tensor(name, DTYPE_FLOAT32, rank, dims, values, count * sizeof *values));
}

static void add(struct strbuf *body, const char *type, const char *in, const char *out) {
    put_node(body, type, "op", in, out);
}

static void add_with(struct strbuf *body, const char *type, const char *in, const char *out,
                     const char *attribute_name, int64_t value) {
    struct strbuf op = node(type, "op", in, out);
    put_int_attribute(&op, attribute_name, value);
    put_message(body, ONNX_GRAPH_NODE, op);
}

static void add_permuted(struct strbuf *body, const char *in, const char *out, size_t rank,
                         const int64_t *perm) {
    struct strbuf op = node("Transpose", "op", in, out);
    put_ints_attribute(&op, "perm", rank, perm);
    put_message(body, ONNX_GRAPH_NODE, op);
}

/* ---- moving ---------------------------------------------------------------------------------- */

static void transpose_moves_the_batch(void **state) {
    (void)state;
    struct strbuf body = start("2x3x4");
    add_permuted(&body, "x", "y", 3, (int64_t[]){1, 2, 0});
    expect_axis(body, 2, 2, 1, 1);
    body = start("2x3x4");
    add(&body, "Transpose", "x", "y");
    expect_axis(body, 2, 2, 1, 1);
}

static void flatten_merges_the_batch(void **state) {
    (void)state;
    struct strbuf body = start("2x3x4");
    add_with(&body, "Flatten", "x", "y", "axis", 2);
    expect_axis(body, 2, 0, 1, 3);
    body = start("2x3x4");
    add_with(&body, "Flatten", "x", "y", "axis", 0);
    expect_axis(body, 2, 1, 1, 12);
    body = start("2x3x4");
    add_permuted(&body, "x", "t", 3, (int64_t[]){1, 0, 2});
    add_with(&body, "Flatten", "t", "y", "axis", -1);
    expect_axis(body, 2, 0, 3, 1);
}

static void squeezed_and_unsqueezed_axes_shift_the_batch(void **state) {
    (void)state;
    struct strbuf body = start("2x3");
    ints(&body, "axes", 2, (int64_t[]){0, -1});
    add(&body, "Unsqueeze", "x axes", "y");
    expect_axis(body, 2, 1, 1, 1);
    body = start("2x1x3");
    ints(&body, "first", 1, (int64_t[]){0});
    add_permuted(&body, "x", "t", 3, (int64_t[]){1, 0, 2});
    add(&body, "Squeeze", "t first", "y");
    expect_axis(body, 2, 0, 1, 1);
}

static void reshape_keeps_the_batch_apart(void **state) {
    (void)state;
    struct strbuf body = start("2x3x4"); /* the batch behind 3: [3, 2, 4] to [6, 4] and back */
    ints(&body, "merged", 2, (int64_t[]){-1, 4});
    ints(&body, "apart", 3, (int64_t[]){3, 2, 4});
    add_permuted(&body, "x", "t", 3, (int64_t[]){1, 0, 2});
    add(&body, "Reshape", "t merged", "m");
    add(&body, "Reshape", "m apart", "y");
    expect_axis(body, 2, 1, 1, 1);
    assert_int_equal(proof.edit_count, 1);
    assert_int_equal(proof.edits[0].values[0], 3);
    assert_int_equal(proof.edits[0].values[1], 5);
}

static void reshape_that_copies_another_axis_is_refused(void **state) {
    (void)state;
    struct strbuf body = start("1x4x6");
    ints(&body, "shape", 3, (int64_t[]){2, 0, 12});
    add_permuted(&body, "x", "t", 3, (int64_t[]){1, 0, 2});
    add(&body, "Reshape", "t shape", "y");
    expect_refusal(body, 1, "copies the size of axis 1");
}

static void reshape_prefers_a_place_that_copies_rightly(void **state) {
    (void)state;
    struct strbuf body = start("1x4x1");
    ints(&body, "shape", 3, (int64_t[]){4, 1, 0});
    add_permuted(&body, "x", "t", 3, (int64_t[]){1, 0, 2});
    add(&body, "Reshape", "t shape", "y");
    expect_axis(body, 1, 1, 1, 1);
}

/* ---- picking and cutting --------------------------------------------------------------------- */

static void gather_inserts_the_axes_of_its_indices(void **state) {
    (void)state;
    struct strbuf body = start("2x6x4"), table;
    put_message(&body, ONNX_GRAPH_INITIALIZER,
                raw_tensor("i", DTYPE_INT64, 2, (int64_t[]){1, 3}, (int64_t[]){0, 1, 2}, 24));
    add_permuted(&body, "x", "t", 3, (int64_t[]){1, 0, 2});
    add_with(&body, "Gather", "t i", "y", "axis", 0);
    expect_axis(body, 2, 2, 1, 1);
    table = message();
    put_value(&table, ONNX_GRAPH_INPUT, "x", DTYPE_INT64, "2x7");
    put_value(&table, ONNX_GRAPH_OUTPUT, "y", DTYPE_FLOAT32, NULL);
    floats(&table, "w", 2, (int64_t[]){2, 2}, (float[]){1, 2, 3, 4}, 4);
    add_with(&table, "Gather", "w x", "y", "axis", 1);
    expect_axis(table, 2, 1, 1, 1);
}

static void gather_elements_needs_indices_per_sample(void **state) {
    (void)state;
    struct strbuf body = start("2x3");
    add(&body, "ArgMax", "x", "unused");
    add_with(&body, "ArgMax", "x", "i", "axis", 1);
    add_with(&body, "GatherElements", "x i", "y", "axis", 1);
    expect_refusal(body, 2, "operator ArgMax 'op' reduces over the batch");
    body = start("2x3");
    add_with(&body, "ArgMax", "x", "i", "axis", 1);
    add_with(&body, "GatherElements", "x i", "y", "axis", 1);
    expect_axis(body, 2, 0, 1, 1);
}

static void slices_and_pads_of_other_axes_pass(void **state) {
    (void)state;
    struct strbuf body = start("2x6");
    ints(&body, "s", 2, (int64_t[]){0, 1});
    ints(&body, "e", 2, (int64_t[]){INT64_MAX, 4});
    add(&body, "Slice", "x s e", "y");
    expect_axis(body, 2, 0, 1, 1);
    body = start("2x6");
    ints(&body, "p", 4, (int64_t[]){0, 1, 0, 2});
    add(&body, "Pad", "x p", "y");
    expect_axis(body, 2, 0, 1, 1);
    body = start("2x6");
    ints(&body, "p", 4, (int64_t[]){1, 0, 0, 0});
    add(&body, "Pad", "x p", "y");
    expect_refusal(body, 2, "operator Pad 'op' pads the batch");
}

static void tile_must_not_repeat_the_batch(void **state) {
    (void)state;
    struct strbuf body = start("2x6");
    ints(&body, "r", 2, (int64_t[]){1, 3});
    add(&body, "Tile", "x r", "y");
    expect_axis(body, 2, 0, 1, 1);
    body = start("2x6");
    ints(&body, "r", 2, (int64_t[]){2, 1});
    add(&body, "Tile", "x r", "y");
    expect_refusal(body, 2, "operator Tile 'op' repeats the batch");
}

static void resize_sizes_are_edited_and_scales_checked(void **state) {
    (void)state;
    struct strbuf body = start("2x3x4x4");
    ints(&body, "sizes", 4, (int64_t[]){2, 3, 8, 8});
    add(&body, "Resize", "x - - sizes", "y");
    expect_axis(body, 2, 0, 1, 1);
    assert_int_equal(proof.edits[0].values[0], 5);
    body = start("2x3x4x4");
    floats(&body, "scales", 1, (int64_t[]){4}, (float[]){1, 1, 2, 2}, 4);
    add(&body, "Resize", "x - scales", "y");
    expect_axis(body, 2, 0, 1, 1);
    assert_int_equal(proof.edit_count, 0);
    body = start("2x3x4x4");
    floats(&body, "scales", 1, (int64_t[]){4}, (float[]){2, 1, 1, 1}, 4);
    add(&body, "Resize", "x - scales", "y");
    expect_refusal(body, 2, "operator Resize 'op' resizes the batch");
}

static void concat_and_split_of_other_axes_pass(void **state) {
    (void)state;
    struct strbuf body = start("2x6");
    add_with(&body, "Split", "x", "a b", "axis", 1);
    add_with(&body, "Concat", "b a", "y", "axis", -1);
    expect_axis(body, 2, 0, 1, 1);
}

/* ---- computing ------------------------------------------------------------------------------- */

static void products_keep_rows_apart(void **state) {
    (void)state;
    static const float w[16] = {1};
    struct strbuf body = start("2x4");
    floats(&body, "w", 2, (int64_t[]){4, 4}, w, 16);
    add_permuted(&body, "x", "t", 2, (int64_t[]){1, 0});
    add_with(&body, "Gemm", "t w", "y", "transA", 1);
    expect_axis(body, 2, 0, 1, 1);
    body = start("2x4");
    floats(&body, "w", 2, (int64_t[]){4, 4}, w, 16);
    add_permuted(&body, "x", "t", 2, (int64_t[]){1, 0});
    add(&body, "MatMul", "w t", "y"); /* the batch in columns */
    expect_axis(body, 2, 1, 1, 1);
    body = start("4x4");
    floats(&body, "w", 2, (int64_t[]){4, 4}, w, 16);
    add(&body, "Gemm", "w x", "y");
    expect_refusal(body, 4, "operator Gemm 'op' takes the batch in input 1");
    body = start("2x3x4");
    floats(&body, "w", 3, (int64_t[]){2, 4, 2}, w, 16);
    add(&body, "MatMul", "x w", "y");
    expect_refusal(body, 2, "operator MatMul 'op' has a matrix for each sample");
}

static void gemm_adds_no_bias_per_sample(void **state) {
    (void)state;
    static const float w[8] = {1};
    struct strbuf body = start("2x2");
    floats(&body, "w", 2, (int64_t[]){2, 2}, w, 4);
    floats(&body, "b", 2, (int64_t[]){2, 2}, w, 4);
    add(&body, "Gemm", "x w b", "y");
    expect_refusal(body, 2, "operator Gemm 'op' has a bias for each sample");
    body = start("2x2");
    floats(&body, "w", 2, (int64_t[]){2, 2}, w, 4);
    floats(&body, "b", 2, (int64_t[]){1, 2}, w, 2);
    add(&body, "Gemm", "x w b", "y");
    expect_axis(body, 2, 0, 1, 1);
}

static void broadcasting_aligns_at_the_end(void **state) {
    (void)state;
    static const float w[12] = {1};
    struct strbuf body = start("2x3");
    floats(&body, "w", 3, (int64_t[]){4, 1, 3}, w, 12);
    add(&body, "Add", "x w", "y");
    expect_axis(body, 2, 1, 1, 1);
    body = start("2x2");
    add_permuted(&body, "x", "t", 2, (int64_t[]){1, 0});
    add(&body, "Add", "x t", "y");
    expect_refusal(body, 2, "combines tensors that have the batch in different axes");
    body = start("1x3"); /* at batch 1 a constant must not spread over it */
    floats(&body, "w", 2, (int64_t[]){4, 3}, w, 12);
    add(&body, "Add", "x w", "y");
    expect_refusal(body, 1, "combines the batch with a constant of size 4");
}

static void reductions_drop_the_axes_before_the_batch(void **state) {
    (void)state;
    struct strbuf body = start("2x3x4");
    struct strbuf op = node("ReduceMax", "op", "t", "y");
    put_ints_attribute(&op, "axes", 1, (int64_t[]){0});
    put_int_attribute(&op, "keepdims", 0);
    add_permuted(&body, "x", "t", 3, (int64_t[]){1, 0, 2});
    put_message(&body, ONNX_GRAPH_NODE, op);
    expect_axis(body, 2, 0, 1, 1);
}

static void sorting_and_summing_along_other_axes_pass(void **state) {
    (void)state;
    struct strbuf body = start("2x6");
    ints(&body, "k", 1, (int64_t[]){3});
    add(&body, "TopK", "x k", "y i");
    expect_axis(body, 2, 0, 1, 1);
    body = start("2x6");
    put_message(&body, ONNX_GRAPH_INITIALIZER,
                raw_tensor("axis", DTYPE_INT64, 0, NULL, (int64_t[]){1}, 8));
    add(&body, "CumSum", "x axis", "y");
    expect_axis(body, 2, 0, 1, 1);
    body = start("2x6");
    put_message(&body, ONNX_GRAPH_INITIALIZER,
                raw_tensor("axis", DTYPE_INT64, 0, NULL, (int64_t[]){-2}, 8));
    add(&body, "CumSum", "x axis", "y");
    expect_refusal(body, 2, "operator CumSum 'op' works along the batch");
}

static void pooling_that_numbers_elements_is_refused(void **state) {
    (void)state;
    struct strbuf body = start("2x3x4x4"), op = node("MaxPool", "op", "x", "y indices");
    put_ints_attribute(&op, "kernel_shape", 2, (int64_t[]){2, 2});
    put_message(&body, ONNX_GRAPH_NODE, op);
    expect_refusal(body, 2, "operator MaxPool 'op' has an output that counts");
}

static void scales_per_sample_are_refused(void **state) {
    (void)state;
    for (int64_t axis = 0; axis < 2; axis++) {
        struct strbuf body = start("2x2");
        floats(&body, "s", 1, (int64_t[]){2}, (float[]){1, 1}, 2);
        put_message(&body, ONNX_GRAPH_INITIALIZER,
                    raw_tensor("z", DTYPE_UINT8, 1, (int64_t[]){2}, "\0\0", 2));
        add_with(&body, "QuantizeLinear", "x s z", "y", "axis", axis);
        if (axis)
            expect_axis(body, 2, 0, 1, 1);
        else
            expect_refusal(body, 2, "operator QuantizeLinear 'op' has a scale for each sample");
    }
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static void sizes_follow_through_cuts_and_products(void **state) {
    (void)state;
    struct strbuf body = start("2x3x4");
    ints(&body, "zero", 1, (int64_t[]){0});
    ints(&body, "one", 1, (int64_t[]){1});
    ints(&body, "three", 1, (int64_t[]){3});
    ints(&body, "four", 1, (int64_t[]){4});
    add(&body, "Shape", "x", "s");
    add(&body, "Slice", "s zero one", "b");
    add(&body, "Mul", "b three", "rows"); /* 3 * batch */
    add_with(&body, "Concat", "rows four", "target", "axis", 0);
    add(&body, "Reshape", "x target", "y");
    expect_axis(body, 2, 0, 1, 3);
    assert_int_equal(proof.edit_count, 0);
}

static void constants_spread_over_the_batch_are_the_same_for_all(void **state) {
    (void)state;
    struct strbuf body = start("2x3");
    add(&body, "Shape", "x", "s");
    add(&body, "ConstantOfShape", "s", "zeros");
    add(&body, "Add", "x zeros", "y");
    expect_axis(body, 2, 0, 1, 1);
    body = start("2x3");
    floats(&body, "w", 2, (int64_t[]){1, 3}, (float[]){1, 2, 3}, 3);
    add(&body, "Shape", "x", "s");
    add(&body, "Expand", "w s", "all");
    add_with(&body, "Concat", "x all", "y", "axis", 1);
    expect_axis(body, 2, 0, 1, 1);
    body = start("2x3");
    floats(&body, "w", 2, (int64_t[]){2, 3}, (float[]){1, 2, 3, 4, 5, 6}, 6);
    add(&body, "Shape", "x", "s");
    add(&body, "Expand", "w s", "y");
    expect_refusal(body, 2, "operator Expand '#1' has a constant for each sample");
}

static void sizes_without_the_batch_are_plain_constants(void **state) {
    (void)state;
    struct strbuf body = start("2x6x4");
    ints(&body, "i", 1, (int64_t[]){1});
    ints(&body, "two", 1, (int64_t[]){2});
    ints(&body, "zero", 1, (int64_t[]){0});
    add(&body, "Shape", "x", "s");
    add(&body, "Gather", "s i", "tokens");
    add(&body, "Div", "tokens two", "half");
    add(&body, "Slice", "x zero half i", "y");
    expect_axis(body, 2, 0, 1, 1);
}

static void sizes_must_stay_integers(void **state) {
    (void)state;
    struct strbuf body = start("2x6");
    add(&body, "Shape", "x", "s");
    add_with(&body, "Cast", "s", "y", "to", DTYPE_FLOAT32);
    expect_refusal(body, 2, "operator Cast '#1' computes with the size of the batch");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(transpose_moves_the_batch),
        TEST(flatten_merges_the_batch),
        TEST(squeezed_and_unsqueezed_axes_shift_the_batch),
        TEST(reshape_keeps_the_batch_apart),
        TEST(reshape_that_copies_another_axis_is_refused),
        TEST(reshape_prefers_a_place_that_copies_rightly),
        TEST(gather_inserts_the_axes_of_its_indices),
        TEST(gather_elements_needs_indices_per_sample),
        TEST(slices_and_pads_of_other_axes_pass),
        TEST(tile_must_not_repeat_the_batch),
        TEST(resize_sizes_are_edited_and_scales_checked),
        TEST(concat_and_split_of_other_axes_pass),
        TEST(products_keep_rows_apart),
        TEST(gemm_adds_no_bias_per_sample),
        TEST(broadcasting_aligns_at_the_end),
        TEST(reductions_drop_the_axes_before_the_batch),
        TEST(sorting_and_summing_along_other_axes_pass),
        TEST(pooling_that_numbers_elements_is_refused),
        TEST(scales_per_sample_are_refused),
        TEST(sizes_follow_through_cuts_and_products),
        TEST(constants_spread_over_the_batch_are_the_same_for_all),
        TEST(sizes_without_the_batch_are_plain_constants),
        TEST(sizes_must_stay_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
