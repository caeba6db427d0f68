/* The cold start put together from fits, storage and what the user gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "predictor/cold_start.h"

#include <math.h>
#include <string.h>

static struct arena arena;
static struct quantity_fit fits[QUANTITY_COUNT];
static struct prediction prediction;
static struct footprint footprint;

/* Every part of session creation takes 10 ms, the session as a whole is said to take 100. */
static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    for (int q = 0; q < QUANTITY_COUNT; q++)
        fits[q] = (struct quantity_fit){
            .rates = {1e7}, .runs = 20, .log_spread = 0.01, .interval_scale = 1};
    footprint = (struct footprint){.file_bytes = 3e8, .external_bytes = 1e8};
    prediction = (struct prediction){
        .load_time_ns = {1e8, 0.9e8, 1.1e8, TIER_FITTED, "fit:7"},
        .first_run_ns = {2e7, 1.9e7, 2.1e7, TIER_FITTED, "fit:7"},
    };
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static void assert_near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-9 * expected))
        fail_msg("%.12g, expected %.12g", value, expected);
}

static void predict(struct cold_start_options options) {
    cold_start_predict(&arena, fits, &footprint, &options, &prediction);
}

static const struct cold_phase *phase(const char *name) {
    for (uint32_t i = 0; i < prediction.cold_start.phase_count; i++)
        if (strcmp(prediction.cold_start.phases[i].name, name) == 0)
            return &prediction.cold_start.phases[i];
    return NULL;
}

static double ns_of(const char *name) {
    const struct cold_phase *found = phase(name);
    if (!found)
        fail_msg("no phase %s", name);
    return found->ns.value;
}

static void phases_of_the_session_sum_to_the_load_time(void **state) {
    (void)state;
    predict((struct cold_start_options){0});
    static const char *const parts[] = {"file_read", "parse", "optimise", "reorder", "prepack"};
    double sum = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        sum += ns_of(parts[i]);
    assert_near(sum, 1e8);
    assert_near(prediction.cold_start.total_ns.value, 1e8 + 2e7 + 2 * 1e7);
    assert_string_equal(prediction.cold_start.total_ns.evidence, "fit:7");
}

static void given_phases_come_first_and_are_exact(void **state) {
    (void)state;
    const struct given_phase given[] = {
        {"node-boot",  7e10},
        {"image-pull", 4e10}
    };
    predict((struct cold_start_options){.given = given, .given_count = 2});
    const struct cold_phase *first = &prediction.cold_start.phases[0];
    assert_string_equal(first->name, "node-boot");
    assert_int_equal(first->ns.tier, TIER_GIVEN);
    assert_true(first->ns.low == 7e10 && first->ns.high == 7e10);
    assert_near(prediction.cold_start.total_ns.value, 11e10 + 1.4e8);
    assert_int_equal(prediction.cold_start.total_ns.tier, TIER_FITTED);
    double width = prediction.cold_start.total_ns.high - prediction.cold_start.total_ns.low;
    assert_true(width > 2e7 && width < 3e7);
}

static void a_cold_page_cache_reads_library_and_files_from_storage(void **state) {
    (void)state;
    predict((struct cold_start_options){
        .page_cache = PAGE_CACHE_COLD,
        .storage_bytes_per_s = {1e9, 0.5e9, 2e9, TIER_MEASURED, ""},
        .storage_delay_ns = {5e6, 4e6,   6e6, TIER_MEASURED, ""},
        .library_bytes = 5e7
    });
    assert_near(ns_of("library_read"), 5.5e7);
    assert_near(ns_of("file_read"), 4.05e8); /* the weights outside too */
    assert_near(phase("file_read")->ns.low, 2.04e8);
    assert_int_equal(phase("file_read")->ns.tier, TIER_ROOFLINE);
    /* What a warm one would have taken, a fifth of the session here, is left out. */
    assert_near(prediction.cold_start.total_ns.value, 5.5e7 + 4.05e8 + 8e7 + 2e7 + 2e7);
}

static void storage_that_was_never_measured_is_refused(void **state) {
    (void)state;
    predict((struct cold_start_options){.page_cache = PAGE_CACHE_COLD});
    assert_int_equal(phase("file_read")->ns.tier, TIER_REFUSED);
    assert_non_null(strstr(phase("file_read")->how, "assay calibrate"));
    assert_int_equal(prediction.cold_start.total_ns.tier, TIER_REFUSED);
    assert_true(isfinite(ns_of("parse")));
}

static void a_session_whose_parts_no_run_told_is_one_phase(void **state) {
    (void)state;
    fits[QUANTITY_OPTIMISE_NS].runs = 0;
    predict((struct cold_start_options){0});
    assert_null(phase("parse"));
    assert_near(ns_of("load"), 1e8);
    assert_near(prediction.cold_start.total_ns.value, 1.4e8);
}

static void nothing_is_said_of_a_model_that_is_refused(void **state) {
    (void)state;
    prediction.load_time_ns = estimate_refused();
    predict((struct cold_start_options){0});
    assert_int_equal(prediction.cold_start.phase_count, 0);
    assert_int_equal(prediction.cold_start.total_ns.tier, TIER_REFUSED);
}

static void errors_of_the_parts_add_up(void **state) {
    (void)state;
    const struct estimate parts[] = {
        {100, 70, 130, TIER_MEASURED, ""     },
        {100, 60, 140, TIER_FITTED,   "fit:1"},
        {50,  50, 50,  TIER_GIVEN,    ""     },
    };
    struct estimate sum = cold_start_sum(parts, 3);
    assert_near(sum.value, 250);
    assert_near(sum.low, 180);
    assert_near(sum.high, 320);
    assert_int_equal(sum.tier, TIER_FITTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(phases_of_the_session_sum_to_the_load_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(given_phases_come_first_and_are_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cold_page_cache_reads_library_and_files_from_storage,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(storage_that_was_never_measured_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_session_whose_parts_no_run_told_is_one_phase, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_said_of_a_model_that_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test(errors_of_the_parts_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
