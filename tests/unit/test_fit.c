/* Whole models: how operators add up, and how far the stated intervals can be trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/stats.h"
#include "predictor/fit.h"
#include "tests/unit/run_latency.h"
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

static struct fit train(const struct training *training, const bool *skip) {
    struct fit fit;
    struct err err = {0};
    if (fit_train(&arena, training, skip, &fit, &err))
        fail_msg("%s", err.message);
    return fit;
}

static void a_run_is_more_than_its_operators(void **state) {
    (void)state;
    struct world w;
    world_init(&w, &arena, 1);
    w.ratio = 1.25;
    for (uint32_t m = 0; m < 12; m++)
        world_usual_model(&w, m, 20);
    struct training training = world_training(&w);
    struct fit fit = train(&training, NULL);
    assert_true(fabs(fit.sum_ratio - 1.25) < 0.01);
    assert_int_equal(fit.runs, 12);
    assert_int_equal(fit.observations, 240);
    for (uint32_t r = 0; r < 12; r++) {
        struct estimate latency = latency_of_run(&arena, &fit, &training, r);
        assert_true(fabs(latency.value / training.runs[r].latency_ns - 1) < 0.1);
        assert_true(latency.low < latency.value && latency.value < latency.high);
    }
}

/* At one thread the operators are measured in CPU time; others stretch the wall time only. */
static void wall_time_of_a_disturbed_machine_stands_apart(void **state) {
    (void)state;
    struct world w;
    world_init(&w, &arena, 2);
    for (uint32_t m = 0; m < 12; m++)
        world_usual_model(&w, m, 20);
    for (uint32_t r = 0; r < w.run_count; r++)
        w.runs[r].latency_ns *= r % 2 ? 1.5 : 1.02;
    struct training training = world_training(&w);
    struct fit fit = train(&training, NULL);
    struct estimate latency = latency_of_run(&arena, &fit, &training, 0);
    struct estimate cpu = cpu_time_of_latency(&fit, &latency);
    assert_true(fabs(cpu.value / training.runs[0].cpu_ns - 1) < 0.1);
    assert_true(latency.value / cpu.value < 1.1); /* the quiet machine's */
    assert_true(steady_ns(&training, 0) == training.runs[0].cpu_ns);
    training.threads = 4;
    assert_true(steady_ns(&training, 0) == training.runs[0].latency_ns);
}

static void a_sum_is_as_weak_as_its_weakest_part(void **state) {
    (void)state;
    const struct fit fit = {
        .sum_ratio = 1, .wall_ratio = 1, .spread = {{[SPREAD_OPERATORS] = 1}, 1},
                .evidence = ""
    };
    struct latency_sum sum = {0};
    const struct estimate good = {1000, 900, 1100, TIER_FITTED, ""},
                          weak = {1, 0.5, 2, TIER_ROOFLINE, ""};
    latency_sum_add(&sum, &good, FAMILY_MATMUL, 0.1, 3);
    assert_int_equal(latency_of_sum(&fit, &sum, 0).tier, TIER_FITTED);
    latency_sum_add(&sum, &weak, FAMILY_POOL, 1, 1);
    struct estimate all = latency_of_sum(&fit, &sum, 0);
    assert_int_equal(all.tier, TIER_ROOFLINE);
    assert_true(fabs(all.value - 3001) < 1e-9);
    latency_sum_add(&sum, &good, FAMILY_MATMUL, 0.1, 1);
    assert_int_equal(latency_of_sum(&fit, &sum, 0).tier, TIER_ROOFLINE);
}

/* Deviations of runs that are short: in full, by the half in squares, and hardly any more. */
static void short_runs_are_less_sure(void **state) {
    (void)state;
    const struct fit fit = {
        .sum_ratio = 1, .wall_ratio = 1, .spread = {{[SPREAD_SHORT] = 0.01}, 1},
                .evidence = ""
    };
    static const struct {
        double run_ns, square;
    } rows[] = {
        {1e3, 0.01      },
        {5e5, 0.005     },
        {5e6, 0.01 / 101},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct latency_sum sum = {.value_ns = rows[i].run_ns};
        const struct estimate e = latency_of_sum(&fit, &sum, 0);
        double deviation = log(e.high / e.value) / 1.6448536269514722;
        assert_true(fabs(deviation * deviation / rows[i].square - 1) < 1e-4);
    }
}

