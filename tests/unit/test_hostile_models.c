/* Models whose files claim what no machine has, in sizes and in numbers: memory is predicted of
 * them in work that grows with the file alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/arena_use.h"
#include "core/features.h"
#include "core/flat.h"
#include "core/folding.h"
#include "core/memory_timeline.h"
#include "models/infer.h"
#include "models/lower.h"

#include <math.h>
#include <string.h>

enum { MANY = 30000 };

static struct arena arena;
static struct graph *graph;

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    arena.limit_bytes = (size_t)1 << 30;
    graph = graph_new(&arena, "hostile");
    graph_add_opset(graph, "", 17);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static int32_t tensor(int32_t rank, const int64_t *sizes, uint32_t flags) {
    int32_t t =
        graph_add_tensor(graph, arena_printf(&arena, "t%u", graph->tensor_count), DTYPE_FLOAT32);
    graph_set_shape(graph, t, rank, sizes);
    graph->tensors[t].flags |= flags;
    return t;
}

static int32_t vector(int64_t size, uint32_t flags) {
    return tensor(1, &size, flags);
}

static int32_t apply(const char *type, int32_t a, int32_t b, int32_t out) {
    const int32_t inputs[] = {a, b};
    int32_t op = graph_add_op(graph, "", type, "");
    graph_set_inputs(graph, op, b == GRAPH_NONE ? 1 : 2, inputs);
    graph_set_outputs(graph, op, 1, &out);
    return out;
}

static struct footprint footprint(void) {
    struct flat_graph flat;
    struct footprint out;
    struct err err = {0};
    assert_int_equal(flat_graph_build(&arena, graph, &flat, &err), 0);
    footprint_of(graph, &flat, 1000, &out);
    const double *fields = (const double *)&out;
    for (size_t i = 0; i < sizeof out / sizeof *fields; i++)
        assert_true(isfinite(fields[i]) && fields[i] >= 0);
    return out;
}

static void a_filter_that_thousands_of_transposed_convolutions_share(void **state) {
    (void)state;
    const int64_t filter[] = {1 << 12, 1 << 12, 8, 8}, image[] = {1, 1 << 12, 1, 1};
    int32_t x = tensor(4, image, 0), w = tensor(4, filter, TENSOR_INITIALIZER);
    graph_add_input(graph, x);
    for (int i = 0; i < MANY; i++)
        apply("ConvTranspose", x, w, tensor(4, image, 0));
    struct footprint f = footprint();
    assert_true(f.arena_bytes >= MANY * 0x1p32); /* each keeps its own form of it */
    assert_true(f.weight_tensors == 1);
}

/* Each of another size, all alive until the end: none takes over another's place. */
static void thousands_of_sizes_are_placed(void **state) {
    (void)state;
    int32_t x = vector(1, 0), sum = GRAPH_NONE, *all = ARENA_ARRAY(&arena, MANY, int32_t);
    graph_add_input(graph, x);
    for (int i = 0; i < MANY; i++)
        all[i] = apply("Sin", x, GRAPH_NONE, vector(1000 + (i * 7919) % MANY, 0));
    for (int i = 0; i < MANY; i++)
        sum = apply("Cos", all[(i * 4801) % MANY], sum, vector(2 + i, 0));
    struct footprint f = footprint();
    assert_true(f.activation_bytes >= 4.0 * MANY * 1000);
}

static void equal_work_is_found_among_thousands(void **state) {
    (void)state;
    int32_t w = vector(1000, TENSOR_INITIALIZER);
    for (int i = 0; i < MANY; i++) {
        apply("CumSum", w, GRAPH_NONE, vector(1000, 0));
        graph_set_int(graph, (int32_t)graph->op_count - 1, "axis", i / 2);
    }
    assert_true(folding_of(graph).bytes == 4000.0 * MANY / 2);
}

static void weights_of_any_size_are_looked_at_in_few_pages(void **state) {
    (void)state;
    struct feature_target target = {.block = 16, .cache_bytes = 1 << 20};
    struct features features;
    struct err err = {0};
    int32_t x = vector(1, 0);
    graph_add_input(graph, x);
    for (int i = 0; i < MANY; i++)
        x = apply("Add", x, vector(INT64_C(1) << 48, TENSOR_INITIALIZER), vector(1, 0));
    target = feature_target_for(&arena, &target, graph);
    assert_int_equal(features_of(graph, &graph->ops[1], &target, &features, &err), 0);
    assert_true(features_age_matters(&features));
    double far = reuse_bytes(features.reuse.weights);
    assert_true(fabs(far / 0x1p50 - 1) < 1e-6);
}

