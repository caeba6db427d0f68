/* What was seen of memory: as a timeline, held against another, through a pipe and the database's
 * shape and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "collectors/onnxruntime/memory_frame.h"
#include "core/memory_use.h"
#include "jobs/memory_metrics.h"

#include <math.h>
#include <string.h>

enum { MIB = 1 << 20, STEPS = 3 };

static struct arena arena;

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

/* Operators 2, 0 and 1 ran in this order. */
static struct memory_use seen(void) {
    struct memory_use use = {.steps = ARENA_ARRAY(&arena, STEPS, struct memory_use_step),
                             .step_count = STEPS,
                             .high_water_bytes = 100.0 * MIB,
                             .loading_high_water_bytes = 90.0 * MIB,
                             .feed_bytes = 1.0 * MIB,
                             .owner = OWNER_OPERATOR,
                             .owner_op = 0,
                             .phase = LOADING_REORDER};
    for (int moment = 0; moment < MEMORY_MOMENTS; moment++)
        for (int part = 0; part < MEMORY_PARTS; part++) {
            use.at[moment].resident_bytes[part] = (moment + 1) * (part + 1) * (double)MIB;
            use.at[moment].proportional_bytes[part] =
                use.at[moment].resident_bytes[part] / (part == MEMORY_LIBRARIES ? 2 : 1);
        }
    for (int i = 0; i < STEPS; i++)
        use.steps[i] =
            (struct memory_use_step){(i + 2) % STEPS, 11 + i,          21 + i, (i + 1.0) * MIB,
                                     (i + 8.0) * MIB, (i + 4.0) * MIB, 51 + i, 61 + i};
    return use;
}

static struct operator_names three_names(void) {
    static const char *names[] = {"a", "b", "c"};
    static const char *types[] = {"Conv", "Relu", "Add"};
    return (struct operator_names){names, types, STEPS};
}

static struct memory_timeline timeline_of(const struct memory_use *use) {
    const struct operator_names names = three_names();
    struct memory_timeline timeline;
    memory_use_timeline(&arena, use, &names, &timeline);
    return timeline;
}

static void a_timeline_stands_in_the_order_of_execution(void **state) {
    (void)state;
    struct memory_use use = seen();
    struct memory_timeline t = timeline_of(&use);
    assert_true(t.measured);
    assert_int_equal(t.step_count, STEPS);
    assert_string_equal(t.steps[0].name, "c");
    assert_string_equal(t.steps[1].type, "Conv");
    assert_true(t.steps[2].live_bytes == 3.0 * MIB && t.steps[2].arena_bytes == 6.0 * MIB);
    assert_int_equal(t.live_peak, 2);
    assert_string_equal(t.owner, "a");
    /* Moments hold 28 MiB times their number; the process alone is the first. */
    assert_true(t.weight_bytes == 28.0 * MIB);
    assert_true(t.peak_bytes == 72.0 * MIB && t.loading_bytes == 62.0 * MIB);
}

static void the_owner_of_a_peak_may_be_no_operator(void **state) {
    (void)state;
    struct memory_use use = seen();
    use.owner = OWNER_LOADING;
    assert_string_equal(timeline_of(&use).owner, "loading the model: reordering filters");
    use.owner = OWNER_LATER;
    assert_string_equal(timeline_of(&use).owner, MEMORY_OWNER_LATER);
    use.owner = OWNER_OPERATOR;
    use.owner_op = GRAPH_NONE;
    assert_string_equal(timeline_of(&use).owner, "the first run");
}

static void timelines_are_compared_by_the_names_of_steps(void **state) {
    (void)state;
    struct memory_use use = seen();
    struct memory_timeline a = timeline_of(&use), b = timeline_of(&use);
    struct memory_agreement same;
    memory_timelines_compare(&arena, &a, &b, &same);
    assert_int_equal(same.steps, STEPS);
    assert_true(same.live == 0 && same.arena == 0 && same.later == 0 && same.loading == 0);
    struct memory_step first = a.steps[0];
    a.steps[0] = a.steps[2]; /* another order is no other memory */
    a.steps[2] = first;
    a.loading_bytes *= 1.5;
    memory_timelines_compare(&arena, &a, &b, &same);
    assert_true(same.live == 0 && fabs(same.loading - 0.5) < 1e-12);
    a.step_count = 0;
    memory_timelines_compare(&arena, &a, &b, &same);
    assert_int_equal(same.steps, 0);
}

