/* From a lowered graph and a fit to an answer: control flow, refusals, shares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "predictor/predict.h"
#include "tests/unit/synthetic.h"

static struct arena arena;
static struct fit fit;

/* Rates that make sums easy: a Relu of n elements takes n ns, control flow nothing to speak of. */
static int set_up(void **state) {
    (void)state;
    static struct class_fit classes[] = {
        {.key = "If/bool",          .family = FAMILY_CONTROL},
        {             .key = "Loop/int64", .family = FAMILY_CONTROL                        },
        { .key = "Relu",          .family = FAMILY_ELEMENTWISE,                                  .rates = {0, 1}},
    };
    arena_init(&arena);
    for (size_t i = 0; i < 3; i++) {
        classes[i].observations = 100;
        classes[i].log_spread = 0.05;
        classes[i].flops_high = classes[i].bytes_high = 1e12;
    }
    fit = (struct fit){
        .cost = {.classes = classes, .class_count = 3, .roofline = {10, 10, 100}},
        .sum_ratio = 1,
        .wall_ratio = 1,
        .cpu_ratio = 1,
        .spread = run_spread_assumed(),
        .evidence = "fit:7"
    };
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

/* ---- building -------------------------------------------------------------------------------- */

static int32_t add_relu(struct graph *graph, const char *name, int64_t elements) {
    int32_t from = graph_add_tensor(graph, "from", DTYPE_FLOAT32);
    int32_t to = graph_add_tensor(graph, "to", DTYPE_FLOAT32);
    graph_set_shape(graph, from, 1, &elements);
    graph_set_shape(graph, to, 1, &elements);
    int32_t op = graph_add_op(graph, name, "Relu", "");
    graph_set_inputs(graph, op, 1, &from);
    graph_set_outputs(graph, op, 1, &to);
    return op;
}

static struct graph *add_branch(struct graph *graph, int32_t op, const char *name) {
    struct graph *branch = graph_new(&arena, name);
    branch->parent = graph;
    graph_add_attribute(graph, op, name, ATTRIBUTE_GRAPH)->graph = branch;
    return branch;
}

static int32_t add_if(struct graph *graph, const char *name) {
    int32_t condition = graph_add_tensor(graph, "condition", DTYPE_BOOL);
    graph_set_shape(graph, condition, 0, NULL);
    int32_t op = graph_add_op(graph, name, "If", "");
    graph_set_inputs(graph, op, 1, &condition);
    return op;
}

/* trips below 0: not known. */
static int32_t add_loop(struct graph *graph, const char *name, int64_t trips) {
    int32_t count = graph_add_tensor(graph, "trips", DTYPE_INT64);
    graph_set_shape(graph, count, 0, NULL);
    if (trips >= 0) {
        struct tensor_values *values = ARENA_NEW(&arena, struct tensor_values);
        int64_t *ints = ARENA_ARRAY(&arena, 1, int64_t);
        *ints = trips;
        *values = (struct tensor_values){1, ints, NULL};
        graph->tensors[count].values = values;
    }
    int32_t op = graph_add_op(graph, name, "Loop", "");
    graph_set_inputs(graph, op, 1, &count);
    return op;
}

static struct prediction answer_by(const struct graph *graph,
                                   const struct predict_options *options) {
    struct flat_graph flat;
    struct prediction prediction = {0};
    struct err err = {0};
    if (flat_graph_build(&arena, graph, &flat, &err))
        fail_msg("%s", err.message);
    predict_model(&arena, &fit, graph, &flat, 1000, options, &prediction);
    return prediction;
}

static struct prediction answer_for(const struct graph *graph, bool allow_roofline) {
    const struct predict_options options = {
        .target = {.block = 16}, .memory_confidence = 0.99, .allow_roofline = allow_roofline};
    return answer_by(graph, &options);
}

static double share_sum(const struct prediction *p) {
    double sum = 0;
    for (uint32_t i = 0; i < p->operator_count; i++)
        sum += p->operators[i].share;
    return sum;
}

static const struct operator_row *row_of(const struct prediction *p, const char *name) {
    for (uint32_t i = 0; i < p->operator_count; i++)
        if (strcmp(p->operators[i].name, name) == 0)
            return &p->operators[i];
    fail_msg("no operator %s", name);
    return NULL;
}

static void expect_ns(const struct prediction *p, double ns) {
    /* Control flow itself counts its least, 1 ns each. */
    if (fabs(p->latency_ns.value - ns) > 8)
        fail_msg("%.1f ns, not %.0f", p->latency_ns.value, ns);
    assert_true(fabs(share_sum(p) - 1) < 1e-9);
    assert_true(p->latency_ns.low < p->latency_ns.value &&
                p->latency_ns.value < p->latency_ns.high);
}

/* ---- sums ------------------------------------------------------------------------------------ */

static void a_model_is_the_sum_of_its_operators(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    add_relu(graph, "a", 1000);
    add_relu(graph, "b", 3000);
    struct prediction p = answer_for(graph, true);
    expect_ns(&p, 4000);
    assert_int_equal(p.latency_ns.tier, TIER_FITTED);
    assert_string_equal(p.latency_ns.evidence, "fit:7");
    assert_true(fabs(row_of(&p, "b")->share - 0.75) < 1e-9);
    assert_int_equal(p.warning_count, 0);
    assert_int_equal(p.refused_count, 0);
    assert_true(row_of(&p, "a")->flops == 1000 && row_of(&p, "a")->bytes == 8000);
}

/* Loading follows less than computing does, and every phase of a start alike. */
static void loading_follows_the_machines_speed(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "slow");
    add_relu(graph, "one", 10000);
    struct predict_options options = {
        .target = {.block = 16}, .memory_confidence = 0.99, .allow_roofline = true};
    for (int q = 0; q < QUANTITY_COUNT; q++)
        fit.quantities[q] = (struct quantity_fit){
            .rates = {1e6}, .runs = 10, .interval_scale = 1, .upper_scale = 1};
    const struct prediction usual = answer_by(graph, &options);
    options.slowness = 1.5;
    const struct prediction slow = answer_by(graph, &options);
    double factor = slowness_of_loading(1.5);
    assert_true(factor > 1.2 && factor < 1.5);
    assert_true(fabs(slow.load_time_ns.value / usual.load_time_ns.value - factor) < 1e-9);
    assert_true(fabs(slow.first_run_ns.value / usual.first_run_ns.value - factor) < 1e-9);
    assert_true(fabs(slow.cold_start.total_ns.value / usual.cold_start.total_ns.value - factor) <
                1e-9);
    assert_true(slow.peak_memory_bytes.value == usual.peak_memory_bytes.value);
}