static void sizes_beyond_all_memory_are_not_known(void **state) {
    (void)state;
    const int64_t most = INT64_C(1) << 62;
    int32_t x = vector(most, 0);
    graph_add_input(graph, x);
    for (int i = 0; i < 8; i++)
        x = apply("Sin", x, GRAPH_NONE, vector(most, 0));
    apply("MatMul", x, vector(most, TENSOR_INITIALIZER), vector(most - 1, 0));
    assert_int_equal(tensor_bytes(&graph->tensors[x]), 0);
    footprint();
}

static void an_operator_that_reads_a_tensor_twice_frees_it_once(void **state) {
    (void)state;
    struct flat_graph flat;
    struct memory_timeline timeline;
    struct err err = {0};
    int32_t x = vector(1 << 18, 0);
    graph_add_input(graph, x);
    int32_t a = apply("Sin", x, GRAPH_NONE, vector(1 << 18, 0));
    int32_t b = apply("Add", a, a, vector(1 << 19, 0));
    graph_add_output(graph, apply("Cos", b, GRAPH_NONE, vector(1 << 17, 0)));
    assert_int_equal(flat_graph_build(&arena, graph, &flat, &err), 0);
    struct footprint f = footprint();
    memory_timeline_of(&arena, graph, &flat, &f, &timeline);
    assert_true(timeline.steps[2].live_bytes == 0x1p21 + 0x1p19);
}

static void groups_may_be_any_number(void **state) {
    (void)state;
    static const int64_t groups[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    const int64_t filter[] = {64, 32, 3, 3}, image[] = {1, 32, 8, 8};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        int32_t x = tensor(4, image, 0), w = tensor(4, filter, TENSOR_INITIALIZER);
        graph->tensors[w].dtype = DTYPE_INT8;
        const int32_t inputs[] = {x, GRAPH_NONE, GRAPH_NONE, w};
        int32_t out = tensor(4, image, 0), op = graph_add_op(graph, "", "QLinearConv", "");
        graph_add_input(graph, x);
        graph_set_inputs(graph, op, 4, inputs);
        graph_set_outputs(graph, op, 1, &out);
        graph_set_int(graph, op, "group", groups[i]);
        apply("ConvTranspose", x, w, tensor(4, image, 0));
        graph_set_int(graph, op + 1, "group", groups[i]);
        footprint();
    }
}

/* A graph between others is loaded once, however often its operators hold graphs. */
static void weights_of_a_nested_graph_are_loaded_once(void **state) {
    (void)state;
    const int64_t size = 1000;
    struct graph *outermost = graph, *middle = graph_new(&arena, "middle");
    middle->parent = outermost;
    int32_t y = vector(size, 0);
    graph = middle;
    int32_t w = vector(size, TENSOR_INITIALIZER);
    apply("Sin", w, GRAPH_NONE, vector(size, 0));
    for (int i = 0; i < 3; i++) {
        apply("If", w, GRAPH_NONE, vector(size, 0));
        struct graph *inner = graph_new(&arena, "inner");
        inner->parent = middle;
        graph = inner;
        apply("Sin", vector(size, TENSOR_INITIALIZER), GRAPH_NONE, vector(size, 0));
        graph = middle;
        graph_add_attribute(middle, i + 1, "then_branch", ATTRIBUTE_GRAPH)->graph = inner;
    }
    graph = outermost;
    apply("If", y, GRAPH_NONE, vector(size, 0));
    graph_add_attribute(graph, 0, "then_branch", ATTRIBUTE_GRAPH)->graph = middle;
    assert_true(footprint().weight_tensors == 4);
}

/* ---- lowering -------------------------------------------------------------------------------- */

static void lower(void) {
    const struct lower_target target = {16};
    struct graph *lowered = NULL;
    struct err err = {0};
    if (graph_sort(graph, &err) || infer_shapes(graph, &err) ||
        lower_by_rules(&arena, graph, &target, &lowered, &err))
        fail_msg("%s", err.message);
    graph = lowered;
}

