/* Cost models learnt from worlds whose laws are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "predictor/cost_model.h"
#include "tests/unit/synthetic.h"

#include <stdbool.h>

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

static struct cost_model learn(const struct world *w, const bool *skip) {
    struct training training = world_training(w);
    struct cost_model model;
    struct err err = {0};
    if (cost_model_fit(&arena, &training, skip, NULL, &model, &err))
        fail_msg("%s", err.message);
    return model;
}

static struct world usual_world(uint64_t seed, uint32_t models, double noise) {
    struct world w;
    world_init(&w, &arena, seed);
    w.op_noise = noise;
    for (uint32_t m = 0; m < models; m++)
        world_usual_model(&w, m, 24);
    return w;
}

static double relative_width(const struct estimate *e) {
    return log(e->high / e->low);
}

/* ---- what is learnt -------------------------------------------------------------------------- */

static void times_of_new_operators_are_found_under_noise(void **state) {
    (void)state;
    struct world w = usual_world(1, 20, 0.05);
    struct cost_model model = learn(&w, NULL);
    static const struct {
        enum kernel_family family;
        const char *key;
    } kinds[] = {
        {FAMILY_MATMUL,      "matmul.weights"},
        {FAMILY_ELEMENTWISE, "Add"           },
    };
    for (int i = 0; i < 400; i++) {
        struct features f = world_features(&w, kinds[i % 2].family, kinds[i % 2].key);
        struct estimate e = cost_model_estimate(&model, &f);
        double truth = world_truth_ns(&f);
        assert_int_equal(e.tier, TIER_FITTED);
        assert_true(e.low <= e.value && e.value <= e.high);
        if (fabs(e.value / truth - 1) > 0.12)
            fail_msg("%s: %.0f ns, the law says %.0f", f.key, e.value, truth);
    }
}

static void rates_come_back_without_noise(void **state) {
    (void)state;
    struct world w = usual_world(2, 20, 0);
    struct cost_model model = learn(&w, NULL);
    const struct class_fit *fit = cost_model_class(&model, "matmul.weights");
    assert_non_null(fit);
    assert_int_equal(fit->basis, BASIS_OWN);
    assert_int_equal(fit->observations, 240);
    assert_int_equal(fit->models, 20);
    static const double truth[FEATURE_TERMS_MAX] = {1000, 0.02, 0, 0.3, 0, 0, 0, 50};
    for (int t = 0; t < FEATURE_TERMS_MAX; t++)
        if (fabs(fit->rates[t] - truth[t]) > 0.01 * truth[t] + 1e-6)
            fail_msg("term %d: %g ns per unit, the law says %g", t, fit->rates[t], truth[t]);
    assert_true(fabs(fit->log_bias) < 0.01);
}

static void a_wild_reading_is_outvoted(void **state) {
    (void)state;
    struct world w = usual_world(3, 20, 0.02);
    for (uint32_t i = 0; i < w.observation_count; i += 40)
        w.observations[i].wall_ns *= 30;
    struct cost_model model = learn(&w, NULL);
    double sum = 0;
    for (int i = 0; i < 100; i++) {
        struct features f = world_features(&w, FAMILY_MATMUL, "matmul.weights");
        sum += fabs(log(cost_model_estimate(&model, &f).value / world_truth_ns(&f)));
    }
    assert_true(sum / 100 < 0.15);
}

static void no_rate_is_negative(void **state) {
    (void)state;
    struct world w = usual_world(4, 6, 0.5);
    struct cost_model model = learn(&w, NULL);
    for (uint32_t c = 0; c < model.class_count; c++)
        for (int t = 0; t < FEATURE_TERMS_MAX; t++)
            assert_true(model.classes[c].rates[t] >= 0);
}

/* ---- borrowing ------------------------------------------------------------------------------- */

/* "Rare" costs twice what its family does and was seen four times. */
static struct world world_with_a_rare_class(void) {
    struct world w = usual_world(5, 20, 0.02);
    for (int m = 0; m < 2; m++) {
        world_model(&w, m ? "rare1" : "rare0", m ? "rare1" : "rare0");
        for (int i = 0; i < 2; i++) {
            struct features f = world_features(&w, FAMILY_ELEMENTWISE, "Rare");
            world_observe(&w, &f, 2 * world_truth_ns(&f));
        }
    }
    return w;
}

