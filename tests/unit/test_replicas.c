#include "predictor/capacity/replicas.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* `erlang` requests at once on average, each of 10 ms, p99 within so many times that. */
static struct service_demand demand_of(double erlang, const struct slo *slo, enum routing routing) {
    static const double service_ns = 10e6;
    return (struct service_demand){
        .load = {.rate_per_second = erlang * 100,
                 .service = {.batch_ns = &service_ns,
                             .batch_max = 1,
                             .shape = service_shape_by_name("deterministic")},
                 .routing = routing},
        .service_is = "upper bound",
        .targets = slo,
        .target_count = 1
    };
}

static void the_table_of_fewest_replicas_is_met(void **state) {
    (void)state;
    static const struct {
        double erlang, times;
        uint64_t central, random;
    } table[] = {
        {5,  2, 7,  37 },
        {10, 2, 12, 74 },
        {10, 5, 11, 18 },
        {25, 2, 28, 185},
        {50, 2, 53, 370},
        {50, 5, 51, 90 }
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct slo slo = {99, table[i].times * 10e6};
        struct service_level n, less;
        struct err err = {0};
        struct service_demand demand = demand_of(table[i].erlang, &slo, ROUTING_CENTRAL);
        assert_int_equal(replicas_find(&demand, &n, &less, &err), 0);
        assert_int_equal(n.replicas, table[i].central);
        demand.load.routing = ROUTING_RANDOM;
        assert_int_equal(replicas_find(&demand, &n, &less, &err), 0);
        assert_int_equal(n.replicas, table[i].random);
    }
}

static void the_answer_meets_and_one_fewer_does_not(void **state) {
    (void)state;
    for (double erlang = 0.01; erlang < 300; erlang *= 1.7) {
        for (enum routing routing = 0; routing < ROUTING_COUNT; routing++) {
            /* Simulations take their time: a few loads tell enough. */
            if (!routing_info(routing)->exact && (erlang < 3 || erlang > 9))
                continue;
            struct slo slo = {99, 30e6};
            struct service_demand demand = demand_of(erlang, &slo, routing);
            struct service_level n, less;
            struct err err = {0};
            assert_int_equal(replicas_find(&demand, &n, &less, &err), 0);
            assert_true(n.meets);
            assert_true(n.response_ns <= slo.target_ns * (1 + 1e-9));
            assert_true(n.response_ns == n.response_p99_ns);
            assert_true(fabs(n.utilisation * (double)n.replicas - erlang) < 1e-9 * erlang);
            if (n.replicas == 1) {
                assert_int_equal(less.replicas, 0);
                continue;
            }
            assert_int_equal(less.replicas, n.replicas - 1);
            assert_false(less.meets);
            /* A simulated answer must be sure: one fewer may meet the target by chance. */
            double closest = n.method == QUEUE_SIMULATED ? 0.95 : 1;
            assert_true(less.response_ns > closest * slo.target_ns);
        }
    }
}

static void too_few_replicas_answer_never(void **state) {
    (void)state;
    struct slo slo = {99, 30e6};
    struct service_demand demand = demand_of(4, &slo, ROUTING_CENTRAL);
    struct service_level level;
    struct err err = {0};
    assert_int_equal(replicas_evaluate(&demand, 4, &level, &err), 0);
    assert_true(isinf(level.response_ns) && isinf(level.response_p50_ns));
    assert_false(level.meets);
    assert_true(level.utilisation == 1);
}

static void a_target_below_one_inference_is_refused_with_the_reason(void **state) {
    (void)state;
    struct slo slo = {99, 50e6};
    struct service_demand demand = demand_of(4, &slo, ROUTING_RANDOM);
    double late_ns = 61e6;
    demand.load.service.batch_ns = &late_ns;
    struct service_level n, less;
    struct err err = {0};
    assert_int_equal(replicas_find(&demand, &n, &less, &err), -ERR_FINDING);
    assert_string_equal(err.message, "one inference takes 61.0 ms (upper bound), more than the "
                                     "50.0 ms target: no number of replicas helps");
    assert_int_equal(n.replicas, 0);
}

/* The target is the inference itself: only those may wait that the percentile forgives. */
static void a_target_equal_to_one_inference_is_met_by_enough_replicas(void **state) {
    (void)state;
    struct slo slo = {99, 10e6};
    struct service_demand demand = demand_of(5, &slo, ROUTING_RANDOM);
    struct service_level n, less;
    struct err err = {0};
    assert_int_equal(replicas_find(&demand, &n, &less, &err), 0);
    assert_int_equal(n.replicas, 500); /* P(wait) = 5 / N <= 1 % */
}

