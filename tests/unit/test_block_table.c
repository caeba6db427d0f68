/* Blocks by address: what is put in is found, whatever was taken out around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "collectors/memory/block_table.h"

enum { SIZE = 64, ROOM = 48 };

static struct block blocks[SIZE];
static struct block_table table;

static int empty(void **state) {
    (void)state;
    for (int i = 0; i < SIZE; i++)
        blocks[i] = (struct block){0};
    table = (struct block_table){blocks, SIZE - 1, 0};
    return 0;
}

static bool put(uintptr_t at, size_t bytes) {
    return block_put(&table, &(struct block){.at = at, .bytes = bytes});
}

static void a_block_is_taken_out_once(void **state) {
    (void)state;
    assert_true(put(4096, 100));
    assert_int_equal(block_take(&table, 8192), 0);
    assert_int_equal(block_take(&table, 4096), 100);
    assert_int_equal(block_take(&table, 4096), 0);
    assert_int_equal(table.count, 0);
}

static void a_full_table_refuses(void **state) {
    (void)state;
    uintptr_t count = 0;
    while (put(16 * (count + 1), count + 1))
        count++;
    assert_true(count >= ROOM && count < SIZE);
    assert_int_equal(block_take(&table, 16 * count), count);
    assert_true(put(16 * count, 7));
}

/* Against an array of the same blocks: 20,000 turns of a fixed sequence of numbers. */
static void neighbours_are_found_behind_those_taken_out(void **state) {
    (void)state;
    size_t known[ROOM] = {0};
    uint64_t random = 88172645463325252u;
    for (int turn = 0; turn < 20000; turn++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t i = random % ROOM;
        uintptr_t at = 4096 * (i + 1);
        if (known[i]) {
            assert_int_equal(block_take(&table, at), known[i]);
            known[i] = 0;
        } else if (table.count < ROOM - 1) {
            known[i] = 1 + random % 1000;
            assert_true(put(at, known[i]));
        }
    }
    for (size_t i = 0; i < ROOM; i++)
        assert_int_equal(block_take(&table, 4096 * (i + 1)), known[i]);
    assert_int_equal(table.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_block_is_taken_out_once, empty),
        cmocka_unit_test_setup(a_full_table_refuses, empty),
        cmocka_unit_test_setup(neighbours_are_found_behind_those_taken_out, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
