/* What `assay serve` is told becomes what the service is opened with. */
#include "cli/serving_options.h"

#include "cli/load_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

struct told {
    struct serving_given serving;
};

static const struct option_row rows[] = {SERVING_OPTIONS(struct told, serving), {0}};

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

static int make(int argc, char **argv, struct serving_options *out, struct err *err) {
    struct told *told = ARENA_NEW(&arena, struct told);
    const struct option_group group = {rows, told};
    options_defaults(&group, &arena);
    struct option_reader reader = {.argc = argc, .argv = argv, .groups = &group, .group_count = 1};
    *err = (struct err){0};
    if (options_read(&reader, &arena, err))
        return -(int)err->code;
    return serving_options_make(&arena, &told->serving, "/data/assay.db", out, err);
}

#define MAKE(out, err, ...)                                                                        \
    make((int)(sizeof((const char *[]){"serve", __VA_ARGS__}) / sizeof(char *)),                   \
         (char *[]){(char *)(uintptr_t) "serve", __VA_ARGS__}, out, err)

static void without_options_the_defaults_of_the_service_stand(void **state) {
    (void)state;
    struct serving_options made;
    const struct serving_options plain = service_defaults("/data/assay.db");
    struct err err;
    char *argv[] = {NULL};
    assert_int_equal(make(0, argv, &made, &err), 0);
    assert_string_equal(made.state_path, "/data/assay.db.serve.json");
    assert_true(made.refresh_s == plain.refresh_s && made.save_s == plain.save_s &&
                made.step_factor == plain.step_factor &&
                made.step_interval_s == plain.step_interval_s && made.scrape_s == plain.scrape_s &&
                made.rate_fresh_s == plain.rate_fresh_s && made.routing == plain.routing &&
                made.scrape_timeout_s == plain.scrape_timeout_s &&
                made.uploads_at_once == plain.uploads_at_once && made.target_count == 0);
}

static char slo[] = "--slo", all[] = "p99=50ms", one[] = "a:b:p99=80us", wrong[] = "p90=5ms",
            nobody[] = ":p99=5ms", query[] = "--query=up", refresh[] = "--refresh=0";

static void targets_are_of_all_or_of_one_model(void **state) {
    (void)state;
    struct serving_options made;
    struct err err;
    assert_int_equal(MAKE(&made, &err, slo, all, slo, one), 0);
    assert_int_equal(made.target_count, 2);
    assert_null(made.targets[0].model);
    assert_true(made.targets[0].p99_ms == 50 && made.targets[1].p99_ms == 0.08);
    assert_string_equal(made.targets[1].model, "a:b");
}

static void what_is_incomplete_is_a_usage_error(void **state) {
    (void)state;
    struct serving_options made;
    struct err err;
    assert_int_equal(MAKE(&made, &err, slo, wrong), -ERR_USAGE);
    assert_int_equal(MAKE(&made, &err, slo, nobody), -ERR_USAGE);
    assert_int_equal(MAKE(&made, &err, query), -ERR_USAGE);
    assert_int_equal(MAKE(&made, &err, refresh), -ERR_USAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(without_options_the_defaults_of_the_service_stand),
        TEST(targets_are_of_all_or_of_one_model),
        TEST(what_is_incomplete_is_a_usage_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
