#include "predictor/capacity/mdc.h"
#include "predictor/simulation/recorder.h"
#include "predictor/simulation/sample_rule.h"
#include "predictor/simulation/simulation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const double second_ns = 1e9;

static struct simulation_config fleet_of(uint32_t replicas, double load, enum routing routing,
                                         uint64_t requests) {
    struct simulation_config config = {
        .arrivals = {.rate_per_second = replicas * load},
        .requests_most = requests,
        .warm_up = requests / 20,
        .service_factor = 1,
        .routing = routing,
        .replicas = replicas,
        .deadline_ns = NAN,
        .seed = 11,
    };
    struct err err = {0};
    assert_int_equal(
        service_time_init(&config.service, &second_ns, 1, service_shape_at(0), 0, &err), 0);
    return config;
}

static struct simulated run(const struct simulation_config *config) {
    struct arena arena;
    struct err err = {0};
    struct simulated result;
    arena_init(&arena);
    assert_int_equal(simulate(&arena, config, NULL, &result, &err), 0);
    arena_done(&arena);
    result.moments = NULL;
    return result;
}

/* Twice the 95 % interval: a right simulation fails this once in ten thousand. */
static void assert_holds(const struct simulated_time *time, double exact_ns) {
    double half = time->high_ns - time->low_ns;
    assert_true(half > 0 && half < 0.2 * time->value_ns);
    assert_true(exact_ns > time->value_ns - half && exact_ns < time->value_ns + half);
}

static void one_queue_agrees_with_the_exact_solution(void **state) {
    (void)state;
    static const struct {
        uint32_t servers;
        double load, mean_wait, p99_wait;
    } table[] = {
        {1,  0.5,  0.5,      3.3363 },
        {1,  0.8,  2,        10.3559},
        {1,  0.9,  4.5,      21.8982},
        {2,  0.5,  0.176741, 1.5639 },
        {2,  0.8,  0.903284, 5.0696 },
        {2,  0.9,  2.14692,  10.8403},
        {4,  0.7,  0.189708, 1.488  },
        {4,  0.8,  0.386095, 2.4546 },
        {4,  0.9,  0.999966, 5.3394 },
        {8,  0.8,  0.151954, 1.1696 },
        {8,  0.9,  0.449973, 2.6112 },
        {8,  0.95, 1.06793,  5.4908 },
        {16, 0.8,  0.052548, 0.5435 },
        {16, 0.9,  0.192467, 1.2639 },
        {32, 0.9,  0.076222, 0.6025 },
        {32, 0.95, 0.223509, 1.3219 },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct simulation_config config =
            fleet_of(table[i].servers, table[i].load, ROUTING_CENTRAL, 1000000);
        struct simulated result = run(&config);
        assert_holds(&result.mean, (1 + table[i].mean_wait) * 1e9);
        assert_holds(&result.p99, (1 + table[i].p99_wait) * 1e9);
        assert_true(fabs(result.utilisation - table[i].load) < 0.01);
    }
}

/* Response p99 of ten replicas in units of the service time, docs/queueing.md. */
static void every_routing_gives_its_tail(void **state) {
    (void)state;
    static const struct {
        enum routing routing;
        double at_70, at_80, at_90, varying; /* log-normal service of scv 1, at 80 % */
        double tolerance;
    } table[] = {
        {ROUTING_CENTRAL,      1.53, 1.92,  3.07,  5.19,  0.02},
        {ROUTING_ROUND_ROBIN,  1.53, 1.92,  3.07,  15.86, 0.03},
        {ROUTING_LEAST_LOADED, 1.95, 1.99,  3.10,  6.42,  0.02},
        {ROUTING_POWER_OF_TWO, 2.85, 3.35,  4.49,  8.95,  0.03},
        {ROUTING_RANDOM,       7.49, 11.36, 22.90, 24.39, 0.06},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const double loads[] = {0.7, 0.8, 0.9, 0.8};
        const double expected[] = {table[i].at_70, table[i].at_80, table[i].at_90,
                                   table[i].varying};
        for (int k = 0; k < 4; k++) {
            struct simulation_config config =
                fleet_of(10, loads[k], table[i].routing, k == 2 ? 4000000 : 1000000);
            struct err err = {0};
            if (k == 3)
                assert_int_equal(service_time_init(&config.service, &second_ns, 1,
                                                   service_shape_by_name("lognormal"), 1, &err),
                                 0);
            struct simulated result = run(&config);
            double tolerance = table[i].tolerance * (k == 2 ? 2 : 1); /* near saturation */
            assert_true(fabs(result.p99.value_ns * 1e-9 / expected[k] - 1) < tolerance);
        }
    }
}

