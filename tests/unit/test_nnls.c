/* Non-negative least squares against a search over all active sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "predictor/nnls.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { ROWS_MAX = 40, COLUMNS_MAX = 6 };

static double residual(const double *a, const double *b, uint32_t rows, uint32_t columns,
                       const double *x) {
    double sum = 0;
    for (uint32_t r = 0; r < rows; r++) {
        double rest = b[r];
        for (uint32_t c = 0; c < columns; c++)
            rest -= a[r * columns + c] * x[c];
        sum += rest * rest;
    }
    return sum;
}

/* Least squares over the columns of `set` by Gauss-Jordan with full precision of long double; false
 * when they depend on each other. */
static bool solve_set(const double *a, const double *b, uint32_t rows, uint32_t columns,
                      uint32_t set, double *x) {
    long double m[COLUMNS_MAX][COLUMNS_MAX + 1] = {{0}};
    uint32_t index[COLUMNS_MAX], n = 0;
    for (uint32_t c = 0; c < columns; c++)
        if (set >> c & 1)
            index[n++] = c;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t r = 0; r < rows; r++) {
            long double left = a[r * columns + index[i]];
            for (uint32_t j = 0; j < n; j++)
                m[i][j] += left * a[r * columns + index[j]];
            m[i][n] += left * b[r];
        }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t pivot = i;
        for (uint32_t k = i + 1; k < n; k++)
            if (fabsl(m[k][i]) > fabsl(m[pivot][i]))
                pivot = k;
        if (fabsl(m[pivot][i]) < 1e-14L)
            return false;
        for (uint32_t j = 0; j <= n; j++) {
            long double held = m[i][j];
            m[i][j] = m[pivot][j];
            m[pivot][j] = held;
        }
        for (uint32_t k = 0; k < n; k++) {
            long double factor = k == i ? 0 : m[k][i] / m[i][i];
            for (uint32_t j = i; j <= n; j++)
                m[k][j] -= factor * m[i][j];
        }
    }
    memset(x, 0, columns * sizeof *x);
    for (uint32_t i = 0; i < n; i++)
        x[index[i]] = (double)(m[i][n] / m[i][i]);
    return true;
}

/* The least residual over all sets of columns whose own solution is not negative. */
static double best_residual(const double *a, const double *b, uint32_t rows, uint32_t columns) {
    double best = INFINITY;
    for (uint32_t set = 0; set < 1u << columns; set++) {
        double x[COLUMNS_MAX];
        bool usable = solve_set(a, b, rows, columns, set, x);
        for (uint32_t c = 0; usable && c < columns; c++)
            usable = x[c] >= 0;
        if (usable)
            best = fmin(best, residual(a, b, rows, columns, x));
    }
    return best;
}

static double norm2(const double *b, uint32_t rows) {
    double sum = 0;
    for (uint32_t r = 0; r < rows; r++)
        sum += b[r] * b[r];
    return sum;
}

static void expect_optimal(const double *a, const double *b, uint32_t rows, uint32_t columns,
                           double *x) {
    struct err err = {0};
    if (nnls(a, b, rows, columns, x, &err))
        fail_msg("%s", err.message);
    for (uint32_t c = 0; c < columns; c++)
        assert_true(isfinite(x[c]) && x[c] >= 0);
    double reached = residual(a, b, rows, columns, x), best = best_residual(a, b, rows, columns);
    if (reached > best + 1e-7 * norm2(b, rows))
        fail_msg("%u x %u: residual %.12g, the best is %.12g", rows, columns, reached, best);
}

static void random_problems_reach_the_best_of_all_active_sets(void **state) {
    (void)state;
    struct rng rng;
    rng_init(&rng, 7);
    for (int trial = 0; trial < 2000; trial++) {
        double a[ROWS_MAX * COLUMNS_MAX], b[ROWS_MAX], x[COLUMNS_MAX];
        uint32_t columns = (uint32_t)rng_between(&rng, 1, COLUMNS_MAX);
        uint32_t rows = (uint32_t)rng_between(&rng, 1, ROWS_MAX);
        double offset = rng_uniform(&rng); /* near 1: columns that look alike */
        for (uint32_t i = 0; i < rows * columns; i++)
            a[i] = offset + (1 - offset) * rng_normal(&rng);
        for (uint32_t r = 0; r < rows; r++)
            b[r] = rng_normal(&rng) + 0.3;
        expect_optimal(a, b, rows, columns, x);
    }
}

static void exact_rates_come_back(void **state) {
    (void)state;
    static const double truth[] = {5, 0, 2e-3, 7, 0, 1};
    struct rng rng;
    rng_init(&rng, 11);
    double a[ROWS_MAX * COLUMNS_MAX], b[ROWS_MAX], x[COLUMNS_MAX];
    for (uint32_t r = 0; r < ROWS_MAX; r++) {
        b[r] = 0;
        for (uint32_t c = 0; c < COLUMNS_MAX; c++) {
            a[r * COLUMNS_MAX + c] = rng_uniform(&rng) * (c == 2 ? 1e3 : 1);
            b[r] += truth[c] * a[r * COLUMNS_MAX + c];
        }
    }
    expect_optimal(a, b, ROWS_MAX, COLUMNS_MAX, x);
    for (uint32_t c = 0; c < COLUMNS_MAX; c++)
        assert_true(fabs(x[c] - truth[c]) < 1e-5 * fmax(truth[c], 1e-2));
}