static void one_tensor_may_have_thousands_of_readers(void **state) {
    (void)state;
    const int64_t rows[] = {8, 16}, perm[] = {1, 0};
    int32_t x = tensor(2, rows, 0);
    graph_add_input(graph, x);
    int32_t turned = apply("Transpose", x, GRAPH_NONE, tensor(2, rows, 0));
    graph_set_ints(graph, 0, "perm", 2, perm);
    for (int i = 0; i < MANY; i++) {
        int32_t y = apply("Identity", turned, GRAPH_NONE, tensor(2, rows, 0));
        graph_add_output(graph, apply(i % 2 ? "Relu" : "Sin", y, GRAPH_NONE, tensor(2, rows, 0)));
    }
    lower();
    assert_true(graph->op_count >= MANY);
}

/* As a graph that was never inferred: what it says is all there is. */
static int lower_as_it_is(void) {
    const struct lower_target target = {16};
    struct graph *lowered;
    struct err err = {0};
    assert_int_equal(graph_sort(graph, &err), 0);
    int code = lower_by_rules(&arena, graph, &target, &lowered, &err);
    assert_true(code == 0 || code == -ERR_INPUT);
    graph = code ? graph : lowered;
    return code;
}

static void a_permutation_that_is_none_moves_nothing(void **state) {
    (void)state;
    const int64_t rows[] =
        {
            8, 16
    },
                  perms[][2] = {{7, -5}, {1, 1}};
    for (size_t i = 0; i < sizeof perms / sizeof *perms; i++) {
        graph = graph_new(&arena, "hostile");
        int32_t x = tensor(2, rows, 0);
        graph_add_input(graph, x);
        int32_t y = apply("Transpose", x, GRAPH_NONE, tensor(2, rows, 0));
        y = apply("Transpose", y, GRAPH_NONE, tensor(2, rows, 0));
        graph_add_output(graph, apply("Relu", y, GRAPH_NONE, tensor(2, rows, 0)));
        graph_set_ints(graph, 0, "perm", 2, perms[i]);
        graph_set_ints(graph, 1, "perm", 2, perms[i]);
        assert_int_equal(lower_as_it_is(), -ERR_INPUT);
    }
}

static struct attribute *floats(int32_t op, const char *name, uint32_t count) {
    struct attribute *a = graph_add_attribute(graph, op, name, ATTRIBUTE_FLOATS);
    a->count = count;
    a->floats = ARENA_ARRAY(&arena, count, float);
    return a;
}

/* Lists of another kind than they should be are no lists. */
static void pads_and_axes_may_be_of_any_kind(void **state) {
    (void)state;
    const int64_t image[] = {1, 16, 8, 8}, filter[] = {16, 16, 1, 1}, perm[] = {0, 2, 3, 1};
    int32_t x = tensor(4, image, 0), pads = vector(8, TENSOR_INITIALIZER);
    int64_t *sizes = ARENA_ARRAY(&arena, 8, int64_t);
    struct tensor_values *values = ARENA_NEW(&arena, struct tensor_values);
    *values = (struct tensor_values){.count = 8, .ints = sizes};
    sizes[2] = sizes[6] = INT64_MAX;
    graph->tensors[pads].dtype = DTYPE_INT64;
    graph->tensors[pads].values = values;
    graph_add_input(graph, x);
    int32_t padded = apply("Pad", x, pads, tensor(4, image, 0));
    int32_t y = apply("Conv", padded, tensor(4, filter, TENSOR_INITIALIZER), tensor(4, image, 0));
    floats(1, "pads", 4);
    y = apply("Transpose", y, GRAPH_NONE, tensor(4, image, 0));
    graph_set_ints(graph, 2, "perm", 4, perm);
    y = apply("ReduceMean", y, GRAPH_NONE, tensor(4, image, 0));
    floats(3, "axes", 1000);
    graph_add_output(graph, apply("Transpose", y, GRAPH_NONE, tensor(4, image, 0)));
    graph_set_ints(graph, 4, "perm", 4, perm);
    lower_as_it_is();
}

static void indices_may_be_any_number(void **state) {
    (void)state;
    static const int64_t numbers[] = {INT64_MAX, INT64_MIN, 8, -9};
    const int64_t rows[] = {8, 16};
    int32_t x = tensor(2, rows, 0);
    graph_add_input(graph, x);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int32_t index = tensor(0, NULL, TENSOR_INITIALIZER);
        struct tensor_values *values = ARENA_NEW(&arena, struct tensor_values);
        *values = (struct tensor_values){.count = 1, .ints = &numbers[i]};
        graph->tensors[index].dtype = DTYPE_INT64;
        graph->tensors[index].values = values;
        graph_add_output(graph, apply("Gather", x, index, vector(16, 0)));
    }
    assert_int_equal(lower_as_it_is(), 0);
    assert_int_equal(graph->op_count, sizeof numbers / sizeof *numbers);
}