/* A class that grows with the square of the machine's slowness, and one that does not at all. */
static void every_class_follows_the_machines_speed_in_its_own_way(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "slow");
    add_relu(graph, "one", 10000);
    add_if(graph, "either");
    struct predict_options options = {
        .target = {.block = 16}, .memory_confidence = 0.99, .allow_roofline = true};
    const struct prediction usual = answer_by(graph, &options);
    fit.cost.classes[2].slowdown = 2;
    options.slowness = 1.5;
    const struct prediction slow = answer_by(graph, &options);
    expect_ns(&usual, 10000);
    assert_true(fabs(row_of(&slow, "one")->latency_ns.value - 22500) < 1e-6);
    assert_true(row_of(&slow, "either")->latency_ns.value ==
                row_of(&usual, "either")->latency_ns.value);
    expect_ns(&slow, 22500);
    fit.cost.classes[2].slowdown = 0;
}

static void who_has_looked_at_the_speed_knows_more(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "looked at");
    add_relu(graph, "one", 10000);
    struct predict_options options = {
        .target = {.block = 16}, .memory_confidence = 0.99, .allow_roofline = true};
    fit.speed_log_spread = 0.4;
    fit.speed_change_log_spread = 0.1;
    const struct estimate usual = answer_by(graph, &options).latency_ns;
    options.speed_seen = true;
    const struct estimate now = answer_by(graph, &options).latency_ns;
    assert_true(now.value == usual.value);
    double wide = log(usual.high / usual.value) / 1.6448536269514722,
           narrow = log(now.high / now.value) / 1.6448536269514722;
    assert_true(narrow >= 0.1);
    assert_true(fabs(wide * wide - narrow * narrow - (0.4 * 0.4 - 0.1 * 0.1)) < 1e-9);
}

