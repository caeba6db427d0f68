#include "predictor/capacity/mdc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/stats.h"

static void open_queue(struct mdc *mdc, struct arena *arena, uint32_t servers, double load) {
    struct err err = {0};
    arena_init(arena);
    assert_int_equal(mdc_init(mdc, arena, servers, load * servers, &err), 0);
}

static void assert_printed(double value, int digits, const char *expected) {
    char text[32];
    snprintf(text, sizeof text, "%.*f", digits, value);
    assert_string_equal(text, expected);
}

/* The published table of exact values, D = 1 (docs/queueing.md). */
static const struct {
    uint32_t servers;
    double load;
    const char *probability, *mean, *p99;
} table[] = {
    {1,  0.50, "0.500000", "0.500000", "3.3363" },
    {1,  0.80, "0.800000", "2.000000", "10.3559"},
    {1,  0.90, "0.900000", "4.500000", "21.8982"},
    {2,  0.50, "0.323259", "0.176741", "1.5639" },
    {2,  0.80, "0.701898", "0.903284", "5.0696" },
    {2,  0.90, "0.847108", "2.146923", "10.8403"},
    {4,  0.70, "0.409948", "0.189708", "1.4880" },
    {4,  0.80, "0.578282", "0.386095", "2.4546" },
    {4,  0.90, "0.775437", "0.999966", "5.3394" },
    {8,  0.80, "0.433795", "0.151954", "1.1696" },
    {8,  0.90, "0.681911", "0.449973", "2.6112" },
    {8,  0.95, "0.832061", "1.067929", "5.4908" },
    {16, 0.80, "0.281604", "0.052548", "0.5435" },
    {16, 0.90, "0.565341", "0.192467", "1.2639" },
    {32, 0.90, "0.429016", "0.076222", "0.6025" },
    {32, 0.95, "0.671434", "0.223509", "1.3219" },
};

static void the_exact_table_is_met_to_every_printed_digit(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct arena arena;
        struct mdc mdc;
        open_queue(&mdc, &arena, table[i].servers, table[i].load);
        assert_printed(mdc_wait_probability(&mdc), 6, table[i].probability);
        assert_printed(mdc_mean_wait(&mdc), 6, table[i].mean);
        assert_printed(mdc_wait_quantile(&mdc, 0.99), 4, table[i].p99);
        arena_done(&arena);
    }
}

/* Pollaczek and Khinchine: load / (2 (1 - load)). */
static void one_server_has_the_mean_of_pollaczek_and_khinchine(void **state) {
    (void)state;
    static const double loads[] = {1e-9, 1e-3, 0.1, 0.5, 0.9, 0.99, 0.999, 0.99999};
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
        struct arena arena;
        struct mdc mdc;
        open_queue(&mdc, &arena, 1, loads[i]);
        double expected = loads[i] / (2 * (1 - loads[i]));
        assert_true(fabs(mdc_mean_wait(&mdc) / expected - 1) < 1e-9);
        assert_true(fabs(mdc_wait_probability(&mdc) / loads[i] - 1) < 1e-9);
        arena_done(&arena);
    }
}

/* Erlang 1909: P(W <= x) = (1 - load) sum over j <= x of e^{u} (-u)^j / j!, u = load (x - j);
 * alternating, so only for small x. */
static void one_server_has_the_distribution_of_erlang(void **state) {
    (void)state;
    struct arena arena;
    struct mdc mdc;
    double load = 0.7;
    open_queue(&mdc, &arena, 1, load);
    for (double x = 0; x < 8; x += 0.37) {
        double sum = 0, factorial = 1;
        for (int j = 0; j <= (int)x; j++) {
            double u = load * (x - j);
            factorial *= j ? j : 1;
            sum += exp(u) * pow(-u, j) / factorial;
        }
        assert_true(fabs(mdc_wait_exceeds(&mdc, x) - (1 - (1 - load) * sum)) < 1e-10);
    }
    arena_done(&arena);
}

