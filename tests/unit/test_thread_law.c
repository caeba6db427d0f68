/* Threads that were not measured: the law, and how it is learnt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "predictor/thread_law.h"
#include "tests/unit/synthetic.h"

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

static struct features divided(enum kernel_family family) {
    return (struct features){.family = family, .division = division_pieces(1 << 20)};
}

static void the_default_gains_less_with_every_thread(void **state) {
    (void)state;
    struct thread_law law;
    thread_law_default(&law);
    const struct features product = divided(FAMILY_MATMUL), view = {.family = FAMILY_METADATA};
    double before = 1e7, gain = INFINITY;
    for (uint32_t n = 2; n <= 16; n *= 2) {
        double now = thread_law_ns(&law, &product, 1e7, 1, n);
        assert_true(now < before && now > 1e7 / n);
        assert_true(before / now < gain);
        gain = before / now;
        before = now;
    }
    assert_true(thread_law_ns(&law, &view, 5000, 1, 16) == 5000);
    assert_true(law.observations == 0);
}

static void there_and_back_is_the_same(void **state) {
    (void)state;
    struct thread_law law;
    thread_law_default(&law);
    const struct features sum = divided(FAMILY_ELEMENTWISE);
    double many = thread_law_ns(&law, &sum, 3e6, 1, 4);
    assert_true(fabs(thread_law_ns(&law, &sum, many, 4, 1) / 3e6 - 1) < 1e-9);
    assert_true(fabs(thread_law_ns(&law, &sum, 3e6, 4, 4) / 3e6 - 1) < 1e-9);
}

/* The same models at one thread and at `threads`, by a law of our own. */
static struct training at_threads(uint32_t threads, double serial, double sync_ns) {
    struct world w;
    world_init(&w, &arena, 11);
    for (uint32_t m = 0; m < 12; m++)
        world_usual_model(&w, m, 20);
    for (uint32_t i = 0; i < w.observation_count; i++) {
        struct observation *o = &w.observations[i];
        o->features.division = division_pieces(1 << 20);
        features_divide(&o->features, 1, threads);
        o->wall_ns = o->wall_ns * (serial + (1 - serial) / threads) +
                     (threads > 1) * sync_ns * log2(threads);
    }
    struct training training = world_training(&w);
    training.threads = threads;
    return training;
}

static void serial_share_and_waiting_are_learnt(void **state) {
    (void)state;
    struct training one = at_threads(1, 0.3, 5000), two = at_threads(2, 0.3, 5000);
    struct cost_model cost;
    struct thread_law law;
    struct err err = {0};
    assert_int_equal(cost_model_fit(&arena, &one, NULL, NULL, &cost, &err), 0);
    assert_int_equal(thread_law_learn(&arena, &cost, &two, 1, &law, &err), 0);
    assert_int_equal(law.observations, two.observation_count);
    assert_int_equal(law.threads_most, 2);
    assert_true(fabs(law.serial[FAMILY_MATMUL] - 0.3) < 0.06);
    assert_true(law.sync_ns[FAMILY_MATMUL] > 2500 && law.sync_ns[FAMILY_MATMUL] < 7500);
    assert_true(law.serial[FAMILY_RECURRENT] == 0.3); /* never seen: the default */
    const struct features product = divided(FAMILY_MATMUL);
    double four = thread_law_ns(&law, &product, 1e6, 1, 4);
    assert_true(fabs(four / (1e6 * (0.3 + 0.7 / 4) + 2 * 5000) - 1) < 0.08);
}

/* A kernel that stays with one thread, or has one piece too many, is known without measuring it. */
static void what_is_not_cut_is_not_faster(void **state) {
    (void)state;
    struct thread_law law;
    thread_law_default(&law);
    struct features alone = {.family = FAMILY_CONV_BLOCKED}, three = alone, many = alone;
    three.division = division_pieces(3);
    many.division = division_pieces(3000);
    assert_true(thread_law_ns(&law, &alone, 1e6, 1, 2) == 1e6);
    double uneven = thread_law_ns(&law, &three, 1e6, 1, 2),
           even = thread_law_ns(&law, &many, 1e6, 1, 2);
    assert_true(uneven > 2e6 / 3 && even > 1e6 / 2 && even < uneven);
}

static void what_lies_beyond_the_measured_is_less_sure(void **state) {
    (void)state;
    struct training one = at_threads(1, 0.2, 3000), two = at_threads(2, 0.2, 3000);
    struct cost_model cost;
    struct thread_law law, general;
    struct err err = {0};
    assert_int_equal(cost_model_fit(&arena, &one, NULL, NULL, &cost, &err), 0);
    assert_int_equal(thread_law_learn(&arena, &cost, &two, 1, &law, &err), 0);
    thread_law_default(&general);
    assert_true(thread_law_log_spread(&law, 2) < thread_law_log_spread(&law, 4));
    assert_true(thread_law_log_spread(&law, 4) < thread_law_log_spread(&law, 16));
    assert_true(thread_law_log_spread(&law, 2) < thread_law_log_spread(&general, 2));
}

static void without_observations_the_default_stays(void **state) {
    (void)state;
    struct training one = at_threads(1, 0.2, 3000);
    struct cost_model cost;
    struct thread_law law, general;
    struct err err = {0};
    assert_int_equal(cost_model_fit(&arena, &one, NULL, NULL, &cost, &err), 0);
    assert_int_equal(thread_law_learn(&arena, &cost, NULL, 0, &law, &err), 0);
    thread_law_default(&general);
    assert_memory_equal(&law, &general, sizeof law);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_default_gains_less_with_every_thread),
        TEST(there_and_back_is_the_same),
        TEST(serial_share_and_waiting_are_learnt),
        TEST(what_is_not_cut_is_not_faster),
        TEST(what_lies_beyond_the_measured_is_less_sure),
        TEST(without_observations_the_default_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
