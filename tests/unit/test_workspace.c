/* What kernels take of the arena besides their outputs. The sizes were seen in ONNX Runtime 1.30 by
 * an allocator that counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/workspace.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;
static struct graph *graph;

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    graph = graph_new(&arena, "g");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

/* A float tensor of the shape "1x2x3"; "" is a scalar. */
static int32_t tensor(const char *shape) {
    int64_t sizes[8];
    int32_t rank = 0;
    for (const char *at = shape; *at; rank++) {
        int length = 0;
        long long size = 0;
        assert_int_equal(sscanf(at, "%lld%n", &size, &length), 1);
        sizes[rank] = size;
        at += length + (at[length] == 'x');
    }
    int32_t t = graph_add_tensor(graph, "", DTYPE_FLOAT32);
    graph_set_shape(graph, t, rank, sizes);
    return t;
}

/* An operator of up to three inputs; NULL ends them. */
static int32_t operator(const char *type, const char *const *shapes, const char *output) {
    int32_t op = graph_add_op(graph, "", type, ""), inputs[3], out = tensor(output);
    uint32_t n = 0;
    for (; shapes[n]; n++)
        inputs[n] = tensor(shapes[n]);
    graph_set_inputs(graph, op, n, inputs);
    graph_set_outputs(graph, op, 1, &out);
    return op;
}

static struct workspace taken(int32_t op) {
    struct workspace workspace;
    workspace_of(graph, &graph->ops[op], &workspace);
    return workspace;
}

static void assert_taken(int32_t op, uint32_t count, const uint64_t *bytes) {
    struct workspace workspace = taken(op);
    assert_int_equal(workspace.count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(workspace.bytes[i], bytes[i]);
}

static void where_selects_twice(void **state) {
    (void)state;
    int32_t op = operator("Where", (const char *const[]){"1x1x64x64", "", "1x8x64x64", NULL},
                          "1x8x64x64");
    assert_taken(op, 2, (const uint64_t[]){16384, 131072});
}

static void softmax_turns_what_is_not_last(void **state) {
    (void)state;
    int32_t op = operator("Softmax", (const char *const[]){"1x4x196x196", NULL}, "1x4x196x196");
    assert_taken(op, 0, NULL);
    graph_set_int(graph, op, "axis", 3);
    assert_taken(op, 0, NULL);
    graph->ops[op].attribute_count = 0;
    graph_set_int(graph, op, "axis", 1);
    assert_taken(op, 2, (const uint64_t[]){614656, 614656});
}

static void fast_gelu_needs_room_for_a_bias_alone(void **state) {
    (void)state;
    assert_taken(operator("FastGelu", (const char *const[]){"64x512", NULL}, "64x512"), 0, NULL);
    assert_taken(operator("FastGelu", (const char *const[]){"64x512", "512", NULL}, "64x512"), 1,
                 (const uint64_t[]){131072});
}

static void both_directions_have_gates_and_one_is_turned(void **state) {
    (void)state;
    int32_t op = operator("LSTM",
                          (const char *const[]){"100x1x512", "2x1024x512", "2x1024x256", NULL},
                          "100x2x1x256");
    assert_taken(op, 4, (const uint64_t[]){409600, 409600, 204800, 102400});
    int32_t forward = operator(
        "GRU", (const char *const[]){"50x1x400", "1x1200x400", "1x1200x400", NULL}, "50x1x1x400");
    assert_taken(forward, 1, (const uint64_t[]){240000});
}

struct product {
    const char *equation, *left, *right, *output;
    uint32_t count;
    uint64_t bytes[6];
};

static void products_turn_operands_and_result(void **state) {
    (void)state;
    static const struct product products[] = {
        {"bhid,bhjd->bhij",             "64x8x12x16", "64x8x12x16", "64x8x12x12", 3, {393216, 393216, 294912}},
        {"b h i j, b h j d -> b h i d",
         "64x8x12x12",                                "64x8x12x16",
         "64x8x12x16",                                                            2,
         {393216, 393216}                                                                                    },
        {"bhid,bhjd->bhij",
         "1x8x64x64",                                 "1x8x64x64",
         "1x8x64x64",                                                             5,
         {131072, 131072, 131072, 131072, 131072}                                                            },
        {"ij,jk->ik",                   "4x8",        "8x2",        "4x2",        2, {64, 32}                },
        {"...ij,...jk->...ik",          "2x4x8",      "2x8x2",      "2x4x2",      0, {0}                     },
    };
    for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
        const struct product *p = &products[i];
        int32_t op = operator("Einsum", (const char *const[]){p->left, p->right, NULL}, p->output);
        graph_set_string(graph, op, "equation", p->equation);
        assert_taken(op, p->count, p->bytes);
    }
}

static void filters_of_one_row_are_not_kept_in_the_arena(void **state) {
    (void)state;
    int32_t op = operator("ConvTranspose", (const char *const[]){"1x64x8x8", "64x32x2x2", NULL},
                          "1x32x16x16");
    assert_int_equal(workspace_kept_bytes(graph, &graph->ops[op]), 0);
    graph->tensors[graph->ops[op].inputs[1]].flags |= TENSOR_INITIALIZER;
    assert_int_equal(workspace_kept_bytes(graph, &graph->ops[op]), 4 * 64 * 32 * 4);
    graph_set_int(graph, op, "group", 64);
    assert_int_equal(workspace_kept_bytes(graph, &graph->ops[op]), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(where_selects_twice),
        TEST(softmax_turns_what_is_not_last),
        TEST(fast_gelu_needs_room_for_a_bias_alone),
        TEST(both_directions_have_gates_and_one_is_turned),
        TEST(products_turn_operands_and_result),
        TEST(filters_of_one_row_are_not_kept_in_the_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
