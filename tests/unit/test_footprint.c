/* What of a graph memory depends on: the runtime's allocator, its plan and its loading played
 * through on graphs small enough to follow by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/arena_use.h"
#include "core/chunk_arena.h"
#include "core/footprint.h"
#include "core/placement.h"

enum { MIB = 1 << 20, PAGE = 4096 };

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

/* ---- building -------------------------------------------------------------------------------- */

/* A float tensor of rows x columns. */
static int32_t tensor(const char *name, int64_t rows, int64_t columns) {
    const int64_t sizes[] = {rows, columns};
    int32_t t = graph_add_tensor(graph, name, DTYPE_FLOAT32);
    graph_set_shape(graph, t, 2, sizes);
    return t;
}

static int32_t weight(const char *name, int64_t rows, int64_t columns) {
    int32_t t = tensor(name, rows, columns);
    graph->tensors[t].flags |= TENSOR_INITIALIZER;
    return t;
}

static int32_t input(int64_t rows, int64_t columns) {
    int32_t t = tensor("x", rows, columns);
    graph_add_input(graph, t);
    return t;
}

/* An operator of one or two inputs whose output has the given shape. */
static int32_t apply(const char *domain, const char *type, int32_t a, int32_t b, int64_t rows,
                     int64_t columns) {
    int32_t inputs[] = {a, b};
    int32_t out = tensor("", rows, columns);
    int32_t op = graph_add_op(graph, "", type, domain);
    graph_set_inputs(graph, op, b == GRAPH_NONE ? 1 : 2, inputs);
    graph_set_outputs(graph, op, 1, &out);
    graph->tensors[out].producer = op;
    return out;
}

static int32_t unary(const char *type, int32_t a, int64_t rows, int64_t columns) {
    return apply("", type, a, GRAPH_NONE, rows, columns);
}

static struct placement placed(void) {
    struct placement placement;
    placement_of(&arena, graph, &placement);
    return placement;
}

static struct footprint footprint(uint64_t file_bytes) {
    struct flat_graph flat;
    struct footprint f;
    struct err err = {0};
    if (flat_graph_build(&arena, graph, &flat, &err))
        fail_msg("%s", err.message);
    footprint_of(graph, &flat, file_bytes, &f);
    return f;
}

/* ---- the allocator --------------------------------------------------------------------------- */

static void only_pages_handed_out_are_written(void **state) {
    (void)state;
    struct chunk_arena a;
    chunk_arena_init(&a, &arena);
    assert_null(chunk_arena_take(&a, 0));
    assert_int_equal(a.touched_bytes, 0);
    chunk_arena_take(&a, 1);
    assert_int_equal(a.touched_bytes, PAGE);
    assert_int_equal(a.book_bytes, MIB / 256 * 8);
    chunk_arena_take(&a, 100); /* the next 256 bytes of the same page */
    assert_int_equal(a.touched_bytes, PAGE);
}

static void regions_double_from_one_mebibyte(void **state) {
    (void)state;
    struct chunk_arena a;
    chunk_arena_init(&a, &arena);
    chunk_arena_take(&a, MIB); /* 1 MiB, then 2 */
    chunk_arena_take(&a, MIB); /* 2 MiB, half of it free */
    chunk_arena_take(&a, MIB);
    chunk_arena_take(&a, 9 * MIB); /* 4 is next and too small: 16 MiB */
    assert_int_equal(a.book_bytes, (1 + 2 + 16) * MIB / 32);
    assert_int_equal(a.touched_bytes, 12 * MIB);
}

static void a_chunk_less_than_twice_the_request_is_not_divided(void **state) {
    (void)state;
    struct chunk_arena a;
    chunk_arena_init(&a, &arena);
    chunk_arena_take(&a, 3 * MIB); /* all of 4 MiB */
    chunk_arena_take(&a, PAGE);    /* so this needs a region of its own */
    assert_int_equal(a.book_bytes, 2 * 4 * MIB / 32);
}

static void neighbours_given_back_become_one(void **state) {
    (void)state;
    struct chunk_arena a;
    struct chunk *parts[4];
    chunk_arena_init(&a, &arena);
    for (int i = 0; i < 4; i++)
        parts[i] = chunk_arena_take(&a, MIB / 4);
    chunk_arena_give(&a, parts[0]);
    chunk_arena_give(&a, parts[2]);
    chunk_arena_give(&a, parts[1]);
    chunk_arena_give(&a, parts[3]);
    chunk_arena_take(&a, MIB);
    assert_int_equal(a.book_bytes, MIB / 32);
    assert_int_equal(a.touched_bytes, MIB);
}

