/* Which models are of one family. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "jobs/families.h"
#include "tests/unit/synthetic.h"

static struct arena arena;

static int set_up(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

/* A model whose time is spent in two classes, the first with this share. */
static void two_class_model(struct world *w, const char *name, const char *first,
                            const char *second, double share) {
    world_model(w, name, name);
    struct features a = world_features(w, FAMILY_ELEMENTWISE, first);
    struct features b = world_features(w, FAMILY_ELEMENTWISE, second);
    world_observe(w, &a, 1e6 * share);
    world_observe(w, &b, 1e6 * (1 - share));
}

static struct training some_models(struct world *w) {
    world_init(w, &arena, 1);
    two_class_model(w, "mine", "Add", "Mul", 0.90);
    two_class_model(w, "random/encoder/1", "Add", "Mul", 0.90);
    two_class_model(w, "mine_too", "Add", "Mul", 0.85);
    two_class_model(w, "resnet18", "Erf", "Mul", 0.80);
    two_class_model(w, "yours", "Erf", "Mul", 0.75);
    two_class_model(w, "random/encoder/2", "Erf", "Mul", 0.90);
    two_class_model(w, "vgg11", "Erf", "Mul", 0.79);
    two_class_model(w, "alone", "Tanh", "Mul", 0.90);
    return world_training(w);
}

static void alike_work_makes_a_family(void **state) {
    (void)state;
    static const char *const expected[] = {"mine",   "random/encoder", "mine",  "resnet",
                                           "resnet", "random/encoder", "plain", "alone"};
    struct world w;
    struct training training = some_models(&w);
    const char *const *names = families_of(&arena, &training, NULL, 0);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (i != 4)
            assert_string_equal(names[i], expected[i]);
    /* Between two families of the zoo at nearly the same distance; it joins one. */
    assert_true(strcmp(names[4], "resnet") == 0 || strcmp(names[4], "plain") == 0);
}

static void patterns_come_first(void **state) {
    (void)state;
    struct world w;
    struct training training = some_models(&w);
    struct family_pattern patterns[2];
    struct err err = {0};
    assert_int_equal(family_pattern_parse(&arena, "ours=mine*", &patterns[0], &err), 0);
    assert_int_equal(family_pattern_parse(&arena, "odd=resnet18", &patterns[1], &err), 0);
    const char *const *names = families_of(&arena, &training, patterns, 2);
    assert_string_equal(names[0], "ours");
    assert_string_equal(names[2], "ours");
    assert_string_equal(names[3], "odd");
    assert_string_equal(names[6], "plain");
    assert_int_equal(family_pattern_parse(&arena, "ours", &patterns[0], &err), -ERR_USAGE);
    err = (struct err){0};
    assert_int_equal(family_pattern_parse(&arena, "=x", &patterns[0], &err), -ERR_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alike_work_makes_a_family),
        cmocka_unit_test(patterns_come_first),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
