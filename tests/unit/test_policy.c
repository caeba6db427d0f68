#include "predictor/simulation/attainment.h"
#include "predictor/simulation/forecast.h"
#include "predictor/simulation/outlook.h"
#include "predictor/simulation/reactive.h"
#include "predictor/simulation/simulation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const double service_ns = 2e9;

static struct policy_config config_of(uint32_t fixed) {
    return (struct policy_config){
        .service_ns = service_ns,
        .requests_per_service = 1,
        .cold_start_ns = 40e9,
        .interval_ns = 15e9,
        .deadline_ns = 4e9,
        .attainment = 0.98,
        .target_utilisation = 0.7,
        .stabilisation_ns = 300e9,
        .tolerance = 0.1,
        .routing = ROUTING_CENTRAL,
        .replicas_min = 1,
        .replicas_max = 10000,
        .replicas_fixed = fixed,
    };
}

static struct policy_view view_of(double at_s, uint32_t ready, double utilisation,
                                  uint64_t arrivals) {
    return (struct policy_view){.now_ns = at_s * 1e9,
                                .arrivals = arrivals,
                                .ready = ready,
                                .utilisation = utilisation,
                                .late = 0};
}

static uint32_t decide(const struct policy *policy, void *state, struct policy_view view) {
    return policy->decide(state, &view);
}

static void hpa_follows_its_formula(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct policy_config config = config_of(0);
    void *hpa;
    arena_init(&arena);
    assert_int_equal(policy_hpa.open(&arena, &config, &hpa, &err), 0);
    assert_int_equal(decide(&policy_hpa, hpa, view_of(0, 10, NAN, 0)), 10);
    assert_int_equal(decide(&policy_hpa, hpa, view_of(15, 10, 0.76, 0)), 10); /* in tolerance */
    assert_int_equal(decide(&policy_hpa, hpa, view_of(30, 10, 0.9, 0)), 13);
    assert_int_equal(decide(&policy_hpa, hpa, view_of(45, 13, 0.3, 0)), 13); /* stabilising */
    assert_int_equal(decide(&policy_hpa, hpa, view_of(400, 13, 0.35, 0)), 7);
    arena_done(&arena);
}

static void pods_that_start_count_as_idle_on_the_way_up(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct policy_config config = config_of(0);
    void *hpa;
    arena_init(&arena);
    assert_int_equal(policy_hpa.open(&arena, &config, &hpa, &err), 0);
    struct policy_view view = view_of(15, 10, 1, 0);
    view.starting = 5;
    assert_int_equal(policy_hpa.decide(hpa, &view), 15); /* 10 busy of 15 are below the target */
    arena_done(&arena);
}

static void scaling_up_is_limited_and_down_waits(void **state) {
    (void)state;
    struct arena arena;
    struct reactive reactive;
    arena_init(&arena);
    reactive_init(&reactive, &arena, 60e9, 15e9);
    assert_int_equal(reactive_decide(&reactive, 0, 2, 100), 6);     /* four more */
    assert_int_equal(reactive_decide(&reactive, 15e9, 6, 100), 12); /* or twice */
    assert_int_equal(reactive_decide(&reactive, 30e9, 12, 5), 12);
    assert_int_equal(reactive_decide(&reactive, 80e9, 12, 5), 5);
    arena_done(&arena);
}

static void keda_counts_the_last_minute(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct policy_config config = config_of(0);
    void *keda;
    uint32_t replicas = 4;
    arena_init(&arena);
    assert_int_equal(policy_keda.open(&arena, &config, &keda, &err), 0);
    decide(&policy_keda, keda, view_of(0, replicas, NAN, 0));
    for (int i = 1; i <= 8; i++)
        replicas = decide(&policy_keda, keda, view_of(15 * i, replicas, 0.5, 75));
    assert_int_equal(replicas, 15); /* 5 requests/s x 2 s / 0.7 */
    arena_done(&arena);
}

