/* Memory and start-up learnt from runs whose laws are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "predictor/quantity.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { RUNS = 60 };

struct law {
    double noise;       /* of everything, as a share */
    double arena_noise; /* of the arena alone */
};

struct world {
    struct arena arena;
    struct rng rng;
    struct observed_run runs[RUNS];
    struct training training;
};

static struct world w;

static double between(double low, double high) {
    return low * pow(high / low, rng_uniform(&w.rng));
}

static double around(double noise) {
    return 1 + noise * (2 * rng_uniform(&w.rng) - 1);
}

/* `scale` multiplies the weights. */
static struct observed_run draw(const struct law *law, uint32_t i, double scale) {
    struct observed_run run = {.id = i, .latency_ns = between(1e6, 1e8)};
    struct footprint *f = &run.footprint;
    f->operators = between(10, 300);
    f->resident_weight_bytes = scale * between(1e5, 6e7);
    f->loading_bytes = f->resident_weight_bytes * (1 + 2 * rng_uniform(&w.rng));
    f->file_bytes = f->packed_weight_bytes = f->resident_weight_bytes;
    f->arena_bytes = f->first_run_bytes = between(1e5, 5e7);
    run.loaded_bytes = (34e6 + 1e5 * sqrt(f->operators) + f->loading_bytes) * around(law->noise);
    run.resident_bytes = (35e6 + 1.2e5 * sqrt(f->operators) + f->resident_weight_bytes +
                          f->arena_bytes * around(law->arena_noise)) *
                         around(law->noise);
    run.peak_bytes = fmax(run.loaded_bytes, run.resident_bytes);
    f->file_nodes = between(10, 600);
    f->weight_tensors = between(10, 100);
    run.file_read_ns = 1e5 + 0.2 * f->file_bytes;
    run.parse_ns = 3e5 + 5e3 * f->file_nodes + 0.5 * f->file_bytes;
    run.optimise_ns = 2e6 + 3e4 * f->file_nodes + 0.4 * f->file_bytes;
    run.reorder_ns = 1e4 + 100 * f->operators;
    run.prepack_ns = 5e4 + 2e3 * f->operators + 0.7 * f->packed_weight_bytes;
    run.load_ns =
        run.file_read_ns + run.parse_ns + run.optimise_ns + run.reorder_ns + run.prepack_ns;
    run.first_run_ns = 1e5 + run.latency_ns + 0.4 * f->first_run_bytes;
    char name[16];
    snprintf(name, sizeof name, "m%u", i);
    run.model_name = run.model_sha256 = arena_strdup(&w.arena, name);
    return run;
}

static void world_make(const struct law *law) {
    rng_init(&w.rng, 1);
    for (uint32_t i = 0; i < RUNS; i++)
        w.runs[i] = draw(law, i, 1);
    w.training = (struct training){.runs = w.runs, .run_count = RUNS, .threads = 1};
}

static int set_up(void **state) {
    (void)state;
    arena_init(&w.arena);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&w.arena);
    return 0;
}

static struct quantity_fit fit_of(enum quantity quantity) {
    struct quantity_fit fit;
    struct err err = {0};
    if (quantity_fit(&w.arena, quantity, &w.training, NULL, &fit, &err))
        fail_msg("%s", err.message);
    return fit;
}

static double predicted(enum quantity quantity, const struct quantity_fit *fit,
                        const struct observed_run *run) {
    return quantity_estimate(quantity, fit, &run->footprint, run->latency_ns).value;
}

static void the_peak_is_the_larger_of_loading_and_running(void **state) {
    (void)state;
    const struct law law = {0.001, 0};
    world_make(&law);
    struct quantity_fit fit = fit_of(QUANTITY_PEAK_BYTES);
    uint32_t loading = 0;
    for (uint32_t r = 0; r < RUNS; r++) {
        loading += w.runs[r].loaded_bytes > w.runs[r].resident_bytes;
        double error = predicted(QUANTITY_PEAK_BYTES, &fit, &w.runs[r]) / w.runs[r].peak_bytes - 1;
        assert_true(fabs(error) < 0.005);
    }
    assert_in_range(loading, 10, RUNS - 10); /* both occur */
}

static void small_models_tell_of_large_ones(void **state) {
    (void)state;
    const struct law law = {0.01, 0.05};
    world_make(&law);
    struct quantity_fit fit = fit_of(QUANTITY_PEAK_BYTES);
    const struct law exact = {0};
    for (uint32_t i = 0; i < 20; i++) {
        struct observed_run large = draw(&exact, RUNS + i, 20);
        double error = predicted(QUANTITY_PEAK_BYTES, &fit, &large) / large.peak_bytes - 1;
        assert_true(fabs(error) < 0.03);
    }
}