/* ---- through the pipe ------------------------------------------------------------------------ */

static int through_the_pipe(const struct memory_use *use, size_t cut, struct memory_use *out) {
    struct strbuf text;
    struct err err = {0};
    strbuf_init(&text);
    memory_frame_put(&text, use);
    struct frame_cursor in = {(const unsigned char *)text.text, text.length - cut, false};
    int code = memory_frame_get(&in, &arena, STEPS, out, &err);
    strbuf_done(&text);
    return code;
}

static void a_frame_carries_all_of_it(void **state) {
    (void)state;
    struct memory_use use = seen(), out;
    assert_int_equal(through_the_pipe(&use, 0, &out), 0);
    assert_memory_equal(out.at, use.at, sizeof use.at);
    assert_memory_equal(out.steps, use.steps, STEPS * sizeof *use.steps);
    assert_int_equal(out.owner_op, 0);
    assert_int_equal(out.phase, LOADING_REORDER);
}

static void a_damaged_frame_is_refused(void **state) {
    (void)state;
    struct memory_use use = seen(), out;
    assert_int_equal(through_the_pipe(&use, 1, &out), -ERR_BUG);
    use.steps[1].op = STEPS;
    assert_int_equal(through_the_pipe(&use, 0, &out), -ERR_BUG);
    use = seen();
    use.owner_op = STEPS;
    assert_int_equal(through_the_pipe(&use, 0, &out), -ERR_BUG);
    use = seen();
    use.phase = LOADING_PHASES;
    assert_int_equal(through_the_pipe(&use, 0, &out), -ERR_BUG);
}

/* ---- as metrics of a run --------------------------------------------------------------------- */

static struct stored_run as_metrics(const struct memory_use *use) {
    struct stored_metric *metrics = ARENA_ARRAY(&arena, MEMORY_RUN_METRICS, struct stored_metric);
    struct stored_op *ops = ARENA_ARRAY(&arena, STEPS, struct stored_op);
    struct stored_run run = {.metrics = metrics, .ops = ops, .op_count = STEPS};
    memory_run_metrics(&arena, use, metrics, &run.metric_count);
    assert_true(run.metric_count <= MEMORY_RUN_METRICS);
    for (uint32_t i = 0; i < STEPS; i++)
        ops[i].index = i;
    for (uint32_t place = 0; place < STEPS; place++) {
        struct stored_op *op = &ops[use->steps[place].op];
        struct stored_metric *own = ARENA_ARRAY(&arena, MEMORY_OP_METRICS, struct stored_metric);
        memory_op_metrics(&use->steps[place], place, own, &op->metric_count);
        assert_int_equal(op->metric_count, MEMORY_OP_METRICS);
        op->metrics = own;
    }
    return run;
}

static void metrics_bring_all_of_it_back(void **state) {
    (void)state;
    struct memory_use use = seen();
    struct stored_run run = as_metrics(&use);
    const struct memory_use *out = memory_of_run(&arena, &run);
    assert_non_null(out);
    assert_memory_equal(out->at, use.at, sizeof use.at);
    assert_int_equal(out->step_count, STEPS);
    assert_memory_equal(out->steps, use.steps, STEPS * sizeof *use.steps);
    assert_true(out->high_water_bytes == use.high_water_bytes);
    assert_true(out->loading_high_water_bytes == use.loading_high_water_bytes);
    assert_true(out->feed_bytes == use.feed_bytes);
    assert_int_equal(out->owner, OWNER_OPERATOR);
    assert_int_equal(out->owner_op, 0);
    assert_int_equal(out->phase, LOADING_REORDER);
}

static void a_run_without_has_none(void **state) {
    (void)state;
    struct stored_run run = {0};
    assert_null(memory_of_run(&arena, &run));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_timeline_stands_in_the_order_of_execution),
        TEST(the_owner_of_a_peak_may_be_no_operator),
        TEST(timelines_are_compared_by_the_names_of_steps),
        TEST(a_frame_carries_all_of_it),
        TEST(a_damaged_frame_is_refused),
        TEST(metrics_bring_all_of_it_back),
        TEST(a_run_without_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
