#include "base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void expect_printed(cJSON *tree, bool pretty, const char *expected) {
    struct strbuf out;
    strbuf_init(&out);
    json_print(tree, pretty, &out);
    assert_string_equal(out.text, expected);
    strbuf_done(&out);
    cJSON_Delete(tree);
}

static void numbers_lose_nothing(void **state) {
    (void)state;
    cJSON *tree = json_object();
    json_add_number(tree, "third", 1.0 / 3);
    json_add_number(tree, "tenth", 0.1);
    json_add_int(tree, "above_2_53", 9007199254740993);
    json_add_int(tree, "least", INT64_MIN);
    json_add_uint(tree, "most", UINT64_MAX);
    json_add_number(tree, "nan", NAN);
    json_add_number(tree, "infinite", INFINITY);
    expect_printed(tree, false,
                   "{\"third\":0.3333333333333333,\"tenth\":0.1,\"above_2_53\":9007199254740993,"
                   "\"least\":-9223372036854775808,\"most\":18446744073709551615,\"nan\":null,"
                   "\"infinite\":null}");
}

static void keys_keep_their_order_and_pretty_is_indented(void **state) {
    (void)state;
    cJSON *tree = json_object();
    json_add_text(tree, "z", "last letter first");
    cJSON *list = json_add_array(tree, "list");
    json_add_bool(list, NULL, true);
    json_add_null(list, NULL);
    json_add_object(tree, "empty");
    json_add_text(tree, "none", NULL);
    expect_printed(tree, true,
                   "{\n  \"z\": \"last letter first\",\n  \"list\": [\n    true,\n    null\n  ],\n"
                   "  \"empty\": {},\n  \"none\": null\n}");
}

static void text_is_escaped_and_made_valid_utf8(void **state) {
    (void)state;
    cJSON *tree = json_array();
    json_add_text(tree, NULL, "a\"b\\c\n\t\x01\x7f");
    json_add_text(tree, NULL, "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
    json_add_text(tree, NULL, "\xff|\xc0\xaf|\xed\xa0\x80|\xf5|\xc3");
    expect_printed(tree, false,
                   "[\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\",\"\xc3\xa9 \xe2\x82\xac "
                   "\xf0\x9f\x98\x80\","
                   "\"\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"
                   "\xef\xbf\xbd|\xef\xbf\xbd\"]");
}

static void an_estimate_has_its_interval_and_tier(void **state) {
    (void)state;
    cJSON *tree = json_object();
    struct json_estimate known = {12.5, 11, 14, "fitted", "fit:3"};
    struct json_estimate refused = {NAN, NAN, NAN, "refused", NULL};
    json_add_estimate(tree, "a", &known);
    json_add_estimate(tree, "b", &refused);
    expect_printed(tree, false,
                   "{\"a\":{\"value\":12.5,\"low\":11,\"high\":14,\"tier\":\"fitted\","
                   "\"evidence\":\"fit:3\"},"
                   "\"b\":{\"value\":null,\"low\":null,\"high\":null,\"tier\":\"refused\"}}");
}

static void what_was_printed_is_read_back(void **state) {
    (void)state;
    static const char text[] =
        "{\"name\": \"x\", \"n\": 42, \"d\": 0.1, \"yes\": true, \"list\": [1]} \n";
    struct err err = {0};
    cJSON *tree = json_parse(text, strlen(text), "document", &err);
    assert_non_null(tree);
    const char *name;
    int64_t n;
    double d;
    bool yes;
    const cJSON *list;
    assert_int_equal(json_get_text(tree, "name", &name, &err), 0);
    assert_string_equal(name, "x");
    assert_int_equal(json_get_int(tree, "n", &n, &err), 0);
    assert_int_equal(n, 42);
    assert_int_equal(json_get_number(tree, "d", &d, &err), 0);
    assert_true(d == 0.1);
    assert_int_equal(json_get_bool(tree, "yes", &yes, &err), 0);
    assert_true(yes);
    assert_int_equal(json_get_tree(tree, "list", cJSON_Array, &list, &err), 0);
    assert_int_equal(cJSON_GetArraySize(list), 1);
    cJSON_Delete(tree);
}

static void wrong_documents_are_refused_with_the_place(void **state) {
    (void)state;
    struct err cut = {0}, more = {0};
    assert_null(json_parse("{\"a\": [1,", 9, "file.json", &cut));
    assert_int_equal(cut.code, ERR_INPUT);
    assert_non_null(strstr(cut.message, "file.json: not JSON at offset"));
    assert_null(json_parse("{} x", 4, "file.json", &more));
    assert_non_null(strstr(more.message, "more text after the JSON document, at offset 3"));
}

static void missing_and_mistyped_members_are_named(void **state) {
    (void)state;
    struct err err = {0};
    cJSON *tree = json_parse("{\"a\": 1.5, \"b\": \"x\"}", 20, "document", &err);
    assert_non_null(tree);
    int64_t n;
    const char *text;
    struct err absent = {0}, fraction = {0}, type = {0};
    assert_int_equal(json_get_text(tree, "c", &text, &absent), -ERR_INPUT);
    assert_string_equal(absent.message, "member \"c\" is missing or not a string");
    assert_int_equal(json_get_int(tree, "a", &n, &fraction), -ERR_INPUT);
    assert_int_equal(json_get_int(tree, "b", &n, &type), -ERR_INPUT);
    cJSON_Delete(tree);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_lose_nothing),
        cmocka_unit_test(keys_keep_their_order_and_pretty_is_indented),
        cmocka_unit_test(text_is_escaped_and_made_valid_utf8),
        cmocka_unit_test(an_estimate_has_its_interval_and_tier),
        cmocka_unit_test(what_was_printed_is_read_back),
        cmocka_unit_test(wrong_documents_are_refused_with_the_place),
        cmocka_unit_test(missing_and_mistyped_members_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