static void errors_of_a_family_go_together_and_of_two_do_not(void **state) {
    (void)state;
    const struct fit fit = {
        .sum_ratio = 1, .wall_ratio = 1, .spread = {{[SPREAD_OPERATORS] = 1}, 1},
                .evidence = ""
    };
    const struct estimate half = {5e6, 4.5e6, 5.5e6, TIER_FITTED, ""};
    struct latency_sum together = {0}, apart = {0};
    latency_sum_add(&together, &half, FAMILY_MATMUL, 0.1, 2);
    latency_sum_add(&apart, &half, FAMILY_MATMUL, 0.1, 1);
    latency_sum_add(&apart, &half, FAMILY_POOL, 0.1, 1);
    struct estimate a = latency_of_sum(&fit, &together, 0), b = latency_of_sum(&fit, &apart, 0);
    assert_true(a.value == b.value);
    assert_true(fabs(log(a.high / a.value) / log(b.high / b.value) - sqrt(2)) < 1e-9);
}

/* A machine that slows down steadily, by a tenth in all: ten windows of a dozen runs, half of
 * them more than 2.5 % from the middle, each 1 % from the next. */
static void a_drift_is_less_from_one_moment_to_the_next(void **state) {
    (void)state;
    enum { RUNS = 120 };
    struct world w;
    world_init(&w, &arena, 7);
    for (uint32_t m = 0; m < RUNS; m++)
        world_usual_model(&w, m, 5);
    for (uint32_t i = 0; i < w.observation_count; i++)
        w.observations[i].slowness = exp(0.1 * w.observations[i].run / RUNS);
    struct training training = world_training(&w);
    struct fit fit = train(&training, NULL);
    double slowdown = 0, weight = 0;
    for (int f = 0; f < FAMILY_COUNT; f++) {
        slowdown += fit.cost.families[f].observations * fit.cost.families[f].slowdown;
        weight += fit.cost.families[f].observations;
    }
    slowdown /= weight;
    assert_true(fabs(fit.speed_log_spread / (slowdown * 1.4826 * 0.025) - 1) < 0.01);
    assert_true(fabs(fit.speed_change_log_spread / (slowdown * 1.4826 * 0.01) - 1) < 0.01);
}

static void training_again_gives_the_same_bits(void **state) {
    (void)state;
    struct world w;
    world_init(&w, &arena, 3);
    for (uint32_t m = 0; m < 15; m++)
        world_usual_model(&w, m, 16);
    struct training training = world_training(&w);
    struct fit a = train(&training, NULL), b = train(&training, NULL);
    assert_string_equal(a.data_hash, b.data_hash);
    for (uint32_t r = 0; r < 15; r++) {
        struct estimate x = latency_of_run(&arena, &a, &training, r),
                        y = latency_of_run(&arena, &b, &training, r);
        assert_memory_equal(&x, &y, 3 * sizeof(double));
    }
    w.observations[7].wall_ns = nextafter(w.observations[7].wall_ns, INFINITY);
    struct fit c = train(&training, NULL);
    assert_string_not_equal(a.data_hash, c.data_hash);
}

static void nothing_but_skipped_runs_is_refused(void **state) {
    (void)state;
    struct world w;
    world_init(&w, &arena, 4);
    world_usual_model(&w, 0, 4);
    struct training training = world_training(&w);
    const bool skip[] = {true};
    struct fit fit;
    struct err err = {0};
    assert_int_equal(fit_train(&arena, &training, skip, &fit, &err), -ERR_INPUT);
}

/* ---- coverage -------------------------------------------------------------------------------- */

enum { TRIALS = 1000, LEAST = 870, MOST = 930 };

