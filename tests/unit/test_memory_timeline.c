/* What is held operator by operator, on a chain that can be followed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/memory_timeline.h"

enum { MIB = 1 << 20 };

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

static int32_t tensor(const char *name, int64_t mib) {
    const int64_t size = mib * MIB / 4;
    int32_t t = graph_add_tensor(graph, name, DTYPE_FLOAT32);
    graph_set_shape(graph, t, 1, &size);
    return t;
}

static int32_t apply(const char *name, int32_t from, int64_t mib) {
    int32_t out = tensor(name, mib);
    int32_t op = graph_add_op(graph, name, "Slice", "");
    graph_set_inputs(graph, op, 1, &from);
    graph_set_outputs(graph, op, 1, &out);
    graph->tensors[out].producer = op;
    return out;
}

/* x -> a (4 MiB) -> b (16 MiB) -> c (1 MiB) -> d (2 MiB), the output. */
static struct memory_timeline chain(uint64_t file_bytes) {
    struct flat_graph flat;
    struct footprint footprint;
    struct memory_timeline timeline;
    struct err err = {0};
    int32_t x = tensor("x", 1);
    graph_add_input(graph, x);
    int32_t d = apply("d", apply("c", apply("b", apply("a", x, 4), 16), 1), 2);
    graph_add_output(graph, d);
    if (flat_graph_build(&arena, graph, &flat, &err))
        fail_msg("%s", err.message);
    footprint_of(graph, &flat, file_bytes, &footprint);
    memory_timeline_of(&arena, graph, &flat, &footprint, &timeline);
    return timeline;
}

static void tensors_live_from_their_writer_to_their_last_reader(void **state) {
    (void)state;
    struct memory_timeline timeline = chain(0);
    static const int live_mib[] = {4, 4 + 16, 16 + 1, 1 + 2};
    assert_int_equal(timeline.step_count, 4);
    for (int i = 0; i < 4; i++)
        assert_true(timeline.steps[i].live_bytes == live_mib[i] * (double)MIB);
    assert_int_equal(timeline.live_peak, 1);
    assert_string_equal(timeline.steps[1].name, "b");
}

static void the_arena_gives_nothing_back(void **state) {
    (void)state;
    struct memory_timeline timeline = chain(0);
    for (uint32_t i = 1; i < timeline.step_count; i++)
        assert_true(timeline.steps[i].arena_bytes >= timeline.steps[i - 1].arena_bytes);
    for (uint32_t i = 0; i < timeline.step_count; i++)
        assert_true(timeline.steps[i].arena_bytes >= timeline.steps[i].live_bytes);
    assert_true(memory_timeline_held(&timeline, 0) ==
                timeline.steps[0].arena_bytes + timeline.feed_bytes);
}

static void the_end_of_the_timeline_is_the_footprint_of_the_first_run(void **state) {
    (void)state;
    struct memory_timeline timeline = chain(0);
    struct flat_graph flat;
    struct footprint footprint;
    struct err err = {0};
    assert_int_equal(flat_graph_build(&arena, graph, &flat, &err), 0);
    footprint_of(graph, &flat, 0, &footprint);
    assert_true(timeline.steps[timeline.step_count - 1].arena_bytes == footprint.first_run_bytes);
}

static void the_owner_of_the_peak_is_named(void **state) {
    (void)state;
    struct memory_timeline timeline = chain(200 * (uint64_t)MIB);
    assert_string_equal(timeline.owner, MEMORY_OWNER_LOADING);
    assert_true(timeline.peak_bytes == timeline.loading_bytes);
}

static void without_a_large_file_running_owns_the_peak(void **state) {
    (void)state;
    struct memory_timeline timeline = chain(0);
    assert_string_not_equal(timeline.owner, MEMORY_OWNER_LOADING);
    assert_true(timeline.peak_bytes >= 20.0 * MIB);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tensors_live_from_their_writer_to_their_last_reader, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_arena_gives_nothing_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_of_the_timeline_is_the_footprint_of_the_first_run,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_owner_of_the_peak_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_large_file_running_owns_the_peak, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
