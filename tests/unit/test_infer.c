/* Shape inference, family by family, on graphs of a few operators. */
#include "models/infer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { U = GRAPH_DIM_UNKNOWN };

struct fixture {
    struct arena arena;
    struct graph *graph;
    struct err err;
};

static int setup(void **state) {
    static struct fixture f;
    memset(&f, 0, sizeof f);
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

#define SIZES(...) (int64_t[]){__VA_ARGS__}, (int32_t)(sizeof(int64_t[]){__VA_ARGS__} / 8)

static int32_t input(struct fixture *f, enum dtype dtype, const int64_t *sizes, int32_t rank) {
    int32_t t = graph_add_tensor(f->graph, "x", dtype);
    graph_set_shape(f->graph, t, rank, sizes);
    return t;
}

static int32_t floats(struct fixture *f, const int64_t *sizes, int32_t rank) {
    return input(f, DTYPE_FLOAT32, sizes, rank);
}

static int32_t ints(struct fixture *f, const int64_t *values, int32_t count) {
    int32_t t = input(f, DTYPE_INT64, SIZES(count));
    struct tensor_values *v = ARENA_NEW(&f->arena, struct tensor_values);
    v->count = (uint64_t)count;
    v->ints = arena_grow(&f->arena, values, (size_t)count, (size_t)count, sizeof *values);
    f->graph->tensors[t].values = v;
    f->graph->tensors[t].flags |= TENSOR_INITIALIZER;
    return t;
}

static int32_t number(struct fixture *f, int64_t value) {
    int32_t t = ints(f, &value, 1);
    f->graph->tensors[t].rank = 0;
    return t;
}

/* An operator with up to four inputs and one output; returns the operator. */
static int32_t add(struct fixture *f, const char *domain, const char *type, const int32_t *inputs,
                   int32_t count) {
    int32_t op = graph_add_op(f->graph, "node", type, domain);
    int32_t y = graph_add_tensor(f->graph, "y", DTYPE_UNDEFINED);
    graph_set_inputs(f->graph, op, (uint32_t)count, inputs);
    graph_set_outputs(f->graph, op, 1, &y);
    return op;
}

#define INPUTS(...) (int32_t[]){__VA_ARGS__}, (int32_t)(sizeof(int32_t[]){__VA_ARGS__} / 4)

static int32_t out(struct fixture *f, int32_t op) {
    return f->graph->ops[op].outputs[0];
}

static void expect(struct fixture *f, int32_t op, enum dtype dtype, const char *shape) {
    int code = infer_shapes(f->graph, &f->err);
    const struct tensor *y = &f->graph->tensors[out(f, op)];
    assert_string_equal(f->err.message, "");
    assert_int_equal(code, 0);
    assert_string_equal(tensor_shape_text(&f->arena, f->graph, y), shape);
    assert_int_equal(y->dtype, dtype);
}

static void expect_refusal(struct fixture *f, const char *part) {
    assert_int_equal(infer_shapes(f->graph, &f->err), -ERR_INPUT);
    if (!strstr(f->err.message, part))
        fail_msg("'%s' does not contain '%s'", f->err.message, part);
}

/* ---- elementwise ----------------------------------------------------------------------------- */

static void broadcasting_takes_the_larger_size(void **state) {
    struct fixture *f = *state;
    int32_t op = add(f, "", "Add", INPUTS(floats(f, SIZES(8, 1, 5)), floats(f, SIZES(4, 1))));
    expect(f, op, DTYPE_FLOAT32, "8x4x5");
}

static void impossible_broadcasting_names_operator_and_shapes(void **state) {
    struct fixture *f = *state;
    add(f, "", "Mul", INPUTS(floats(f, SIZES(2, 3)), floats(f, SIZES(2, 4))));
    expect_refusal(f, "operator Mul 'node' with inputs 2x3, 2x4");
}

static void symbols_survive_broadcasting_with_one(void **state) {
    struct fixture *f = *state;
    int32_t x = floats(f, SIZES(U, 16));
    f->graph->tensors[x].dims[0].symbol = graph_symbol(f->graph, "batch");
    int32_t op = add(f, "", "Add", INPUTS(x, floats(f, SIZES(1, 16))));
    expect(f, op, DTYPE_FLOAT32, "batchx16");
}

static void comparisons_give_booleans(void **state) {
    struct fixture *f = *state;
    int32_t op = add(f, "", "Less", INPUTS(floats(f, SIZES(3)), floats(f, SIZES(3))));
    expect(f, op, DTYPE_BOOL, "3");
}

static void before_opset_7_the_first_input_rules(void **state) {
    struct fixture *f = *state;
    f->graph->opsets[0].version = 6;
    int32_t op = add(f, "", "Add", INPUTS(floats(f, SIZES(2, 3, 4)), floats(f, SIZES(3))));
    expect(f, op, DTYPE_FLOAT32, "2x3x4");
}

/* ---- convolutions and pools ------------------------------------------------------------------ */

static void convolution_counts_pads_strides_dilations(void **state) {
    struct fixture *f = *state;
    int32_t op =
        add(f, "", "Conv", INPUTS(floats(f, SIZES(1, 3, 224, 200)), floats(f, SIZES(64, 3, 7, 3))));
    graph_set_ints(f->graph, op, "pads", 4, (int64_t[]){3, 0, 3, 0});
    graph_set_ints(f->graph, op, "strides", 2, (int64_t[]){2, 1});
    graph_set_ints(f->graph, op, "dilations", 2, (int64_t[]){1, 2});
    expect(f, op, DTYPE_FLOAT32, "1x64x112x196");
}

static void channel_mismatch_is_refused(void **state) {
    struct fixture *f = *state;
    add(f, "", "Conv", INPUTS(floats(f, SIZES(1, 4, 8, 8)), floats(f, SIZES(64, 3, 3, 3))));
    expect_refusal(f, "the input has 4 channels, the weight expects 3");
}

static void kernel_larger_than_the_input_is_refused(void **state) {
    struct fixture *f = *state;
    add(f, "", "Conv", INPUTS(floats(f, SIZES(1, 3, 2, 2)), floats(f, SIZES(8, 3, 3, 3))));
    expect_refusal(f, "a kernel of 3");
}

static void same_padding_divides_by_the_stride(void **state) {
    struct fixture *f = *state;
    int32_t op = add(f, "", "MaxPool", INPUTS(floats(f, SIZES(1, 8, 15, 16))));
    graph_set_ints(f->graph, op, "kernel_shape", 2, (int64_t[]){3, 3});
    graph_set_ints(f->graph, op, "strides", 2, (int64_t[]){2, 2});
    graph_set_string(f->graph, op, "auto_pad", "SAME_UPPER");
    expect(f, op, DTYPE_FLOAT32, "1x8x8x8");
}

static void rounding_up_adds_no_window_behind_the_input(void **state) {
    struct fixture *f = *state;
    int32_t op = add(f, "", "MaxPool", INPUTS(floats(f, SIZES(1, 1, 2, 4))));
    graph_set_ints(f->graph, op, "kernel_shape", 2, (int64_t[]){1, 1});
    graph_set_ints(f->graph, op, "strides", 2, (int64_t[]){2, 2});
    graph_set_int(f->graph, op, "ceil_mode", 1);
    expect(f, op, DTYPE_FLOAT32, "1x1x1x2");
}

static void transposed_convolution_grows(void **state) {
    struct fixture *f = *state;
    int32_t op = add(f, "", "ConvTranspose",
                     INPUTS(floats(f, SIZES(1, 16, 7, 7)), floats(f, SIZES(16, 4, 3, 3))));
    graph_set_ints(f->graph, op, "strides", 2, (int64_t[]){2, 2});
    graph_set_ints(f->graph, op, "output_padding", 2, (int64_t[]){1, 1});
    graph_set_ints(f->graph, op, "pads", 4, (int64_t[]){1, 1, 1, 1});
    graph_set_int(f->graph, op, "group", 2);
    expect(f, op, DTYPE_FLOAT32, "1x8x14x14");
}

/* ---- matrices -------------------------------------------------------------------------------- */

static void matrix_products_broadcast_their_batches(void **state) {
    struct fixture *f = *state;
    int32_t op =
        add(f, "", "MatMul", INPUTS(floats(f, SIZES(2, 1, 5, 6)), floats(f, SIZES(3, 6, 7))));
    expect(f, op, DTYPE_FLOAT32, "2x3x5x7");
}

static void inner_mismatch_is_refused(void **state) {
    struct fixture *f = *state;
    add(f, "", "MatMul", INPUTS(floats(f, SIZES(5, 6)), floats(f, SIZES(7, 8))));
    expect_refusal(f, "the inner dimensions 6 and 7 differ");
}

static void einsum_reads_its_equation(void **state) {
    struct fixture *f = *state;
    int32_t op = add(f, "", "Einsum", INPUTS(floats(f, SIZES(2, 3, 4)), floats(f, SIZES(2, 4, 5))));
    graph_set_string(f->graph, op, "equation", "bij,bjk->bik");
    expect(f, op, DTYPE_FLOAT32, "2x3x5");
}

static void fused_product_transposes_first(void **state) {
    struct fixture *f = *state;
    int32_t op = add(f, "com.microsoft", "FusedMatMul",
                     INPUTS(floats(f, SIZES(8, 6, 5)), floats(f, SIZES(8, 7, 6))));
    graph_set_int(f->graph, op, "transA", 1);
    graph_set_int(f->graph, op, "transB", 1);
    expect(f, op, DTYPE_FLOAT32, "8x5x7");
}

/* ---- shapes that are computed ---------------------------------------------------------------- */

static void exporters_shape_arithmetic_folds(void **state) {
    struct fixture *f = *state;
    int32_t x = floats(f, SIZES(2, 3, 8, 8));
    int32_t shape = add(f, "", "Shape", INPUTS(x));
    int32_t batch = add(f, "", "Gather", INPUTS(out(f, shape), number(f, 0)));
    int32_t list = add(f, "", "Unsqueeze", INPUTS(out(f, batch), ints(f, SIZES(0))));
    int32_t target = add(f, "", "Concat", INPUTS(out(f, list), ints(f, SIZES(-1))));
    graph_set_int(f->graph, target, "axis", 0);
    int32_t op = add(f, "", "Reshape", INPUTS(x, out(f, target)));
    expect(f, op, DTYPE_FLOAT32, "2x192");
}

static void a_symbol_goes_through_shape_arithmetic(void **state) {
    struct fixture *f = *state;
    int32_t x = floats(f, SIZES(U, 128, 768));
    f->graph->tensors[x].dims[0].symbol = graph_symbol(f->graph, "batch");
    int32_t shape = add(f, "", "Shape", INPUTS(x));
    int32_t batch =
        add(f, "", "Slice", INPUTS(out(f, shape), ints(f, SIZES(0)), ints(f, SIZES(1))));
    int32_t target =
        add(f, "", "Concat", INPUTS(out(f, batch), ints(f, SIZES(128)), ints(f, SIZES(12, -1))));
    graph_set_int(f->graph, target, "axis", 0);
    int32_t op = add(f, "", "Reshape", INPUTS(x, out(f, target)));
    expect(f, op, DTYPE_FLOAT32, "batchx128x12x64");
}

static void reshape_to_other_elements_is_refused(void **state) {
    struct fixture *f = *state;
    add(f, "", "Reshape", INPUTS(floats(f, SIZES(2, 3)), ints(f, SIZES(4, 2))));
    expect_refusal(f, "6 elements cannot become 8");
}

static void what_follows_from_inputs_wins_over_stale_declarations(void **state) {
    struct fixture *f = *state;
    int32_t op = add(f, "", "Relu", INPUTS(floats(f, SIZES(8, 4))));
    graph_set_shape(f->graph, out(f, op), 2, (int64_t[]){1, 4});
    expect(f, op, DTYPE_FLOAT32, "8x4");
}

static void unknown_operators_keep_what_is_declared(void **state) {
    struct fixture *f = *state;
    int32_t op = add(f, "com.example", "Mystery", INPUTS(floats(f, SIZES(8, 4))));
    graph_set_shape(f->graph, out(f, op), 2, (int64_t[]){1, 4});
    f->graph->tensors[out(f, op)].dtype = DTYPE_INT8;
    expect(f, op, DTYPE_INT8, "1x4");
    assert_false(infer_is_known("com.example", "Mystery"));
    assert_true(infer_is_known("ai.onnx", "Conv"));
}

static void hostile_sizes_overflow_without_harm(void **state) {
    struct fixture *f = *state;
    int64_t huge = INT64_C(1) << 62;
    add(f, "", "Flatten", INPUTS(floats(f, SIZES(2, huge, huge))));
    expect_refusal(f, "passes 2^62");
}

static void slices_follow_numpy(void **state) {
    struct fixture *f = *state;
    int32_t op = add(f, "", "Slice",
                     INPUTS(floats(f, SIZES(10, 7)), ints(f, SIZES(-3, 5)),
                            ints(f, SIZES(INT64_MAX, INT64_MIN + 1)), ints(f, SIZES(0, 1)),
                            ints(f, SIZES(1, -2))));
    expect(f, op, DTYPE_FLOAT32, "3x3");
}

/* As exporters turn their pads, last axis first, into ours: as pairs, turned over, transposed. */
static void pads_are_followed_through_their_turning(void **state) {
    struct fixture *f = *state;
    int32_t pairs = add(f, "", "Reshape",
                        INPUTS(ints(f, SIZES(1, 2, 3, 4, 0, 0, 0, 0)), ints(f, SIZES(-1, 2))));
    int32_t turned = add(f, "", "Slice",
                         INPUTS(out(f, pairs), ints(f, SIZES(-1)), ints(f, SIZES(INT64_MIN + 1)),
                                ints(f, SIZES(0)), ints(f, SIZES(-1))));
    int32_t columns = add(f, "", "Transpose", INPUTS(out(f, turned)));
    int32_t pads = add(f, "", "Reshape", INPUTS(out(f, columns), ints(f, SIZES(-1))));
    int32_t op = add(f, "", "Pad", INPUTS(floats(f, SIZES(1, 2, 2, 5)), out(f, pads)));
    graph_set_ints(f->graph, columns, "perm", 2, (int64_t[]){1, 0});
    expect(f, op, DTYPE_FLOAT32, "1x2x9x8");
}

static void data_dependent_sizes_stay_unknown(void **state) {
    struct fixture *f = *state;
    int32_t op = add(f, "", "NonZero", INPUTS(floats(f, SIZES(2, 3))));
    expect(f, op, DTYPE_INT64, "2x?");
}

/* ---- runtime's operators --------------------------------------------------------------------- */

static void reordered_channels_are_rounded_up(void **state) {
    struct fixture *f = *state;
    int32_t in =
        add(f, "com.microsoft.nchwc", "ReorderInput", INPUTS(floats(f, SIZES(1, 20, 7, 7))));
    int32_t op = add(f, "com.microsoft.nchwc", "ReorderOutput", INPUTS(out(f, in)));
    graph_set_int(f->graph, op, "channels", 20);
    graph_set_int(f->graph, op, "channels_last", 1);
    expect(f, in, DTYPE_FLOAT32, "1x32x7x7");
    expect(f, op, DTYPE_FLOAT32, "1x7x7x20");
}

static void blocked_convolution_has_the_weights_channels(void **state) {
    struct fixture *f = *state;
    int32_t op = add(f, "com.microsoft.nchwc", "Conv",
                     INPUTS(floats(f, SIZES(1, 32, 9, 9)), floats(f, SIZES(48, 32, 3, 3))));
    expect(f, op, DTYPE_FLOAT32, "1x48x7x7");
}

static void grouped_query_attention_cuts_packed_queries(void **state) {
    struct fixture *f = *state;
    int32_t op = add(f, "com.microsoft", "GroupQueryAttention",
                     INPUTS(floats(f, SIZES(2, 5, 96)), GRAPH_NONE, GRAPH_NONE));
    graph_set_int(f->graph, op, "num_heads", 8);
    graph_set_int(f->graph, op, "kv_num_heads", 2);
    expect(f, op, DTYPE_FLOAT32, "2x5x64");
}

static void every_row_can_be_listed(void **state) {
    const char *domain, *type;
    uint32_t rows = 0;
    (void)state;
    while (infer_known_at(rows, &domain, &type)) {
        assert_true(infer_is_known(domain, type));
        rows++;
    }
    assert_in_range(rows, 250, 1000);
}

/* ---- subgraphs ------------------------------------------------------------------------------- */

static struct graph *branch(struct fixture *f, const char *type, const int64_t *sizes,
                            int32_t rank) {
    struct graph *g = graph_new(&f->arena, "branch");
    g->parent = f->graph;
    int32_t x = graph_add_tensor(g, "x", DTYPE_FLOAT32), y = graph_add_tensor(g, "y", 0);
    graph_set_shape(g, x, rank, sizes);
    int32_t op = graph_add_op(g, "inner", type, "");
    graph_set_inputs(g, op, 1, &x);
    graph_set_outputs(g, op, 1, &y);
    graph_add_output(g, y);
    return g;
}

static int32_t add_if(struct fixture *f, int32_t condition, struct graph *yes, struct graph *no) {
    int32_t op = add(f, "", "If", INPUTS(condition));
    graph_add_attribute(f->graph, op, "then_branch", ATTRIBUTE_GRAPH)->graph = yes;
    graph_add_attribute(f->graph, op, "else_branch", ATTRIBUTE_GRAPH)->graph = no;
    return op;
}

static void branches_are_merged(void **state) {
    struct fixture *f = *state;
    int32_t condition = input(f, DTYPE_BOOL, SIZES(1));
    int32_t op =
        add_if(f, condition, branch(f, "Relu", SIZES(4, 5)), branch(f, "Relu", SIZES(4, 6)));
    expect(f, op, DTYPE_FLOAT32, "4x?");
}

static void the_branch_not_taken_may_be_wrong(void **state) {
    struct fixture *f = *state;
    struct graph *wrong = branch(f, "Det", SIZES(4));
    int32_t op = add_if(f, ints(f, SIZES(0)), wrong, branch(f, "Relu", SIZES(4, 6)));
    expect(f, op, DTYPE_FLOAT32, "4x6");
}

static void forgetting_lets_a_new_size_through(void **state) {
    struct fixture *f = *state;
    int32_t x = floats(f, SIZES(1, 4));
    int32_t op = add(f, "", "Relu", INPUTS(x));
    expect(f, op, DTYPE_FLOAT32, "1x4");
    graph_set_shape(f->graph, x, 2, (int64_t[]){8, 4});
    infer_forget(f->graph);
    expect(f, op, DTYPE_FLOAT32, "8x4");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(broadcasting_takes_the_larger_size),
        TEST(impossible_broadcasting_names_operator_and_shapes),
        TEST(symbols_survive_broadcasting_with_one),
        TEST(comparisons_give_booleans),
        TEST(before_opset_7_the_first_input_rules),
        TEST(convolution_counts_pads_strides_dilations),
        TEST(channel_mismatch_is_refused),
        TEST(kernel_larger_than_the_input_is_refused),
        TEST(same_padding_divides_by_the_stride),
        TEST(rounding_up_adds_no_window_behind_the_input),
        TEST(transposed_convolution_grows),
        TEST(matrix_products_broadcast_their_batches),
        TEST(inner_mismatch_is_refused),
        TEST(einsum_reads_its_equation),
        TEST(fused_product_transposes_first),
        TEST(exporters_shape_arithmetic_folds),
        TEST(a_symbol_goes_through_shape_arithmetic),
        TEST(reshape_to_other_elements_is_refused),
        TEST(what_follows_from_inputs_wins_over_stale_declarations),
        TEST(unknown_operators_keep_what_is_declared),
        TEST(hostile_sizes_overflow_without_harm),
        TEST(slices_follow_numpy),
        TEST(pads_are_followed_through_their_turning),
        TEST(data_dependent_sizes_stay_unknown),
        TEST(reordered_channels_are_rounded_up),
        TEST(blocked_convolution_has_the_weights_channels),
        TEST(grouped_query_attention_cuts_packed_queries),
        TEST(every_row_can_be_listed),
        TEST(branches_are_merged),
        TEST(the_branch_not_taken_may_be_wrong),
        TEST(forgetting_lets_a_new_size_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