static void of_equal_chunks_the_newest_region_is_taken(void **state) {
    (void)state;
    struct chunk_arena a;
    chunk_arena_init(&a, &arena);
    struct chunk *first = chunk_arena_take(&a, 3 * MIB);
    struct chunk *second = chunk_arena_take(&a, PAGE); /* of the second 4 MiB */
    chunk_arena_give(&a, first);
    chunk_arena_give(&a, second);
    chunk_arena_take(&a, 3 * MIB);
    assert_int_equal(a.touched_bytes, 6 * MIB);
}

/* ---- the plan -------------------------------------------------------------------------------- */

static void relu_writes_over_its_input_and_add_does_not(void **state) {
    (void)state;
    int32_t x = input(64, 64);
    int32_t a = unary("Sin", x, 64, 64);
    int32_t b = unary("Relu", a, 64, 64);
    int32_t c = apply("", "Add", b, b, 64, 64);
    struct placement p = placed();
    assert_int_equal(p.owner[x], GRAPH_NONE);
    assert_int_equal(p.owner[a], a);
    assert_int_equal(p.owner[b], a);
    assert_int_equal(p.owner[c], c);
}

static void what_is_read_again_is_not_written_over(void **state) {
    (void)state;
    int32_t a = unary("Sin", input(64, 64), 64, 64);
    int32_t b = unary("Relu", a, 64, 64);
    int32_t c = apply("", "Add", a, b, 64, 64);
    struct placement p = placed();
    assert_int_equal(p.owner[b], b);
    assert_int_equal(p.owner[c], c);
}

static void a_view_keeps_its_input_alive(void **state) {
    (void)state;
    int32_t a = unary("Sin", input(64, 64), 64, 64);
    int32_t view = unary("Flatten", a, 4096, 1);
    unary("Cos", view, 4096, 1);
    struct placement p = placed();
    assert_int_equal(p.owner[view], a);
    assert_int_equal(p.released[a], 2);
}

static void a_released_tensor_of_the_same_shape_is_taken_over(void **state) {
    (void)state;
    int32_t a = unary("Sin", input(64, 64), 64, 64);
    int32_t b = unary("Sin", a, 64, 64);
    int32_t c = unary("Sin", b, 64, 64);
    int32_t d = unary("Sin", c, 32, 128); /* as many elements, another shape */
    struct placement p = placed();
    assert_int_equal(p.owner[b], b);
    assert_int_equal(p.owner[c], a);
    assert_int_equal(p.owner[d], d);
}

static void fast_gelu_does_not_write_over_its_input(void **state) {
    (void)state;
    int32_t a = unary("Sin", input(64, 64), 64, 64);
    int32_t b = apply("com.microsoft", "FastGelu", a, GRAPH_NONE, 64, 64);
    assert_int_equal(placed().owner[b], b);
}

static void what_nobody_reads_stays_unless_it_is_taken_over(void **state) {
    (void)state;
    int32_t a = unary("Sin", input(64, 64), 64, 64);
    int32_t unread = unary("Sin", a, 128, 32), taken = unary("Cos", a, 32, 128);
    int32_t b = unary("Tan", a, 32, 128);
    unary("Sin", b, 16, 16);
    struct placement p = placed();
    assert_int_equal(p.released[unread], PLACEMENT_KEPT);
    assert_int_equal(p.owner[b], taken);
    assert_int_equal(p.released[taken], 4);
}

static void outputs_of_the_graph_stand_alone(void **state) {
    (void)state;
    int32_t a = unary("Sin", input(64, 64), 64, 64);
    int32_t b = unary("Relu", a, 64, 64);
    graph_add_output(graph, b);
    struct placement p = placed();
    assert_int_equal(p.owner[b], b);
    assert_int_equal(p.released[b], PLACEMENT_KEPT);
}

/* ---- both ------------------------------------------------------------------------------------ */

static void later_runs_need_one_block_more(void **state) {
    (void)state;
    int32_t t = input(1024, 768); /* 3 MiB each */
    for (int i = 0; i < 5; i++)
        t = unary("Sin", t, 1024, 768);
    struct arena_use use;
    arena_use_of(graph, &use);
    assert_int_equal((int)use.block_bytes, 6 * MIB);
    assert_int_equal((int)use.written_bytes, 6 * MIB);
    /* Two regions of 4 MiB, then one of 8 for the block. */
    assert_int_equal((int)use.first_run_bytes, 6 * MIB + 8 * MIB / 32);
    assert_int_equal((int)use.steady_bytes, 12 * MIB + 16 * MIB / 32);
}

