/* Predictions of recorded observations against what they were when the code was last judged good.
 *   test_gate --record     writes tests/data/predictions.tsv anew
 * Runs in the root of the sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "models/infer.h"
#include "models/lower.h"
#include "models/zoo/zoo.h"
#include "predictor/observations_text.h"
#include "predictor/predict.h"
#include "tests/unit/gate.h"

#define OBSERVATIONS "tests/data/observations.tsv.gz"
#define PREDICTIONS  "tests/data/predictions.tsv"

static struct arena arena;
static struct training learnt, judged;
static struct fit fit;
static struct gate_table now;

/* ---- what is recorded ------------------------------------------------------------------------ */

static struct strbuf unpacked(void) {
    char bytes[65536];
    size_t count;
    struct strbuf text;
    strbuf_init(&text);
    FILE *pipe = popen("gzip -dc " OBSERVATIONS, "r");
    while (pipe && (count = fread(bytes, 1, sizeof bytes, pipe)) > 0)
        strbuf_add(&text, bytes, count);
    if (pipe)
        pclose(pipe);
    return text;
}

static bool *chosen(const struct training *all, bool networks) {
    bool *keep = ARENA_ARRAY(&arena, all->run_count + 1u, bool);
    for (uint32_t r = 0; r < all->run_count; r++)
        keep[r] = (strcmp(all->runs[r].purpose, "calibrate") == 0) == networks;
    return keep;
}

static int load(struct err *err) {
    struct training all;
    struct strbuf text = unpacked();
    int code = observations_read(&arena, text.text, text.length, OBSERVATIONS, &all, err);
    strbuf_done(&text);
    if (code)
        return err_hint(err, "make record-observations DB=FILE, of this program's own database");
    learnt = training_kept(&arena, &all, chosen(&all, true));
    judged = training_kept(&arena, &all, chosen(&all, false));
    if (fit_train(&arena, &learnt, NULL, &fit, err))
        return -(int)err->code;
    now = gate_make(&arena, &fit, &learnt, &judged);
    return 0;
}