static void an_empty_graph_takes_nothing(void **state) {
    (void)state;
    struct prediction p = answer_for(graph_new(&arena, "g"), true);
    assert_int_equal(p.operator_count, 0);
    assert_true(p.latency_ns.value == 0);
}

/* ---- control flow ---------------------------------------------------------------------------- */

static void an_if_counts_its_costlier_branch(void **state) {
    (void)state;
    for (int turned = 0; turned < 2; turned++) {
        struct graph *graph = graph_new(&arena, "g");
        int32_t op = add_if(graph, "choice");
        add_relu(add_branch(graph, op, "then_branch"), "dear", turned ? 100 : 5000);
        add_relu(add_branch(graph, op, "else_branch"), "cheap", turned ? 5000 : 100);
        add_relu(graph, "after", 1000);
        struct prediction p = answer_for(graph, true);
        expect_ns(&p, 6000);
        assert_true(
            row_of(&p, turned ? "choice/then_branch/dear" : "choice/else_branch/cheap")->share ==
            0);
        assert_int_equal(p.warning_count, 1);
        assert_non_null(strstr(p.warnings[0], "choice"));
    }
}

static void ifs_inside_ifs_are_settled_inside_first(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t outer = add_if(graph, "outer");
    struct graph *left = add_branch(graph, outer, "then_branch"),
                 *right = add_branch(graph, outer, "else_branch");
    int32_t inner = add_if(left, "inner");
    /* Together dearer than the right side; only one of them runs. */
    add_relu(add_branch(left, inner, "then_branch"), "a", 3000);
    add_relu(add_branch(left, inner, "else_branch"), "b", 3000);
    add_relu(right, "c", 4000);
    struct prediction p = answer_for(graph, true);
    expect_ns(&p, 4000);
    assert_int_equal(p.warning_count, 1); /* the inner one is not reached */
}

static void a_loop_counts_its_passes(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t loop = add_loop(graph, "ten", 10);
    add_relu(add_branch(graph, loop, "body"), "step", 500);
    struct prediction p = answer_for(graph, true);
    expect_ns(&p, 5000);
    assert_int_equal(p.warning_count, 0);
    assert_true(fabs(row_of(&p, "ten/body/step")->latency_ns.value - 500) < 1); /* of one pass */
    assert_true(row_of(&p, "ten/body/step")->share > 0.99);
}

static void an_if_in_a_loop_in_a_loop(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t outer = add_loop(graph, "outer", 3);
    struct graph *body = add_branch(graph, outer, "body");
    int32_t inner = add_loop(body, "inner", 4);
    struct graph *deep = add_branch(body, inner, "body");
    int32_t choice = add_if(deep, "choice");
    add_relu(add_branch(deep, choice, "then_branch"), "x", 700);
    add_relu(add_branch(deep, choice, "else_branch"), "y", 200);
    add_relu(body, "z", 1000);
    struct prediction p = answer_for(graph, true);
    /* The If itself runs 12 times, the inner Loop 3 times, at 1 ns. */
    assert_true(fabs(p.latency_ns.value - (3 * (4 * 700 + 1000) + 12 + 3 + 1)) < 1e-6);
    assert_true(fabs(share_sum(&p) - 1) < 1e-9);
}

static void a_loop_inside_a_branch_weighs_with_all_its_passes(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t choice = add_if(graph, "choice");
    struct graph *left = add_branch(graph, choice, "then_branch");
    int32_t loop = add_loop(left, "many", 100);
    add_relu(add_branch(left, loop, "body"), "step", 100);
    add_relu(add_branch(graph, choice, "else_branch"), "once", 5000);
    struct prediction p = answer_for(graph, true);
    expect_ns(&p, 10000);
}