/* 4 MiB, 1 and 2 behind; when only the 1 is left, 2 MiB fit what was used behind it better than
 * the 4 before it, which are free for what comes then. */
static void a_block_is_filled_behind_its_last_tensor_too(void **state) {
    (void)state;
    int32_t a = unary("Sin", input(1, 1), 1024, 1024);
    int32_t b = unary("Sin", a, 256, 1024), c = unary("Sin", a, 512, 1024);
    int32_t d = unary("Sin", unary("Sin", c, 1, 1), 1024, 512);
    apply("", "Add", unary("Sin", d, 2048, 512), b, 1, 2);
    struct arena_use use;
    arena_use_of(graph, &use);
    assert_int_equal((int)use.block_bytes, 7 * MIB);
}

/* Two branches, one by one as they stand; the trunk's first tensor waits for its branch when the
 * other one comes first. */
static void two_branches(const char *last, bool joined_backwards) {
    int32_t trunk = unary("Sin", input(1, 1), 1024, 1024), ends[2];
    for (int i = 0; i < 2; i++) {
        int32_t branch = unary("Sin", trunk, 512 >> i, 2048 << i);
        ends[i] =
            apply("com.microsoft.nchwc", i ? last : "ReorderOutput", branch, GRAPH_NONE, 8, 8);
        if (i == 0)
            trunk = unary("Cos", trunk, 2048, 512);
    }
    apply("", "Concat", ends[joined_backwards], ends[!joined_backwards], 16, 8);
}

static void branches_may_be_worked_through_in_another_order(void **state) {
    (void)state;
    /* The other branch comes first when the last input does, joined backwards when the first does.
     */
    for (int backwards = 0; backwards < 2; backwards++) {
        struct arena_use use;
        graph = graph_new(&arena, "g");
        two_branches("ReorderOutput", backwards);
        arena_use_of(graph, &use);
        double most = arena_use_most(graph, &use);
        assert_true(most >= use.steady_bytes + 4 * MIB);
        assert_true(footprint(1000).arena_most_bytes == most);
    }
}

static void an_order_that_never_differs_is_the_only_one(void **state) {
    (void)state;
    struct arena_use use;
    two_branches("ReorderInput", false);
    arena_use_of(graph, &use);
    assert_true(arena_use_most(graph, &use) == use.steady_bytes);
}

static void an_empty_graph_uses_nothing(void **state) {
    (void)state;
    struct footprint f = footprint(0);
    assert_true(f.arena_bytes == 0 && f.loading_bytes == 0 && f.weight_bytes == 0);
}

/* ---- loading --------------------------------------------------------------------------------- */

static void the_largest_weight_is_held_twice_while_the_file_is_read(void **state) {
    (void)state;
    int32_t x = input(8, 64);
    int32_t y = apply("", "MatMul", x, weight("a", 64, 1024), 8, 1024);
    apply("", "MatMul", y, weight("b", 1024, 256), 8, 256);
    double bytes = 4.0 * (64 * 1024 + 1024 * 256), largest = 4.0 * 1024 * 256;
    struct footprint f = footprint((uint64_t)bytes);
    assert_true(f.loading_bytes == bytes + largest);
    assert_true(f.resident_weight_bytes == bytes);
    assert_true(f.packed_weight_bytes == bytes);
    assert_true(f.feed_bytes == 4.0 * 8 * 64);
}

static void packed_matrices_are_padded(void **state) {
    (void)state;
    apply("", "MatMul", input(8, 64), weight("w", 64, 1000), 8, 1000);
    struct footprint f = footprint(4 * 64 * 1000);
    assert_true(f.resident_weight_bytes == 4.0 * 64 * 1008);
}

