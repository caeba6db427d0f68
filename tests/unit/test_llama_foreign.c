/* Layouts of llama.cpp's structures, found in what a library fills in: here one of ours. */
#include "collectors/llamacpp/foreign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* As some releases have it: three more numbers in front, then a callback behind floats. */
struct release {
    uint32_t n_ctx, n_batch, n_ubatch, n_seq_max, more[2];
    int32_t threads[2];
    float floats[4];
    void *cb_eval, *cb_eval_data;
    int32_t type_k, type_v;
    void *abort_callback, *abort_data;
    _Bool flags[6];
};

static const struct release usual = {
    .n_ctx = 512,
    .n_batch = 2048,
    .n_ubatch = 512,
    .n_seq_max = 1,
    .threads = {4,   4 },
    .floats = { 0, 0, -1, -1},
    .type_k = 1,
    .type_v = 1,
    .flags = { 0, 1,   1, 1}
};

static struct foreign_pair pair_of(const void *bytes, size_t length) {
    struct foreign_pair pair;
    foreign_poison(&pair);
    memcpy(&pair.first, bytes, length);
    memcpy(&pair.second, bytes, length);
    return pair;
}

static void parameters_are_found_by_their_defaults(void **state) {
    (void)state;
    struct foreign_pair pair = pair_of(&usual, offsetof(struct release, flags) + 6);
    struct params_layout layout;
    struct err err = {0};
    assert_int_equal(params_layout_find(&pair, &layout, &err), 0);
    assert_int_equal(layout.size, sizeof(struct release));
    assert_int_equal(layout.n_ctx, offsetof(struct release, n_ctx));
    assert_int_equal(layout.n_batch, offsetof(struct release, n_batch));
    assert_int_equal(layout.n_seq_max, offsetof(struct release, n_seq_max));
    assert_int_equal(layout.cb_eval, offsetof(struct release, cb_eval));
    assert_int_equal(layout.cb_eval_data, offsetof(struct release, cb_eval_data));
}

static void refused(const struct foreign_pair *pair, const char *says) {
    struct params_layout layout;
    struct err err = {0};
    assert_int_equal(params_layout_find(pair, &layout, &err), -ERR_ENVIRONMENT);
    if (!strstr(err.message, says))
        fail_msg("%s", err.message);
}

static void other_defaults_are_refused(void **state) {
    (void)state;
    struct release other = usual;
    other.n_batch = 4096;
    struct foreign_pair pair = pair_of(&other, sizeof other);
    refused(&pair, "the size of a context was not found");
    other = usual;
    other.type_k = 30;
    pair = pair_of(&other, sizeof other);
    refused(&pair, "the evaluation callback was not found");
}

static void what_is_there_twice_is_refused(void **state) {
    (void)state;
    struct release both[2] = {usual, usual};
    memset(&both[1], 0, offsetof(struct release, cb_eval));
    struct foreign_pair pair = pair_of(both, sizeof both);
    refused(&pair, "the evaluation callback is not the only one");
}

/* Poison that happens to look like the pattern is none of the structure's. */
static void what_was_not_written_is_not_looked_at(void **state) {
    (void)state;
    struct foreign_pair pair = pair_of(&usual, offsetof(struct release, cb_eval_data));
    refused(&pair, "the evaluation callback was not found");
    foreign_poison(&pair);
    assert_int_equal(foreign_size(&pair), 0);
    refused(&pair, "the size of a context");
}

static void a_structure_that_fills_the_buffer_is_refused(void **state) {
    (void)state;
    struct foreign whole = {{0}};
    memcpy(&whole, &usual, sizeof usual);
    struct foreign_pair pair = pair_of(&whole, sizeof whole);
    assert_int_equal(foreign_size(&pair), 0);
}

static void a_batch_of_another_form_is_refused(void **state) {
    (void)state;
    struct err err = {0};
    uint64_t batch[8] = {0, 1, 0, 1, 1, 1, 1, 0};
    struct foreign_pair pair = pair_of(batch, 56);
    assert_int_equal(batch_layout_check(&pair, &err), 0);
    pair = pair_of(batch, 64);
    assert_int_equal(batch_layout_check(&pair, &err), -ERR_ENVIRONMENT);
    batch[2] = 1; /* embeddings where none were asked for */
    pair = pair_of(batch, 56);
    err = (struct err){0};
    assert_int_equal(batch_layout_check(&pair, &err), -ERR_ENVIRONMENT);
}

struct pairs {
    uint64_t a, b, c[6];
};

static struct pairs make_pairs(int a, int b, int c) {
    return (struct pairs){(uint64_t)a, (uint64_t)b, {(uint64_t)c}};
}

static void a_function_that_returns_a_structure_can_be_called(void **state) {
    (void)state;
    struct pairs (*function)(int, int, int) = make_pairs;
    void *pointer;
    struct foreign_pair pair;
    struct err err = {0};
    memcpy(&pointer, &function, sizeof pointer);
    if (foreign_fetch(pointer, 7, 8, 9, &pair, &err)) {
        print_message("skip: %s\n", err.message);
        skip();
    }
    assert_int_equal(foreign_size(&pair), sizeof(struct pairs));
    assert_int_equal(foreign_u64(&pair.first, 0), 7);
    assert_int_equal(foreign_u64(&pair.second, 16), 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_found_by_their_defaults),
        cmocka_unit_test(other_defaults_are_refused),
        cmocka_unit_test(what_is_there_twice_is_refused),
        cmocka_unit_test(what_was_not_written_is_not_looked_at),
        cmocka_unit_test(a_structure_that_fills_the_buffer_is_refused),
        cmocka_unit_test(a_batch_of_another_form_is_refused),
        cmocka_unit_test(a_function_that_returns_a_structure_can_be_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
