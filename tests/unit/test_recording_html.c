/* The page of a recording: what stands on it, and that foreign names stay text. */
#include "reports/html.h"
#include "reports/recording_html.h"

#include "tests/unit/page_checks.h"

#include <math.h>
#include <stdlib.h>

#define HOSTILE "</svg><b>\"`system('touch /tmp/x')`@m\\ $x \x01 \xff\xc0 \xe2\x80\xae"
#define MIB     1048576.0

#define NODE(up, what, text, group, total, own)                                                    \
    {                                                                                              \
        .parent = up, .kind = what, .name = text, .category = group, .shapes = "", .dtypes = "",   \
        .device = "", .attributes = "", .count = 1, .total_ns = total, .self_ns = own,             \
        .low_ns = total, .high_ns = total                                                          \
    }

/* Two seconds of a program with a worker thread and a stream; memory is highest after one. */
static struct recording full(const char *name) {
    static struct recording_node nodes[3];
    static struct recording_track tracks[3];
    static struct track_sample samples[8];
    static struct recording_fact facts[6];
    static struct recording_category categories[2];
    const struct recording_node new_nodes[3] = {
        NODE(-1, SPAN_OPERATOR, name, name, 1.5e9, 0.5e9),
        NODE(0, SPAN_OPERATOR, "inner", name, 1e9, 1e9),
        NODE(-1, SPAN_KERNEL, "kernel", "zkernel", 0.5e9, 0.5e9),
    };
    const struct recording_track new_tracks[3] = {
        {1, TRACK_THREAD, name,       2, 0,     1.5e9, 1.5e9},
        {2, TRACK_THREAD, "worker",   0, 0,     0,     0    },
        {3, TRACK_QUEUE,  "stream 7", 1, 0.5e9, 1e9,   0.5e9},
    };
    const struct track_sample new_samples[8] = {
        {"rss_bytes", "bytes", 0, 0,          10 * MIB},
        {"rss_bytes", "bytes", 0, 1000000000, 50 * MIB},
        {"rss_bytes", "bytes", 0, 2000000000, 20 * MIB},
        {name,        "bytes", 0, 0,          5 * MIB },
        {name,        "bytes", 0, 2000000000, 6 * MIB },
        {"cpu_ns",    "ns",    2, 500000000,  1e6     },
        {"cpu_ns",    "ns",    2, 1000000000, 4e8     },
        {"cpu_ns",    "ns",    2, 2000000000, 5e8     },
    };
    const struct recording_fact new_facts[6] = {
        {"command_cpu_ns", "4000000000"},
        {"device",         name        },
        {"peak_at_ns",     "990000000" },
        {"peak_inside",    name        },
        {"probes_ns",      "40000000"  },
        {"recorder_ns",    "60000000"  },
    };
    const struct recording_category new_categories[2] = {
        {name,      2},
        {"zkernel", 1}
    };
    memcpy(nodes, new_nodes, sizeof nodes);
    memcpy(tracks, new_tracks, sizeof tracks);
    memcpy(samples, new_samples, sizeof samples);
    memcpy(facts, new_facts, sizeof facts);
    memcpy(categories, new_categories, sizeof categories);
    return (struct recording){.format = "record",
                              .path = name,
                              .sha256 = "",
                              .events = 3,
                              .complete = true,
                              .wall_ns = 1.5e9,
                              .overhead_ns = 100e6,
                              .nodes = nodes,
                              .node_count = 3,
                              .tracks = tracks,
                              .track_count = 3,
                              .samples = samples,
                              .sample_count = 8,
                              .facts = facts,
                              .fact_count = 6,
                              .categories = categories,
                              .category_count = 2,
                              .kernels = 1,
                              .kernel_names = 1,
                              .kernel_total_ns = 0.5e9,
                              .device_busy_ns = 0.5e9,
                              .device_span_ns = 1e9};
}

static void render(const struct recording *recording, struct arena *arena, struct strbuf *html) {
    const struct recording_report report = {.id = 7,
                                            .created_at = "2026-01-02T03:04:05Z",
                                            .machine = "A processor",
                                            .generated = "2026-01-02 03:04 UTC",
                                            .version = "0.1.0",
                                            .recording = recording};
    arena_init(arena);
    strbuf_init(html);
    recording_html(arena, &report, html);
}

static void done(struct arena *arena, struct strbuf *html) {
    strbuf_done(html);
    arena_done(arena);
}