static int set_up(void **state) {
    struct err err = {0};
    (void)state;
    arena_init(&arena);
    if (load(&err) == 0)
        return 0;
    fprintf(stderr, "%s\n%s\n", err.message, err.hint);
    return -1;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static int record(void) {
    FILE *file = set_up(NULL) == 0 ? fopen(PREDICTIONS, "w") : NULL;
    if (!file)
        return 1;
    gate_write(&now, file);
    printf("%s: %u points; models off by %.2f %% (median), intervals hold %.1f %%\n", PREDICTIONS,
           now.count, 100 * now.model_median, 100 * now.model_coverage);
    return fclose(file) == 0 ? 0 : 1;
}

/* ---- the gate -------------------------------------------------------------------------------- */

static void predictions_are_no_worse_than_recorded(void **state) {
    struct gate_table before;
    (void)state;
    if (!gate_read(&arena, PREDICTIONS, &before))
        fail_msg("%s is not there or is no such table: make record-predictions", PREDICTIONS);
    struct gate_verdict verdict = gate_compare(&before, &now, stdout);
    assert_int_equal(verdict.worse, 0);
}

static void the_recording_is_worth_its_place(void **state) {
    (void)state;
    assert_true(judged.run_count >= 15);
    assert_true(learnt.run_count >= 100);
    assert_true(fit.cost.class_count >= 40);
}

/* ---- that it can fail ------------------------------------------------------------------------ */

/* The fit with classes of its own, which may be broken. */
static struct fit copy_of_fit(void) {
    struct fit copy = fit;
    copy.cost.classes = arena_grow(&arena, fit.cost.classes, fit.cost.class_count,
                                   fit.cost.class_count, sizeof *fit.cost.classes);
    return copy;
}

static struct gate_verdict verdict_on(const struct fit *broken) {
    struct gate_table table = gate_make(&arena, broken, &learnt, &judged);
    return gate_compare(&now, &table, NULL);
}

static void the_same_fit_passes(void **state) {
    (void)state;
    struct fit copy = copy_of_fit();
    struct gate_verdict verdict = verdict_on(&copy);
    assert_int_equal(verdict.worse + verdict.better + verdict.moved, 0);
}

static void wrong_rates_of_one_class_are_seen(void **state) {
    (void)state;
    struct fit broken = copy_of_fit();
    for (uint32_t c = 0; c < broken.cost.class_count; c++)
        for (int t = 0;
             strcmp(broken.cost.classes[c].key, "conv.nchwc.dense") == 0 && t < FEATURE_TERMS_MAX;
             t++)
            broken.cost.classes[c].rates[t] *= 1.3;
    struct gate_verdict verdict = verdict_on(&broken);
    assert_true(verdict.worse >= 3);
    assert_true(verdict.moved > 0);
}

static void a_class_that_is_lost_is_seen(void **state) {
    (void)state;
    struct fit broken = copy_of_fit();
    uint32_t kept = 0;
    for (uint32_t c = 0; c < broken.cost.class_count; c++)
        if (strcmp(broken.cost.classes[c].key, "Softmax") != 0)
            broken.cost.classes[kept++] = broken.cost.classes[c];
    assert_int_equal(kept, broken.cost.class_count - 1);
    broken.cost.class_count = kept;
    assert_true(verdict_on(&broken).worse >= 3);
}

static void a_bias_of_all_models_is_seen(void **state) {
    (void)state;
    struct fit broken = copy_of_fit();
    broken.sum_ratio *= 1.1;
    assert_true(verdict_on(&broken).worse >= 5);
}

static void intervals_too_narrow_or_too_wide_are_seen(void **state) {
    (void)state;
    struct fit broken = copy_of_fit();
    broken.spread.scale /= 8;
    broken.speed_log_spread = 0;
    assert_true(verdict_on(&broken).worse >= 1);
    static const double factors[] = {0.1, 10};
    for (size_t i = 0; i < 2; i++) {
        broken = copy_of_fit();
        for (uint32_t c = 0; c < broken.cost.class_count; c++)
            broken.cost.classes[c].log_spread *= factors[i];
        assert_true(verdict_on(&broken).worse >= 1);
    }
}

static void a_model_that_is_missing_is_seen(void **state) {
    (void)state;
    struct gate_table fewer = now;
    while (fewer.points[fewer.count - 1].op >= 0)
        fewer.count--;
    fewer.count--;
    assert_true(gate_compare(&now, &fewer, NULL).worse >= 2); /* and its operators */
    assert_int_equal(gate_compare(&fewer, &now, NULL).worse, 1);
}

/* Ages settle by the rates; what is answered in the end has the residual, at the age that was
 * found. */
static void a_model_is_the_sum_of_what_the_fit_says(void **state) {
    (void)state;
    const struct zoo_options options = {0};
    const struct lower_target target = {.block = 16};
    const struct predict_options asked = {
        .target = {.block = 16, .cache_bytes = 2 << 20},
        .memory_confidence = 0.99,
        .allow_roofline = true
    };
    struct zoo_model model;
    struct graph *lowered;
    struct flat_graph flat;
    struct prediction said = {0};
    struct err err = {0};
    if (zoo_build(&arena, "mobilenet_v2", &options, &model, &err) ||
        infer_shapes(model.graph, &err) ||
        lower_by_rules(&arena, model.graph, &target, &lowered, &err) ||
        flat_graph_build(&arena, lowered, &flat, &err))
        fail_msg("%s", err.message);
    predict_model(&arena, &fit, lowered, &flat, 0, &asked, &said);
    const struct features *features = predict_features(&arena, &fit, lowered, &flat, &asked);
    double sum = 0;
    uint32_t aged = 0, corrected = 0;
    for (uint32_t i = 0; i < flat.count; i++) {
        double ns = cost_model_estimate(&fit.cost, &features[i]).value;
        aged += features[i].inference_ns > 0;
        corrected += ns != cost_model_rates_ns(&fit.cost, &features[i]);
        if (!features[i].free)
            assert_true(said.operators[i].latency_ns.value == ns);
        sum += said.operators[i].latency_ns.value;
    }
    assert_true(aged > 20 && corrected > 10);
    assert_true(fabs(said.latency_ns.value / (fit.wall_ratio * fit.sum_ratio * sum) - 1) < 1e-9);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictions_are_no_worse_than_recorded),
        cmocka_unit_test(the_recording_is_worth_its_place),
        cmocka_unit_test(the_same_fit_passes),
        cmocka_unit_test(wrong_rates_of_one_class_are_seen),
        cmocka_unit_test(a_class_that_is_lost_is_seen),
        cmocka_unit_test(a_bias_of_all_models_is_seen),
        cmocka_unit_test(intervals_too_narrow_or_too_wide_are_seen),
        cmocka_unit_test(a_model_that_is_missing_is_seen),
        cmocka_unit_test(a_model_is_the_sum_of_what_the_fit_says),
    };
    if (argc > 1 && strcmp(argv[1], "--record") == 0)
        return record();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
