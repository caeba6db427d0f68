/* Spans into a recording: nesting, self times, what was busy, joins; in memory and through a
 * temporary file. */
#include "collectors/recorder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct err err;
    struct recorder *recorder;
    struct span_sink sink;
    struct recording recording;
};

static int set_up(void **state) {
    struct fixture *t = calloc(1, sizeof *t);
    arena_init(&t->arena);
    if (recorder_open(&t->recorder, 0, &t->err) < 0)
        return -1;
    t->sink = recorder_sink(t->recorder);
    *state = t;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *t = *state;
    recorder_close(t->recorder);
    arena_done(&t->arena);
    free(t);
    return 0;
}

static void reopen(struct fixture *t, uint64_t memory_bytes) {
    recorder_close(t->recorder);
    assert_int_equal(recorder_open(&t->recorder, memory_bytes, &t->err), 0);
    t->sink = recorder_sink(t->recorder);
}

static void give(struct fixture *t, const char *name, uint64_t track, int64_t start,
                 int64_t length) {
    struct span span = {.name = name,
                        .category = "cpu_op",
                        .kind = SPAN_OPERATOR,
                        .track = track,
                        .start_ns = start,
                        .duration_ns = length};
    if (t->sink.span(t->sink.context, &span, &t->err) != 0)
        fail_msg("%s", t->err.message);
}

static void give_device(struct fixture *t, enum span_kind kind, uint64_t track, int64_t start,
                        int64_t length, uint64_t correlation) {
    struct span span = {.name = span_kind_name(kind),
                        .kind = kind,
                        .track = track,
                        .start_ns = start,
                        .duration_ns = length,
                        .correlation = correlation};
    assert_int_equal(t->sink.span(t->sink.context, &span, &t->err), 0);
}

static const struct recording *finish(struct fixture *t) {
    if (recorder_finish(t->recorder, &t->arena, &t->recording, &t->err) != 0)
        fail_msg("%s", t->err.message);
    return &t->recording;
}

/* "a(b c(d))", children in order, with the self time where `with_self`. */
static void write_node(const struct recording *r, int32_t parent, bool with_self, char *out) {
    bool first = true;
    for (uint32_t i = 0; i < r->node_count; i++) {
        if (r->nodes[i].parent != parent)
            continue;
        sprintf(out + strlen(out), "%s%s", first ? "" : " ", r->nodes[i].name);
        if (with_self)
            sprintf(out + strlen(out), "=%g", r->nodes[i].self_ns);
        size_t at = strlen(out);
        strcat(out, "(");
        write_node(r, (int32_t)i, with_self, out);
        if (out[at + 1] == '\0')
            out[at] = '\0';
        else
            strcat(out, ")");
        first = false;
    }
}

static const char *tree(struct fixture *t, const struct recording *r, bool with_self) {
    static char text[64 << 10];
    text[0] = 0;
    write_node(r, RECORDING_ROOT, with_self, text);
    return arena_strdup(&t->arena, text);
}

static void spans_inside_others_are_their_children(void **state) {
    struct fixture *t = *state;
    give(t, "d", 1, 60, 10); /* in any order */
    give(t, "a", 1, 0, 100);
    give(t, "c", 1, 50, 41);
    give(t, "b", 1, 11, 20);
    const struct recording *r = finish(t);
    assert_string_equal(tree(t, r, true), "a=39(b=20 c=31(d=10))");
    assert_int_equal(r->wall_ns, 100);
    assert_int_equal(r->tracks[0].busy_ns, 100);
    assert_int_equal(r->tracks[0].spans, 4);
}

static void equal_calls_are_one_node(void **state) {
    struct fixture *t = *state;
    for (int i = 0; i < 3; i++) {
        give(t, "a", (uint64_t)i, 100 * i, 50 + i);
        give(t, "b", (uint64_t)i, 100 * i + 10, 5);
        give(t, "b", (uint64_t)i, 100 * i + 20, 6);
    }
    const struct recording *r = finish(t);
    assert_string_equal(tree(t, r, true), "a=120(b=33)");
    assert_int_equal(r->nodes[0].count, 3);
    assert_int_equal(r->nodes[0].low_ns, 50);
    assert_int_equal(r->nodes[0].high_ns, 52);
    assert_int_equal(r->nodes[1].count, 6);
    assert_int_equal(r->track_count, 3);
    assert_int_equal(r->category_count, 1);
    assert_int_equal(r->categories[0].count, 9);
}

