/* Which experiment comes next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "predictor/design.h"

#include <math.h>

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

enum { ARMS = 6 };

static void every_arm_is_tried_before_any_is_preferred(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct design design;
        design_init(&design, &arena, ARMS, seed);
        for (int i = 0; i < 3 * ARMS; i++) {
            uint32_t arm = design_next(&design);
            assert_in_range(arm, 0, ARMS - 1);
            design_learn(&design, arm, arm == 0 ? 2 : 0.01, 1);
        }
        for (int a = 0; a < ARMS; a++)
            if (design.arms[a].tried == 0)
                fail_msg("seed %d: arm %d was not tried in %d draws", (int)seed, a, 3 * ARMS);
    }
}

/* How often each arm is drawn once all are known. */
static void draw(struct design *design, const double *errors, const double *seconds,
                 uint32_t *drawn) {
    for (int a = 0; a < ARMS; a++)
        for (int i = 0; i < 20; i++)
            design_learn(design, (uint32_t)a, errors[a], seconds[a]);
    for (int i = 0; i < 6000; i++) {
        uint32_t arm = design_next(design);
        drawn[arm]++;
        design_learn(design, arm, errors[arm], seconds[arm]);
    }
}

static void the_worst_arm_is_drawn_most(void **state) {
    (void)state;
    static const double errors[ARMS] = {0.02, 0.05, 0.4, 0.1, 0.02, 0.2};
    static const double seconds[ARMS] = {1, 1, 1, 1, 1, 1};
    uint32_t drawn[ARMS] = {0};
    struct design design;
    design_init(&design, &arena, ARMS, 1);
    draw(&design, errors, seconds, drawn);
    for (int a = 0; a < ARMS; a++) {
        if (a != 2)
            assert_true(drawn[2] > drawn[a]);
        assert_true(drawn[a] > 100); /* none is given up */
    }
    assert_true(drawn[5] > drawn[3] && drawn[3] > drawn[1] && drawn[1] > drawn[0]);
}

static void of_two_equal_arms_the_quick_one_is_drawn_more(void **state) {
    (void)state;
    static const double errors[ARMS] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
    static const double seconds[ARMS] = {1, 16, 1, 1, 1, 1};
    uint32_t drawn[ARMS] = {0};
    struct design design;
    design_init(&design, &arena, ARMS, 2);
    draw(&design, errors, seconds, drawn);
    assert_true(drawn[1] * 2 < drawn[0]);
}

static void the_same_seed_draws_the_same(void **state) {
    (void)state;
    struct design a, b, c;
    int differs = 0;
    design_init(&a, &arena, ARMS, 9);
    design_init(&b, &arena, ARMS, 9);
    design_init(&c, &arena, ARMS, 10);
    for (int i = 0; i < 200; i++) {
        uint32_t x = design_next(&a), y = design_next(&b), z = design_next(&c);
        assert_int_equal(x, y);
        differs += x != z;
        design_learn(&a, x, 0.1 * x, 1);
        design_learn(&b, y, 0.1 * y, 1);
        design_learn(&c, z, 0.1 * z, 1);
    }
    assert_true(differs > 20);
}

static void uncertainty_shrinks_as_arms_are_learnt(void **state) {
    (void)state;
    struct design design;
    design_init(&design, &arena, ARMS, 3);
    double before = design_uncertainty(&design);
    for (int i = 0; i < 60; i++)
        design_learn(&design, (uint32_t)(i % ARMS), 0.03, 1);
    double after = design_uncertainty(&design);
    assert_true(before > 0.4 && after < 0.5 * before);
    design_learn(&design, 0, NAN, 1); /* nothing was predicted: it counts as tried alone */
    assert_true(design_uncertainty(&design) == after);
    assert_int_equal(design.arms[0].tried, 11);
    design_learn(&design, 0, INFINITY, 1);
    assert_true(isfinite(design_uncertainty(&design)));
}

static void an_arm_without_weight_is_never_drawn(void **state) {
    (void)state;
    struct design design;
    design_init(&design, &arena, 3, 4);
    design.arms[1].weight = 0;
    design.arms[2].weight = 0;
    for (int i = 0; i < 100; i++) {
        uint32_t arm = design_next(&design);
        assert_int_equal(arm, 0);
        design_learn(&design, arm, 0.1, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_arm_is_tried_before_any_is_preferred),
        cmocka_unit_test(the_worst_arm_is_drawn_most),
        cmocka_unit_test(of_two_equal_arms_the_quick_one_is_drawn_more),
        cmocka_unit_test(the_same_seed_draws_the_same),
        cmocka_unit_test(uncertainty_shrinks_as_arms_are_learnt),
        cmocka_unit_test(an_arm_without_weight_is_never_drawn),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
