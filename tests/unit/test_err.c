#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void the_first_message_wins(void **state) {
    (void)state;
    struct err err = {0};
    assert_int_equal(err_set(&err, ERR_INPUT, "offset %d", 12), -ERR_INPUT);
    assert_int_equal(err_set(&err, ERR_BUG, "later"), -ERR_INPUT);
    assert_string_equal(err.message, "offset 12");
    assert_int_equal(err.code, ERR_INPUT);
}

static void errno_is_told(void **state) {
    (void)state;
    struct err err = {0};
    errno = ENOENT;
    assert_int_equal(err_set_errno(&err, ERR_ENVIRONMENT, "%s", "a.onnx"), -ERR_ENVIRONMENT);
    assert_string_equal(err.message, "a.onnx: No such file or directory");
}

static void callers_prefix_and_the_first_hint_wins(void **state) {
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_INPUT, "too short");
    err_hint(&err, "copy it again");
    assert_int_equal(err_hint(&err, "never seen"), -ERR_INPUT);
    assert_int_equal(err_prefix(&err, "%s", "a.onnx"), -ERR_INPUT);
    assert_string_equal(err.message, "a.onnx: too short");
    assert_string_equal(err.hint, "copy it again");
}

static void long_messages_are_cut_not_overrun(void **state) {
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct err err = {0};
    err_set(&err, ERR_INPUT, "%s", text);
    err_prefix(&err, "%s", text);
    err_hint(&err, "%s", text);
    errno = EIO;
    struct err other = {0};
    err_set_errno(&other, ERR_INPUT, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
    assert_int_equal(strlen(other.message), sizeof other.message - 1);
}

static void every_code_has_its_name(void **state) {
    (void)state;
    static const char *const names[] = {"ok", "finding", "usage", "input", "environment", "bug"};
    for (int code = ERR_OK; code <= ERR_BUG; code++)
        assert_string_equal(err_code_name((enum err_code)code), names[code]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_message_wins),
        cmocka_unit_test(errno_is_told),
        cmocka_unit_test(callers_prefix_and_the_first_hint_wins),
        cmocka_unit_test(long_messages_are_cut_not_overrun),
        cmocka_unit_test(every_code_has_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