/* 1,000 runs of repeated measurements with a heavy tail: the stated 90 % interval of the median. */
static void intervals_of_medians_hold_nine_times_in_ten(void **state) {
    (void)state;
    struct rng rng;
    rng_init(&rng, 2026);
    int held = 0;
    enum { REPEATS = 201 };
    for (int trial = 0; trial < TRIALS; trial++) {
        double values[REPEATS];
        for (int i = 0; i < REPEATS; i++) {
            bool disturbed = rng_uniform(&rng) < 0.05;
            values[i] = exp(0.05 * rng_normal(&rng)) * (disturbed ? 1 + rng_exponential(&rng) : 1);
        }
        /* The median of that mixture: found once with a thousand times as many draws. */
        static double truth;
        if (trial == 0) {
            enum { MANY = 400000 };
            double *many = ARENA_ARRAY(&arena, MANY, double);
            struct rng other;
            rng_init(&other, 1);
            for (int i = 0; i < MANY; i++)
                many[i] = exp(0.05 * rng_normal(&other)) *
                          (rng_uniform(&other) < 0.05 ? 1 + rng_exponential(&other) : 1);
            truth = stats_median(many, MANY);
        }
        struct interval interval = stats_median_interval(values, REPEATS, 0.90);
        held += interval.low <= truth && truth <= interval.high;
    }
    print_message("medians: %d of %d inside\n", held, TRIALS);
    assert_in_range(held, LEAST, MOST);
}

/* 1,000 models in fifty worlds, each predicted by a fit of thirty other models of its world; every
 * model has a quirk of its own that no operator tells. */
static int models_inside(double model_noise, double op_noise, uint64_t seed) {
    enum { WORLDS = 50, KNOWN = 30, NEW = TRIALS / WORLDS };
    int held = 0;
    for (uint64_t world = 0; world < WORLDS; world++) {
        struct arena scratch;
        arena_init(&scratch);
        struct world w;
        bool skip[KNOWN + NEW] = {false};
        world_init(&w, &scratch, seed + world);
        w.model_noise = model_noise;
        w.op_noise = op_noise;
        for (uint32_t m = 0; m < KNOWN + NEW; m++) {
            world_usual_model(&w, m, 10);
            skip[m] = m >= KNOWN;
        }
        struct training training = world_training(&w);
        struct fit fit;
        struct err err = {0};
        if (fit_train(&scratch, &training, skip, &fit, &err))
            fail_msg("%s", err.message);
        for (uint32_t m = KNOWN; m < KNOWN + NEW; m++) {
            struct estimate e = latency_of_run(&arena, &fit, &training, m);
            held += e.low <= w.runs[m].latency_ns && w.runs[m].latency_ns <= e.high;
        }
        arena_done(&scratch);
    }
    return held;
}

static void intervals_of_latencies_hold_nine_times_in_ten(void **state) {
    (void)state;
    static const struct {
        double model_noise, op_noise;
    } worlds[] = {
        {0.05, 0.03},
        {0.15, 0.10},
        {0.02, 0.20},
    };
    for (size_t i = 0; i < sizeof worlds / sizeof *worlds; i++) {
        int held = models_inside(worlds[i].model_noise, worlds[i].op_noise, 1000 * (i + 1));
        print_message("models of %g %% quirk: %d of %d inside\n", 100 * worlds[i].model_noise, held,
                      TRIALS);
        assert_in_range(held, LEAST, MOST);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_more_than_its_operators),
        cmocka_unit_test(wall_time_of_a_disturbed_machine_stands_apart),
        cmocka_unit_test(a_sum_is_as_weak_as_its_weakest_part),
        cmocka_unit_test(short_runs_are_less_sure),
        cmocka_unit_test(errors_of_a_family_go_together_and_of_two_do_not),
        cmocka_unit_test(a_drift_is_less_from_one_moment_to_the_next),
        cmocka_unit_test(training_again_gives_the_same_bits),
        cmocka_unit_test(nothing_but_skipped_runs_is_refused),
        cmocka_unit_test(intervals_of_medians_hold_nine_times_in_ten),
        cmocka_unit_test(intervals_of_latencies_hold_nine_times_in_ten),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
