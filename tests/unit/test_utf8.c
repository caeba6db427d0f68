#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_beginning_ends_with_a_whole_character(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t most, length;
    } cases[] = {
        {"abc",              2,        2},
        {"abc",              9,        3},
        {"a\xc3\xa9",        2,        1},
        {"a\xc3\xa9",        3,        3},
        {"\xf0\x9f\x98\x80", 3,        0},
        {"ab\xff"
         "c",       SIZE_MAX, 2},
        {"ab\xc3",           SIZE_MAX, 2},
        {"",                 5,        0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(utf8_prefix(cases[i].text, cases[i].most), cases[i].length);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_beginning_ends_with_a_whole_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