static void every_one_of_several_targets_counts(void **state) {
    (void)state;
    static const struct slo both[] = {
        {50, 10.1e6},
        {99, 80e6  }
    };
    struct service_demand demand = demand_of(10, &both[1], ROUTING_CENTRAL);
    struct service_level tail, all, less;
    struct err err = {0};
    assert_int_equal(replicas_find(&demand, &tail, &less, &err), 0);
    demand.targets = both;
    demand.target_count = 2;
    assert_int_equal(replicas_find(&demand, &all, &less, &err), 0);
    assert_true(all.replicas > tail.replicas);
    assert_true(all.percentile == 50); /* named as the one that binds */
}

static void no_load_needs_one_replica(void **state) {
    (void)state;
    struct slo slo = {99.9, 20e6};
    struct service_demand demand = demand_of(0, &slo, ROUTING_RANDOM);
    struct service_level n, less;
    struct err err = {0};
    assert_int_equal(replicas_find(&demand, &n, &less, &err), 0);
    assert_int_equal(n.replicas, 1);
    assert_true(n.response_p99_ns == 10e6);
}

static void thousands_of_replicas_are_found(void **state) {
    (void)state;
    struct slo slo = {99, 20e6};
    struct service_demand demand = demand_of(2000, &slo, ROUTING_CENTRAL);
    struct service_level n, less;
    struct err err = {0};
    assert_int_equal(replicas_find(&demand, &n, &less, &err), 0);
    assert_in_range(n.replicas, 2001, 2010);
    demand.load.routing = ROUTING_RANDOM;
    assert_int_equal(replicas_find(&demand, &n, &less, &err), 0);
    assert_in_range(n.replicas, 370 * 40 - 40, 370 * 40);
}

static void nonsense_is_a_usage_error(void **state) {
    (void)state;
    struct slo slo = {99, 20e6};
    struct service_level n, less;
    const struct service_demand good = demand_of(1, &slo, ROUTING_RANDOM);
    const struct slo wrong = {100, 20e6};
    struct service_demand bad[4] = {good, good, good, good};
    bad[0].load.rate_per_second = NAN;
    bad[1].load.rate_per_second = -1;
    bad[2].target_count = 0;
    bad[3].targets = &wrong;
    for (int i = 0; i < 4; i++) {
        struct err err = {0};
        assert_int_equal(replicas_find(&bad[i], &n, &less, &err), -ERR_USAGE);
    }
}

static void no_number_of_replicas_beyond_all_measure_is_given(void **state) {
    (void)state;
    struct slo slo = {99, 20e6};
    struct service_level n, less;
    struct service_demand demand = demand_of(2e6, &slo, ROUTING_CENTRAL);
    struct err err = {0};
    assert_int_equal(replicas_find(&demand, &n, &less, &err), -ERR_FINDING);
    assert_non_null(strstr(err.message, "more than 1000000 replicas"));
    demand.load.rate_per_second = 1e200;
    err = (struct err){0};
    assert_int_equal(replicas_find(&demand, &n, &less, &err), -ERR_FINDING);
    err = (struct err){0};
    demand.load.rate_per_second = 1;
    assert_int_equal(replicas_evaluate(&demand, 0, &n, &err), -ERR_USAGE);
}

static void targets_are_parsed(void **state) {
    (void)state;
    struct arena arena;
    struct err err = {0};
    const struct slo *targets;
    uint32_t count;
    arena_init(&arena);
    assert_int_equal(slo_parse(&arena, "p50=20ms,p99.9=1.5s", &targets, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_true(targets[0].percentile == 50 && targets[0].target_ns == 20e6);
    assert_true(targets[1].percentile == 99.9 && targets[1].target_ns == 1.5e9);
    static const char *const wrong[] = {"",          "p99",      "p100=5ms", "p0=5ms",
                                        "99=5ms",    "p99=fast", "p99=0",    "p=5ms",
                                        "p99=5ms,,", "p-1=5ms",  "pnan=5ms", "p99=5ms,p99=6ms"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        err = (struct err){0};
        assert_int_equal(slo_parse(&arena, wrong[i], &targets, &count, &err), -ERR_USAGE);
        assert_true(err.message[0]);
    }
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_of_fewest_replicas_is_met),
        cmocka_unit_test(the_answer_meets_and_one_fewer_does_not),
        cmocka_unit_test(too_few_replicas_answer_never),
        cmocka_unit_test(a_target_below_one_inference_is_refused_with_the_reason),
        cmocka_unit_test(a_target_equal_to_one_inference_is_met_by_enough_replicas),
        cmocka_unit_test(every_one_of_several_targets_counts),
        cmocka_unit_test(no_load_needs_one_replica),
        cmocka_unit_test(thousands_of_replicas_are_found),
        cmocka_unit_test(nonsense_is_a_usage_error),
        cmocka_unit_test(no_number_of_replicas_beyond_all_measure_is_given),
        cmocka_unit_test(targets_are_parsed),
    };
    return cmocka_run_group_tests_name("replicas", tests, NULL, NULL);
}
