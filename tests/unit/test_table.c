#include "base/table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { NAME, TIME, COUNT, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [NAME] = {"name",    "Name",  UNIT_PLAIN, TABLE_LEFT },
    [TIME] = {"time_ns", "Time",  UNIT_NS,    TABLE_RIGHT},
    [COUNT] = {"count",   "Count", UNIT_COUNT, TABLE_RIGHT},
};

static void fill(struct table *table, struct arena *arena) {
    table_init(table, arena, "Operators", columns, COLUMNS);
    table_row(table);
    table_text(table, NAME, "conv, \"first\"");
    table_number(table, TIME, 1234567.5);
    table_int(table, COUNT, 9007199254740993);
    table_row(table);
    struct json_estimate estimate = {2e6, 1.5e6, 3e6, "fitted", "fit:1"};
    table_textf(table, NAME, "<%s|>", "b");
    table_estimate(table, TIME, &estimate);
    table_row(table);
    table_text(table, NAME, NULL);
    table_number(table, TIME, NAN);
}

static void expect_rendered(const char *format, unsigned width, const char *expected) {
    struct arena arena;
    arena_init(&arena);
    struct table table;
    fill(&table, &arena);
    struct strbuf out;
    strbuf_init(&out);
    struct table_style style = {.width = width};
    table_format_by_name(format)->render(&table, &style, &out);
    assert_string_equal(out.text, expected);
    strbuf_done(&out);
    arena_done(&arena);
}

static void text_is_aligned_and_rounded(void **state) {
    (void)state;
    expect_rendered("text", 0,
                    "Operators\n"
                    "Name                                  Time  Count\n"
                    "conv, \"first\"                      1.23 ms 9.01 P\n"
                    "<b|>          2.00 ms (1.50 ms to 3.00 ms)\n"
                    "\n");
}

static void text_is_broken_to_fit_the_terminal_and_numbers_are_not(void **state) {
    (void)state;
    expect_rendered("text", 40,
                    "Operators\n"
                    "Name                         Time  Count\n"
                    "conv                      1.23 ms 9.01 P\n"
                    ", \"f\nirst\n\"\n"
                    "<b|> 2.00 ms (1.50 ms to 3.00 ms)\n"
                    "\n");
}

static void json_is_unrounded(void **state) {
    (void)state;
    expect_rendered(
        "json", 0,
        "[\n  {\n    \"name\": \"conv, \\\"first\\\"\",\n    \"time_ns\": 1234567.5,\n"
        "    \"count\": 9007199254740993\n  },\n  {\n    \"name\": \"<b|>\",\n"
        "    \"time_ns\": {\n      \"value\": 2000000,\n      \"low\": 1500000,\n"
        "      \"high\": 3000000,\n      \"tier\": \"fitted\",\n"
        "      \"evidence\": \"fit:1\"\n    },\n    \"count\": null\n  },\n"
        "  {\n    \"name\": null,\n    \"time_ns\": null,\n    \"count\": null\n  }\n]\n");
}

static void csv_quotes_and_widens_estimates(void **state) {
    (void)state;
    expect_rendered("csv", 0,
                    "name,time_ns,time_ns_low,time_ns_high,time_ns_tier,count\n"
                    "\"conv, \"\"first\"\"\",1234567.5,,,,9007199254740993\n"
                    "<b|>,2000000,1500000,3000000,fitted,\n"
                    ",,,,,\n");
}

static void markdown_escapes_its_own_marks(void **state) {
    (void)state;
    expect_rendered("markdown", 0,
                    "**Operators**\n\n"
                    "| Name | Time | Count |\n"
                    "| --- | ---: | ---: |\n"
                    "| conv, \"first\" | 1.23 ms | 9.01 P |\n"
                    "| \\<b\\|> | 2.00 ms (1.50 ms to 3.00 ms) |  |\n"
                    "|  |  |  |\n");
}

static void html_escapes_what_a_model_may_be_named(void **state) {
    (void)state;
    expect_rendered(
        "html", 0,
        "<table>\n<caption>Operators</caption>\n<thead><tr><th>Name</th>"
        "<th class=\"num\">Time</th><th class=\"num\">Count</th></tr></thead>\n<tbody>\n"
        "<tr><td>conv, &quot;first&quot;</td><td class=\"num\">1.23 ms</td>"
        "<td class=\"num\">9.01 P</td></tr>\n"
        "<tr><td>&lt;b|&gt;</td><td class=\"num\">2.00 ms (1.50 ms to 3.00 ms)</td>"
        "<td class=\"num\"></td></tr>\n"
        "<tr><td></td><td class=\"num\"></td><td class=\"num\"></td></tr>\n"
        "</tbody>\n</table>\n");
}

static void control_characters_cannot_reach_the_terminal(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct table table;
    table_init(&table, &arena, "", columns, COLUMNS);
    table_row(&table);
    table_text(&table, NAME, "evil\033[2J\nname");
    struct strbuf out;
    strbuf_init(&out);
    struct table_style style = {0};
    table_render_text(&table, &style, &out);
    assert_null(strchr(out.text, '\033'));
    assert_non_null(strstr(out.text, "evil"));
    strbuf_done(&out);
    arena_done(&arena);
}

static void an_empty_table_says_so_and_stays_valid(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct table table;
    table_init(&table, &arena, "", columns, COLUMNS);
    struct table_style style = {0};
    struct strbuf text, json;
    strbuf_init(&text);
    strbuf_init(&json);
    table_render_text(&table, &style, &text);
    table_render_json(&table, &style, &json);
    assert_string_equal(text.text, "(none)\n");
    assert_string_equal(json.text, "[]\n");
    strbuf_done(&text);
    strbuf_done(&json);
    arena_done(&arena);
}

static void columns_without_content_are_left_out_of_text_and_html(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct table table;
    table_init(&table, &arena, "", columns, COLUMNS);
    table_row(&table);
    table_text(&table, NAME, "a");
    table_int(&table, COUNT, 3);
    struct strbuf out;
    strbuf_init(&out);
    struct table_style style = {0};
    table_render_text(&table, &style, &out);
    assert_string_equal(out.text, "Name Count\na        3\n");
    strbuf_done(&out);
    strbuf_init(&out);
    table_render_html(&table, &style, &out);
    assert_string_equal(out.text, "<table>\n<thead><tr><th>Name</th><th class=\"num\">Count</th>"
                                  "</tr></thead>\n<tbody>\n<tr><td>a</td><td class=\"num\">3</td>"
                                  "</tr>\n</tbody>\n</table>\n");
    strbuf_done(&out);
    arena_done(&arena);
}

static void many_rows_grow_the_table(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    struct table table;
    table_init(&table, &arena, "", columns, COLUMNS);
    for (int i = 0; i < 1000; i++) {
        table_row(&table);
        table_int(&table, COUNT, i);
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(table_cell(&table, i, COUNT)->integer, i);
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_aligned_and_rounded),
        cmocka_unit_test(text_is_broken_to_fit_the_terminal_and_numbers_are_not),
        cmocka_unit_test(json_is_unrounded),
        cmocka_unit_test(csv_quotes_and_widens_estimates),
        cmocka_unit_test(markdown_escapes_its_own_marks),
        cmocka_unit_test(html_escapes_what_a_model_may_be_named),
        cmocka_unit_test(control_characters_cannot_reach_the_terminal),
        cmocka_unit_test(an_empty_table_says_so_and_stays_valid),
        cmocka_unit_test(columns_without_content_are_left_out_of_text_and_html),
        cmocka_unit_test(many_rows_grow_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
