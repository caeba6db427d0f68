#include "collectors/counters.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static void skip_because(const char *event, const char *reason) {
    printf("skip: %s: %s\n", event, reason);
    skip();
}

/* Opens one event or skips the test with the kernel's reason. */
static void open_or_skip(struct counters *counters, enum counters_scope scope, const char *event) {
    struct err err = {0};
    assert_int_equal(counters_open_scope(counters, scope, &event, 1, &err), 0);
    if (counters->opened_count == 0)
        skip_because(event, counters->missing[0].reason);
}

static void touch_pages(size_t count) {
    size_t bytes = count * 4096;
    char *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    madvise(pages, bytes, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < count; i++)
        pages[i * 4096] = 1;
    munmap(pages, bytes);
}

static void *touch_from_a_thread(void *count) {
    touch_pages(*(size_t *)count);
    return NULL;
}

static void counts_page_faults_of_the_thread(void **state) {
    (void)state;
    struct counters counters;
    open_or_skip(&counters, COUNTERS_THREAD, "page-faults");
    struct counters_reading before, after;
    double values[METRIC_COUNTER_MAX];
    counters_read(&counters, &before);
    touch_pages(256);
    counters_read(&counters, &after);
    counters_difference(&counters, &before, &after, values);
    counters_close(&counters);
    assert_true(values[0] >= 256 && values[0] < 300);
    assert_true(isnan(values[1]));
}

static double faults_in_a_thread(enum counters_scope scope) {
    struct counters counters;
    open_or_skip(&counters, scope, "page-faults");
    struct counters_reading before, after;
    double values[METRIC_COUNTER_MAX];
    size_t pages = 512;
    pthread_t thread;
    counters_read(&counters, &before);
    assert_int_equal(pthread_create(&thread, NULL, touch_from_a_thread, &pages), 0);
    pthread_join(thread, NULL);
    counters_read(&counters, &after);
    counters_difference(&counters, &before, &after, values);
    counters_close(&counters);
    return values[0];
}

static void thread_scope_leaves_other_threads_out(void **state) {
    (void)state;
    assert_true(faults_in_a_thread(COUNTERS_THREAD) < 400);
}

static void process_scope_counts_threads_started_later(void **state) {
    (void)state;
    assert_true(faults_in_a_thread(COUNTERS_PROCESS) >= 512);
}

static void several_events_share_one_group(void **state) {
    (void)state;
    static const char *const names[] = {"page-faults", "task-clock", "minor-faults"};
    struct counters counters;
    struct err err = {0};
    assert_int_equal(counters_open(&counters, names, 3, &err), 0);
    if (counters.opened_count < 3)
        skip_because(counters.missing[0].name, counters.missing[0].reason);
    assert_int_equal(counters.group_count, 2); /* the clock stands alone */
    struct counters_reading before, after;
    double values[METRIC_COUNTER_MAX];
    counters_read(&counters, &before);
    touch_pages(64);
    counters_read(&counters, &after);
    counters_difference(&counters, &before, &after, values);
    counters_close(&counters);
    assert_true(values[0] >= 64);
    assert_true(values[1] > 0 && values[1] < 1e9);
    assert_true(values[2] >= 64 && values[2] <= values[0]);
}

static void what_is_missing_is_listed_and_the_rest_goes_on(void **state) {
    (void)state;
    static const char *const names[] = {"no-such-event", "page-faults"};
    struct counters counters;
    struct err err = {0};
    assert_int_equal(counters_open(&counters, names, 2, &err), 0);
    assert_string_equal(counters.missing[0].name, "no-such-event");
    assert_non_null(strstr(counters.missing[0].reason, "libpfm4"));
    if (counters.opened_count == 0)
        skip_because("page-faults", counters.missing[1].reason);
    assert_int_equal(counters.opened[0].asked, 1);
    struct counters_reading before, after;
    double values[METRIC_COUNTER_MAX];
    counters_read(&counters, &before);
    touch_pages(16);
    counters_read(&counters, &after);
    counters_difference(&counters, &before, &after, values);
    counters_close(&counters);
    assert_true(isnan(values[0]));
    assert_true(values[1] >= 16);
}

static void libpfm4_names_are_understood(void **state) {
    (void)state;
    struct counters counters;
    open_or_skip(&counters, COUNTERS_THREAD, "perf::PAGE-FAULTS");
    struct counters_reading before = {0}, after;
    double values[METRIC_COUNTER_MAX];
    counters_read(&counters, &before);
    touch_pages(32);
    counters_read(&counters, &after);
    counters_difference(&counters, &before, &after, values);
    counters_close(&counters);
    assert_true(values[0] >= 32);
}

