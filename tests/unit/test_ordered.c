/* A balanced tree beside a sorted list, in whatever order things come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/ordered.h"
#include "base/rng.h"

#include <stdbool.h>

enum { ITEMS = 512, ROUNDS = 20000 };

struct item {
    struct ordered_node node;
    int value;
    bool in;
};

static int by_value(const struct ordered_node *a, const struct ordered_node *b) {
    return ((const struct item *)a)->value - ((const struct item *)b)->value;
}

static struct item items[ITEMS];
static struct ordered set;

static int set_up(void **state) {
    (void)state;
    set = (struct ordered){NULL, by_value};
    for (int i = 0; i < ITEMS; i++)
        items[i] = (struct item){.value = 2 * i};
    return 0;
}

static void put(int i, bool in) {
    if (in)
        ordered_add(&set, &items[i].node);
    else
        ordered_remove(&set, &items[i].node);
    items[i].in = in;
}

static int depth_of(const struct ordered_node *node) {
    int left = node ? depth_of(node->left) : 0, right = node ? depth_of(node->right) : 0;
    return node ? 1 + (left > right ? left : right) : 0;
}

static void expect_neighbours(int value) {
    const struct item key = {.value = value};
    int least = (value + 1) / 2, most = value / 2;
    while (least < ITEMS && !items[least].in)
        least++;
    while (most >= 0 && !items[most].in)
        most--;
    const struct ordered_node *at_least = least < ITEMS ? &items[least].node : NULL;
    const struct ordered_node *at_most = most >= 0 ? &items[most].node : NULL;
    assert_ptr_equal(ordered_at_least(&set, &key.node), at_least);
    assert_ptr_equal(ordered_at_most(&set, &key.node), at_most);
}

static void neighbours_are_found_whatever_comes_and_goes(void **state) {
    (void)state;
    struct rng rng;
    rng_init(&rng, 1);
    for (int round = 0; round < ROUNDS; round++) {
        int i = (int)rng_below(&rng, ITEMS);
        put(i, !items[i].in);
        expect_neighbours((int)rng_below(&rng, 2 * ITEMS - 1));
    }
    for (int i = 0; i < ITEMS; i++)
        if (items[i].in)
            put(i, false);
    assert_null(set.root);
}

static void it_stays_shallow_when_all_comes_in_order(void **state) {
    (void)state;
    for (int i = 0; i < ITEMS; i++)
        put(i, true);
    assert_true(depth_of(set.root) <= 18); /* twice the logarithm */
    for (int i = 0; i < ITEMS; i++)
        if (i % 8)
            put(i, false);
    assert_true(depth_of(set.root) <= 12);
    expect_neighbours(101);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(neighbours_are_found_whatever_comes_and_goes, set_up),
        cmocka_unit_test_setup(it_stays_shallow_when_all_comes_in_order, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