/* S(b) = 5 ms + b x 1 ms on one replica: mean and p99 in milliseconds, docs/queueing.md. */
static void batches_form_as_they_should(void **state) {
    (void)state;
    static const struct {
        double rate, delay_ms, mean, p99;
        uint32_t batch_max;
    } table[] = {
        {50,  0,  7.29, 17.4, 1 },
        {150, 0,  8.96, 15.0, 8 },
        {400, 5,  14.4, 24.8, 8 },
        {400, 20, 21.2, 32.0, 8 },
        {550, 0,  18.5, 33.7, 32},
    };
    double times[32];
    for (int i = 0; i < 32; i++)
        times[i] = (6 + i) * 1e6;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct simulation_config config = fleet_of(1, 0.5, ROUTING_CENTRAL, 1000000);
        struct err err = {0};
        config.arrivals.rate_per_second = table[i].rate;
        config.delay_ns = table[i].delay_ms * 1e6;
        assert_int_equal(service_time_init(&config.service, times, table[i].batch_max,
                                           service_shape_at(0), 0, &err),
                         0);
        struct simulated result = run(&config);
        assert_true(fabs(result.mean.value_ns * 1e-6 / table[i].mean - 1) < 0.015);
        assert_true(fabs(result.p99.value_ns * 1e-6 / table[i].p99 - 1) < 0.03);
        assert_true(result.batch_mean <= table[i].batch_max);
    }
}

static void the_shapes_have_the_spread_they_say(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double scv;
    } table[] = {
        {"lognormal",        0.3 },
        {"lognormal",        2   },
        {"erlang",           0.25},
        {"exponential",      1   },
        {"hyperexponential", 2   },
    };
    enum { DRAWS = 400000 };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct service_time service;
        struct err err = {0};
        struct rng rng;
        double sum = 0, squares = 0;
        rng_init(&rng, 5);
        assert_int_equal(service_time_init(&service, &second_ns, 1,
                                           service_shape_by_name(table[i].name), table[i].scv,
                                           &err),
                         0);
        for (int n = 0; n < DRAWS; n++) {
            double draw = service_time_draw(&service, &rng, 1) * 1e-9;
            sum += draw;
            squares += draw * draw;
        }
        double mean = sum / DRAWS, scv = squares / DRAWS / (mean * mean) - 1;
        assert_true(fabs(mean - 1) < 0.01);
        assert_true(fabs(scv / table[i].scv - 1) < 0.06);
    }
}

static void a_spread_that_a_shape_cannot_have_is_a_usage_error(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double scv;
    } table[] = {
        {"deterministic",    0.1},
        {"erlang",           2  },
        {"hyperexponential", 0.5},
        {"lognormal",        0  },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct service_time service;
        struct err err = {0};
        assert_int_equal(service_time_init(&service, &second_ns, 1,
                                           service_shape_by_name(table[i].name), table[i].scv,
                                           &err),
                         -ERR_USAGE);
    }
}

static void the_same_seed_gives_the_same_answer(void **state) {
    (void)state;
    struct simulation_config config = fleet_of(5, 0.9, ROUTING_POWER_OF_TWO, 50000);
    struct simulated first = run(&config), again = run(&config);
    config.seed++;
    struct simulated other = run(&config);
    assert_true(first.p99.value_ns == again.p99.value_ns);
    assert_true(first.p99.value_ns != other.p99.value_ns);
}

/* Two requests at once on one replica, a third while a new replica starts. */
static void a_recording_is_served_to_the_nanosecond(void **state) {
    (void)state;
    static const double arrivals[] = {0, 0, 1.5e9};
    struct simulation_config config = fleet_of(1, 0.5, ROUTING_CENTRAL, UINT64_MAX);
    config.arrivals = (struct arrivals){.recorded_ns = arrivals, .recorded_count = 3};
    config.warm_up = 0;
    config.deadline_ns = 1.5e9;
    struct simulated result = run(&config);
    assert_int_equal(result.requests, 3);
    assert_true(fabs(result.mean.value_ns - (1e9 + 2e9 + 1.5e9) / 3) < 100);
    assert_true(result.slo_attainment == 2.0 / 3);
    assert_true(fabs(result.replica_hours - 1.5 / 3600) < 1e-12);
    assert_true(isnan(result.p99.value_ns));
}

static void failures_lose_what_was_served_and_nothing_else(void **state) {
    (void)state;
    struct simulation_config config = fleet_of(10, 0.5, ROUTING_RANDOM, 100000);
    config.failures_per_replica_hour = 36;
    config.cold_start_ns = 5e9;
    struct simulated result = run(&config);
    assert_true(result.failures > 500);
    assert_true(result.failed > 0 && result.failed <= result.failures);
    assert_int_equal(result.counted + config.warm_up + result.failed, result.requests);
    assert_int_equal(result.cold_starts, result.failures);
    assert_true(result.replicas_max <= 11);
}

static void a_diurnal_rate_goes_up_and_down(void **state) {
    (void)state;
    struct arrivals arrivals = {.rate_per_second = 100, .swing = 0.8, .period_ns = 1000e9};
    struct arrival_source source;
    struct rng rng;
    uint64_t low = 0, high = 0;
    rng_init(&rng, 3);
    arrival_source_init(&source, &arrivals, 200000);
    for (double at; !isinf(at = arrival_next(&source, &rng));) {
        double phase = fmod(at, 1000e9) / 1000e9;
        low += phase < 0.1 || phase > 0.9;
        high += phase > 0.4 && phase < 0.6;
    }
    assert_true((double)high > 6 * (double)low);
    assert_true(fabs(source.last_ns / 2000e9 - 1) < 0.02);
}