static uint32_t count_of(const char *html, const char *text) {
    uint32_t count = 0;
    for (const char *at = html; (at = strstr(at, text)); at++)
        count++;
    return count;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void every_part_of_a_recording_is_on_the_page(void **state) {
    static const char *const expected[] = {
        "<h1>Recording 7</h1>",
        "<section id=\"operators\"",
        "<section id=\"categories\"",
        "<section id=\"device\"",
        "<section id=\"memory\"",
        "<section id=\"threads\"",
        "<section id=\"readings\"",
        "Most memory: 50.0 MiB resident, 990 ms after the command began, inside outer.",
        "40.0 ms inside the command, 1.00 % of its 4.00 s",
        "60.0 ms beside it",
        "A processor",
    };
    struct arena arena;
    struct strbuf html;
    struct recording recording = full("outer");
    (void)state;
    render(&recording, &arena, &html);
    assert_is_a_page(html.text);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (!strstr(html.text, expected[i]))
            fail_msg("not on the page: %s", expected[i]);
    done(&arena, &html);
}

static void tree_memory_and_threads_are_drawn(void **state) {
    struct arena arena;
    struct strbuf html;
    struct recording recording = full("outer");
    (void)state;
    if (!have_gnuplot())
        skip();
    render(&recording, &arena, &html);
    assert_int_equal(count_of(html.text, "<svg role=\"img\""), 3);
    assert_int_equal(count_of(html.text, "No picture here"), 0);
    done(&arena, &html);
}

static void own_time_of_categories_and_idle_time_of_the_device_are_told(void **state) {
    struct arena arena;
    struct strbuf html;
    struct recording recording = full("outer");
    (void)state;
    render(&recording, &arena, &html);
    const char *categories = strstr(html.text, "<section id=\"categories\"");
    const char *device = strstr(html.text, "<section id=\"device\"");
    assert_non_null(strstr(categories, "<td>outer</td><td class=\"num\">2</td>"
                                       "<td class=\"num\">1.50 s</td><td class=\"num\">75.0 %"));
    assert_non_null(strstr(device, "its last</td><td class=\"num\">500 ms"));
    done(&arena, &html);
}

static void foreign_names_stay_text(void **state) {
    struct arena arena;
    struct strbuf html;
    struct recording recording = full(HOSTILE);
    (void)state;
    render(&recording, &arena, &html);
    assert_is_a_page(html.text);
    assert_int_equal(count_of(html.text, "<b>\""), 0);
    assert_int_equal(count_of(html.text, "\xe2\x80\xae"), 0);
    assert_true(count_of(html.text, "&lt;/svg&gt;") > 5);
    if (have_gnuplot())
        assert_int_equal(count_of(html.text, "<svg role=\"img\""), 3);
    done(&arena, &html);
}

static void text_that_would_run_backwards_is_scrubbed(void **state) {
    struct strbuf html;
    (void)state;
    strbuf_init(&html);
    html_scrub("a\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa9z", 11, &html);
    assert_null(strstr(html.text, "\xe2\x80\xae"));
    assert_null(strstr(html.text, "\xe2\x81\xa6"));
    assert_non_null(strstr(html.text, "\xe2\x80\xa9z")); /* a mere line separator */
    strbuf_done(&html);
}

static void a_recording_of_nothing_is_a_page(void **state) {
    struct arena arena;
    struct strbuf html;
    struct recording empty = {.format = "kineto",
                              .path = "cut.json",
                              .sha256 = "",
                              .whole_bytes = 1234,
                              .overhead_ns = NAN};
    (void)state;
    render(&empty, &arena, &html);
    assert_is_a_page(html.text);
    assert_int_equal(count_of(html.text, "<svg"), 0);
    assert_non_null(strstr(html.text, "first 1234 bytes"));
    assert_non_null(strstr(html.text, "does not say what recording cost"));
    done(&arena, &html);
}

static void one_reading_and_no_length_are_not_drawn(void **state) {
    struct arena arena;
    struct strbuf html;
    struct recording recording = full("outer");
    (void)state;
    recording.node_count = recording.track_count = recording.fact_count = 0;
    recording.sample_count = 1;
    recording.samples[0].value = INFINITY;
    render(&recording, &arena, &html);
    assert_is_a_page(html.text);
    assert_int_equal(count_of(html.text, "<svg"), 0);
    assert_non_null(strstr(html.text, "after the first that was seen"));
    done(&arena, &html);
}

static void lost_events_are_a_warning(void **state) {
    struct arena arena;
    struct strbuf html;
    struct recording recording = full("outer");
    (void)state;
    recording.facts[1] = (struct recording_fact){"lost_events", "5"};
    render(&recording, &arena, &html);
    assert_non_null(strstr(html.text, "5 entries and returns found no room and 0 calls"));
    done(&arena, &html);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_a_recording_is_on_the_page),
        cmocka_unit_test(tree_memory_and_threads_are_drawn),
        cmocka_unit_test(own_time_of_categories_and_idle_time_of_the_device_are_told),
        cmocka_unit_test(foreign_names_stay_text),
        cmocka_unit_test(text_that_would_run_backwards_is_scrubbed),
        cmocka_unit_test(a_recording_of_nothing_is_a_page),
        cmocka_unit_test(one_reading_and_no_length_are_not_drawn),
        cmocka_unit_test(lost_events_are_a_warning),
    };
    return cmocka_run_group_tests_name("recording_html", tests, NULL, NULL);
}
