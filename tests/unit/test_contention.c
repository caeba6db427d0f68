/* Slow-down by replicas: worlds whose law is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "predictor/contention.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { RUNS = 24, PAIRS = 30 };

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

/* True slow-down of arithmetic and of waiting for memory. */
struct truth {
    double compute, memory, noise;
};

/* Models of one family each way, half of it elementwise; their replicas' number is given. */
static struct contention_run *runs_of(struct rng *rng, struct truth truth, uint32_t replicas) {
    struct contention_run *runs = ARENA_ARRAY(&arena, RUNS, struct contention_run);
    for (uint32_t r = 0; r < RUNS; r++) {
        struct contention_pair *pairs = ARENA_ARRAY(&arena, PAIRS, struct contention_pair);
        runs[r] =
            (struct contention_run){.id = r + 1,
                                    .model_name = "m",
                                    .model_sha256 = arena_printf(&arena, "%u/%u", replicas, r),
                                    .purpose = "calibrate",
                                    .replicas = replicas,
                                    .pairs = pairs,
                                    .pair_count = PAIRS};
        for (uint32_t i = 0; i < PAIRS; i++) {
            struct contention_pair *pair = &pairs[i];
            pair->family = i % 2 ? FAMILY_ELEMENTWISE : FAMILY_MATMUL;
            pair->memory_share = i % 2 ? 0.6 + 0.4 * rng_uniform(rng) : 0.5 * rng_uniform(rng);
            pair->alone_ns = 1e4 + 1e6 * rng_uniform(rng);
            double slow =
                truth.compute * (1 - pair->memory_share) + truth.memory * pair->memory_share;
            double seen = slow * exp(truth.noise * rng_normal(rng));
            /* Now and then somebody else held the CPU. */
            pair->together_ns = pair->alone_ns * (rng_below(rng, 20) == 0 ? 4 * seen : seen);
            runs[r].alone_ns += pair->alone_ns;
            runs[r].together_ns += pair->alone_ns * slow * exp(0.01 * rng_normal(rng));
            runs[r].load.memory_ns[pair->family] += pair->memory_share * pair->alone_ns;
            runs[r].load.compute_ns[pair->family] += (1 - pair->memory_share) * pair->alone_ns;
        }
    }
    return runs;
}

static struct contention learn(struct truth truth, uint32_t cpus) {
    struct contention contention;
    struct rng rng;
    rng_init(&rng, 3);
    contention_learn(&arena, runs_of(&rng, truth, 2), RUNS, NULL, 0, NULL, cpus, &contention);
    return contention;
}

static struct contention_load load_of(double compute_ns, double memory_ns) {
    struct contention_load load = {0};
    load.compute_ns[FAMILY_MATMUL] = compute_ns;
    load.memory_ns[FAMILY_ELEMENTWISE] = memory_ns;
    return load;
}

static void waiting_for_memory_and_computing_are_told_apart(void **state) {
    (void)state;
    struct contention contention = learn((struct truth){1.02, 1.7, 0.05}, 8);
    struct contention_load computes = load_of(1e6, 0), waits = load_of(0, 1e6),
                           mixes = load_of(1e6, 1e6);
    assert_true(fabs(contention_slowdown(&contention, &computes, 2, 1).value - 1.02) < 0.04);
    assert_true(fabs(contention_slowdown(&contention, &waits, 2, 1).value - 1.7) < 0.06);
    assert_true(fabs(contention_slowdown(&contention, &mixes, 2, 1).value - 1.36) < 0.05);
    assert_int_equal(contention_slowdown(&contention, &mixes, 2, 1).tier, TIER_FITTED);
}

/* Threads of one core: arithmetic suffers, memory hardly. */
static void arithmetic_may_be_what_suffers(void **state) {
    (void)state;
    struct contention contention = learn((struct truth){1.9, 1.2, 0.05}, 8);
    struct contention_load computes = load_of(1e6, 0), waits = load_of(0, 1e6);
    assert_true(fabs(contention_slowdown(&contention, &computes, 2, 1).value - 1.9) < 0.08);
    assert_true(fabs(contention_slowdown(&contention, &waits, 2, 1).value - 1.2) < 0.06);
}

static void a_family_never_seen_takes_the_whole(void **state) {
    (void)state;
    struct contention contention = learn((struct truth){1.1, 1.5, 0.05}, 8);
    struct contention_load load = {0};
    load.memory_ns[FAMILY_RECURRENT] = 1e6;
    assert_true(fabs(contention_slowdown(&contention, &load, 2, 1).value - 1.5) < 0.06);
}

static void alone_nothing_is_slower(void **state) {
    (void)state;
    struct contention none = {.cpus = 2};
    struct contention_load load = load_of(1e6, 1e6);
    assert_true(contention_slowdown(&none, &load, 1, 1).value == 1);
}

static void stated_intervals_hold_measured_runs(void **state) {
    (void)state;
    struct truth truth = {1.05, 1.5, 0.05};
    struct contention contention = learn(truth, 8);
    struct rng rng;
    rng_init(&rng, 77);
    struct contention_run *fresh = runs_of(&rng, truth, 2);
    uint32_t inside = 0;
    for (uint32_t r = 0; r < RUNS; r++) {
        struct estimate said = contention_slowdown(&contention, &fresh[r].load, 2, 1);
        double measured = fresh[r].together_ns / fresh[r].alone_ns;
        inside += measured >= said.low && measured <= said.high;
        assert_true(said.high / said.low < 1.15);
    }
    assert_true(inside >= RUNS * 8 / 10);
}

