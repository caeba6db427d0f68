#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void memory_is_zeroed_aligned_and_apart(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    unsigned char *last = NULL;
    for (size_t size = 0; size < 300; size++) {
        unsigned char *bytes = arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
        assert_ptr_not_equal(bytes, last);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], 0);
        memset(bytes, 0xab, size);
        last = bytes;
    }
    arena_done(&arena);
}

static void an_arena_may_be_used_again_after_done(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    arena_alloc(&arena, 1 << 20);
    arena_done(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_string_equal(arena_strdup(&arena, "again"), "again");
    arena_done(&arena);
}

static void texts_are_copied_and_formatted(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char source[] = "changes";
    const char *copy = arena_strdup(&arena, source);
    source[0] = 'X';
    assert_string_equal(copy, "changes");
    assert_string_equal(arena_strndup(&arena, "abcdef", 3), "abc");
    assert_string_equal(arena_printf(&arena, "%d-%s", 7, "seven"), "7-seven");
    arena_done(&arena);
}

static void pushing_keeps_every_element(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    int *items = NULL;
    uint32_t count = 0, capacity = 0;
    for (int i = 0; i < 10000; i++)
        *ARENA_PUSH(&arena, items, count, capacity) = i;
    assert_int_equal(count, 10000);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(items[i], i);
    arena_done(&arena);
}

static jmp_buf refused;
static size_t refused_bytes;

static _Noreturn void refuse(size_t bytes) {
    refused_bytes = bytes;
    longjmp(refused, 1);
}

static void the_limit_calls_the_handler(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    arena.limit_bytes = 4096;
    arena_on_exhausted(refuse);
    arena_alloc(&arena, 4000);
    if (setjmp(refused) == 0) {
        arena_alloc(&arena, 4000);
        fail();
    }
    assert_int_equal(refused_bytes, 4000);
    arena_on_exhausted(NULL);
    arena_done(&arena);
}

static void an_overflowing_product_calls_the_handler(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    arena_on_exhausted(refuse);
    if (setjmp(refused) == 0) {
        arena_array(&arena, SIZE_MAX / 2, 3);
        fail();
    }
    arena_on_exhausted(NULL);
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(an_arena_may_be_used_again_after_done),
        cmocka_unit_test(texts_are_copied_and_formatted),
        cmocka_unit_test(pushing_keeps_every_element),
        cmocka_unit_test(the_limit_calls_the_handler),
        cmocka_unit_test(an_overflowing_product_calls_the_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