static void a_few_runs_far_off_do_not_count(void **state) {
    (void)state;
    const struct law law = {0.005, 0};
    world_make(&law);
    for (uint32_t r = 0; r < 5; r++)
        w.runs[r].load_ns *= 4; /* somebody else had the machine */
    struct quantity_fit fit = fit_of(QUANTITY_LOAD_NS);
    for (uint32_t r = 5; r < RUNS; r++)
        assert_true(fabs(predicted(QUANTITY_LOAD_NS, &fit, &w.runs[r]) / w.runs[r].load_ns - 1) <
                    0.05);
}

static void loading_is_the_sum_of_its_parts(void **state) {
    (void)state;
    const struct law law = {0};
    static const enum quantity parts[] = {QUANTITY_FILE_READ_NS, QUANTITY_PARSE_NS,
                                          QUANTITY_OPTIMISE_NS, QUANTITY_REORDER_NS,
                                          QUANTITY_PREPACK_NS};
    world_make(&law);
    struct quantity_fit load = fit_of(QUANTITY_LOAD_NS);
    double sum = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct quantity_fit part = fit_of(parts[i]);
        double ns = predicted(parts[i], &part, &w.runs[3]);
        assert_true(fabs(ns / quantity_measured(parts[i], &w.runs[3]) - 1) < 0.01);
        sum += ns;
    }
    assert_true(fabs(sum / predicted(QUANTITY_LOAD_NS, &load, &w.runs[3]) - 1) < 1e-6);
}

static void loading_is_fitted_as_a_whole_where_no_run_tells_parts(void **state) {
    (void)state;
    const struct law law = {0};
    world_make(&law);
    for (uint32_t r = 0; r < RUNS; r++)
        w.runs[r].optimise_ns = NAN;
    struct quantity_fit load = fit_of(QUANTITY_LOAD_NS), optimise = fit_of(QUANTITY_OPTIMISE_NS);
    assert_int_equal(optimise.runs, 0);
    assert_int_equal(load.runs, RUNS);
    assert_true(fabs(predicted(QUANTITY_LOAD_NS, &load, &w.runs[3]) / w.runs[3].load_ns - 1) <
                0.02);
}

/* The terms of a part are terms of the whole: otherwise its rates would land on another one. */
static void each_term_of_a_part_counts_in_the_whole(void **state) {
    (void)state;
    static double footprint_of_ones[sizeof(struct footprint) / sizeof(double)];
    const struct law law = {0};
    world_make(&law);
    struct quantity_fit load = fit_of(QUANTITY_LOAD_NS);
    for (size_t i = 0; i < sizeof footprint_of_ones / sizeof(double); i++)
        footprint_of_ones[i] = 1e3;
    struct footprint f;
    memcpy(&f, footprint_of_ones, sizeof f);
    double sum = 0;
    for (int q = QUANTITY_FILE_READ_NS; q <= QUANTITY_PREPACK_NS; q++) {
        struct quantity_fit part = fit_of((enum quantity)q);
        sum += quantity_estimate((enum quantity)q, &part, &f, 0).value;
    }
    assert_true(fabs(quantity_estimate(QUANTITY_LOAD_NS, &load, &f, 0).value / sum - 1) < 1e-6);
}

static void the_first_run_is_a_run_and_its_pages(void **state) {
    (void)state;
    const struct law law = {0};
    world_make(&law);
    struct quantity_fit fit = fit_of(QUANTITY_FIRST_RUN_NS);
    for (uint32_t r = 0; r < RUNS; r++)
        assert_true(
            fabs(predicted(QUANTITY_FIRST_RUN_NS, &fit, &w.runs[r]) / w.runs[r].first_run_ns - 1) <
            0.01);
}

static void ninety_in_a_hundred_new_ones_lie_in_the_interval(void **state) {
    (void)state;
    const struct law law = {0.03, 0.1};
    world_make(&law);
    struct quantity_fit fit = fit_of(QUANTITY_RESIDENT_BYTES);
    uint32_t inside = 0, above = 0;
    for (uint32_t i = 0; i < 400; i++) {
        struct observed_run run = draw(&law, RUNS + i, 1);
        struct estimate e = quantity_estimate(QUANTITY_RESIDENT_BYTES, &fit, &run.footprint, 0);
        inside += run.resident_bytes >= e.low && run.resident_bytes <= e.high;
        above += run.resident_bytes >
                 quantity_upper(QUANTITY_RESIDENT_BYTES, &fit, &run.footprint, 0, 0.99).value;
        assert_true(e.high / e.low < 1.2);
    }
    assert_in_range(inside, 330, 395);
    assert_in_range(above, 0, 12);
}

