/* Judging predictions: nothing may be learnt from what is judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "predictor/accuracy.h"
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

static struct accuracy judge(const struct world *w) {
    struct training training = world_training(w);
    struct accuracy accuracy;
    struct err err = {0};
    if (accuracy_leave_out(&arena, &training, &(struct leaving_out){0}, &accuracy, &err))
        fail_msg("%s", err.message);
    assert_int_equal(accuracy.run_count, w->run_count);
    return accuracy;
}

static void slow_down(struct world *w, uint32_t run, double factor) {
    for (uint32_t i = 0; i < w->observation_count; i++)
        if (w->observations[i].run == run)
            w->observations[i].wall_ns *= factor;
    w->runs[run].latency_ns *= factor;
    w->runs[run].cpu_ns *= factor;
}

static double said_over_measured(const struct accuracy *accuracy, uint32_t run) {
    return accuracy->runs[run].latency_ns.value / accuracy->runs[run].measured_latency_ns;
}

/* A model ten times as slow as its work explains must be missed by that factor: who comes near has
 * seen it. */
static void a_model_is_never_in_its_own_training(void **state) {
    (void)state;
    struct world w;
    world_init(&w, &arena, 1);
    for (uint32_t m = 0; m < 12; m++)
        world_usual_model(&w, m, 20);
    slow_down(&w, 5, 10);
    struct accuracy accuracy = judge(&w);
    double ratio = said_over_measured(&accuracy, 5);
    if (ratio < 0.07 || ratio > 0.14)
        fail_msg("a model 10 times too slow was predicted at %.3f of what it took", ratio);
    /* Its operators too, one by one. */
    assert_true(accuracy.operators_bias < 0);
    for (uint32_t r = 0; r < 12; r++)
        if (r != 5)
            assert_true(fabs(said_over_measured(&accuracy, r) - 1) < 0.4);
}

/* Two runs of one file are one model. */
static void runs_of_one_file_leave_together(void **state) {
    (void)state;
    struct world w;
    world_init(&w, &arena, 2);
    for (uint32_t m = 0; m < 10; m++)
        world_usual_model(&w, m, 20);
    uint32_t again = world_usual_model(&w, 3, 20); /* the same name and hash */
    slow_down(&w, 3, 10);
    slow_down(&w, again, 10);
    struct accuracy accuracy = judge(&w);
    assert_true(said_over_measured(&accuracy, 3) < 0.14);
    assert_true(said_over_measured(&accuracy, again) < 0.14);
}

/* The file of a name changes, the name of a file changes: a chain of such is one model, and every
 * link is judged. */
static void names_and_hashes_chain(void **state) {
    (void)state;
    struct world w;
    world_init(&w, &arena, 3);
    for (uint32_t m = 0; m < 10; m++)
        world_usual_model(&w, m, 20);
    static const char *const chain[][2] = {
        {"first",  "hash-a"},
        {"second", "hash-a"},
        {"second", "hash-b"},
        {"third",  "hash-b"},
    };
    uint32_t runs[4];
    for (int i = 0; i < 4; i++) {
        runs[i] = world_usual_model(&w, 50, 20);
        w.runs[runs[i]].model_name = chain[i][0];
        w.runs[runs[i]].model_sha256 = chain[i][1];
        slow_down(&w, runs[i], 10);
    }
    struct accuracy accuracy = judge(&w);
    for (int i = 0; i < 4; i++) {
        assert_non_null(accuracy.runs[runs[i]].model_name);
        assert_string_equal(accuracy.runs[runs[i]].model_name, chain[i][0]);
        double ratio = said_over_measured(&accuracy, runs[i]);
        if (!(ratio > 0.05 && ratio < 0.14))
            fail_msg("link %d was predicted at %.3f of what it took", i, ratio);
    }
    assert_int_equal(accuracy.latency.count, w.run_count);
}

static void a_single_model_cannot_be_judged(void **state) {
    (void)state;
    struct world w;
    world_init(&w, &arena, 4);
    world_usual_model(&w, 0, 20);
    world_usual_model(&w, 0, 20);
    struct training training = world_training(&w);
    struct accuracy accuracy;
    struct err err = {0};
    assert_int_equal(
        accuracy_leave_out(&arena, &training, &(struct leaving_out){0}, &accuracy, &err),
        -ERR_INPUT);
    assert_non_null(strstr(err.message, "only one model"));
}

