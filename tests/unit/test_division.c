/* Work that is dealt out to threads, against shares worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/division.h"

#include <math.h>

static const double near = 1e-12;

static void assert_share(const struct division *division, uint32_t threads, double share,
                         double forks) {
    assert_true(fabs(division_share(division, threads) - share) < near);
    assert_true(division_forks(division, threads) == forks);
}

static void nothing_said_is_one_thread(void **state) {
    (void)state;
    const struct division none = {0};
    for (uint32_t n = 0; n < 100; n += 7)
        assert_share(&none, n, 1, 0);
}

static void the_busiest_has_a_piece_more(void **state) {
    (void)state;
    const struct division seven = division_pieces(7), one = division_pieces(1);
    assert_share(&seven, 1, 1, 0);
    assert_share(&seven, 2, 4.0 / 7, 1);
    assert_share(&seven, 4, 2.0 / 7, 1);
    assert_share(&seven, 7, 1.0 / 7, 1);
    assert_share(&seven, 64, 1.0 / 7, 1);
    assert_share(&one, 8, 1, 0);
}

static void short_loops_stay_with_one_thread(void **state) {
    (void)state;
    const struct division brief = division_by_cost(88000, 2.375),
                          enough = division_by_cost(1e6, 2.375), few = division_by_cost(3, 1e6);
    assert_share(&brief, 8, 1, 0); /* 209,000 cycles */
    assert_true(division_share(&enough, 2) < 0.51 && division_share(&enough, 8) < 0.14);
    assert_share(&few, 2, 2.0 / 3, 1);
}

/* 65,536 multiply-adds are worth a thread; columns go by sixteens. */
static void products_are_cut_along_their_longer_side(void **state) {
    (void)state;
    const struct division tiny = division_products(1, 16, 16, 16),
                          short_one = division_products(1, 64, 64, 32),
                          wide = division_products(1, 1, 1000, 2048),
                          tall = division_products(1, 197, 100, 768);
    assert_share(&tiny, 2, 1, 0);
    assert_share(&short_one, 2, 0.5, 1);
    assert_share(&short_one, 8, 1.0 / 3 + 2.0 / 3 / 64, 1); /* three threads: 22 of 64 rows */
    assert_share(&wide, 2, 32.0 / 63, 1);
    assert_share(&tall, 4, 50.0 / 197, 1);
}

/* Whole matrices first: they are cut only where there are fewer of them than threads. */
static void matrices_of_a_batch_are_cut_when_they_are_few(void **state) {
    (void)state;
    const struct division heads = division_products(3, 197, 197, 64),
                          small = division_products(3, 8, 8, 8);
    assert_share(&heads, 2, 2.0 / 3, 1);
    assert_share(&heads, 3, 1.0 / 3, 1);
    assert_share(&heads, 6, 99.0 / 197 / 3, 1);
    assert_share(&small, 6, 1.0 / 3, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_is_one_thread),
        cmocka_unit_test(the_busiest_has_a_piece_more),
        cmocka_unit_test(short_loops_stay_with_one_thread),
        cmocka_unit_test(products_are_cut_along_their_longer_side),
        cmocka_unit_test(matrices_of_a_batch_are_cut_when_they_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