static void a_fleet_that_cannot_keep_up_is_a_finding(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    struct simulated result;
    struct simulation_config config = fleet_of(1, 1000, ROUTING_CENTRAL, 40000000);
    arena_init(&arena);
    assert_int_equal(simulate(&arena, &config, NULL, &result, &err), -ERR_FINDING);
    assert_non_null(strstr(err.message, "cannot keep up"));
    arena_done(&arena);
}

/* Departures then tell nothing of the arrival rate that percentiles are corrected for. */
static void a_fleet_that_falls_behind_is_told_without_intervals(void **state) {
    (void)state;
    for (int routing = ROUTING_RANDOM; routing <= ROUTING_CENTRAL; routing++) {
        struct simulation_config config = fleet_of(1, 1.1, (enum routing)routing, 200000);
        struct simulated result = run(&config);
        /* Of 200,000 the last waits for a tenth of the time that all of them take. */
        assert_true(result.p99.value_ns > 1.5e13 && result.p99.value_ns < 2e13);
        assert_true(result.p50.value_ns > 0.8e13 && result.p50.value_ns < 1.2e13);
        assert_true(isnan(result.p99.low_ns) && isnan(result.p99.high_ns));
    }
}

/* The counts that MLPerf's load generator arrives at. */
static void percentiles_need_as_many_samples_as_the_rule_says(void **state) {
    (void)state;
    static const struct {
        double q;
        uint32_t over;
        uint64_t count;
    } table[] = {
        {0.9,   0,  44   },
        {0.9,   1,  64   },
        {0.9,   2,  81   },
        {0.9,   5,  127  },
        {0.9,   10, 197  },
        {0.99,  0,  459  },
        {0.99,  1,  662  },
        {0.99,  2,  838  },
        {0.99,  5,  1307 },
        {0.99,  10, 2010 },
        {0.999, 0,  4603 },
        {0.999, 1,  6636 },
        {0.999, 2,  8403 },
        {0.999, 5,  13105},
        {0.999, 10, 20140},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(sample_rule_count(table[i].q, table[i].over), table[i].count);
}

static void a_quantile_is_the_ranked_value(void **state) {
    (void)state;
    struct recorder recorder;
    recorder_init(&recorder);
    for (int i = 0; i < 1000; i++)
        recorder_add(&recorder, (i * 7919 % 1000) + 1, i);
    assert_true(recorder_quantile(&recorder, 0, 1000, 0.5) == 500);
    assert_true(recorder_quantile(&recorder, 0, 1000, 0.99) == 990);
    assert_true(recorder_quantile(&recorder, 0, 1000, 1) == 1000);
    assert_true(recorder_quantile(&recorder, 0, 1, 0.99) == 1);
    recorder_done(&recorder);
}

/* Of a hundred simulations with a known answer about 95 hold it in their interval. */
static void intervals_hold_the_truth_as_often_as_they_say(void **state) {
    (void)state;
    int mean = 0, tail = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct simulation_config config = fleet_of(4, 0.7, ROUTING_CENTRAL, 200000);
        config.seed = 1000 + seed;
        struct simulated result = run(&config);
        mean += result.mean.low_ns <= 1.189708e9 && 1.189708e9 <= result.mean.high_ns;
        tail += result.p99.low_ns <= 2.4880e9 && 2.4880e9 <= result.p99.high_ns;
    }
    assert_in_range(mean, 86, 100);
    assert_in_range(tail, 86, 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_queue_agrees_with_the_exact_solution),
        cmocka_unit_test(every_routing_gives_its_tail),
        cmocka_unit_test(batches_form_as_they_should),
        cmocka_unit_test(the_shapes_have_the_spread_they_say),
        cmocka_unit_test(a_spread_that_a_shape_cannot_have_is_a_usage_error),
        cmocka_unit_test(the_same_seed_gives_the_same_answer),
        cmocka_unit_test(a_recording_is_served_to_the_nanosecond),
        cmocka_unit_test(failures_lose_what_was_served_and_nothing_else),
        cmocka_unit_test(a_diurnal_rate_goes_up_and_down),
        cmocka_unit_test(a_fleet_that_cannot_keep_up_is_a_finding),
        cmocka_unit_test(a_fleet_that_falls_behind_is_told_without_intervals),
        cmocka_unit_test(percentiles_need_as_many_samples_as_the_rule_says),
        cmocka_unit_test(a_quantile_is_the_ranked_value),
        cmocka_unit_test(intervals_hold_the_truth_as_often_as_they_say),
    };
    return cmocka_run_group_tests_name("simulation", tests, NULL, NULL);
}
