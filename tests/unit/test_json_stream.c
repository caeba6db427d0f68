/* Tokens of JSON, whole, mended, bad and cut, wherever the pieces of the file end. */
#include "base/json_stream.h"

#include "base/strbuf.h"
#include "tests/unit/temporary_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* All tokens in a line: { } [ ] "key: 'string' number word DONE CUT BAD. */
static void tokens_of(const char *text, size_t length, struct strbuf *out, uint64_t *mended) {
    static const char *const marks[] = {"DONE", "{",  "}",  "[",   "]",  NULL,
                                        NULL,   NULL, NULL, "CUT", "BAD"};
    struct temporary_file file;
    struct json_stream json;
    struct inflated *in;
    struct err err = {0};
    strbuf_init(out);
    temporary_file_write(&file, text, length);
    assert_int_equal(inflated_open(&in, file.path, &err), 0);
    assert_int_equal(json_stream_open(&json, in, &err), 0);
    do {
        assert_int_equal(json_next(&json, &err), 0);
        if (json.token == JSON_KEY)
            strbuf_printf(out, "%s: ", json.text);
        else if (json.token == JSON_STRING)
            strbuf_printf(out, "'%s' ", json.text);
        else
            strbuf_printf(out, "%s ", marks[json.token] ? marks[json.token] : json.text);
    } while (json.token != JSON_DONE && json.token != JSON_CUT && json.token != JSON_BAD);
    *mended = json.mended;
    json_stream_close(&json);
    inflated_close(in);
    unlink(file.path);
}

static const struct {
    const char *text, *tokens;
    uint64_t mended;
} cases[] = {
    {"{}",                                      "{ } DONE ",                                    0},
    {" [ ] ",                                   "[ ] DONE ",                                    0},
    {"{\"a\":1,\"b\":[true,false,null,\"x\"]}", "{ a: 1 b: [ true false null 'x' ] } DONE ",    0},
    {"-0.5e+10",                                "-0.5e+10 DONE ",                               0},
    {"\"\\u0041\\n\\/\\\\\\\"\"",               "'A\n/\\\"' DONE ",                             0},
    {"\"\\u00e9\\u20ac\\ud83d\\ude00\"",        "'\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80' DONE ", 0},
    {"\"\xc3\xa9\"",                            "'\xc3\xa9' DONE ",                             0},
    {"[1,]",                                    "[ 1 ] DONE ",                                  0},
 /* What is mended. */
    {"[nan,NaN,-inf,Infinity]",                 "[ nan nan nan nan ] DONE ",                    4},
    {"\"a\tb\nc\"",                             "'a\tb\nc' DONE ",                              1},
    {"\"\\x\"",                                 "'\\x' DONE ",                                  1},
    {"\"\xff\xc3\"",                            "'?\?' DONE ",                                  1},
    {"\"\\ud800 \\udc00\"",                     "'? ?' DONE ",                                  1},
    {"\"\\ud800\\u0041\"",                      "'?A' DONE ",                                   1},
    {"\"\\ud800\"",                             "'?' DONE ",                                    1},
    {"\"\\u12\"",                               "'?' DONE ",                                    1},
    {"\"\\u0000\"",                             "'?' DONE ",                                    1},
 /* What ends early. */
    {"",                                        "CUT ",                                         0},
    {"[1",                                      "[ CUT ",                                       0},
    {"[1,",                                     "[ 1 CUT ",                                     0},
    {"{\"a",                                    "{ CUT ",                                       0},
    {"{\"a\"",                                  "{ CUT ",                                       0},
    {"{\"a\":",                                 "{ a: CUT ",                                    0},
    {"[\"a",                                    "[ CUT ",                                       0},
    {"[tru",                                    "[ CUT ",                                       0},
 /* What is none. */
    {"[01]",                                    "[ BAD ",                                       0},
    {"[1.]",                                    "[ BAD ",                                       0},
    {"[+1]",                                    "[ BAD ",                                       0},
    {"[1 2]",                                   "[ 1 BAD ",                                     0},
    {"[1}",                                     "[ 1 BAD ",                                     0},
    {"{1:2}",                                   "{ BAD ",                                       0},
    {"{\"a\" 1}",                               "{ BAD ",                                       0},
    {"{\"a\":1 \"b\":2}",                       "{ a: 1 BAD ",                                  0},
    {"{,}",                                     "{ BAD ",                                       0},
    {"nonsense",                                "BAD ",                                         0},
    {"{} {}",                                   "{ } BAD ",                                     0},
    {"]",                                       "BAD ",                                         0},
};

