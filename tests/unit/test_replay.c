/* The replay row: scripted values through the collector interface. */
#include "collectors/replay.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct bench {
    struct arena arena;
    struct err err;
    char path[64];
    struct sample samples[64];
    uint32_t count;
};

static void keep(void *context, const struct sample *sample) {
    struct bench *bench = context;
    if (bench->count < 64)
        bench->samples[bench->count++] = *sample;
}

static int setup(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    arena_init(&bench->arena);
    snprintf(bench->path, sizeof bench->path, "/tmp/test-replay-XXXXXX");
    close(mkstemp(bench->path));
    setenv(REPLAY_VARIABLE, bench->path, 1);
    *state = bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    unsetenv(REPLAY_VARIABLE);
    unlink(bench->path);
    arena_done(&bench->arena);
    free(bench);
    return 0;
}

static void script(struct bench *bench, const char *text) {
    FILE *file = fopen(bench->path, "w");
    fputs(text, file);
    fclose(file);
}

static struct collect_session *start(struct bench *bench, const struct collect_config *config) {
    struct sink sink = {keep, bench};
    struct collect_session *session = NULL;
    if (collector_replay.open(&bench->arena, config, &sink, &session, &bench->err))
        fail_msg("%s", bench->err.message);
    return session;
}

static double value_of(const struct bench *bench, int32_t op, uint32_t metric, uint32_t repeat) {
    for (uint32_t i = 0; i < bench->count; i++)
        if (bench->samples[i].op == op && bench->samples[i].metric == metric &&
            bench->samples[i].repeat == repeat)
            return bench->samples[i].value;
    return NAN;
}

static void test_it_is_a_row_of_the_table(void **state) {
    (void)state;
    assert_ptr_equal(collector_by_name("replay"), &collector_replay);
    assert_null(collector_by_name("no such"));
}

static void test_lists_are_gone_through_again(void **state) {
    struct bench *bench = *state;
    script(bench, "{\"plain\": {\"wall_ns\": [10, 20], \"cpu_ns\": 5},"
                  " \"cold\": {\"load_ns\": 7, \"peak_bytes\": 99}}");
    struct collect_session *session = start(bench, &(struct collect_config){0});
    struct sink sink = {keep, bench};
    assert_int_equal(collector_replay.run(session, 3, &sink, &bench->err), 0);
    assert_true(value_of(bench, SAMPLE_OF_RUN, METRIC_LOAD_NS, 0) == 7);
    assert_true(value_of(bench, SAMPLE_OF_RUN, METRIC_WALL_NS, 0) == 10);
    assert_true(value_of(bench, SAMPLE_OF_RUN, METRIC_WALL_NS, 1) == 20);
    assert_true(value_of(bench, SAMPLE_OF_RUN, METRIC_WALL_NS, 2) == 10);
    assert_true(value_of(bench, SAMPLE_OF_RUN, METRIC_CPU_NS, 2) == 5);
    assert_int_equal(collector_replay.finish(session, &sink, &bench->err), 0);
    assert_true(value_of(bench, SAMPLE_OF_RUN, METRIC_PEAK_BYTES, 3) == 99);
}

static void test_operators_are_found_by_path_then_type_then_star(void **state) {
    struct bench *bench = *state;
    script(bench, "{\"plain\": {\"wall_ns\": 100}, \"operators\":"
                  " {\"a\": {\"wall_ns\": 1}, \"Conv\": {\"wall_ns\": 2}, \"*\": {\"wall_ns\": 3,"
                  " \"events\": {\"cycles\": 44}}}}");
    struct graph *graph = graph_new(&bench->arena, "g");
    graph_add_op(graph, "a", "Conv", "");
    graph_add_op(graph, "b", "Conv", "");
    graph_add_op(graph, "c", "Relu", "");
    struct flat_graph flat;
    assert_int_equal(flat_graph_build(&bench->arena, graph, &flat, &bench->err), 0);
    static const char *const events[] = {"cycles"};
    const struct collect_config config = {.hooked = &flat, .events = events, .event_count = 1};
    struct collect_session *session = start(bench, &config);
    struct sink sink = {keep, bench};
    assert_int_equal(collector_replay.run(session, 1, &sink, &bench->err), 0);
    for (int32_t op = 0; op < 3; op++)
        assert_true(value_of(bench, op, METRIC_WALL_NS, 0) == op + 1);
    assert_true(value_of(bench, 2, METRIC_COUNTER_FIRST, 0) == 44);
    assert_true(value_of(bench, SAMPLE_OF_RUN, METRIC_WALL_NS, 0) == 100);
    assert_int_equal(bench->samples[0].phase, PHASE_PROFILED);
    collector_replay.abandon(session);
}