/* Half of the operators are slow and happen to have a hundred far bytes. */
static void a_few_far_bytes_teach_nothing(void **state) {
    (void)state;
    struct world w = usual_world(8, 20, 0);
    struct training training = world_training(&w);
    struct cost_model model;
    struct err err = {0};
    for (uint32_t i = 0; i < training.observation_count; i += 2) {
        struct observation *o = (struct observation *)(uintptr_t)&training.observations[i];
        o->features.reuse.data[0] = 100;
        o->wall_ns *= 1.5;
    }
    assert_int_equal(cost_model_fit(&arena, &training, NULL, NULL, &model, &err), 0);
    struct features f = world_features(&w, FAMILY_MATMUL, "matmul.weights"), far = f;
    far.reuse.data[0] = 1e6;
    assert_true(cost_model_rates_ns(&model, &far) < 1.01 * cost_model_rates_ns(&model, &f));
}

static void a_rare_class_scales_its_family(void **state) {
    (void)state;
    struct world w = world_with_a_rare_class();
    struct cost_model model = learn(&w, NULL);
    const struct class_fit *fit = cost_model_class(&model, "Rare");
    assert_non_null(fit);
    assert_int_equal(fit->basis, BASIS_SCALED_FAMILY);
    for (int i = 0; i < 50; i++) {
        struct features f = world_features(&w, FAMILY_ELEMENTWISE, "Rare");
        double ratio = cost_model_estimate(&model, &f).value / world_truth_ns(&f);
        if (ratio < 1.6 || ratio > 2.4)
            fail_msg("%.2f times its family, the law says 2", ratio);
    }
}

static void what_was_never_seen_borrows_and_says_so(void **state) {
    (void)state;
    struct world w = world_with_a_rare_class();
    struct cost_model model = learn(&w, NULL);
    struct features f = world_features(&w, FAMILY_ELEMENTWISE, "Add"), g = f, h = f;
    snprintf(g.key, sizeof g.key, "NeverSeen");
    h.family = FAMILY_POOL;
    snprintf(h.key, sizeof h.key, "MaxPool");
    struct estimate own = cost_model_estimate(&model, &f), family = cost_model_estimate(&model, &g),
                    roofline = cost_model_estimate(&model, &h);
    assert_int_equal(own.tier, TIER_FITTED);
    assert_int_equal(family.tier, TIER_TRANSFERRED);
    assert_int_equal(roofline.tier, TIER_ROOFLINE);
    assert_null(cost_model_class(&model, "NeverSeen"));
    assert_true(relative_width(&own) < relative_width(&family));
    assert_true(relative_width(&family) < relative_width(&roofline));
    assert_true(cost_model_log_spread(&model, &f) < cost_model_log_spread(&model, &g));
    assert_true(family.value > 0.3 * own.value && family.value < 3 * own.value);
    assert_true(roofline.value > 0 && isfinite(roofline.value));
}

static void beyond_what_was_seen_the_interval_is_wider(void **state) {
    (void)state;
    struct world w = usual_world(6, 20, 0.05);
    struct cost_model model = learn(&w, NULL);
    struct features inside = world_features(&w, FAMILY_MATMUL, "matmul.weights"), outside = inside,
                    guessed = inside;
    for (int t = 1; t < FEATURE_TERMS_MAX; t++)
        outside.terms[t] *= 1e4;
    outside.flops *= 1e4;
    guessed.guessed = true;
    struct estimate near = cost_model_estimate(&model, &inside),
                    far = cost_model_estimate(&model, &outside),
                    vague = cost_model_estimate(&model, &guessed);
    assert_true(relative_width(&far) > 1.2 * relative_width(&near));
    assert_true(relative_width(&vague) > 1.2 * relative_width(&near));
    double truth = world_truth_ns(&outside);
    assert_true(far.value > truth / 3 && far.value < truth * 3);
}

/* ---- what is left out ------------------------------------------------------------------------ */

static void skipped_runs_teach_nothing(void **state) {
    (void)state;
    struct world w = usual_world(7, 20, 0.02);
    bool *skip = ARENA_ARRAY(&arena, w.run_count, bool);
    struct cost_model clean = learn(&w, NULL);
    for (uint32_t i = 0; i < w.observation_count; i++)
        if (w.observations[i].run % 2) {
            w.observations[i].wall_ns *= 100;
            skip[w.observations[i].run] = true;
        }
    struct cost_model model = learn(&w, skip);
    struct features f = world_features(&w, FAMILY_MATMUL, "matmul.weights");
    double a = cost_model_estimate(&clean, &f).value, b = cost_model_estimate(&model, &f).value;
    assert_true(fabs(a / b - 1) < 0.1);
    assert_int_equal(cost_model_class(&model, "matmul.weights")->models, 10);
}

