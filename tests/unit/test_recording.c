/* What is worked out of a recording's tree: calls by name, children in order, stacks. */
#include "core/recording.h"
#include "reports/recording.h"
#include "reports/recording_figure.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NODE(up, text, calls, total, own)                                                          \
    {                                                                                              \
        .parent = up, .kind = SPAN_OPERATOR, .name = text, .category = "", .shapes = "",           \
        .dtypes = "", .device = "", .attributes = "", .count = calls, .total_ns = total,           \
        .self_ns = own, .low_ns = total, .high_ns = total                                          \
    }

/* f calls itself, and g twice. */
static struct recording_node nodes[] = {
    NODE(-1, "f", 1, 100000, 10000),    NODE(0, "g", 2, 20000, 20000),
    NODE(0, "f", 1, 70000, 65000),      NODE(2, "g", 1, 5000, 5000),
    NODE(-1, "h;x", 1, 300000, 300000),
};

static const struct recording recording = {.format = "x",
                                           .path = "",
                                           .sha256 = "",
                                           .nodes = nodes,
                                           .node_count = 5,
                                           .overhead_ns = NAN,
                                           .complete = true};

static void calls_are_merged_by_name_and_recursion_counts_once(void **state) {
    struct arena arena;
    uint32_t count;
    (void)state;
    arena_init(&arena);
    struct recording_call *calls = recording_calls(&arena, &recording, false, &count);
    assert_int_equal(count, 3);
    assert_string_equal(calls[0].node->name, "h;x");
    assert_string_equal(calls[1].node->name, "f");
    assert_int_equal(calls[1].count, 2);
    assert_int_equal(calls[1].total_ns, 100000); /* not 170000 */
    assert_int_equal(calls[1].self_ns, 75000);
    assert_int_equal(calls[1].low_ns, 70000);
    assert_int_equal(calls[2].count, 3);
    assert_int_equal(calls[2].total_ns, 25000);
    assert_int_equal(recording_self_ns(&recording), 400000);
    arena_done(&arena);
}

static void children_come_by_total_time(void **state) {
    struct arena arena;
    (void)state;
    arena_init(&arena);
    struct recording_links links = recording_links(&arena, &recording);
    assert_int_equal(links.first[0], 4);
    assert_int_equal(links.next[4], 0);
    assert_int_equal(links.first[1], 2);
    assert_int_equal(links.next[2], 1);
    assert_int_equal(links.next[1], -1);
    arena_done(&arena);
}

static void small_parts_and_long_lists_are_left_out_of_the_tree(void **state) {
    struct arena arena;
    struct table table;
    (void)state;
    arena_init(&arena);
    recording_tree_table(&arena, &recording, 0, 0, 0, &table);
    assert_int_equal(table.row_count, 5);
    assert_string_equal(table_cell(&table, 3, 0)->text, "    g");
    recording_tree_table(&arena, &recording, 0, 0, 0.1, &table);
    assert_int_equal(table.row_count, 3);
    recording_tree_table(&arena, &recording, 0, 1, 0, &table);
    assert_int_equal(table.row_count, 1);
    recording_tree_table(&arena, &recording, 2, 0, 0, &table);
    assert_int_equal(table.row_count, 4); /* all but the g inside f inside f */
    arena_done(&arena);
}

static void readings_are_series_with_their_range(void **state) {
    static struct track_sample samples[] = {
        {"a", "bytes", 0, 10, 3},
        {"a", "bytes", 0, 20, 9},
        {"a", "bytes", 0, 30, 9},
        {"b", "bytes", 0, 10, 1},
        {"b", "bytes", 4, 10, 2},
    };
    struct recording read = recording;
    struct arena arena;
    uint32_t count;
    (void)state;
    arena_init(&arena);
    read.samples = samples;
    read.sample_count = 5;
    struct recording_series *series = recording_series(&arena, &read, &count);
    assert_int_equal(count, 3);
    assert_int_equal(series[0].count, 3);
    assert_int_equal(series[0].high->at_ns, 20);
    assert_true(series[0].low == 3);
    assert_ptr_equal(series[2].samples, &samples[4]);
    arena_done(&arena);
}

static void stacks_are_folded(void **state) {
    struct arena arena;
    struct strbuf text;
    (void)state;
    arena_init(&arena);
    strbuf_init(&text);
    recording_folded(&arena, &recording, &text);
    assert_string_equal(text.text, "f 10\nf;g 20\nf;f 65\nf;f;g 5\nh,x 300\n");
    strbuf_done(&text);
    arena_done(&arena);
}

static void a_recording_without_operators_has_no_picture(void **state) {
    struct recording empty = recording;
    struct arena arena;
    struct strbuf svg;
    struct err err = {0};
    (void)state;
    empty.node_count = 0;
    arena_init(&arena);
    strbuf_init(&svg);
    assert_int_equal(recording_picture(&arena, &empty, &svg, &err), -ERR_INPUT);
    strbuf_done(&svg);
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_merged_by_name_and_recursion_counts_once),
        cmocka_unit_test(children_come_by_total_time),
        cmocka_unit_test(small_parts_and_long_lists_are_left_out_of_the_tree),
        cmocka_unit_test(readings_are_series_with_their_range),
        cmocka_unit_test(stacks_are_folded),
        cmocka_unit_test(a_recording_without_operators_has_no_picture),
    };
    return cmocka_run_group_tests_name("recording", tests, NULL, NULL);
}