static void the_forecast_follows_a_level_and_a_ramp(void **state) {
    (void)state;
    struct forecast forecast;
    forecast_init(&forecast, NULL);
    assert_true(isnan(forecast_ahead(&forecast, 1).count));
    for (int i = 0; i < 60; i++)
        forecast_observe(&forecast, 100);
    assert_true(fabs(forecast_ahead(&forecast, 4).count - 100) < 1);
    assert_true(forecast_ahead(&forecast, 4).spread < 0.5);
    forecast_init(&forecast, NULL);
    for (int i = 0; i < 120; i++)
        forecast_observe(&forecast, 100 + 5 * i);
    struct forecast_rate ahead = forecast_ahead(&forecast, 4);
    assert_true(ahead.count > 695 && ahead.count < 730); /* 715 would be right */
}

static void a_restless_past_widens_the_forecast(void **state) {
    (void)state;
    struct forecast calm, restless;
    forecast_init(&calm, NULL);
    forecast_init(&restless, NULL);
    for (int i = 0; i < 100; i++) {
        forecast_observe(&calm, 100);
        forecast_observe(&restless, i / 4 % 2 ? 50 : 150);
    }
    struct forecast_rate a = forecast_ahead(&calm, 4), b = forecast_ahead(&restless, 4);
    assert_true(b.spread > 3 * a.spread);
    assert_true(forecast_at(&b, 2) > 150);
    assert_true(forecast_at(&b, -40) == 0);
}

static void a_schedule_is_believed_as_far_as_it_was_right(void **state) {
    (void)state;
    enum { INTERVALS = 200 };
    double right[INTERVALS], wrong[INTERVALS];
    struct forecast believes, doubts;
    for (int i = 0; i < INTERVALS; i++) {
        right[i] = i % 40 < 20 ? 50 : 400; /* jumps that nothing else can foresee */
        wrong[i] = 900;
    }
    const struct forecast_schedule good = {right, INTERVALS, 50}, bad = {wrong, INTERVALS, 50};
    forecast_init(&believes, &good);
    forecast_init(&doubts, &bad);
    for (int i = 0; i < 139; i++) { /* the next one is low, four later too, then high */
        forecast_observe(&believes, right[i]);
        forecast_observe(&doubts, right[i]);
    }
    assert_true(fabs(forecast_ahead(&believes, 2).count - right[140]) < 40);
    assert_true(fabs(forecast_ahead(&believes, 22).count - right[160]) < 40);
    assert_true(forecast_ahead(&doubts, 2).count < 500);
}

static void attainment_rises_with_servers_and_falls_with_the_rate(void **state) {
    (void)state;
    double last = 0;
    for (double servers = 5; servers <= 30; servers++) {
        struct attainment_case c = {servers, 5, service_ns, 2e9, 60e9};
        double now = attainment(&c);
        assert_true(now >= last - 1e-12 && now <= 1);
        last = now;
    }
    assert_true(last > 0.9999);
    struct attainment_case full = {10, 10, service_ns, 2e9, 600e9};
    assert_true(attainment(&full) < 0.1); /* twice what it can do */
    full.slack_ns = -1;
    assert_true(attainment(&full) == 0);
}

/* Where there is a steady state it is the one of M/D/c (tests/unit/test_mdc.c has the table). */
static void a_steady_attainment_is_that_of_the_queue(void **state) {
    (void)state;
    const struct attainment_case eight = {8, 3.6, service_ns, 2.6112 * service_ns, 1e15};
    assert_true(fabs(attainment(&eight) - 0.99) < 0.002);
    const struct attainment_case one = {1, 0.4, service_ns, 10.3559 * service_ns, 1e15};
    assert_true(fabs(attainment(&one) - 0.99) < 0.0005);
}

/* An hour whose rate doubles for twenty minutes: requests at even distances, so that the policy
 * alone decides. */
static uint64_t make_hour(double *arrivals, uint64_t most) {
    uint64_t count = 0;
    for (double at = 0; at < 3600 && count < most; count++) {
        arrivals[count] = at * 1e9;
        at += at > 1200 && at < 2400 ? 0.1 : 0.2;
    }
    return count;
}

static struct simulated hour_under(const struct policy *policy, const double *arrivals,
                                   uint64_t count, uint32_t fixed) {
    struct arena arena;
    struct err err = {0};
    struct simulated result;
    struct simulation_config config = {
        .arrivals = {.recorded_ns = arrivals, .recorded_count = count},
        .requests_most = UINT64_MAX,
        .service_factor = 1,
        .routing = ROUTING_CENTRAL,
        .replicas = 12,
        .cold_start_ns = 40e9,
        .deadline_ns = 4e9,
        .policy = policy,
        .policy_config = config_of(fixed),
        .seed = 1,
    };
    arena_init(&arena);
    assert_int_equal(
        service_time_init(&config.service, &service_ns, 1, service_shape_at(0), 0, &err), 0);
    assert_int_equal(simulate(&arena, &config, NULL, &result, &err), 0);
    arena_done(&arena);
    return result;
}

