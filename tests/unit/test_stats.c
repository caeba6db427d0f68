#include "base/rng.h"
#include "base/stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NEAR(a, b, tolerance) assert_true(fabs((a) - (b)) <= (tolerance))

static void quantiles_interpolate(void **state) {
    (void)state;
    static const double values[] = {7, 1, 3, 5};
    NEAR(stats_median(values, 4), 4, 0);
    NEAR(stats_quantile(values, 4, 0), 1, 0);
    NEAR(stats_quantile(values, 4, 1), 7, 0);
    NEAR(stats_quantile(values, 4, 0.25), 2.5, 1e-12);
    assert_true(isnan(stats_median(values, 0)));
    NEAR(stats_median(values, 1), 7, 0);
}

static void the_callers_array_is_left_alone(void **state) {
    (void)state;
    double values[] = {3, 1, 2};
    stats_median(values, 3);
    stats_mad(values, 3);
    stats_median_interval(values, 3, 0.9);
    assert_true(values[0] == 3 && values[1] == 1 && values[2] == 2);
}

static void mean_and_spread(void **state) {
    (void)state;
    static const double values[] = {1, 2, 3, 4, 100};
    NEAR(stats_mean(values, 5), 22, 1e-12);
    NEAR(stats_mad(values, 5), 1.4826, 1e-12); /* an outlier moves the mean, not this */
}

/* David and Nagaraja, table of order statistics: n, and the rank of the lower end that covers the
 * median with at least the confidence. */
static void intervals_of_the_median_have_the_books_ranks(void **state) {
    (void)state;
    static const struct {
        size_t count;
        double confidence;
        size_t rank;
    } rows[] = {
        {5,   0.90, 1 },
        {8,   0.90, 2 },
        {10,  0.95, 2 },
        {20,  0.95, 6 },
        {30,  0.95, 10},
        {100, 0.95, 40},
    };
    double values[100];
    for (size_t i = 0; i < 100; i++)
        values[i] = (double)(i + 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct interval interval = stats_median_interval(values, rows[i].count, rows[i].confidence);
        NEAR(interval.low, (double)rows[i].rank, 0);
        NEAR(interval.high, (double)(rows[i].count + 1 - rows[i].rank), 0);
    }
}

static void intervals_hold_the_median_as_often_as_they_say(void **state) {
    (void)state;
    struct rng rng;
    rng_init(&rng, 42);
    int held = 0;
    enum { TRIALS = 2000, COUNT = 25 };
    for (int trial = 0; trial < TRIALS; trial++) {
        double values[COUNT];
        for (int i = 0; i < COUNT; i++)
            values[i] = rng_exponential(&rng);
        struct interval interval = stats_median_interval(values, COUNT, 0.90);
        held += interval.low <= M_LN2 && M_LN2 <= interval.high;
    }
    /* At least 90 %, and no needless width: the next narrower interval holds 89.2 %. */
    assert_in_range(held, TRIALS * 88 / 100, TRIALS * 98 / 100);
}

static void normal_quantiles_match_the_tables(void **state) {
    (void)state;
    NEAR(stats_normal_quantile(0.5), 0, 1e-9);
    NEAR(stats_normal_quantile(0.95), 1.6448536269514722, 1e-8);
    NEAR(stats_normal_quantile(0.975), 1.959963984540054, 1e-8);
    NEAR(stats_normal_quantile(0.001), -3.090232306167813, 1e-8);
    assert_true(isinf(stats_normal_quantile(0)) && isinf(stats_normal_quantile(1)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_interpolate),
        cmocka_unit_test(the_callers_array_is_left_alone),
        cmocka_unit_test(mean_and_spread),
        cmocka_unit_test(intervals_of_the_median_have_the_books_ranks),
        cmocka_unit_test(intervals_hold_the_median_as_often_as_they_say),
        cmocka_unit_test(normal_quantiles_match_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