static void an_operator_may_write_nothing(void **state) {
    (void)state;
    static const char *const types[] = {"Identity", "Cast",      "Expand",   "Slice",
                                        "Add",      "Relu",      "Conv",     "Gather",
                                        "MaxPool",  "HardSwish", "Transpose"};
    const int64_t image[] = {1, 16, 8, 8};
    int32_t x = tensor(4, image, 0), y = tensor(4, image, 0);
    graph_add_input(graph, x);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        apply(types[i], x, x, GRAPH_NONE);
    graph_add_output(graph, apply("Relu", x, GRAPH_NONE, y));
    assert_int_equal(lower_as_it_is(), 0);
    assert_int_equal(graph->op_count, 1);
}

/* Each joins all of the layer before: paths are as many as their width to the power of their depth.
 */
static void paths_through_joined_layers_are_not_counted(void **state) {
    (void)state;
    enum { WIDTH = 64, JOINED = 5, LAYERS = JOINED + 2 };
    static const char *const types[LAYERS] = {"Relu", [JOINED + 1] = "MaxPool"};
    const int64_t image[] = {1, 16, 8, 8};
    int32_t layer[WIDTH] = {0}, before[WIDTH], x = tensor(4, image, 0);
    graph_add_input(graph, x);
    for (int l = 0; l < LAYERS; l++) {
        memcpy(before, layer, sizeof before);
        for (int i = 0; i < WIDTH; i++) {
            int32_t inputs[WIDTH + 2] = {x, x};
            if (types[l])
                inputs[0] = l ? before[i] : x;
            else
                memcpy(inputs + 2, before, sizeof before);
            layer[i] = tensor(4, image, 0);
            int32_t op = graph_add_op(graph, "", types[l] ? types[l] : "QLinearConcat",
                                      types[l] ? "" : "com.microsoft");
            graph_set_inputs(graph, op, types[l] ? 1 : WIDTH + 2, inputs);
            graph_set_outputs(graph, op, 1, &layer[i]);
        }
    }
    for (int i = 0; i < WIDTH; i++)
        graph_add_output(graph, layer[i]);
    lower_as_it_is();
}

/* ---- inference ------------------------------------------------------------------------------- */

static int infer(struct err *err) {
    assert_int_equal(graph_sort(graph, err), 0);
    return infer_shapes(graph, err);
}

static void more_elements_than_any_memory_are_refused(void **state) {
    (void)state;
    const int64_t wide[] = {INT64_C(1) << 40, 1}, high[] = {1, INT64_C(1) << 40};
    struct err err = {0};
    int32_t a = tensor(2, wide, 0), b = tensor(2, high, 0), y = vector(1, 0);
    graph->tensors[y].rank = GRAPH_RANK_UNKNOWN;
    graph_add_input(graph, a);
    graph_add_input(graph, b);
    apply("Add", a, b, y);
    assert_int_equal(infer(&err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "2^62"));
}

static void a_list_that_thousands_read_is_made_once(void **state) {
    (void)state;
    enum { COUNT = 4096 };
    struct err err = {0};
    int32_t x = vector(8, 0), axes = vector(COUNT, TENSOR_INITIALIZER);
    struct tensor_values *values = ARENA_NEW(&arena, struct tensor_values);
    *values = (struct tensor_values){.count = COUNT, .ints = ARENA_ARRAY(&arena, COUNT, int64_t)};
    graph->tensors[axes].dtype = DTYPE_INT64;
    graph->tensors[axes].values = values;
    graph_add_input(graph, x);
    for (int i = 0; i < MANY; i++) /* a gigabyte, if each had its own */
        apply("ReduceSum", x, axes, vector(1, 0));
    assert_int_equal(infer(&err), 0);
}

static void symbols_are_found_among_thousands(void **state) {
    (void)state;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < MANY; i++)
            assert_int_equal(graph_symbol(graph, arena_printf(&arena, "s%d", i)), i);
    assert_int_equal(graph->symbol_count, MANY);
}

static int64_t three_if_even(const void *context, const char *symbol) {
    (void)context;
    return symbol[strlen(symbol) - 1] % 2 ? -1 : 3;
}