static void numbers_between_are_interpolated_and_beyond_carried_on(void **state) {
    (void)state;
    struct contention contention;
    struct rng rng;
    rng_init(&rng, 5);
    struct contention_run *all = ARENA_ARRAY(&arena, 2 * RUNS, struct contention_run);
    memcpy(all, runs_of(&rng, (struct truth){1.1, 1.3, 0.02}, 2), RUNS * sizeof *all);
    memcpy(all + RUNS, runs_of(&rng, (struct truth){1.1, 1.9, 0.02}, 4), RUNS * sizeof *all);
    contention_learn(&arena, all, 2 * RUNS, NULL, 0, NULL, 64, &contention);
    struct contention_load waits = load_of(0, 1e6), computes = load_of(1e6, 0);
    struct estimate three = contention_slowdown(&contention, &waits, 3, 1);
    assert_true(fabs(three.value - 1.6) < 0.05);
    assert_int_equal(three.tier, TIER_INTERPOLATED);
    struct estimate four = contention_slowdown(&contention, &waits, 4, 1);
    struct estimate seven = contention_slowdown(&contention, &waits, 7, 1);
    assert_true(fabs(seven.value - 2.8) < 0.15); /* 1 + 0.9 x 6 / 3 */
    assert_int_equal(seven.tier, TIER_TRANSFERRED);
    assert_true(seven.high / seven.low > four.high / four.low);
    assert_true(fabs(contention_slowdown(&contention, &computes, 7, 1).value - 1.1) < 0.05);
}

static void probes_answer_where_no_model_was_measured(void **state) {
    (void)state;
    const struct contention_probe probes[] = {
        {1, 1,   1  },
        {2, 0.8, 1  },
        {4, 0.5, 0.9}
    };
    struct contention contention;
    struct contention_load waits = load_of(0, 1e6);
    contention_learn(&arena, NULL, 0, probes, 3, NULL, 4, &contention);
    struct estimate two = contention_slowdown(&contention, &waits, 2, 1);
    assert_true(fabs(two.value - 1.25) < 1e-6);
    assert_int_equal(two.tier, TIER_ROOFLINE);
    assert_true(fabs(contention_slowdown(&contention, &waits, 4, 1).value - 2) < 1e-6);
}

static void without_evidence_the_answer_is_refused(void **state) {
    (void)state;
    struct contention contention;
    struct contention_load load = load_of(1e6, 1e6);
    contention_learn(&arena, NULL, 0, NULL, 0, NULL, 4, &contention);
    assert_int_equal(contention_slowdown(&contention, &load, 2, 1).tier, TIER_REFUSED);
}

static void more_replicas_than_cpus_take_turns(void **state) {
    (void)state;
    struct contention contention = learn((struct truth){1.1, 1.1, 0.02}, 2);
    struct contention_load load = load_of(1e6, 1e6);
    struct estimate six = contention_slowdown(&contention, &load, 6, 1);
    assert_true(fabs(six.value - 3 * 1.1) < 0.1);
    assert_int_equal(six.tier, TIER_ROOFLINE);
    /* Two threads each: one replica has both CPUs, the others wait; nothing runs beside it. */
    assert_true(fabs(contention_slowdown(&contention, &load, 3, 2).value - 3) < 1e-6);
}

static void a_model_left_out_teaches_nothing(void **state) {
    (void)state;
    struct contention without, with;
    struct rng rng;
    rng_init(&rng, 9);
    struct contention_run *runs = runs_of(&rng, (struct truth){1, 1, 0.02}, 2);
    runs[0].together_ns *= 100;
    contention_learn(&arena, runs, 1, NULL, 0, runs[0].model_sha256, 8, &without);
    assert_int_equal(without.law_count, 0);
    contention_learn(&arena, runs, RUNS, NULL, 0, runs[0].model_sha256, 8, &with);
    assert_int_equal(with.laws[0].runs, RUNS - 1);
}

static void runs_that_took_turns_teach_nothing(void **state) {
    (void)state;
    struct contention contention;
    struct rng rng;
    rng_init(&rng, 4);
    struct contention_run *runs = runs_of(&rng, (struct truth){2, 2, 0.02}, 2);
    for (uint32_t r = 0; r < RUNS; r++)
        runs[r].took_turns = true;
    contention_learn(&arena, runs, RUNS, NULL, 0, NULL, 2, &contention);
    assert_int_equal(contention.law_count, 0);
}

static void shares_follow_the_roofline(void **state) {
    (void)state;
    const struct roofline roofline = {100, 10, 0};
    struct features f = {.family = FAMILY_MATMUL, .flops = 1e6, .bytes_in = 1e6};
    f.reuse.data[1] = 4e4; /* the rest is near */
    f.reuse.weights[0] = 6e4;
    assert_true(fabs(memory_share(&roofline, &f) - 0.5) < 1e-9);
    f.flops = 0;
    assert_true(fabs(memory_share(&roofline, &f) - 1) < 1e-9);
    struct contention_load load = {0};
    contention_load_add(&load, &roofline, &f, 7);
    assert_true(load.memory_ns[FAMILY_MATMUL] == 7 && load.compute_ns[FAMILY_MATMUL] == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(waiting_for_memory_and_computing_are_told_apart),
        TEST(arithmetic_may_be_what_suffers),
        TEST(a_family_never_seen_takes_the_whole),
        TEST(alone_nothing_is_slower),
        TEST(stated_intervals_hold_measured_runs),
        TEST(numbers_between_are_interpolated_and_beyond_carried_on),
        TEST(probes_answer_where_no_model_was_measured),
        TEST(without_evidence_the_answer_is_refused),
        TEST(more_replicas_than_cpus_take_turns),
        TEST(a_model_left_out_teaches_nothing),
        TEST(runs_that_took_turns_teach_nothing),
        TEST(shares_follow_the_roofline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