/* FLOPs beside ones beside fractions, and times in ns or in years: nothing depends on the unit. */
static void units_do_not_matter(void **state) {
    (void)state;
    struct rng rng;
    rng_init(&rng, 3);
    double plain[COLUMNS_MAX], scaled[COLUMNS_MAX];
    double a[ROWS_MAX * 4], b[ROWS_MAX], a2[ROWS_MAX * 4], b2[ROWS_MAX];
    static const double unit[] = {1e-9, 1, 1e6, 1e15};
    static const double unit_b[] = {1e-20, 1e-6, 1e9, 1e40};
    struct err err = {0};
    for (int i = 0; i < ROWS_MAX * 4; i++)
        a[i] = rng_uniform(&rng);
    for (int i = 0; i < ROWS_MAX; i++)
        b[i] = 2 * a[4 * i] + 3 * a[4 * i + 1] - a[4 * i + 2] + 0.1 * rng_normal(&rng);
    assert_int_equal(nnls(a, b, ROWS_MAX, 4, plain, &err), 0);
    assert_true(plain[0] > 1 && plain[1] > 1 && plain[2] == 0);
    for (size_t k = 0; k < 4; k++) {
        for (int i = 0; i < ROWS_MAX * 4; i++)
            a2[i] = a[i] * unit[i % 4];
        for (int i = 0; i < ROWS_MAX; i++)
            b2[i] = b[i] * unit_b[k];
        assert_int_equal(nnls(a2, b2, ROWS_MAX, 4, scaled, &err), 0);
        for (int c = 0; c < 4; c++)
            if (fabs(scaled[c] * unit[c] / unit_b[k] - plain[c]) > 1e-6)
                fail_msg("column %d with times in units of %g: %.9g, not %.9g", c, unit_b[k],
                         scaled[c] * unit[c] / unit_b[k], plain[c]);
    }
}

static void twins_share_and_empty_columns_get_nothing(void **state) {
    (void)state;
    struct rng rng;
    rng_init(&rng, 5);
    double a[ROWS_MAX * 4], b[ROWS_MAX], x[4];
    struct err err = {0};
    for (int r = 0; r < ROWS_MAX; r++) {
        double value = 1 + rng_uniform(&rng);
        double row[] = {value, 0, value, rng_uniform(&rng)};
        memcpy(a + 4 * r, row, sizeof row);
        b[r] = 3 * value + 2 * row[3];
    }
    assert_int_equal(nnls(a, b, ROWS_MAX, 4, x, &err), 0);
    assert_true(x[1] == 0);
    assert_true(fabs(x[0] + x[2] - 3) < 1e-5 && fabs(x[3] - 2) < 1e-5);
    assert_true(residual(a, b, ROWS_MAX, 4, x) < 1e-8 * norm2(b, ROWS_MAX));
}

static void what_only_hurts_stays_zero(void **state) {
    (void)state;
    static const double a[] = {1, 2, 3, 4, 5, 6}, b[] = {-1, -2, -3};
    double x[2] = {9, 9};
    struct err err = {0};
    assert_int_equal(nnls(a, b, 3, 2, x, &err), 0);
    assert_true(x[0] == 0 && x[1] == 0);
}

static void no_rows_and_zero_targets_give_zero(void **state) {
    (void)state;
    static const double a[] = {1, 2, 3, 4}, b[] = {0, 0};
    double x[2] = {9, 9};
    struct err err = {0};
    assert_int_equal(nnls(a, b, 0, 2, x, &err), 0);
    assert_true(x[0] == 0 && x[1] == 0);
    assert_int_equal(nnls(a, b, 2, 2, x, &err), 0);
    assert_true(x[0] == 0 && x[1] == 0);
}

static void one_column_more_than_rows_still_ends(void **state) {
    (void)state;
    double a[2 * COLUMNS_MAX], x[COLUMNS_MAX];
    static const double b[] = {1, 1};
    struct rng rng;
    rng_init(&rng, 9);
    for (int i = 0; i < 2 * COLUMNS_MAX; i++)
        a[i] = rng_uniform(&rng);
    expect_optimal(a, b, 2, COLUMNS_MAX, x);
}

static void numbers_that_are_none_are_refused(void **state) {
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY, 1e300};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 2, 3}, x[2];
        struct err err = {0};
        a[3] = bad[i];
        assert_int_equal(nnls(a, b, 3, 2, x, &err), -ERR_BUG);
        assert_non_null(strstr(err.message, "column 1"));
        a[3] = 4;
        if (fabs(bad[i]) < INFINITY)
            continue;
        b[1] = bad[i];
        err = (struct err){0};
        assert_int_equal(nnls(a, b, 3, 2, x, &err), -ERR_BUG);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_problems_reach_the_best_of_all_active_sets),
        cmocka_unit_test(exact_rates_come_back),
        cmocka_unit_test(units_do_not_matter),
        cmocka_unit_test(twins_share_and_empty_columns_get_nothing),
        cmocka_unit_test(what_only_hurts_stays_zero),
        cmocka_unit_test(no_rows_and_zero_targets_give_zero),
        cmocka_unit_test(one_column_more_than_rows_still_ends),
        cmocka_unit_test(numbers_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