static void count_progress(void *context, double done) {
    double *last = context;
    assert_true(done >= *last && done <= 1);
    *last = done;
}

static void figures_of_a_lawful_world_are_good(void **state) {
    (void)state;
    struct world w;
    world_init(&w, &arena, 5);
    for (uint32_t m = 0; m < 25; m++)
        world_usual_model(&w, m, 20);
    struct training training = world_training(&w);
    struct accuracy accuracy;
    struct err err = {0};
    double last = 0;
    const struct leaving_out how = {.progress = count_progress, .context = &last};
    assert_int_equal(accuracy_leave_out(&arena, &training, &how, &accuracy, &err), 0);
    assert_true(last == 1);
    assert_int_equal(accuracy.latency.count, 25);
    assert_true(accuracy.latency.mape < 0.05);
    assert_true(accuracy.latency.coverage >= 0.8);
    assert_true(accuracy.noise_floor.mape > 0.05); /* the run is 1.1 times its operators */
    assert_int_equal(accuracy.class_count, 2);
    assert_true(fabs(accuracy.classes[0].share + accuracy.classes[1].share - 1) < 1e-9);
    assert_true(accuracy.classes[0].share >= accuracy.classes[1].share);
    assert_int_equal(accuracy.classes[0].operators.count + accuracy.classes[1].operators.count,
                     500);
    assert_int_equal(accuracy.quantities[QUANTITY_PEAK_BYTES].count, 0); /* nothing was measured */
}

/* What two models share is not learnt from one of them when the other is judged. */
static void families_leave_together(void **state) {
    (void)state;
    struct world w;
    const char *families[12];
    world_init(&w, &arena, 6);
    for (uint32_t m = 0; m < 12; m++) {
        world_usual_model(&w, m, 20);
        families[m] = m < 3 ? "slow" : "usual";
    }
    families[11] = "other";
    for (uint32_t m = 0; m < 3; m++)
        slow_down(&w, m, 10);
    struct training training = world_training(&w);
    const struct leaving_out how = {.families = families};
    struct accuracy accuracy;
    struct err err = {0};
    assert_int_equal(accuracy_leave_out(&arena, &training, &how, &accuracy, &err), 0);
    assert_int_equal(accuracy.group_count, 3);
    assert_int_equal(accuracy.family_count, 3);
    assert_string_equal(accuracy.families[1].name, "slow");
    assert_int_equal(accuracy.families[1].latency.count, 3);
    assert_int_equal(accuracy.families[2].latency.count, 8);
    for (uint32_t m = 0; m < 3; m++) {
        assert_string_equal(accuracy.runs[m].family, "slow");
        assert_true(said_over_measured(&accuracy, m) < 0.14);
    }
}

static void as_many_are_left_out_as_asked_for(void **state) {
    (void)state;
    struct world w;
    world_init(&w, &arena, 7);
    for (uint32_t m = 0; m < 12; m++)
        world_usual_model(&w, m, 20);
    struct training training = world_training(&w);
    const struct leaving_out how = {.at_most = 5};
    struct accuracy accuracy;
    struct err err = {0};
    assert_int_equal(accuracy_leave_out(&arena, &training, &how, &accuracy, &err), 0);
    assert_int_equal(accuracy.group_count, 12);
    assert_int_equal(accuracy.groups_judged, 5);
    assert_int_equal(accuracy.run_count, 5);
    assert_true(accuracy.runs[4].id - accuracy.runs[0].id > 8); /* spread over all */
}