static void shapes_part_nodes(void **state) {
    struct fixture *t = *state;
    const char *const shapes[] = {"1x3", "1x3", "1x4", "", NULL};
    for (int i = 0; i < 5; i++) {
        struct span span = {
            .name = "a", .track = 1, .start_ns = 10 * i, .duration_ns = 5, .shapes = shapes[i]};
        assert_int_equal(t->sink.span(t->sink.context, &span, &t->err), 0);
    }
    const struct recording *r = finish(t);
    assert_int_equal(r->node_count, 3);
    assert_int_equal(r->operators_with_shapes, 4);
    assert_string_equal(r->nodes[1].shapes, "1x4");
}

/* Two that overlap are side by side, and the shared time is the first one's. */
static void overlapping_spans_are_siblings_and_self_times_add_up(void **state) {
    struct fixture *t = *state;
    give(t, "root", 1, 0, 200);
    give(t, "a", 1, 10, 50);      /* to 60 */
    give(t, "b", 1, 40, 60);      /* to 100, 20 of it shared */
    give(t, "in_b", 1, 50, 40);   /* inside b; 10 of it belong to a */
    give(t, "late", 1, 150, 100); /* past the end of root */
    const struct recording *r = finish(t);
    assert_string_equal(tree(t, r, true), "root=110(a=50 b=10(in_b=30)) late=50");
    double sum = 0;
    for (uint32_t i = 0; i < r->node_count; i++)
        sum += r->nodes[i].self_ns;
    assert_int_equal(sum, 250);
    assert_int_equal(r->tracks[0].busy_ns, 250);
}

static void random_spans_share_their_tracks_time_out(void **state) {
    struct fixture *t = *state;
    srand(1);
    for (int round = 0; round < 20; round++) {
        double busy = 0, self = 0;
        reopen(t, round % 2 ? 1024 : 0);
        for (int i = 0; i < 500; i++)
            give(t, i % 3 ? "x" : "y", (uint64_t)rand() % 3, rand() % 10000, rand() % 300);
        const struct recording *r = finish(t);
        for (uint32_t i = 0; i < r->node_count; i++) {
            self += r->nodes[i].self_ns;
            assert_true(r->nodes[i].self_ns >= 0);
            assert_true(r->nodes[i].parent < (int32_t)i);
        }
        for (uint32_t i = 0; i < r->track_count; i++)
            busy += r->tracks[i].busy_ns;
        assert_int_equal(self, busy);
    }
}

static void whole_microseconds_may_be_one_too_long(void **state) {
    struct fixture *t = *state;
    give(t, "a", 1, 1000, 5000);
    give(t, "b", 1, 4000, 3000);
    assert_string_equal(tree(t, finish(t), true), "a=3000(b=2000)");
    reopen(t, 0);
    give(t, "a", 1, 1000, 5001);
    give(t, "b", 1, 4000, 3000);
    assert_string_equal(tree(t, finish(t), true), "a=5001 b=999");
}

static void a_small_memory_gives_the_same(void **state) {
    struct fixture *t = *state;
    const char *texts[2];
    for (int small = 0; small < 2; small++) {
        reopen(t, small ? 1 : 0);
        for (int i = 0; i < 3000; i++) {
            give(t, "outer", (uint64_t)(i * 7 % 5), (i * 7919 % 3000) * 100, 90);
            give(t, "inner", (uint64_t)(i * 7 % 5), (i * 7919 % 3000) * 100 + 10, i % 70);
            give_device(t, SPAN_KERNEL, 9, i * 31 % 3000 * 50, 60, (uint64_t)i + 1);
            give_device(t, SPAN_CALL, 8, 10 * i, 1, (uint64_t)i * 2 + 1);
        }
        const struct recording *r = finish(t);
        texts[small] = arena_printf(&t->arena, "%s %g %g %llu", tree(t, r, true), r->device_busy_ns,
                                    r->device_span_ns, (unsigned long long)r->kernels_with_call);
    }
    assert_string_equal(texts[0], texts[1]);
    assert_non_null(strstr(texts[0], " 150010 150010 1500"));
}