static void reordered_filters_are_held_four_times_beside_the_file(void **state) {
    (void)state;
    const int64_t sizes[] = {64, 64, 3, 3}, image[] = {1, 64, 8, 8};
    int32_t x = graph_add_tensor(graph, "x", DTYPE_FLOAT32), w[2];
    graph_set_shape(graph, x, 4, image);
    graph_add_input(graph, x);
    for (int i = 0; i < 2; i++) {
        w[i] = graph_add_tensor(graph, i ? "w1" : "w0", DTYPE_FLOAT32);
        graph_set_shape(graph, w[i], 4, sizes);
        graph->tensors[w[i]].flags |= TENSOR_INITIALIZER;
        x = apply("com.microsoft.nchwc", "Conv", x, w[i], 1, 4096);
        graph_set_shape(graph, x, 4, image);
    }
    double filter = 4.0 * 64 * 64 * 9;
    struct footprint f = footprint((uint64_t)(2 * filter));
    assert_true(f.blocked_weight_bytes == 2 * filter);
    assert_true(f.loading_bytes == 2 * filter + filter + 4 * filter);
    assert_true(f.resident_weight_bytes == 2 * filter);
}

static void a_table_in_another_file_is_read_row_by_row(void **state) {
    (void)state;
    int32_t table = weight("table", 30000, 256);
    int32_t rows = graph_add_tensor(graph, "ids", DTYPE_INT64);
    const int64_t one = 16;
    graph_set_shape(graph, rows, 1, &one);
    graph_add_input(graph, rows);
    apply("", "Gather", table, rows, 16, 256);
    double bytes = 4.0 * 30000 * 256;
    assert_true(footprint((uint64_t)bytes).resident_weight_bytes == bytes);
    assert_true(footprint((uint64_t)bytes).loading_bytes == 2 * bytes);
    assert_true(footprint(1000).resident_weight_bytes == 0);
    assert_true(footprint(1000).loading_bytes == 1000);
}

static void a_shared_matrix_is_held_packed_and_as_it_was(void **state) {
    (void)state;
    int32_t w = weight("w", 256, 256);
    int32_t x = input(256, 256);
    int32_t y = apply("", "MatMul", x, w, 256, 256);
    apply("", "Add", y, w, 256, 256);
    struct footprint f = footprint(4 * 256 * 256);
    assert_true(f.resident_weight_bytes == 2 * 4.0 * 256 * 256);
    assert_true(f.weight_tensors == 1);
}

static void a_matrix_is_packed_by_each_of_its_readers_and_held_once(void **state) {
    (void)state;
    int32_t w = weight("w", 256, 256);
    int32_t y = apply("", "MatMul", input(256, 256), w, 256, 256);
    apply("", "MatMul", y, w, 256, 256);
    struct footprint f = footprint(4 * 256 * 256);
    assert_true(f.packed_weight_bytes == 2 * 4.0 * 256 * 256);
    assert_true(f.resident_weight_bytes == 4.0 * 256 * 256);
    assert_true(f.large_matrix_bytes == 0);
}

static void transposed_convolutions_keep_their_filters_in_the_arena(void **state) {
    (void)state;
    const int64_t sizes[] = {64, 32, 2, 2}, image[] = {1, 64, 8, 8}, larger[] = {1, 32, 16, 16};
    int32_t x = graph_add_tensor(graph, "x", DTYPE_FLOAT32), w = weight("w", 1, 1);
    graph_set_shape(graph, x, 4, image);
    graph_set_shape(graph, w, 4, sizes);
    int32_t y = apply("", "ConvTranspose", x, w, 1, 1);
    graph_set_shape(graph, y, 4, larger);
    double filter = 4.0 * 64 * 32 * 4;
    struct footprint f = footprint((uint64_t)filter);
    assert_true(f.resident_weight_bytes == 0);
    assert_true(f.loading_bytes == 2 * filter);
    /* The first run writes the output and columns behind the filter, in the same region. */
    double columns = 4.0 * 32 * 4 * 64, output = 4.0 * 32 * 256;
    assert_true(f.first_run_bytes == output + columns);
    assert_true(f.arena_bytes == filter + output + columns + MIB / 32.0);
}

static void halves_are_held_beside_the_floats_made_of_them(void **state) {
    (void)state;
    int32_t x = input(8, 256);
    int32_t y = apply("", "MatMul", x, weight("w", 256, 256), 8, 256);
    double floats = 4.0 * 256 * 256;
    assert_true(footprint((uint64_t)(floats / 2)).loading_bytes == 2 * floats); /* packing */
    graph->tensors[apply("", "Cast", y, GRAPH_NONE, 8, 256)].dtype = DTYPE_FLOAT16;
    assert_true(footprint((uint64_t)(floats / 2)).loading_bytes == 2 * floats);
    for (int i = 0; i < 9; i++)
        y = apply("", "MatMul", y, weight("w", 256, 256), 8, 256);
    assert_true(footprint((uint64_t)(10 * floats / 2)).loading_bytes == 15.5 * floats);
}

