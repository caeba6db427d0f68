/* Records sorted in little memory, and equal keys kept once. */
#include "base/intern.h"
#include "base/spill.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct record {
    uint32_t key, value;
};

static int by_key(const void *a, const void *b) {
    const struct record *left = a, *right = b;
    return (left->key > right->key) - (left->key < right->key);
}

/* Adds pseudo-random records and checks that they come back sorted, each of them. */
static void check(uint32_t count, size_t memory_bytes) {
    struct err err = {0};
    struct spill *spill;
    const void *record;
    uint32_t seed = 7, last = 0, got = 0;
    uint64_t sum = 0, expected = 0;
    assert_int_equal(spill_open(&spill, sizeof(struct record), memory_bytes, by_key, &err), 0);
    for (uint32_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        struct record r = {seed >> 8, i};
        expected += (uint64_t)r.key * 31 + i;
        assert_int_equal(spill_add(spill, &r, &err), 0);
    }
    assert_int_equal(spill_count(spill), count);
    assert_int_equal(spill_sort(spill, &err), 0);
    while (spill_next(spill, &record, &err) > 0) {
        const struct record *r = record;
        assert_true(r->key >= last);
        last = r->key;
        sum += (uint64_t)r->key * 31 + r->value;
        got++;
    }
    assert_int_equal(err.code, 0);
    assert_int_equal(got, count);
    assert_true(sum == expected);
    assert_int_equal(spill_next(spill, &record, &err), 0);
    spill_close(spill);
}

static void records_come_back_sorted(void **state) {
    static const uint32_t counts[] = {0, 1, 15, 16, 17, 1000, 1024, 30000};
    static const size_t memories[] = {0, 1024, 4096, 1 << 20};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (size_t k = 0; k < sizeof memories / sizeof *memories; k++)
            check(counts[i], memories[k]);
}

static void a_folder_that_cannot_be_written_is_named(void **state) {
    struct err err = {0};
    struct spill *spill;
    struct record r = {1, 2};
    (void)state;
    setenv("TMPDIR", "/nowhere", 1);
    assert_int_equal(spill_open(&spill, sizeof r, 0, by_key, &err), 0);
    int code = 0;
    for (int i = 0; i < 100 && code == 0; i++)
        code = spill_add(spill, &r, &err);
    unsetenv("TMPDIR");
    spill_close(spill);
    assert_int_equal(code, -ERR_ENVIRONMENT);
    assert_non_null(strstr(err.message, "/nowhere"));
}

static void equal_keys_have_one_number(void **state) {
    struct intern *in = intern_open(1 << 20);
    char key[32];
    (void)state;
    assert_int_equal(intern(in, "", 0), 0);
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 5000; i++) {
            snprintf(key, sizeof key, "key %u", i);
            assert_int_equal(intern(in, key, strlen(key)), i + 1);
            assert_string_equal(intern_key(in, i + 1), key);
        }
    assert_int_equal(intern_count(in), 5001);
    assert_int_equal(intern_find(in, "key 7", 5), 8);
    assert_true(intern_find(in, "key 7 ", 6) == INTERN_FULL);
    intern_close(in);
}

static void a_full_table_still_knows_the_old(void **state) {
    struct intern *in = intern_open(64);
    (void)state;
    assert_int_equal(intern(in, "first", 5), 0);
    assert_true(intern(in, "a text that is longer than all that may be held in here", 56) ==
                INTERN_FULL);
    uint32_t number = 0;
    char key[16];
    for (int i = 0; number != INTERN_FULL; i++) {
        snprintf(key, sizeof key, "%d", i);
        number = intern(in, key, strlen(key));
    }
    assert_int_equal(intern_count(in), 8);
    assert_int_equal(intern(in, "first", 5), 0);
    intern_close(in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_sorted),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_named),
        cmocka_unit_test(equal_keys_have_one_number),
        cmocka_unit_test(a_full_table_still_knows_the_old),
    };
    return cmocka_run_group_tests_name("spill", tests, NULL, NULL);
}