static void all_symbols_are_bound_at_once(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        int32_t t = vector(GRAPH_DIM_UNKNOWN, 0);
        graph->tensors[t].dims[0].symbol = graph_symbol(graph, i ? "s1" : "s0");
    }
    graph_bind_symbols(graph, three_if_even, NULL);
    assert_int_equal(graph->tensors[0].dims[0].size, 3);
    assert_int_equal(graph->tensors[1].dims[0].size, GRAPH_DIM_UNKNOWN);
}

/* ---- features -------------------------------------------------------------------------------- */

static void expect_numbers(void) {
    struct feature_target target = {
        .block = 16, .cache_bytes = 1 << 20, .integer_depth = 64, .threads = 8};
    target = feature_target_for(&arena, &target, graph);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        struct features features;
        struct err err = {0};
        assert_int_equal(features_of(graph, &graph->ops[i], &target, &features, &err), 0);
        for (int t = 0; t < FEATURE_TERMS_MAX; t++)
            assert_true(isfinite(features.terms[t]) && features.terms[t] >= 0);
    }
}

static void work_is_a_number_whatever_sizes_say(void **state) {
    (void)state;
    const int64_t most = INT64_C(1) << 62;
    int64_t sizes[GRAPH_RANK_MAX], kernel[GRAPH_RANK_MAX];
    for (int i = 0; i < GRAPH_RANK_MAX; i++)
        sizes[i] = most;
    for (int i = 0; i < GRAPH_RANK_MAX; i++)
        kernel[i] = i % 2 ? -1 : INT64_MAX;
    for (int empty = 0; empty < 2; empty++) {
        graph = graph_new(&arena, "hostile");
        sizes[GRAPH_RANK_MAX - 1] = empty ? 0 : most;
        int32_t x = tensor(GRAPH_RANK_MAX, sizes, 0);
        graph_add_input(graph, x);
        int32_t y = apply("Add", x, x, tensor(GRAPH_RANK_MAX, sizes, 0));
        y = apply("MaxPool", y, GRAPH_NONE, tensor(4, sizes, 0));
        graph_set_ints(graph, 1, "kernel_shape", GRAPH_RANK_MAX, kernel);
        y = apply("ReorderOutput", y, GRAPH_NONE, tensor(4, sizes, 0));
        graph->ops[2].domain = "com.microsoft.nchwc";
        expect_numbers();
    }
}

/* A pool without axes, and one of whose rank nothing is known. */
static void pools_may_have_no_axes(void **state) {
    (void)state;
    int32_t x = vector(8, TENSOR_INPUT);
    apply("MaxPool", x, GRAPH_NONE, tensor(0, NULL, 0));
    apply("MaxPool", x, GRAPH_NONE, tensor(GRAPH_RANK_UNKNOWN, NULL, 0));
    expect_numbers();
}

static void views_are_told_apart_from_copies_among_thousands(void **state) {
    (void)state;
    int32_t x = apply("Sin", vector(1000, TENSOR_INPUT), GRAPH_NONE, vector(1000, 0));
    for (int i = 0; i < MANY; i++)
        x = apply("Identity", x, GRAPH_NONE, vector(1000, 0));
    expect_numbers();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_filter_that_thousands_of_transposed_convolutions_share),
        TEST(thousands_of_sizes_are_placed),
        TEST(equal_work_is_found_among_thousands),
        TEST(weights_of_any_size_are_looked_at_in_few_pages),
        TEST(sizes_beyond_all_memory_are_not_known),
        TEST(an_operator_that_reads_a_tensor_twice_frees_it_once),
        TEST(groups_may_be_any_number),
        TEST(weights_of_a_nested_graph_are_loaded_once),
        TEST(one_tensor_may_have_thousands_of_readers),
        TEST(a_permutation_that_is_none_moves_nothing),
        TEST(pads_and_axes_may_be_of_any_kind),
        TEST(indices_may_be_any_number),
        TEST(an_operator_may_write_nothing),
        TEST(paths_through_joined_layers_are_not_counted),
        TEST(more_elements_than_any_memory_are_refused),
        TEST(a_list_that_thousands_read_is_made_once),
        TEST(symbols_are_found_among_thousands),
        TEST(all_symbols_are_bound_at_once),
        TEST(work_is_a_number_whatever_sizes_say),
        TEST(pools_may_have_no_axes),
        TEST(views_are_told_apart_from_copies_among_thousands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