static void doubt_goes_with_the_activations(void **state) {
    (void)state;
    const struct law law = {0.002, 0.3};
    world_make(&law);
    struct quantity_fit fit = fit_of(QUANTITY_RESIDENT_BYTES);
    struct footprint sure = {.operators = 50, .resident_weight_bytes = 1e9};
    struct footprint doubtful = {.operators = 50, .arena_bytes = 1e9};
    struct estimate a = quantity_estimate(QUANTITY_RESIDENT_BYTES, &fit, &sure, 0);
    struct estimate b = quantity_estimate(QUANTITY_RESIDENT_BYTES, &fit, &doubtful, 0);
    assert_true(b.high / b.low - 1 > 3 * (a.high / a.low - 1));
}

static void a_bound_grows_with_its_confidence(void **state) {
    (void)state;
    const struct law law = {0.03, 0.1};
    world_make(&law);
    struct quantity_fit fit = fit_of(QUANTITY_PEAK_BYTES);
    double last = 0;
    for (double confidence = 0.5; confidence < 0.999; confidence += 0.1) {
        double value =
            quantity_upper(QUANTITY_PEAK_BYTES, &fit, &w.runs[0].footprint, 0, confidence).value;
        assert_true(value > last);
        last = value;
    }
    assert_true(last > predicted(QUANTITY_PEAK_BYTES, &fit, &w.runs[0]));
}

static void a_bound_counts_with_the_worst_order_of_operators(void **state) {
    (void)state;
    const struct law law = {0.01, 0.01};
    world_make(&law);
    struct quantity_fit fit = fit_of(QUANTITY_RESIDENT_BYTES);
    struct footprint one = w.runs[0].footprint, other = one;
    other.arena_most_bytes = one.arena_bytes + 1e7;
    double a = quantity_upper(QUANTITY_RESIDENT_BYTES, &fit, &one, 0, 0.99).value;
    double b = quantity_upper(QUANTITY_RESIDENT_BYTES, &fit, &other, 0, 0.99).value;
    assert_true(b > a + 0.9e7 && b < a + 1.2e7);
    assert_true(quantity_estimate(QUANTITY_RESIDENT_BYTES, &fit, &one, 0).value ==
                quantity_estimate(QUANTITY_RESIDENT_BYTES, &fit, &other, 0).value);
}

static void nothing_measured_is_refused(void **state) {
    (void)state;
    const struct law law = {0};
    world_make(&law);
    for (uint32_t r = 0; r < RUNS; r++)
        w.runs[r].peak_bytes = NAN;
    struct quantity_fit fit = fit_of(QUANTITY_PEAK_BYTES);
    assert_int_equal(fit.runs, 0);
    assert_true(isnan(predicted(QUANTITY_PEAK_BYTES, &fit, &w.runs[0])));
    assert_true(
        isnan(quantity_upper(QUANTITY_PEAK_BYTES, &fit, &w.runs[0].footprint, 0, 0.99).value));
}

static void a_single_run_is_answered_with_doubt(void **state) {
    (void)state;
    const struct law law = {0};
    world_make(&law);
    w.training.run_count = 1;
    struct quantity_fit fit = fit_of(QUANTITY_PEAK_BYTES);
    struct estimate e = quantity_estimate(QUANTITY_PEAK_BYTES, &fit, &w.runs[0].footprint, 0);
    assert_true(fabs(e.value / w.runs[0].peak_bytes - 1) < 0.01);
    assert_true(e.high / e.low > 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_peak_is_the_larger_of_loading_and_running),
        TEST(small_models_tell_of_large_ones),
        TEST(a_few_runs_far_off_do_not_count),
        TEST(loading_is_the_sum_of_its_parts),
        TEST(loading_is_fitted_as_a_whole_where_no_run_tells_parts),
        TEST(each_term_of_a_part_counts_in_the_whole),
        TEST(the_first_run_is_a_run_and_its_pages),
        TEST(ninety_in_a_hundred_new_ones_lie_in_the_interval),
        TEST(doubt_goes_with_the_activations),
        TEST(a_bound_grows_with_its_confidence),
        TEST(a_bound_counts_with_the_worst_order_of_operators),
        TEST(nothing_measured_is_refused),
        TEST(a_single_run_is_answered_with_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