/* The embedded chain of Crommelin, iterated: an independent way to the same numbers. */
static void the_embedded_chain_agrees(void **state) {
    (void)state;
    enum { C = 5, STATES = 160 };
    double offered = 4.0, p[STATES] = {1}, arrivals[STATES], next[STATES];
    arrivals[0] = exp(-offered);
    for (int j = 1; j < STATES; j++)
        arrivals[j] = arrivals[j - 1] * offered / j;
    for (int round = 0; round < 3000; round++) {
        for (int j = 0; j < STATES; j++)
            next[j] = 0;
        for (int i = 0; i < STATES; i++)
            for (int a = 0, from = i > C ? i - C : 0; from + a < STATES; a++)
                next[from + a] += p[i] * arrivals[a];
        for (int j = 0; j < STATES; j++)
            p[j] = next[j];
    }
    double waits = 0, queue = 0;
    for (int j = C; j < STATES; j++) {
        waits += p[j];
        queue += (j - C) * p[j];
    }
    struct arena arena;
    struct mdc mdc;
    open_queue(&mdc, &arena, C, offered / C);
    assert_true(fabs(mdc_wait_probability(&mdc) - waits) < 1e-10);
    assert_true(fabs(mdc_mean_wait(&mdc) - queue / offered) < 1e-10);
    arena_done(&arena);
}

/* E[W] is the integral of P(W > x): ties the two computations to each other at any size. */
static void the_mean_is_the_integral_of_the_tail(void **state) {
    (void)state;
    static const struct {
        uint32_t servers;
        double load;
    } cases[] = {
        {1,    0.6  },
        {3,    0.97 },
        {64,   0.95 },
        {500,  0.98 },
        {2000, 0.95 },
        {2000, 0.999}
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct mdc mdc;
        open_queue(&mdc, &arena, cases[i].servers, cases[i].load);
        double end = mdc_wait_quantile(&mdc, 1 - 1e-12), step = end / 2000, sum = 0;
        for (int k = 0; k < 2000; k++) /* Simpson */
            sum +=
                step / 6 *
                (mdc_wait_exceeds(&mdc, k * step) + 4 * mdc_wait_exceeds(&mdc, (k + 0.5) * step) +
                 mdc_wait_exceeds(&mdc, (k + 1) * step));
        assert_true(fabs(sum / mdc_mean_wait(&mdc) - 1) < 2e-5);
        arena_done(&arena);
    }
}

static void quantiles_invert_the_distribution(void **state) {
    (void)state;
    struct arena arena;
    struct mdc mdc;
    open_queue(&mdc, &arena, 7, 0.93);
    for (double p = 0.4; p < 1; p += 0.0617) {
        double x = mdc_wait_quantile(&mdc, p);
        if (x > 0)
            assert_true(fabs(mdc_wait_exceeds(&mdc, x) - (1 - p)) < 1e-9);
        assert_true(mdc_response_quantile(&mdc, p) == x + 1);
    }
    assert_true(mdc_wait_quantile(&mdc, 0.01) == 0);
    arena_done(&arena);
}

static void the_tail_falls_without_a_step(void **state) {
    (void)state;
    static const uint32_t servers[] = {1, 2, 10, 300};
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        struct arena arena;
        struct mdc mdc;
        open_queue(&mdc, &arena, servers[i], 0.9);
        double last = 1;
        for (double x = 0; x < 30; x += 0.01) {
            double exceeds = mdc_wait_exceeds(&mdc, x);
            assert_true(exceeds <= last * (1 + 1e-12));
            assert_true(exceeds >= 0);
            last = exceeds;
        }
        arena_done(&arena);
    }
}

