/* Targets taken apart, and the rows they fit. What is refused is in test_http_hostile.c. */
#include "server/http/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct http_target target;
    struct http_match match;
    struct http_refusal refusal;
    struct err err;
};

static int begin(void **state) {
    static struct fixture at;
    memset(&at, 0, sizeof at);
    *state = &at;
    return 0;
}

static int end(void **state) {
    arena_done(&((struct fixture *)*state)->arena);
    return 0;
}

static int parse(struct fixture *at, const char *raw) {
    at->err = (struct err){0};
    at->refusal = (struct http_refusal){0};
    return http_target_parse(&at->arena, raw, &at->target, &at->err);
}

static void the_root_has_one_empty_segment(void **state) {
    struct fixture *at = *state;
    assert_int_equal(parse(at, "/"), 0);
    assert_string_equal(at->target.path, "/");
    assert_int_equal(at->target.segment_count, 1);
    assert_string_equal(at->target.segments[0], "");
    assert_int_equal(at->target.query_count, 0);
}

static void segments_are_decoded_once(void **state) {
    struct fixture *at = *state;
    assert_int_equal(parse(at, "/a%20b/%2541/c+d/%E2%82%AC"), 0);
    assert_int_equal(at->target.segment_count, 4);
    assert_string_equal(at->target.segments[0], "a b");
    assert_string_equal(at->target.segments[1], "%41");
    assert_string_equal(at->target.segments[2], "c+d");
    assert_string_equal(at->target.segments[3], "\xe2\x82\xac");
    assert_string_equal(at->target.path, "/a b/%41/c+d/\xe2\x82\xac");
}

static void a_query_is_read_as_forms_write_it(void **state) {
    struct fixture *at = *state;
    assert_int_equal(parse(at, "/a?x=1+2%2B3&y&&z=%2F%3d?=&=w"), 0);
    assert_int_equal(at->target.query_count, 4);
    assert_string_equal(at->target.query[0].value, "1 2+3");
    assert_string_equal(at->target.query[1].name, "y");
    assert_string_equal(at->target.query[1].value, "");
    assert_string_equal(at->target.query[2].value, "/=?=");
    assert_string_equal(at->target.query[3].name, "");
}

static void names_that_differ_in_encoding_only_are_the_same(void **state) {
    struct fixture *at = *state;
    assert_int_equal(parse(at, "/a?rate=1&r%61te=2"), -ERR_INPUT);
    assert_string_equal(at->err.message, "rate: the parameter is given twice");
}

static const struct route routes[] = {
    {.method = "GET",   .pattern = "/", .name = "root"},
    {.method = "GET",   .pattern = "/models/latest", .name = "latest"},
    {.method = "GET",   .pattern = "/models/{model}", .name = "model"},
    {.method = "POST", .pattern = "/models/{model}", .name = "change"},
    {.method = "GET",   .pattern = "/{first}/of/{second}", .name = "two"},
    {0 },
};

static const char *match(struct fixture *at, const char *method, const char *raw) {
    assert_int_equal(parse(at, raw), 0);
    if (http_match(&at->arena, routes, method, &at->target, &at->match, &at->refusal) < 0)
        return NULL;
    return at->match.route->name;
}

static void the_first_row_that_fits_wins(void **state) {
    struct fixture *at = *state;
    assert_string_equal(match(at, "GET", "/"), "root");
    assert_string_equal(match(at, "GET", "/models/latest"), "latest");
    assert_string_equal(match(at, "HEAD", "/models/other"), "model");
    assert_string_equal(match(at, "POST", "/models/latest"), "change");
}

static void names_capture_whole_segments(void **state) {
    struct fixture *at = *state;
    assert_string_equal(match(at, "GET", "/a/of/b"), "two");
    assert_int_equal(at->match.captured_count, 2);
    assert_string_equal(at->match.captured[0].name, "first");
    assert_string_equal(at->match.captured[0].value, "a");
    assert_string_equal(at->match.captured[1].name, "second");
    assert_string_equal(at->match.captured[1].value, "b");
}

static void what_fits_no_row_is_404(void **state) {
    static const char *const targets[] = {"/models",     "/models/",   "/models/a/",
                                          "/models/a/b", "//models/a", "/Models/a"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        if (match(*state, "GET", targets[i]))
            fail_msg("%s fits a row", targets[i]);
        assert_int_equal(((struct fixture *)*state)->refusal.status, 404);
    }
}

static void a_path_with_another_method_is_405(void **state) {
    struct fixture *at = *state;
    assert_null(match(at, "DELETE", "/models/a"));
    assert_int_equal(at->refusal.status, 405);
    assert_string_equal(at->match.allow, "GET, HEAD, POST");
    assert_null(match(at, "BREW", "/models/a"));
    assert_int_equal(at->refusal.status, 501);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_root_has_one_empty_segment),
        TEST(segments_are_decoded_once),
        TEST(a_query_is_read_as_forms_write_it),
        TEST(names_that_differ_in_encoding_only_are_the_same),
        TEST(the_first_row_that_fits_wins),
        TEST(names_capture_whole_segments),
        TEST(what_fits_no_row_is_404),
        TEST(a_path_with_another_method_is_405),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