static void the_assay_policy_takes_less_than_what_reacts_or_stays(void **state) {
    (void)state;
    static double arrivals[40000];
    uint64_t count = make_hour(arrivals, 40000);
    struct simulated assay = hour_under(&policy_assay, arrivals, count, 0);
    struct simulated hpa = hour_under(&policy_hpa, arrivals, count, 0);
    struct simulated fixed = hour_under(&policy_static, arrivals, count, 21);
    assert_true(assay.slo_attainment > 0.95);
    assert_true(assay.slo_attainment >= hpa.slo_attainment - 0.01);
    assert_true(assay.replica_hours < hpa.replica_hours);
    assert_true(assay.replica_hours < fixed.replica_hours);
    assert_true(fixed.replica_hours > 20.9);
}

static void a_steady_load_does_not_make_it_flap(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct policy_config config = config_of(0);
    void *assay;
    uint32_t replicas = 15, changes = 0;
    arena_init(&arena);
    assert_int_equal(policy_assay.open(&arena, &config, &assay, &err), 0);
    for (int i = 0; i < 400; i++) {
        uint32_t before = replicas;
        replicas =
            decide(&policy_assay, assay, view_of(15 * i, replicas, i ? 0.7 : NAN, i % 2 ? 78 : 72));
        changes += i > 100 && replicas != before;
    }
    assert_in_range(replicas, 11, 15); /* 10 are always busy */
    assert_true(changes <= 3);
    arena_done(&arena);
}

static void without_a_deadline_there_is_nothing_to_keep(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct policy_config config = config_of(0);
    void *assay;
    arena_init(&arena);
    config.deadline_ns = NAN;
    assert_int_equal(policy_assay.open(&arena, &config, &assay, &err), -ERR_USAGE);
    arena_done(&arena);
}

static void an_outlook_is_made_from_counts_alone(void **state) {
    (void)state;
    enum { INTERVALS = 80 };
    double steady[INTERVALS], rising[INTERVALS], unknown[INTERVALS];
    struct policy_config config = config_of(0);
    struct outlook calm, growth;
    struct err err = {0};
    for (int i = 0; i < INTERVALS; i++) {
        steady[i] = i % 7 == 3 ? NAN : 75;
        rising[i] = 20 + 2 * i;
        unknown[i] = NAN;
    }
    assert_int_equal(outlook_replay(&config, steady, INTERVALS, &calm, &err), 0);
    assert_in_range(calm.replicas, 11, 15);
    assert_true(fabs(calm.rate_per_second - 5) < 0.1);
    assert_int_equal(outlook_replay(&config, rising, INTERVALS, &growth, &err), 0);
    assert_true(growth.rate_per_second > 178 / 15.0); /* more than came last */
    assert_true(growth.rate_high_per_second > growth.rate_per_second);
    assert_true(growth.replicas > 24);
    assert_int_equal(outlook_replay(&config, unknown, INTERVALS, &calm, &err), -ERR_INPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hpa_follows_its_formula),
        cmocka_unit_test(pods_that_start_count_as_idle_on_the_way_up),
        cmocka_unit_test(scaling_up_is_limited_and_down_waits),
        cmocka_unit_test(keda_counts_the_last_minute),
        cmocka_unit_test(the_forecast_follows_a_level_and_a_ramp),
        cmocka_unit_test(a_restless_past_widens_the_forecast),
        cmocka_unit_test(a_schedule_is_believed_as_far_as_it_was_right),
        cmocka_unit_test(attainment_rises_with_servers_and_falls_with_the_rate),
        cmocka_unit_test(a_steady_attainment_is_that_of_the_queue),
        cmocka_unit_test(the_assay_policy_takes_less_than_what_reacts_or_stays),
        cmocka_unit_test(a_steady_load_does_not_make_it_flap),
        cmocka_unit_test(an_outlook_is_made_from_counts_alone),
        cmocka_unit_test(without_a_deadline_there_is_nothing_to_keep),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