static void passes_that_nobody_knows_count_once_and_are_said(void **state) {
    (void)state;
    static const int64_t trips[] = {-1, INT64_MAX};
    for (size_t i = 0; i < 2; i++) {
        struct graph *graph = graph_new(&arena, "g");
        int32_t loop = add_loop(graph, "while", trips[i]);
        add_relu(add_branch(graph, loop, "body"), "step", 500);
        struct prediction p = answer_for(graph, true);
        expect_ns(&p, 500);
        assert_int_equal(p.warning_count, 1);
        assert_non_null(strstr(p.warnings[0], "while"));
    }
}

static void a_loop_of_no_passes_costs_nothing(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int32_t loop = add_loop(graph, "never", 0);
    add_relu(add_branch(graph, loop, "body"), "step", 500);
    add_relu(graph, "after", 100);
    struct prediction p = answer_for(graph, true);
    expect_ns(&p, 100);
    assert_int_equal(p.warning_count, 0);
}

/* ---- refusing -------------------------------------------------------------------------------- */

static void expect_no_totals(const struct prediction *p) {
    const struct estimate *const totals[] = {&p->latency_ns,        &p->cpu_time_ns,
                                             &p->peak_memory_bytes, &p->resident_memory_bytes,
                                             &p->load_time_ns,      &p->first_run_ns};
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) {
        assert_true(isnan(totals[i]->value) && isnan(totals[i]->low));
        assert_int_equal(totals[i]->tier, TIER_REFUSED);
    }
    assert_true(isnan(p->peak_memory_upper.value));
}

static void an_unknown_type_is_refused_by_name(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    add_relu(graph, "a", 1000);
    graph_add_op(graph, "strange", "Frobnicate", "my.house");
    struct prediction p = answer_for(graph, true);
    assert_int_equal(p.refused_count, 1);
    assert_string_equal(p.refused[0].name, "strange");
    assert_string_equal(p.refused[0].op, "my.house.Frobnicate");
    assert_non_null(strstr(p.refused[0].why, "Frobnicate"));
    expect_no_totals(&p);
    assert_true(isnan(row_of(&p, "strange")->latency_ns.value));
    assert_true(isfinite(row_of(&p, "a")->latency_ns.value)); /* what is known is told */
}

static void the_roofline_answers_or_is_refused_as_asked(void **state) {
    (void)state;
    struct graph *graph = graph_new(&arena, "g");
    int64_t shape[] = {1, 8, 4, 4}, pooled[] = {1, 8, 1, 1};
    int32_t in = graph_add_tensor(graph, "in", DTYPE_FLOAT32),
            out = graph_add_tensor(graph, "out", DTYPE_FLOAT32);
    graph_set_shape(graph, in, 4, shape);
    graph_set_shape(graph, out, 4, pooled);
    int32_t op = graph_add_op(graph, "pool", "GlobalAveragePool", "");
    graph_set_inputs(graph, op, 1, &in);
    graph_set_outputs(graph, op, 1, &out);
    struct prediction p = answer_for(graph, true);
    assert_int_equal(p.refused_count, 0);
    assert_int_equal(p.latency_ns.tier, TIER_ROOFLINE);
    p = answer_for(graph, false);
    assert_int_equal(p.refused_count, 1);
    assert_non_null(strstr(p.refused[0].why, "GlobalAveragePool"));
    expect_no_totals(&p);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_model_is_the_sum_of_its_operators),
        TEST(loading_follows_the_machines_speed),
        TEST(every_class_follows_the_machines_speed_in_its_own_way),
        TEST(who_has_looked_at_the_speed_knows_more),
        TEST(an_empty_graph_takes_nothing),
        TEST(an_if_counts_its_costlier_branch),
        TEST(ifs_inside_ifs_are_settled_inside_first),
        TEST(a_loop_counts_its_passes),
        TEST(an_if_in_a_loop_in_a_loop),
        TEST(a_loop_inside_a_branch_weighs_with_all_its_passes),
        TEST(passes_that_nobody_knows_count_once_and_are_said),
        TEST(a_loop_of_no_passes_costs_nothing),
        TEST(an_unknown_type_is_refused_by_name),
        TEST(the_roofline_answers_or_is_refused_as_asked),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
