/* The numbers of the paper and of its authors' reference implementation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/siphash.h"

static void hashes_are_those_of_the_authors(void **state) {
    (void)state;
    const struct siphash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    static const struct {
        size_t length; /* of 00 01 02 ... */
        uint64_t hash;
    } rows[] = {
        {0,  0x726fdb47dd0e0e31u},
        {1,  0x74f839c593dc67fdu},
        {8,  0x93f5f5799a932462u},
        {15, 0xa129ca6149be45e5u}, /* appendix A of the paper */
    };
    unsigned char bytes[16];
    for (unsigned char i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(siphash(&key, bytes, rows[i].length) == rows[i].hash);
    assert_true(siphash(&key, NULL, 0) == rows[0].hash);
}

static void every_byte_and_the_key_count(void **state) {
    (void)state;
    const struct siphash_key key =
                                 {
                                     1, 2
    },
                             others[] = {{1, 3}, {0, 2}};
    char bytes[24] = {0};
    uint64_t before = siphash(&key, bytes, sizeof bytes);
    for (size_t i = 0; i < 2; i++)
        assert_true(siphash(&others[i], bytes, sizeof bytes) != before);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = 1;
        assert_true(siphash(&key, bytes, sizeof bytes) != before);
        bytes[i] = 0;
    }
}

static void no_two_keys_are_the_same(void **state) {
    (void)state;
    const struct siphash_key first = siphash_draw(), second = siphash_draw();
    assert_true(first.low != second.low || first.high != second.high);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_those_of_the_authors),
        cmocka_unit_test(every_byte_and_the_key_count),
        cmocka_unit_test(no_two_keys_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