static void devices_are_busy_once(void **state) {
    struct fixture *t = *state;
    give_device(t, SPAN_KERNEL, 7, 100, 50, 1);
    give_device(t, SPAN_KERNEL, 8, 120, 50, 2);
    give_device(t, SPAN_COPY, 9, 200, 10, 3);
    give_device(t, SPAN_SET, 9, 300, 0, 3);
    give_device(t, SPAN_CALL, 1, 90, 5, 2);
    give_device(t, SPAN_CALL, 1, 95, 5, 3); /* a copy's: joins no kernel */
    const struct recording *r = finish(t);
    assert_int_equal(r->device_busy_ns, 80);
    assert_int_equal(r->device_span_ns, 200);
    assert_int_equal(r->kernels, 2);
    assert_int_equal(r->kernel_names, 1);
    assert_int_equal(r->kernel_total_ns, 100);
    assert_int_equal(r->kernels_with_call, 1);
}

static void clocks_of_today_keep_their_nanoseconds(void **state) {
    struct fixture *t = *state;
    int64_t epoch = 1712195495519689123;
    give(t, "a", 1, epoch, 7);
    give(t, "b", 2, epoch + 3, 9);
    const struct recording *r = finish(t);
    assert_true(r->origin_ns == epoch);
    assert_int_equal(r->tracks[1].start_ns, 3);
    assert_int_equal(r->wall_ns, 12);
}

static void times_that_cannot_be_held_are_refused(void **state) {
    struct fixture *t = *state;
    const struct {
        int64_t start, duration;
    } cases[] = {
        {0,                 -1       },
        {INT64_MAX,         1        },
        {INT64_MIN,         0        },
        {1,                 INT64_MAX},
        {INT64_MAX / 2 + 1, 0        }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span span = {
            .name = "a", .start_ns = cases[i].start, .duration_ns = cases[i].duration};
        assert_int_equal(t->sink.span(t->sink.context, &span, &t->err), -ERR_INPUT);
        assert_non_null(strstr(t->err.message, "not a time"));
        t->err = (struct err){0};
    }
}

static void deep_nesting_is_flattened_and_loses_no_time(void **state) {
    struct fixture *t = *state;
    double self = 0;
    for (int i = 0; i < 2000; i++)
        give(t, "a", 1, i, 10000 - 2 * i);
    const struct recording *r = finish(t);
    assert_int_equal(r->node_count, 513);
    for (uint32_t i = 0; i < r->node_count; i++)
        self += r->nodes[i].self_ns;
    assert_int_equal(self, 10000);
}

static void too_many_names_are_folded_and_said(void **state) {
    struct fixture *t = *state;
    char name[64];
    double self = 0;
    for (int i = 0; i < 200000; i++) {
        snprintf(name, sizeof name, "a name that is long enough to fill memory %d", i);
        give(t, name, 1, 10 * i, 10);
    }
    const struct recording *r = finish(t);
    for (uint32_t i = 0; i < r->node_count; i++)
        self += r->nodes[i].self_ns;
    assert_int_equal(self, 2000000);
    assert_int_equal(r->fact_count, 1);
    assert_non_null(strstr(r->facts[0].key, "too many"));
    assert_string_equal(r->nodes[r->node_count - 1].name, "(other)");
}

static void rows_of_tables_are_roots(void **state) {
    struct fixture *t = *state;
    struct table_row row = {.name = "gemm",
                            .device = "A100",
                            .attributes = "k=1 m=2",
                            .count = 3,
                            .time_ns = 50,
                            .low_ns = NAN,
                            .high_ns = 60};
    assert_int_equal(t->sink.row(t->sink.context, &row, &t->err), 0);
    row.count = 0;
    assert_int_equal(t->sink.row(t->sink.context, &row, &t->err), 0);
    const struct recording *r = finish(t);
    assert_int_equal(r->node_count, 2);
    assert_int_equal(r->nodes[0].total_ns, 150);
    assert_int_equal(r->nodes[1].total_ns, 50);
    assert_int_equal(r->nodes[1].parent, RECORDING_ROOT);
    assert_string_equal(r->nodes[0].device, "A100");
    assert_true(isnan(r->nodes[0].low_ns));
}