static void what_adds_most_to_an_error_is_named(void **state) {
    (void)state;
    struct world w;
    world_init(&w, &arena, 8);
    for (uint32_t m = 0; m < 12; m++)
        world_usual_model(&w, m, 20);
    uint32_t odd = world_usual_model(&w, 12, 20);
    for (uint32_t i = 0; i < w.observation_count; i++)
        if (w.observations[i].run == odd && w.observations[i].features.family == FAMILY_MATMUL) {
            w.runs[odd].latency_ns += 3 * w.ratio * w.observations[i].wall_ns;
            w.observations[i].wall_ns *= 4;
        }
    w.runs[odd].cpu_ns = w.runs[odd].latency_ns;
    w.runs[odd].operators_ns = w.runs[odd].latency_ns / w.ratio;
    uint32_t lone = world_usual_model(&w, 13, 10);
    for (int i = 0; i < 5; i++)
        world_operator(&w, FAMILY_ELEMENTWISE, "Erf");
    for (int i = 0; i < 5; i++)
        world_operator(&w, FAMILY_POOL, "MaxPool");
    struct accuracy accuracy = judge(&w);
    const struct judged_run *run = &accuracy.runs[odd];
    assert_true(run->cause_count >= 1);
    assert_string_equal(run->causes[0].kernel, "matmul.weights");
    assert_int_equal(run->causes[0].operators, 10);
    assert_true(run->causes[0].share < -0.3);
    assert_non_null(strstr(run->causes[0].reason, "learnt from"));
    assert_true(run->causes[0].op_measured_ns > 2 * run->causes[0].op_predicted_ns);
    assert_string_equal(run->remark, "");
    bool borrowed = false, roofline = false;
    for (uint32_t c = 0; c < accuracy.runs[lone].cause_count; c++) {
        const struct error_cause *cause = &accuracy.runs[lone].causes[c];
        borrowed |= strcmp(cause->kernel, "Erf") == 0 && strstr(cause->reason, "borrowed");
        roofline |= strcmp(cause->kernel, "MaxPool") == 0 && strstr(cause->reason, "roofline");
    }
    assert_true(borrowed || roofline);
}

static void noise_and_disturbance_are_told_apart(void **state) {
    (void)state;
    struct world w;
    world_init(&w, &arena, 9);
    w.ratio = 1;
    for (uint32_t m = 0; m < 12; m++)
        world_usual_model(&w, m, 20);
    for (uint32_t r = 0; r < 12; r++)
        w.runs[r].operators_ns = w.runs[r].latency_ns;
    w.runs[3].latency_ns *= 1.5; /* wall time alone */
    w.runs[7].latency_ns *= 0.5; /* the run, not its operators */
    w.runs[7].cpu_ns *= 0.5;
    struct accuracy accuracy = judge(&w);
    assert_non_null(strstr(accuracy.runs[3].remark, "disturbed"));
    assert_non_null(strstr(accuracy.runs[7].remark, "its own measured operators"));
    assert_null(strstr(accuracy.runs[5].remark, "disturbed"));
    assert_null(strstr(accuracy.runs[5].remark, "own measured"));
}

static void summaries_are_what_they_are_called(void **state) {
    (void)state;
    static const struct estimate predicted[] = {
        {110, 100, 121, TIER_FITTED,  ""},
        {80,  75,  85,  TIER_FITTED,  ""},
        {300, 90,  400, TIER_FITTED,  ""},
        {100, 99,  101, TIER_FITTED,  ""},
        {NAN, NAN, NAN, TIER_REFUSED, ""},
        {100, 99,  101, TIER_FITTED,  ""},
    };
    static const double measured[] = {100, 100, 200, 100, 100, NAN};
    struct error_summary s = error_summary_of(&arena, predicted, measured, 6);
    assert_int_equal(s.count, 4);
    assert_true(fabs(s.mape - (0.1 + 0.2 + 0.5 + 0) / 4) < 1e-12);
    assert_true(fabs(s.bias - (0.1 - 0.2 + 0.5 + 0) / 4) < 1e-12);
    assert_true(fabs(s.median - 0.15) < 1e-12 && s.worst == 0.5);
    assert_true(s.coverage == 0.75);
    assert_true(s.within_5 == 0.25 && s.within_10 == 0.5 && s.within_20 == 0.75);
    struct error_summary none = error_summary_of(&arena, predicted, measured, 0);
    assert_int_equal(none.count, 0);
    assert_true(isnan(none.mape) && isnan(none.worst) && isnan(none.coverage));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_never_in_its_own_training),
        cmocka_unit_test(runs_of_one_file_leave_together),
        cmocka_unit_test(names_and_hashes_chain),
        cmocka_unit_test(a_single_model_cannot_be_judged),
        cmocka_unit_test(figures_of_a_lawful_world_are_good),
        cmocka_unit_test(families_leave_together),
        cmocka_unit_test(as_many_are_left_out_as_asked_for),
        cmocka_unit_test(what_adds_most_to_an_error_is_named),
        cmocka_unit_test(noise_and_disturbance_are_told_apart),
        cmocka_unit_test(summaries_are_what_they_are_called),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
