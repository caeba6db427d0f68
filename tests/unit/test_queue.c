#include "predictor/capacity/mgc.h"
#include "predictor/capacity/mmc.h"
#include "predictor/capacity/queue.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const double second_ns = 1e9;

static struct queue_load load_of(double rate, const char *shape, double scv, enum routing routing) {
    struct queue_load load = {.rate_per_second = rate, .routing = routing, .seed = 2};
    struct err err = {0};
    assert_int_equal(
        service_time_init(&load.service, &second_ns, 1, service_shape_by_name(shape), scv, &err),
        0);
    return load;
}

static void erlang_c_has_its_known_values(void **state) {
    (void)state;
    struct mmc one = mmc_of(1, 0.8), five = mmc_of(5, 4);
    assert_true(fabs(one.waits - 0.8) < 1e-12);
    assert_true(fabs(five.waits - 0.5541) < 5e-5); /* Tijms 2003, table of Erlang's delay formula */
    assert_true(fabs(mmc_wait_quantile(&one, 0.99) - log(80) / 0.2) < 1e-9);
    assert_true(mmc_wait_quantile(&five, 0.2) == 0);
    assert_true(mmc_of(3, 0).waits == 0);
}

/* p99 of the wait in M/M/c, docs/queueing.md. */
static void an_exponential_service_is_not_interpolated_at_all(void **state) {
    (void)state;
    struct mmc eight = mmc_of(8, 7.2), thirty = mmc_of(32, 30.4);
    assert_true(fabs(mmc_wait_quantile(&eight, 0.99) - 5.313) < 5e-4);
    assert_true(fabs(mmc_wait_quantile(&thirty, 0.99) - 2.652) < 1e-3);
}

static void the_method_is_the_best_that_holds(void **state) {
    (void)state;
    struct queue_load load = load_of(5, "deterministic", 0, ROUTING_CENTRAL);
    assert_int_equal(queue_method_of(&load), QUEUE_EXACT);
    load.routing = ROUTING_LEAST_LOADED;
    assert_int_equal(queue_method_of(&load), QUEUE_SIMULATED);
    load = load_of(5, "lognormal", 0.25, ROUTING_RANDOM);
    assert_int_equal(queue_method_of(&load), QUEUE_INTERPOLATED);
    load = load_of(5, "lognormal", 2, ROUTING_RANDOM);
    assert_int_equal(queue_method_of(&load), QUEUE_SIMULATED);
    static const double batches[] = {1e9, 1.5e9};
    load.service.batch_ns = batches;
    load.service.batch_max = 2;
    assert_int_equal(queue_method_of(&load), QUEUE_SIMULATED);
    assert_true(fabs(queue_offered(&load) - 5 * 0.75) < 1e-12);
}

/* Within 4 % of simulation wherever it is used, docs/queueing.md. */
static void interpolation_agrees_with_simulation(void **state) {
    (void)state;
    static const struct {
        const char *shape;
        double scv, load;
        uint32_t servers;
    } table[] = {
        {"lognormal",   0.25, 0.8, 1 },
        {"lognormal",   0.5,  0.9, 4 },
        {"lognormal",   0.5,  0.8, 16},
        {"erlang",      0.25, 0.9, 8 },
        {"erlang",      1,    0.8, 4 },
        {"exponential", 1,    0.8, 2 },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct arena arena;
        struct queue queue;
        struct err err = {0};
        struct simulated_time simulated;
        const double p = 0.99;
        struct queue_load load = load_of(table[i].servers * table[i].load, table[i].shape,
                                         table[i].scv, ROUTING_CENTRAL);
        arena_init(&arena);
        assert_int_equal(queue_open(&queue, &arena, &load, table[i].servers, 0, &err), 0);
        assert_int_equal(queue.method, QUEUE_INTERPOLATED);
        assert_int_equal(queue_simulate(&load, table[i].servers, 1500000, &p, 1, &simulated, &err),
                         0);
        double response = queue_response(&queue, p).value_ns;
        assert_true(fabs(response / simulated.value_ns - 1) < 0.04);
        assert_true(queue_meets(&queue, p, response * 1.0001));
        assert_false(queue_meets(&queue, p, response * 0.9999));
        queue_close(&queue);
        arena_done(&arena);
    }
}

static void random_routing_is_one_queue_among_many(void **state) {
    (void)state;
    struct arena arena;
    struct queue queue;
    struct err err = {0};
    struct queue_load load = load_of(8, "lognormal", 1, ROUTING_RANDOM);
    arena_init(&arena);
    assert_int_equal(queue_open(&queue, &arena, &load, 10, 400000, &err), 0);
    assert_int_equal(queue.method, QUEUE_SIMULATED);
    double p99 = queue_response(&queue, 0.99).value_ns * 1e-9;
    assert_true(fabs(p99 / 24.39 - 1) < 0.06);
    queue_close(&queue);
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(erlang_c_has_its_known_values),
        cmocka_unit_test(an_exponential_service_is_not_interpolated_at_all),
        cmocka_unit_test(the_method_is_the_best_that_holds),
        cmocka_unit_test(interpolation_agrees_with_simulation),
        cmocka_unit_test(random_routing_is_one_queue_among_many),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