static void readings_are_sorted_and_thinned_but_keep_their_peak(void **state) {
    struct fixture *t = *state;
    for (int i = 0; i < 100000; i++) {
        struct track_sample sample = {"rss_bytes", "bytes", 4, 1000 + (i * 7919 % 100000),
                                      i == 4321 ? 1e9 : i % 100};
        assert_int_equal(t->sink.sample(t->sink.context, &sample, &t->err), 0);
    }
    struct track_sample other = {"pss_bytes", "bytes", 4, 500, 1};
    assert_int_equal(t->sink.sample(t->sink.context, &other, &t->err), 0);
    assert_int_equal(t->sink.track(t->sink.context, 4, TRACK_THREAD, "main", &t->err), 0);
    const struct recording *r = finish(t);
    double peak = 0;
    for (uint32_t i = 0; i < r->sample_count; i++)
        peak = fmax(peak, r->samples[i].value);
    assert_true(peak == 1e9);
    assert_in_range(r->sample_count, 1000, 64 << 10);
    assert_string_equal(r->samples[0].metric, "pss_bytes");
    assert_int_equal(r->samples[0].at_ns, 0);
    assert_int_equal(r->track_count, 1);
    assert_string_equal(r->tracks[0].name, "main");
}

static void the_profilers_own_span_is_only_counted(void **state) {
    struct fixture *t = *state;
    struct span session = {.name = "Profiler",
                           .category = "Trace",
                           .kind = SPAN_SESSION,
                           .track = 5,
                           .duration_ns = 1000};
    assert_int_equal(t->sink.span(t->sink.context, &session, &t->err), 0);
    give(t, "a", 1, 100, 10);
    const struct recording *r = finish(t);
    assert_string_equal(tree(t, r, true), "a=10");
    assert_int_equal(r->wall_ns, 10);
    assert_int_equal(r->category_count, 2);
}

static void the_first_of_equal_facts_stays(void **state) {
    struct fixture *t = *state;
    assert_int_equal(t->sink.fact(t->sink.context, "device", "A100", &t->err), 0);
    assert_int_equal(t->sink.fact(t->sink.context, "device", "B100", &t->err), 0);
    assert_int_equal(t->sink.fact(t->sink.context, "cuda", "12", &t->err), 0);
    const struct recording *r = finish(t);
    assert_int_equal(r->fact_count, 2);
    assert_string_equal(r->facts[0].key, "cuda");
    assert_string_equal(r->facts[1].value, "A100");
}

static void nothing_is_a_recording_too(void **state) {
    struct fixture *t = *state;
    const struct recording *r = finish(t);
    assert_int_equal(r->node_count, 0);
    assert_int_equal(r->wall_ns, 0);
    assert_int_equal(r->device_busy_ns, 0);
    assert_true(isnan(r->overhead_ns));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(spans_inside_others_are_their_children),
        TEST(equal_calls_are_one_node),
        TEST(shapes_part_nodes),
        TEST(overlapping_spans_are_siblings_and_self_times_add_up),
        TEST(random_spans_share_their_tracks_time_out),
        TEST(whole_microseconds_may_be_one_too_long),
        TEST(a_small_memory_gives_the_same),
        TEST(devices_are_busy_once),
        TEST(clocks_of_today_keep_their_nanoseconds),
        TEST(times_that_cannot_be_held_are_refused),
        TEST(deep_nesting_is_flattened_and_loses_no_time),
        TEST(too_many_names_are_folded_and_said),
        TEST(rows_of_tables_are_roots),
        TEST(readings_are_sorted_and_thinned_but_keep_their_peak),
        TEST(the_profilers_own_span_is_only_counted),
        TEST(the_first_of_equal_facts_stays),
        TEST(nothing_is_a_recording_too),
    };
    return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
