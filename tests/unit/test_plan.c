#include "core/plan.h"
#include "predictor/capacity/pack.h"
#include "predictor/capacity/planner.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MIB 1048576.0

static const struct slo p99_50ms = {99, 50e6};

static struct plan plan_of(struct arena *arena, struct estimate latency) {
    struct plan plan = {.model = "mobilenet_v2",
                        .rate_per_second = 200,
                        .targets = &p99_50ms,
                        .target_count = 1,
                        .routing = ROUTING_RANDOM,
                        .latency_ns = latency,
                        .cold_start_ns = estimate_refused(),
                        .memory_confidence = 0.9};
    plan_serve_alone(arena, &plan, 1, 150 * MIB);
    return plan;
}

static void routings_are_found_by_name(void **state) {
    (void)state;
    for (enum routing routing = 0; routing < ROUTING_COUNT; routing++)
        assert_int_equal(routing_by_name(routing_info(routing)->name), routing);
    assert_int_equal(routing_by_name("sideways"), ROUTING_COUNT);
}

static void the_upper_latency_needs_no_fewer_replicas(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct node_type node;
    arena_init(&arena);
    struct plan plan = plan_of(&arena, (struct estimate){12e6, 10e6, 15e6, TIER_FITTED, ""});
    assert_int_equal(node_type_parse(&arena, "cpus=8,memory=32GiB,price=0.38", &node, &err), 0);
    plan.offers = &node;
    plan.offer_count = 1;
    assert_int_equal(planner_solve(&arena, &plan, NULL, &err), 0);
    assert_true(plan.high.service_ns == 15e6 && plan.value.service_ns == 12e6);
    assert_true(plan.high.n.replicas >= plan.value.n.replicas);
    assert_true(plan.high.n.meets && !plan.high.less.meets);
    assert_int_equal(plan.high.nodes[0].count, (plan.high.n.replicas + 6) / 7);
    assert_true(fabs(plan.high.usd_per_hour - 0.38 * (double)plan.high.nodes[0].count) < 1e-9);
    arena_done(&arena);
}

static void an_unreachable_target_keeps_the_answer_for_the_middle(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    struct plan plan = plan_of(&arena, (struct estimate){20e6, 10e6, 61e6, TIER_FITTED, ""});
    assert_int_equal(planner_solve(&arena, &plan, NULL, &err), -ERR_FINDING);
    assert_string_equal(plan.high.reason, err.message);
    assert_non_null(strstr(plan.high.reason, "61.0 ms (upper bound)"));
    assert_null(plan.value.reason);
    assert_true(plan.value.n.replicas > 4);
    arena_done(&arena);
}

static void a_refused_latency_gives_no_plan(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    struct plan plan = plan_of(&arena, estimate_refused());
    assert_int_equal(planner_solve(&arena, &plan, NULL, &err), -ERR_FINDING);
    arena_done(&arena);
}

static void without_nodes_the_price_is_unknown(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    struct plan plan = plan_of(&arena, (struct estimate){12e6, 10e6, 15e6, TIER_FITTED, ""});
    assert_int_equal(planner_solve(&arena, &plan, NULL, &err), 0);
    assert_int_equal(plan.high.node_count, 0);
    assert_true(isnan(plan.high.usd_per_hour));
    arena_done(&arena);
}

static void the_curve_rises_through_the_plan(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    struct plan plan = plan_of(&arena, (struct estimate){12e6, 10e6, 15e6, TIER_FITTED, ""});
    assert_int_equal(planner_solve(&arena, &plan, NULL, &err), 0);
    assert_int_equal(planner_curve(&arena, &plan, 21, &err), 0);
    assert_int_equal(plan.curve_count, 21);
    assert_true(plan.curve[10].rate_per_second == plan.rate_per_second);
    assert_int_equal(plan.curve[10].high, plan.high.n.replicas);
    assert_int_equal(plan.curve[10].value, plan.value.n.replicas);
    assert_int_equal(plan.curve[0].high, 1);
    for (uint32_t i = 1; i < plan.curve_count; i++)
        assert_true(plan.curve[i].high >= plan.curve[i - 1].high);
    static const double late = 61e6;
    plan.options[0].batch_ns = &late;
    assert_int_equal(planner_curve(&arena, &plan, 3, &err), 0);
    assert_int_equal(plan.curve[1].high, 0);
    assert_true(plan.curve[1].value > 0);
    arena_done(&arena);
}

static void a_plan_that_cannot_be_is_refused(void **state) {
    (void)state;
    struct arena arena;
    struct node_type node;
    struct err err = {0};
    arena_init(&arena);
    struct plan good = plan_of(&arena, (struct estimate){12e6, 10e6, 15e6, TIER_FITTED, ""});
    assert_int_equal(node_type_parse(&arena, "cpus=8,memory=32GiB", &node, &err), 0);
    struct plan plan = good;
    plan.options[0].threads = 0;
    assert_int_equal(planner_solve(&arena, &plan, NULL, &err), -ERR_USAGE);
    err = (struct err){0};
    plan_serve_alone(&arena, &good, 1, 150 * MIB);
    plan = good;
    plan.offers = &node;
    plan.offer_count = 1;
    plan.options[0].memory_bytes = NAN;
    assert_int_equal(planner_solve(&arena, &plan, NULL, &err), -ERR_FINDING);
    assert_non_null(strstr(err.message, "memory"));
    err = (struct err){0};
    plan.options[0].memory_bytes = 1e18;
    assert_int_equal(planner_solve(&arena, &plan, NULL, &err), -ERR_FINDING);
    assert_non_null(strstr(plan.high.reason, "too little memory"));
    err = (struct err){0};
    plan_serve_alone(&arena, &good, 1, 150 * MIB);
    plan = good;
    plan.rate_per_second = NAN;
    assert_int_equal(planner_solve(&arena, &plan, NULL, &err), -ERR_USAGE);
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routings_are_found_by_name),
        cmocka_unit_test(the_upper_latency_needs_no_fewer_replicas),
        cmocka_unit_test(an_unreachable_target_keeps_the_answer_for_the_middle),
        cmocka_unit_test(a_refused_latency_gives_no_plan),
        cmocka_unit_test(without_nodes_the_price_is_unknown),
        cmocka_unit_test(the_curve_rises_through_the_plan),
        cmocka_unit_test(a_plan_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