static void tokens_are_told(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct strbuf got;
        uint64_t mended;
        tokens_of(cases[i].text, strlen(cases[i].text), &got, &mended);
        if (strcmp(got.text, cases[i].tokens) != 0 || mended != cases[i].mended)
            fail_msg("%s: %s (%llu mended) instead of %s", cases[i].text, got.text,
                     (unsigned long long)mended, cases[i].tokens);
        strbuf_done(&got);
    }
}

/* Blanks before shift every byte of the text over the end of a piece. */
static void pieces_may_end_anywhere(void **state) {
    static const char text[] =
        "{\"k\xc3\xa9y\\ud83d\\ude00\":[-12.5e3,true,\"a\\n\\u20ac\xc3\xa9\"]}";
    static const char tokens[] =
        "{ k\xc3\xa9y\xf0\x9f\x98\x80: [ -12.5e3 true 'a\n\xe2\x82\xac\xc3\xa9' ] } DONE ";
    /* The first piece of a plain file is what was read to know whether it is packed. */
    static const size_t ends[] = {64 << 10, (64 << 10) + INFLATED_PEEK_BYTES};
    char *bytes = malloc(ends[1] + sizeof text);
    (void)state;
    for (size_t shift = 1; shift < sizeof text; shift++)
        for (size_t i = 0; i < 2; i++) {
            struct strbuf got;
            uint64_t mended;
            memset(bytes, ' ', ends[i]);
            memcpy(bytes + ends[i] - shift, text, sizeof text - 1);
            tokens_of(bytes, ends[i] - shift + sizeof text - 1, &got, &mended);
            assert_string_equal(got.text, tokens);
            assert_int_equal(mended, 0);
            strbuf_done(&got);
        }
    free(bytes);
}

static void nesting_is_bounded(void **state) {
    char deep[JSON_STREAM_DEPTH + 2];
    struct strbuf got;
    uint64_t mended;
    (void)state;
    memset(deep, '[', sizeof deep);
    tokens_of(deep, JSON_STREAM_DEPTH, &got, &mended);
    assert_non_null(strstr(got.text, "CUT"));
    strbuf_done(&got);
    tokens_of(deep, JSON_STREAM_DEPTH + 1, &got, &mended);
    assert_non_null(strstr(got.text, "BAD"));
    strbuf_done(&got);
}

static void long_strings_are_kept_in_part(void **state) {
    size_t length = 3 * JSON_STREAM_TEXT_BYTES;
    char *text = malloc(length);
    struct strbuf got;
    uint64_t mended;
    (void)state;
    memset(text, 'x', length);
    text[0] = text[length - 1] = '"';
    tokens_of(text, length, &got, &mended);
    assert_int_equal(got.length, JSON_STREAM_TEXT_BYTES + strlen("'' DONE "));
    strbuf_done(&got);
    free(text);
}

static void reading_goes_on_behind_what_is_bad(void **state) {
    static const char text[] = "[{\"ph\":\"X\",\"x\":\"a \"quote\" b\"}, {\"not\": 1}, "
                               "\n {\"ph\" : \"Y\"}]";
    static const char *const keys[] = {"ph", NULL};
    struct temporary_file file;
    struct json_stream json;
    struct inflated *in;
    struct err err = {0};
    (void)state;
    temporary_file_write(&file, text, sizeof text - 1);
    assert_int_equal(inflated_open(&in, file.path, &err), 0);
    assert_int_equal(json_stream_open(&json, in, &err), 0);
    while (json.token != JSON_BAD)
        assert_int_equal(json_next(&json, &err), 0);
    assert_int_equal(json_resync(&json, 1, keys, &err), 0);
    assert_int_equal(json.token, JSON_KEY);
    assert_int_equal(json_next(&json, &err), 0);
    assert_string_equal(json.text, "Y");
    json_next(&json, &err);
    json_next(&json, &err);
    assert_int_equal(json.token, JSON_ARRAY_END);
    json_next(&json, &err);
    assert_int_equal(json.token, JSON_DONE);
    json_stream_close(&json);
    inflated_close(in);
    unlink(file.path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_told),
        cmocka_unit_test(pieces_may_end_anywhere),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(long_strings_are_kept_in_part),
        cmocka_unit_test(reading_goes_on_behind_what_is_bad),
    };
    return cmocka_run_group_tests_name("json_stream", tests, NULL, NULL);
}