/* Known to all orders: with c servers at a tiny load, P(wait) is about Poisson(c) + ... */
static void tiny_probabilities_keep_their_digits(void **state) {
    (void)state;
    struct arena arena;
    struct mdc mdc;
    open_queue(&mdc, &arena, 4, 0.0025); /* 0.01 erlang */
    double a = 0.01, poisson = 0, term = exp(-a) * a * a * a * a / 24;
    for (int j = 4; j < 12; j++) {
        poisson += term;
        term *= a / (j + 1);
    }
    /* Those five that meet in two periods only add a relative 1e-7 or less. */
    assert_true(fabs(mdc_wait_probability(&mdc) / poisson - 1) < 1e-6);
    arena_done(&arena);
    open_queue(&mdc, &arena, 100, 1e-14);
    assert_true(mdc_wait_probability(&mdc) == 0);
    assert_true(mdc_wait_quantile(&mdc, 0.999) == 0);
    arena_done(&arena);
}

static void sixty_four_busy_servers_wait_as_printed(void **state) {
    (void)state;
    struct arena arena;
    struct mdc mdc;
    open_queue(&mdc, &arena, 64, 0.95);
    assert_printed(mdc_wait_quantile(&mdc, 0.99), 4, "0.6399");
    arena_done(&arena);
}

/* First come, first served on c servers, simulated with a seed of its own. */
static void a_simulation_agrees_within_its_noise(void **state) {
    (void)state;
    enum { C = 6, ARRIVALS = 400000 };
    static double waits[ARRIVALS];
    double free_at[C] = {0}, clock = 0;
    struct rng rng;
    rng_init(&rng, 3);
    for (int i = 0; i < ARRIVALS; i++) {
        int first = 0;
        for (int s = 1; s < C; s++)
            if (free_at[s] < free_at[first])
                first = s;
        clock += rng_exponential(&rng) / (0.8 * C);
        waits[i] = fmax(0, free_at[first] - clock);
        free_at[first] = fmax(clock, free_at[first]) + 1;
    }
    struct arena arena;
    struct mdc mdc;
    open_queue(&mdc, &arena, C, 0.8);
    assert_true(fabs(stats_mean(waits, ARRIVALS) / mdc_mean_wait(&mdc) - 1) < 0.04);
    assert_true(fabs(stats_quantile(waits, ARRIVALS, 0.99) / mdc_wait_quantile(&mdc, 0.99) - 1) <
                0.04);
    arena_done(&arena);
}

static void a_queue_without_steady_state_is_refused(void **state) {
    (void)state;
    struct arena arena;
    struct mdc mdc;
    struct err err = {0};
    arena_init(&arena);
    assert_int_equal(mdc_init(&mdc, &arena, 2, 2.0, &err), -ERR_FINDING);
    err = (struct err){0};
    assert_int_equal(mdc_init(&mdc, &arena, 0, 0.0, &err), -ERR_USAGE);
    err = (struct err){0};
    assert_int_equal(mdc_init(&mdc, &arena, 1, NAN, &err), -ERR_USAGE);
    err = (struct err){0};
    assert_int_equal(mdc_init(&mdc, &arena, 1, -1, &err), -ERR_USAGE);
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_table_is_met_to_every_printed_digit),
        cmocka_unit_test(one_server_has_the_mean_of_pollaczek_and_khinchine),
        cmocka_unit_test(one_server_has_the_distribution_of_erlang),
        cmocka_unit_test(the_embedded_chain_agrees),
        cmocka_unit_test(the_mean_is_the_integral_of_the_tail),
        cmocka_unit_test(quantiles_invert_the_distribution),
        cmocka_unit_test(the_tail_falls_without_a_step),
        cmocka_unit_test(tiny_probabilities_keep_their_digits),
        cmocka_unit_test(sixty_four_busy_servers_wait_as_printed),
        cmocka_unit_test(a_simulation_agrees_within_its_noise),
        cmocka_unit_test(a_queue_without_steady_state_is_refused),
    };
    return cmocka_run_group_tests_name("mdc", tests, NULL, NULL);
}