static void test_the_spread_is_seeded(void **state) {
    struct bench *bench = *state;
    script(bench, "{\"spread\": 0.1, \"plain\": {\"wall_ns\": 1000}}");
    struct sink sink = {keep, bench};
    double first[2];
    for (int i = 0; i < 2; i++) {
        bench->count = 0;
        struct collect_session *session = start(bench, &(struct collect_config){.seed = 9});
        assert_int_equal(collector_replay.run(session, 2, &sink, &bench->err), 0);
        collector_replay.abandon(session);
        first[i] = bench->samples[0].value;
        assert_true(bench->samples[0].value != bench->samples[1].value);
    }
    assert_true(first[0] == first[1]);
    assert_true(fabs(first[0] - 1000) < 600);
}

static void test_failures_can_be_scripted(void **state) {
    struct bench *bench = *state;
    script(bench, "{\"fail\": {\"at\": \"run\", \"after\": 2, \"code\": \"input\","
                  " \"message\": \"it broke\", \"hint\": \"mend it\"}}");
    struct collect_session *session = start(bench, &(struct collect_config){0});
    struct sink sink = {keep, bench};
    assert_int_equal(collector_replay.run(session, 2, &sink, &bench->err), 0);
    assert_int_equal(collector_replay.run(session, 1, &sink, &bench->err), -ERR_INPUT);
    assert_string_equal(bench->err.message, "it broke");
    assert_string_equal(bench->err.hint, "mend it");
    collector_replay.abandon(session);
}

static void test_disturbance_and_missing_events_are_scripted(void **state) {
    struct bench *bench = *state;
    script(bench, "{\"missing_events\": [\"cycles: no\"],"
                  " \"disturbance\": {\"minor_faults\": 12, \"load_average\": 1.5}}");
    struct collect_session *session = start(bench, &(struct collect_config){0});
    struct disturbance seen;
    const char *const *reasons;
    assert_int_equal(collector_replay.disturbance(session, &seen, &bench->err), 0);
    assert_int_equal(seen.minor_faults, 12);
    assert_true(seen.load_average == 1.5);
    assert_int_equal(collector_replay.missing_events(session, &reasons), 1);
    assert_string_equal(reasons[0], "cycles: no");
    collector_replay.abandon(session);
}

static void test_bad_scripts_are_named(void **state) {
    struct bench *bench = *state;
    static const char *const bad[] = {"", "[1]", "{\"a\": ", "{} x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err err = {0};
        script(bench, bad[i]);
        assert_int_equal(collector_replay.available(&err), -ERR_INPUT);
        assert_non_null(strstr(err.message, bench->path));
    }
}

static void test_without_a_script_it_says_so(void **state) {
    struct bench *bench = *state;
    unsetenv(REPLAY_VARIABLE);
    assert_int_equal(collector_replay.available(&bench->err), -ERR_ENVIRONMENT);
    assert_non_null(strstr(bench->err.hint, REPLAY_VARIABLE));
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_a_row_of_the_table),
        TEST(test_lists_are_gone_through_again),
        TEST(test_operators_are_found_by_path_then_type_then_star),
        TEST(test_the_spread_is_seeded),
        TEST(test_failures_can_be_scripted),
        TEST(test_disturbance_and_missing_events_are_scripted),
        TEST(test_bad_scripts_are_named),
        TEST(test_without_a_script_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
