/* What the listener counts. promtool reads it in tests/cli/serve_http.sh. */
#include "server/http/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct route routes[] = {
    {.method = "GET", .pattern = "/a", .name = "a"},
    {.method = "GET",    .pattern = "/b", .name = "b"},
    {.method = "POST", .pattern = "/a", .name = "a"},
    {0   },
};

struct fixture {
    struct http_metrics *metrics;
    struct strbuf text;
};

static int begin(void **state) {
    static struct fixture at;
    at.metrics = http_metrics_new(routes);
    strbuf_init(&at.text);
    *state = &at;
    return 0;
}

static int end(void **state) {
    struct fixture *at = *state;
    http_metrics_delete(at->metrics);
    strbuf_done(&at->text);
    return 0;
}

static int occurrences(const struct strbuf *text, const char *sought) {
    int count = 0;
    for (const char *at = text->text; (at = strstr(at, sought)); at++)
        count++;
    return count;
}

static void rows_of_one_name_are_one_line(void **state) {
    struct fixture *at = *state;
    http_metrics_answered(at->metrics, &routes[0], 200, 1000);
    http_metrics_answered(at->metrics, &routes[2], 200, 1000);
    http_metrics_answered(at->metrics, NULL, 404, 1000);
    http_metrics_print(at->metrics, false, &at->text);
    assert_int_equal(occurrences(&at->text, "{handler=\"a\",code=\"200\"} 2\n"), 1);
    assert_int_equal(occurrences(&at->text, "{handler=\"none\",code=\"404\"} 1\n"), 1);
    assert_int_equal(occurrences(&at->text, "_count{handler=\"a\"} 2\n"), 1);
}

static void buckets_are_cumulative(void **state) {
    struct fixture *at = *state;
    http_metrics_answered(at->metrics, &routes[1], 200, 100000);      /* exactly 0.1 ms */
    http_metrics_answered(at->metrics, &routes[1], 200, 3000000);     /* 3 ms */
    http_metrics_answered(at->metrics, &routes[1], 200, 20000000000); /* 20 s */
    http_metrics_print(at->metrics, false, &at->text);
    assert_int_equal(occurrences(&at->text, "{handler=\"b\",le=\"0.0001\"} 1\n"), 1);
    assert_int_equal(occurrences(&at->text, "{handler=\"b\",le=\"0.0025\"} 1\n"), 1);
    assert_int_equal(occurrences(&at->text, "{handler=\"b\",le=\"0.005\"} 2\n"), 1);
    assert_int_equal(occurrences(&at->text, "{handler=\"b\",le=\"10\"} 2\n"), 1);
    assert_int_equal(occurrences(&at->text, "{handler=\"b\",le=\"+Inf\"} 3\n"), 1);
    assert_int_equal(occurrences(&at->text, "_sum{handler=\"b\"} 20.0031\n"), 1);
}

static void families_of_counters_lose_their_suffix_in_openmetrics(void **state) {
    struct fixture *at = *state;
    http_metrics_answered(at->metrics, &routes[0], 200, 1000);
    http_metrics_print(at->metrics, true, &at->text);
    process_metrics_print(true, &at->text);
    assert_int_equal(occurrences(&at->text, "# TYPE assay_http_requests counter\n"), 1);
    assert_int_equal(occurrences(&at->text, "# TYPE process_cpu_seconds counter\n"), 1);
    assert_int_equal(occurrences(&at->text, "\nassay_http_requests_total{"), 1);
    assert_int_equal(occurrences(&at->text, "\nprocess_cpu_seconds_total "), 1);
}

static void the_process_describes_itself(void **state) {
    struct fixture *at = *state;
    static const char *const names[] = {
        "process_cpu_seconds_total",     "process_open_fds",
        "process_resident_memory_bytes", "process_max_fds",
        "process_virtual_memory_bytes",  "process_start_time_seconds"};
    process_metrics_print(false, &at->text);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char line[80];
        snprintf(line, sizeof line, "# TYPE %s ", names[i]);
        assert_int_equal(occurrences(&at->text, line), 1);
    }
    double resident = 0, start = 0;
    sscanf(strstr(at->text.text, "\nprocess_resident_memory_bytes "), "%*s %lf", &resident);
    sscanf(strstr(at->text.text, "\nprocess_start_time_seconds "), "%*s %lf", &start);
    assert_true(resident > 100000);
    assert_true(start > 1.5e9);
}

static void rejections_have_reasons(void **state) {
    struct fixture *at = *state;
    http_metrics_rejected(at->metrics, REJECTED_DEADLINE);
    http_metrics_rejected(at->metrics, REJECTED_NOT);
    http_metrics_print(at->metrics, false, &at->text);
    assert_int_equal(occurrences(&at->text, "rejected_total{reason=\"deadline\"} 1\n"), 1);
    assert_int_equal(occurrences(&at->text, "rejected_total{reason="), HTTP_REJECTIONS - 1);
    assert_int_equal(occurrences(&at->text, "(null)"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(rows_of_one_name_are_one_line),
        TEST(buckets_are_cumulative),
        TEST(families_of_counters_lose_their_suffix_in_openmetrics),
        TEST(the_process_describes_itself),
        TEST(rejections_have_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
