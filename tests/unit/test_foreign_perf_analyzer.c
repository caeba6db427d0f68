#include "tests/unit/foreign_sink.h"

#include "collectors/foreign/perf_analyzer.h"

#include <math.h>

#define HEADER                                                                                     \
    "Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,"             \
    "Server Compute Input,Server Compute Infer,Server Compute Output,Client Recv,"                 \
    "p50 latency,p90 latency,p95 latency,p99 latency\n"
#define LINE "4,80.5,270,1600,30000,230,11700,18,1,47000,56500,59000,65000\n"

static void read_text(struct kept *kept, const char *text) {
    kept_init(kept);
    if (kept_read_text(kept, &foreign_perf_analyzer, text, strlen(text),
                       (struct foreign_request){0}))
        fail_msg("%s", kept->err.message);
}

static void a_line_is_a_request_with_percentiles_and_its_parts(void **state) {
    (void)state;
    struct kept kept;
    read_text(&kept, HEADER LINE LINE);
    assert_int_equal(kept.outcome.events, 2);
    assert_int_equal(kept.row_count, 16);
    assert_string_equal(kept.rows[0].name, "request");
    assert_true(kept.rows[0].time_ns == 47e6);
    assert_string_equal(kept.rows[0].attributes,
                        "concurrency=4 inferences_per_second=80.5 p50_us=47000 p90_us=56500 "
                        "p95_us=59000 p99_us=65000");
    assert_string_equal(kept.rows[3].name, "Server Queue");
    assert_string_equal(kept.rows[3].attributes, "concurrency=4");
    assert_true(kept.rows[3].time_ns == 30e6);
    kept_done(&kept);
}

static void request_rates_averages_and_other_columns_are_understood(void **state) {
    (void)state;
    struct kept kept;
    read_text(&kept, "Request Rate,Inferences/Second,Client Send,Client Recv,Avg latency,"
                     "request/response,response wait,Avg GPU Utilization,\n"
                     "10,9.5,1,2,300,3,297,GPU-1:0.5;,\n");
    assert_int_equal(kept.row_count, 5);
    assert_true(kept.rows[0].time_ns == 300000);
    assert_string_equal(kept.rows[0].attributes,
                        "average_us=300 inferences_per_second=9.5 request_rate=10");
    assert_true(kept_has_fact(&kept, "columns left out: not known=1"));
    kept_done(&kept);
    read_text(&kept, "Concurrency,Inferences/Second\n1,2\n");
    assert_true(isnan(kept.rows[0].time_ns));
    kept_done(&kept);
}

static const struct hostile hostile_tables[] = {
    {"",                                             0, "a table without a header",               false},
    {"Concurrency,Client Send\n1,2\n",               0, "no columns Concurrency or Request Rate", false},
    {"Inferences/Second,Client Send\n1,2\n",         0, "no columns Concurrency or Request Rate", false},
    {HEADER "1,2\n",                                 0, "input:2: 2 cells, the header has 13",    false},
    {HEADER "x,80,270,1600,3,2,1,18,1,4,5,5,6\n",    0,
     "input:2: \"x\" is no number of the column concurrency",                                     false},
    {HEADER "4,80,270,1600,-3,2,1,18,1,4,5,5,6\n",   0,
     "\"-3\" is no number of the column Server Queue",                                            false},
    {HEADER "4,80,270,1600,nan,2,1,18,1,4,5,5,6\n",  0, "\"nan\" is no number",                   false},
    {HEADER "4,80,270,1600,1e99,2,1,18,1,4,5,5,6\n", 0, "\"1e99\" is no number",                  false},
    {HEADER "4,80,270,1600,,2,1,18,1,4,5,5,6\n",     0, "\"\" is no number",                      false},
    {HEADER LINE "4,\"80\"x,270\n",                  0, "input:3: text behind the quote",         false},
    {HEADER LINE "4,80",                             0, "the last line has too few cells",        true },
    {HEADER LINE "4,\"80",                           0, "the last cell is quoted and not closed", true },
};

static void hostile_tables_are_refused_or_cut_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof hostile_tables / sizeof *hostile_tables; i++)
        check_hostile(&foreign_perf_analyzer, &hostile_tables[i], (struct foreign_request){0});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_request_with_percentiles_and_its_parts),
        cmocka_unit_test(request_rates_averages_and_other_columns_are_understood),
        cmocka_unit_test(hostile_tables_are_refused_or_cut_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