static void kinds_of_operators_and_small_weights_are_counted(void **state) {
    (void)state;
    int32_t y = apply("", "MatMul", input(8, 64), weight("a", 64, 64), 8, 64);
    y = apply("", "MatMul", y, weight("b", 64, 1024), 8, 1024);
    y = apply("com.microsoft", "FastGelu", y, GRAPH_NONE, 8, 1024);
    apply("", "FastGelu", y, GRAPH_NONE, 8, 1024);
    struct footprint f = footprint(1000000);
    assert_true(f.operators == 4 && f.operator_kinds == 3);
    assert_true(f.weight_tensors == 2 && f.small_weight_bytes == 4.0 * 64 * 64);
}

static void large_tensors_are_copied_while_they_are_read(void **state) {
    (void)state;
    /* 160 MB: room for 50, 100, 200 million bytes; 50 and 100 are copied. */
    apply("", "MatMul", input(8, 10000), weight("w", 10000, 4000), 8, 4000);
    struct footprint f = footprint(160000000);
    assert_true(f.regrown_bytes == 150e6);
    assert_true(f.large_matrix_bytes == f.packed_weight_bytes);
    assert_true(f.external_bytes == 0);
}

static void weights_outside_the_file_are_told_apart(void **state) {
    (void)state;
    apply("", "MatMul", input(8, 10000), weight("w", 10000, 4000), 8, 4000);
    struct footprint f = footprint(1000);
    assert_true(f.external_bytes == 160e6);
    assert_true(f.regrown_bytes == 0);
}

/* 24 filters of 3 x 3 x 3: columns of 32, a depth of 27 padded to 64, and a sum per column. */
static void filters_of_eight_bits_are_packed_by_output_channel(void **state) {
    (void)state;
    int32_t x = input(10, 10), scale = weight("scale", 1, 1),
            w = graph_add_tensor(graph, "w", DTYPE_INT8);
    const int64_t sizes[] = {24, 3, 3, 3};
    graph_set_shape(graph, w, 4, sizes);
    graph->tensors[w].flags |= TENSOR_INITIALIZER;
    apply("com.microsoft", "QLinearConv", x, scale, 8, 8);
    graph_set_inputs(graph, 0, 4, (int32_t[]){x, scale, scale, w});
    assert_true(footprint(1000).packed_weight_bytes == 32 * (64 + 4));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(only_pages_handed_out_are_written),
        TEST(regions_double_from_one_mebibyte),
        TEST(a_chunk_less_than_twice_the_request_is_not_divided),
        TEST(neighbours_given_back_become_one),
        TEST(of_equal_chunks_the_newest_region_is_taken),
        TEST(relu_writes_over_its_input_and_add_does_not),
        TEST(what_is_read_again_is_not_written_over),
        TEST(a_view_keeps_its_input_alive),
        TEST(a_released_tensor_of_the_same_shape_is_taken_over),
        TEST(fast_gelu_does_not_write_over_its_input),
        TEST(what_nobody_reads_stays_unless_it_is_taken_over),
        TEST(outputs_of_the_graph_stand_alone),
        TEST(later_runs_need_one_block_more),
        TEST(a_block_is_filled_behind_its_last_tensor_too),
        TEST(branches_may_be_worked_through_in_another_order),
        TEST(an_order_that_never_differs_is_the_only_one),
        TEST(an_empty_graph_uses_nothing),
        TEST(the_largest_weight_is_held_twice_while_the_file_is_read),
        TEST(packed_matrices_are_padded),
        TEST(filters_of_eight_bits_are_packed_by_output_channel),
        TEST(reordered_filters_are_held_four_times_beside_the_file),
        TEST(a_table_in_another_file_is_read_row_by_row),
        TEST(a_shared_matrix_is_held_packed_and_as_it_was),
        TEST(a_matrix_is_packed_by_each_of_its_readers_and_held_once),
        TEST(transposed_convolutions_keep_their_filters_in_the_arena),
        TEST(halves_are_held_beside_the_floats_made_of_them),
        TEST(kinds_of_operators_and_small_weights_are_counted),
        TEST(large_tensors_are_copied_while_they_are_read),
        TEST(weights_outside_the_file_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
