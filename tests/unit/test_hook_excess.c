/* What hooks cost beyond the calibrated cost is taken off; the luck of a process is shared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "jobs/hook_excess.h"

#include <math.h>

enum { RUNS = 200, OPERATORS = 40 };

static const double cache_bytes = 2e6;
static const double call_ns = 100, cooled_ns = 900, slower = 0.015;

struct hooked {
    struct observation observations[RUNS * OPERATORS];
    struct hooked_run runs[RUNS];
    double truth_ns[RUNS * OPERATORS];
};

static struct hooked hooked;
/* Half of the operators of every other run touch enough to cool the hook; the two processes of a
 * run differ by `luck`. */
static void draw(uint64_t seed, double luck) {
    struct rng rng;
    rng_init(&rng, seed);
    for (uint32_t r = 0; r < RUNS; r++) {
        double scale = exp(5 * rng_uniform(&rng)), sum_ns = 0;
        double own = exp(luck * rng_normal(&rng)), others = exp(luck * rng_normal(&rng));
        for (uint32_t i = r * OPERATORS; i < (r + 1) * OPERATORS; i++) {
            double truth_ns = scale * (2000 + 20000 * rng_uniform(&rng));
            bool cools = i % 2 && r % 2;
            hooked.truth_ns[i] = truth_ns;
            sum_ns += truth_ns;
            hooked.observations[i] = (struct observation){
                .features.bytes_in = cools ? 1e6 : 0,
                .wall_ns = (1 + slower) * others * truth_ns + call_ns + (cools ? cooled_ns : 0),
                .run = r};
        }
        hooked.runs[r] = (struct hooked_run){own * sum_ns, r * OPERATORS, OPERATORS};
    }
}

static double mean_log_error(uint32_t first, uint32_t step) {
    double sum = 0;
    uint32_t count = 0;
    for (uint32_t i = first; i < RUNS * OPERATORS; i += step, count++)
        sum += log(hooked.observations[i].wall_ns / hooked.truth_ns[i]);
    return sum / count;
}

static void what_hooks_cost_is_learnt_and_taken_off(void **state) {
    (void)state;
    draw(1, 0);
    assert_true(mean_log_error(1, 2) > 0.02);
    hook_excess_remove(hooked.observations, hooked.runs, RUNS, cache_bytes);
    assert_true(fabs(mean_log_error(0, 2)) < 1e-6 && fabs(mean_log_error(1, 2)) < 1e-6);
}

/* A process that is slower as a whole must not make short operators short. */
static void luck_is_shared_in_proportion(void **state) {
    (void)state;
    draw(2, 0.04);
    hook_excess_remove(hooked.observations, hooked.runs, RUNS, cache_bytes);
    assert_true(fabs(mean_log_error(0, 2)) < 0.01 && fabs(mean_log_error(1, 2)) < 0.01);
    double squares = 0;
    for (uint32_t i = 0; i < RUNS * OPERATORS; i++)
        squares += pow(log(hooked.observations[i].wall_ns / hooked.truth_ns[i]), 2);
    /* Two processes are known better than one: 0.04 / sqrt(2). */
    assert_true(sqrt(squares / (RUNS * OPERATORS)) < 0.034);
}

static void of_few_runs_operators_sum_to_the_run(void **state) {
    (void)state;
    draw(3, 0.04);
    hook_excess_remove(hooked.observations, hooked.runs, 3, cache_bytes);
    for (uint32_t r = 0; r < 3; r++) {
        double sum_ns = 0;
        for (uint32_t i = r * OPERATORS; i < (r + 1) * OPERATORS; i++)
            sum_ns += hooked.observations[i].wall_ns;
        assert_true(fabs(sum_ns / hooked.runs[r].steady_ns - 1) < 1e-12);
    }
}

/* However large the excess, an operator keeps a part of what it took. */
static void no_operator_vanishes(void **state) {
    (void)state;
    draw(4, 0);
    for (uint32_t r = 0; r < RUNS; r++)
        hooked.observations[r * OPERATORS + 1].wall_ns = 50;
    hook_excess_remove(hooked.observations, hooked.runs, RUNS, cache_bytes);
    for (uint32_t i = 0; i < RUNS * OPERATORS; i++)
        assert_true(hooked.observations[i].wall_ns >= 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_hooks_cost_is_learnt_and_taken_off),
        cmocka_unit_test(luck_is_shared_in_proportion),
        cmocka_unit_test(of_few_runs_operators_sum_to_the_run),
        cmocka_unit_test(no_operator_vanishes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