static void nothing_to_learn_from_is_refused(void **state) {
    (void)state;
    struct world w = usual_world(8, 2, 0.02);
    struct training training = world_training(&w), empty = {.threads = 1};
    const bool skip[] = {true, true};
    struct cost_model model;
    struct err err = {0};
    assert_int_equal(cost_model_fit(&arena, &empty, NULL, NULL, &model, &err), -ERR_INPUT);
    err = (struct err){0};
    assert_int_equal(cost_model_fit(&arena, &training, skip, NULL, &model, &err), -ERR_INPUT);
    for (uint32_t i = 0; i < w.observation_count; i++)
        w.observations[i].wall_ns = i % 2 ? NAN : 0;
    err = (struct err){0};
    assert_int_equal(cost_model_fit(&arena, &training, NULL, NULL, &model, &err), -ERR_INPUT);
}

static void readings_that_are_none_are_passed_over(void **state) {
    (void)state;
    struct world w = usual_world(9, 10, 0.02);
    struct cost_model before = learn(&w, NULL);
    uint32_t held = w.observation_count;
    static const double none[] = {NAN, INFINITY, 0, -5};
    for (int i = 0; i < 4; i++) {
        struct features f = world_features(&w, FAMILY_MATMUL, "matmul.weights");
        world_observe(&w, &f, none[i]);
    }
    assert_int_equal(w.observation_count, held + 4);
    struct cost_model after = learn(&w, NULL);
    struct features f = world_features(&w, FAMILY_MATMUL, "matmul.weights");
    assert_true(cost_model_estimate(&before, &f).value == cost_model_estimate(&after, &f).value);
}

static void the_same_data_give_the_same_bits_in_any_order(void **state) {
    (void)state;
    struct world w = usual_world(10, 12, 0.1);
    struct cost_model a = learn(&w, NULL), b = learn(&w, NULL);
    struct world turned = w;
    turned.observations = ARENA_ARRAY(&arena, w.observation_count, struct observation);
    for (uint32_t i = 0; i < w.observation_count; i++)
        turned.observations[i] = w.observations[w.observation_count - 1 - i];
    struct cost_model c = learn(&turned, NULL);
    for (int i = 0; i < 50; i++) {
        struct features f = world_features(&w, FAMILY_MATMUL, "matmul.weights");
        struct estimate x = cost_model_estimate(&a, &f), y = cost_model_estimate(&b, &f),
                        z = cost_model_estimate(&c, &f);
        assert_true(x.value == y.value && x.low == y.low && x.high == y.high);
        assert_true(x.value == z.value && x.low == z.low);
    }
}

static void one_observation_is_enough_to_answer_and_not_to_boast(void **state) {
    (void)state;
    struct world w;
    world_init(&w, &arena, 11);
    world_model(&w, "one", "one");
    world_operator(&w, FAMILY_MATMUL, "matmul.weights");
    struct cost_model model = learn(&w, NULL);
    struct estimate e = cost_model_estimate(&model, &w.observations[0].features);
    assert_true(isfinite(e.value) && e.value > 0);
    assert_true(fabs(e.value / w.observations[0].wall_ns - 1) < 0.5);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static void the_bound_follows_the_roofline(void **state) {
    (void)state;
    const struct cost_model model = {
        .roofline = {.flops_per_ns = 100, .bytes_per_ns = 10, .call_ns = 1000}
    };
    const struct features compute = {.flops = 1e7, .bytes_in = 1e5},
                          memory = {.flops = 1e5, .bytes_in = 1e6},
                          overhead = {.flops = 1e4, .bytes_in = 1e3};
    assert_int_equal(cost_model_bound(&model, &compute), BOUND_COMPUTE);
    assert_int_equal(cost_model_bound(&model, &memory), BOUND_MEMORY);
    assert_int_equal(cost_model_bound(&model, &overhead), BOUND_OVERHEAD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_of_new_operators_are_found_under_noise),
        cmocka_unit_test(rates_come_back_without_noise),
        cmocka_unit_test(a_wild_reading_is_outvoted),
        cmocka_unit_test(no_rate_is_negative),
        cmocka_unit_test(a_few_far_bytes_teach_nothing),
        cmocka_unit_test(a_rare_class_scales_its_family),
        cmocka_unit_test(what_was_never_seen_borrows_and_says_so),
        cmocka_unit_test(beyond_what_was_seen_the_interval_is_wider),
        cmocka_unit_test(skipped_runs_teach_nothing),
        cmocka_unit_test(nothing_to_learn_from_is_refused),
        cmocka_unit_test(readings_that_are_none_are_passed_over),
        cmocka_unit_test(the_same_data_give_the_same_bits_in_any_order),
        cmocka_unit_test(one_observation_is_enough_to_answer_and_not_to_boast),
        cmocka_unit_test(the_bound_follows_the_roofline),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