static void instructions_grow_with_the_work(void **state) {
    (void)state;
    struct counters counters;
    open_or_skip(&counters, COUNTERS_THREAD, "instructions");
    struct counters_reading readings[3];
    double little[METRIC_COUNTER_MAX], much[METRIC_COUNTER_MAX];
    volatile unsigned sink = 0;
    counters_read(&counters, &readings[0]);
    for (unsigned i = 0; i < 100000; i++)
        sink += i;
    counters_read(&counters, &readings[1]);
    for (unsigned i = 0; i < 1000000; i++)
        sink += i;
    counters_read(&counters, &readings[2]);
    counters_difference(&counters, &readings[0], &readings[1], little);
    counters_difference(&counters, &readings[1], &readings[2], much);
    counters_close(&counters);
    assert_true(sink > 0);
    assert_true(much[0] > 5 * little[0]);
}

static void shared_counters_are_scaled(void **state) {
    (void)state;
    struct counters counters = {.opened_count = 1, .group_count = 1, .asked_count = 1};
    struct counters_reading before = {.values = {100}, .enabled_ns = {1000}, .running_ns = {500}};
    struct counters_reading after = {.values = {400}, .enabled_ns = {3000}, .running_ns = {1000}};
    double values[METRIC_COUNTER_MAX];
    counters_difference(&counters, &before, &after, values);
    assert_float_equal(values[0], 300.0 * 2000 / 500, 1e-9);
    after.running_ns[0] = before.running_ns[0];
    counters_difference(&counters, &before, &after, values);
    assert_true(isnan(values[0]));
}

static void running_says_which_part_of_the_time_was_counted(void **state) {
    (void)state;
    struct counters counters = {.opened_count = 1, .group_count = 1, .asked_count = 1};
    struct counters_reading before = {.enabled_ns = {1000}, .running_ns = {500}};
    struct counters_reading after = {.enabled_ns = {3000}, .running_ns = {1000}};
    double shares[METRIC_COUNTER_MAX];
    counters_running(&counters, &before, &after, shares);
    assert_float_equal(shares[0], 0.25, 1e-12);
    assert_true(isnan(shares[1]));
    counters_running(&counters, &before, &before, shares);
    assert_true(isnan(shares[0]));
}

static void *touch_when_told(void *pipe_end) {
    char byte;
    while (read(*(int *)pipe_end, &byte, 1) == 1)
        touch_pages(512);
    return NULL;
}

static void threads_that_run_already_can_be_added(void **state) {
    (void)state;
    struct counters counters;
    struct arena arena;
    pthread_t thread;
    int ends[2];
    static const char *const name = "page-faults";
    open_or_skip(&counters, COUNTERS_THREAD, name);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pthread_create(&thread, NULL, touch_when_told, &ends[0]), 0);
    arena_init(&arena);
    assert_int_equal(counters_open_others(&counters, &arena, &name), 1);
    struct counters_reading before, after;
    double values[METRIC_COUNTER_MAX];
    counters_read(&counters, &before);
    assert_int_equal(write(ends[1], "x", 1), 1);
    close(ends[1]);
    pthread_join(thread, NULL);
    counters_read(&counters, &after);
    counters_difference(&counters, &before, &after, values);
    counters_close(&counters);
    arena_done(&arena);
    close(ends[0]);
    assert_true(values[0] >= 512);
}

/* Descriptors run out for the second thread. */
static void threads_that_cannot_be_added_are_told(void **state) {
    (void)state;
    struct counters counters;
    struct arena arena;
    struct rlimit before, few;
    pthread_t thread;
    int ends[2];
    static const char *const name = "page-faults";
    open_or_skip(&counters, COUNTERS_THREAD, name);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pthread_create(&thread, NULL, touch_when_told, &ends[0]), 0);
    arena_init(&arena);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)ends[1] + 2; /* one is left, which the list of threads takes */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    uint32_t added = counters_open_others(&counters, &arena, &name);
    setrlimit(RLIMIT_NOFILE, &before);
    close(ends[1]);
    pthread_join(thread, NULL);
    close(ends[0]);
    assert_int_equal(added, 0);
    assert_int_equal(counters.threads_missing, 1);
    assert_non_null(strstr(counters.threads_reason, "open files"));
    counters_close(&counters);
    arena_done(&arena);
}

