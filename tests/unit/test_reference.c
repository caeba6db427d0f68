/* The reference network against a runtime that takes what it is told to take. */
#include "profiler/reference.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The first run of a batch, the last one, and all others. */
struct script {
    double first_ns, odd_ns, usual_ns;
    double waiting_ns; /* that wall time has more than CPU time */
    bool fails_to_open;
    uint32_t good_calls; /* of run; later ones fail */
    uint32_t calls, abandoned, repeats;
};

struct collect_session {
    uint32_t number;
};

static struct script script; /* collectors carry no context */

static void put(struct sink *sink, int32_t op, enum metric metric, double value) {
    const struct sample sample = {op, (uint16_t)metric, PHASE_PLAIN, script.repeats, value};
    sink->put(sink->context, &sample);
}

static int open_session(struct arena *arena, const struct collect_config *config, struct sink *sink,
                        struct collect_session **session, struct err *err) {
    assert_null(config->hooked);
    if (script.fails_to_open)
        return err_set(err, ERR_INPUT, "no such model");
    put(sink, SAMPLE_OF_RUN, METRIC_LOAD_NS, 1e9);
    *session = ARENA_NEW(arena, struct collect_session);
    return 0;
}

static int run(struct collect_session *session, uint32_t repeats, struct sink *sink,
               struct err *err) {
    (void)session;
    if (script.calls++ >= script.good_calls)
        return err_set(err, ERR_ENVIRONMENT, "the process has ended");
    for (uint32_t i = 0; i < repeats; i++, script.repeats++) {
        double ns = i == 0 ? script.first_ns : i == repeats - 1 ? script.odd_ns : script.usual_ns;
        put(sink, SAMPLE_OF_RUN, METRIC_WALL_NS, ns + script.waiting_ns);
        put(sink, SAMPLE_OF_RUN, METRIC_CPU_NS, ns);
        put(sink, 0, METRIC_CPU_NS, 1); /* operators are not asked for */
    }
    return 0;
}

static void abandon(struct collect_session *session) {
    (void)session;
    script.abandoned++;
}

static const struct collector scripted = {
    .name = "scripted", .open = open_session, .run = run, .abandon = abandon};

static struct arena arena;

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    script = (struct script){.first_ns = 9e6,
                             .odd_ns = 8e6,
                             .usual_ns = 2e6,
                             .waiting_ns = 1e6,
                             .good_calls = UINT32_MAX};
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static int open_with(struct reference *reference, uint32_t threads, struct err *err) {
    const struct collect_config config = {.threads = threads};
    return reference_open(reference, &arena, &scripted, &config, err);
}

static void the_first_run_and_the_worst_do_not_count(void **state) {
    (void)state;
    struct reference reference;
    struct err err = {0};
    assert_int_equal(open_with(&reference, 1, &err), 0);
    for (int i = 0; i < 3; i++)
        assert_true(reference_read(&reference) == 2e6);
    assert_true(reference_read_long(&reference, NULL) == 2e6);
    reference_close(&reference);
    assert_int_equal(script.abandoned, 1);
}

static void follow(void *context, double fraction, const char *what) {
    double *before = context;
    assert_true(fraction > *before && fraction <= 1);
    assert_true(what[0] != '\0');
    *before = fraction;
}

static void who_watches_sees_how_far_it_is(void **state) {
    (void)state;
    struct reference reference;
    struct err err = {0};
    double seen = 0;
    const struct progress_sink sink = {follow, &seen};
    assert_int_equal(open_with(&reference, 1, &err), 0);
    assert_true(reference_read_long(&reference, &sink) == 2e6);
    assert_true(seen == 1);
    reference_close(&reference);
}

static void several_threads_are_told_in_wall_time(void **state) {
    (void)state;
    struct reference reference;
    struct err err = {0};
    assert_int_equal(open_with(&reference, 2, &err), 0);
    assert_true(reference_read(&reference) == 3e6);
    reference_close(&reference);
}

static void one_that_fails_has_ended(void **state) {
    (void)state;
    struct reference reference;
    struct err err = {0};
    assert_int_equal(open_with(&reference, 1, &err), 0);
    script.good_calls = script.calls + 1;
    assert_true(reference_read(&reference) == 2e6);
    assert_true(isnan(reference_read(&reference)));
    assert_null(reference.session);
    uint32_t calls = script.calls;
    assert_true(isnan(reference_read(&reference)) && isnan(reference_read_long(&reference, NULL)));
    assert_int_equal(script.calls, calls);
    reference_close(&reference);
    assert_int_equal(script.abandoned, 1);
}

static void what_cannot_be_started_says_why(void **state) {
    (void)state;
    struct reference reference;
    struct err err = {0};
    script.fails_to_open = true;
    assert_int_equal(open_with(&reference, 1, &err), -ERR_INPUT);
    assert_string_equal(err.message, "no such model");
    assert_null(reference.session);
    assert_int_equal(script.abandoned, 0);

    script.fails_to_open = false;
    script.good_calls = 0;
    err = (struct err){0};
    assert_int_equal(open_with(&reference, 1, &err), -ERR_ENVIRONMENT);
    assert_null(reference.session);
    assert_int_equal(script.abandoned, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_run_and_the_worst_do_not_count, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_watches_sees_how_far_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_threads_are_told_in_wall_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_fails_has_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_started_says_why, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