static void long_lists_are_cut_into_sets_in_their_order(void **state) {
    (void)state;
    const char *names[19];
    struct counter_set sets[19];
    for (int i = 0; i < 19; i++)
        names[i] = i % 2 ? "page-faults" : "no-such-event";
    uint32_t count = counters_sets(names, 19, sets), next = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(sets[i].first, next);
        assert_in_range(sets[i].count, 1, METRIC_COUNTER_MAX);
        next += sets[i].count;
    }
    assert_int_equal(next, 19);
    assert_int_equal(count, 3);
    assert_int_equal(counters_sets(names, 0, sets), 0);
}

static void a_side_can_be_chosen_by_modifier(void **state) {
    (void)state;
    char reason[COUNTER_REASON_SIZE];
    assert_true(counters_is_generic("instructions:u"));
    assert_true(counters_known("cycles:k", reason));
    assert_false(counters_is_generic("cycles:x"));
    assert_false(counters_is_generic("cycles-of-another-kind"));
    struct counters counters;
    open_or_skip(&counters, COUNTERS_THREAD, "page-faults:k");
    struct counters_reading before, after;
    double values[METRIC_COUNTER_MAX];
    counters_read(&counters, &before);
    touch_pages(64); /* faults of user code */
    counters_read(&counters, &after);
    counters_difference(&counters, &before, &after, values);
    counters_close(&counters);
    assert_true(values[0] < 64);
}

static void too_many_events_are_refused(void **state) {
    (void)state;
    const char *names[METRIC_COUNTER_MAX + 1];
    for (int i = 0; i <= METRIC_COUNTER_MAX; i++)
        names[i] = "page-faults";
    struct counters counters;
    struct err err = {0};
    assert_int_equal(counters_open(&counters, names, METRIC_COUNTER_MAX + 1, &err), -ERR_USAGE);
    counters_close(&counters);
}

static void lists_of_events_are_parsed(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    const char *const *names;
    uint32_t count;
    struct err err = {0};
    assert_int_equal(counters_parse(&arena, "cycles, page-faults,a::B:u", &names, &count, &err), 0);
    assert_int_equal(count, 3);
    assert_string_equal(names[0], "cycles");
    assert_string_equal(names[1], "page-faults");
    assert_string_equal(names[2], "a::B:u");
    char endless[COUNTER_NAME_SIZE + 1];
    memset(endless, 'a', COUNTER_NAME_SIZE);
    endless[COUNTER_NAME_SIZE] = '\0';
    char many[3 * METRIC_EVENTS_MAX + 8] = "";
    for (int i = 0; i <= METRIC_EVENTS_MAX; i++)
        snprintf(many + strlen(many), 4, "%s%d", i ? "," : "", 10 + i);
    const char *bad[] = {"", "a,", ",a", "a,,b", "a,b,a", many, endless};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err each = {0};
        assert_int_equal(counters_parse(&arena, bad[i], &names, &count, &each), -ERR_USAGE);
        assert_true(each.message[0] != '\0');
    }
    arena_done(&arena);
}

static void probe_gives_every_row_a_verdict(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct counter_probe *rows;
    uint32_t count;
    counters_probe(&arena, &rows, &count);
    assert_true(count >= 20);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(rows[i].available == (rows[i].reason[0] == '\0'));
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(rows[i].name, rows[j].name);
    }
    const char **hardware;
    counters_hardware(&arena, &hardware, &count);
    assert_true(count > 0); /* libpfm4 always has the generic ones */
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_page_faults_of_the_thread),
        cmocka_unit_test(thread_scope_leaves_other_threads_out),
        cmocka_unit_test(process_scope_counts_threads_started_later),
        cmocka_unit_test(several_events_share_one_group),
        cmocka_unit_test(what_is_missing_is_listed_and_the_rest_goes_on),
        cmocka_unit_test(libpfm4_names_are_understood),
        cmocka_unit_test(instructions_grow_with_the_work),
        cmocka_unit_test(shared_counters_are_scaled),
        cmocka_unit_test(running_says_which_part_of_the_time_was_counted),
        cmocka_unit_test(threads_that_run_already_can_be_added),
        cmocka_unit_test(threads_that_cannot_be_added_are_told),
        cmocka_unit_test(long_lists_are_cut_into_sets_in_their_order),
        cmocka_unit_test(a_side_can_be_chosen_by_modifier),
        cmocka_unit_test(too_many_events_are_refused),
        cmocka_unit_test(lists_of_events_are_parsed),
        cmocka_unit_test(probe_gives_every_row_a_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
