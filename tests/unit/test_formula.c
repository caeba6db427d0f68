#include "base/formula.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const names[] = {"misses", "time_ns", "zero", "unknown"};
static const double values[] = {1000, 2e9, 0, NAN};

static double value_of(const char *text) {
    struct arena arena;
    struct formula formula;
    struct err err = {0};
    arena_init(&arena);
    if (formula_parse(&arena, text, names, 4, &formula, &err))
        fail_msg("%s: %s", text, err.message);
    double value = formula_value(&formula, values);
    arena_done(&arena);
    return value;
}

static void arithmetic_binds_as_usual(void **state) {
    (void)state;
    assert_true(value_of("1 + 2 * 3") == 7);
    assert_true(value_of("(1 + 2) * 3") == 9);
    assert_true(value_of("10 - 4 - 3") == 3);
    assert_true(value_of("16 / 4 / 2") == 2);
    assert_true(value_of("-2 * -(3 - 1)") == 4);
    assert_true(value_of("2 - -misses / 1e3") == 3);
    assert_true(value_of("64 * misses / (time_ns / 1e9)") == 32000);
}

static void what_is_not_known_gives_no_value(void **state) {
    (void)state;
    assert_true(isnan(value_of("misses / zero")));
    assert_true(isnan(value_of("0 * unknown")));
    assert_true(isnan(value_of("1 / (misses - 1000)")));
}

static void variables_that_are_used_are_known(void **state) {
    (void)state;
    struct arena arena;
    struct formula formula;
    struct err err = {0};
    arena_init(&arena);
    assert_int_equal(formula_parse(&arena, "misses / 64", names, 4, &formula, &err), 0);
    assert_true(formula_uses(&formula, 0));
    assert_false(formula_uses(&formula, 1));
    arena_done(&arena);
}

static void nonsense_is_refused_with_its_place(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"",           "character 1"      },
        {"1 +",        "character 4"      },
        {"1 2",        "an operator"      },
        {"(1",         "')'"              },
        {"1)",         "an operator"      },
        {"* 2",        "a number"         },
        {"misses & 1", "an operator"      },
        {"miss",       "nothing is called"},
        {"missesx",    "'missesx'"        },
        {"nan",        "nothing is called"},
        {"0x10",       "decimal"          },
        {"1e999",      "decimal"          },
        {".",          "decimal"          },
        {"2misses",    "decimal"          },
        {"system(1)",  "nothing is called"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena arena;
        struct formula formula;
        struct err err = {0};
        arena_init(&arena);
        assert_int_equal(formula_parse(&arena, bad[i].text, names, 4, &formula, &err), -ERR_INPUT);
        if (!strstr(err.message, bad[i].says))
            fail_msg("'%s': %s", bad[i].text, err.message);
        arena_done(&arena);
    }
}

static void depth_and_length_are_bounded(void **state) {
    (void)state;
    char deep[2 * FORMULA_DEPTH_MAX + 8] = "", lengthy[4 * FORMULA_STEPS_MAX] = "1";
    memset(deep, '(', FORMULA_DEPTH_MAX + 1);
    for (int i = 0; i < FORMULA_STEPS_MAX; i++)
        strcat(lengthy, "+1");
    struct arena arena;
    struct formula formula;
    struct err err = {0}, other = {0};
    arena_init(&arena);
    assert_int_equal(formula_parse(&arena, deep, names, 4, &formula, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, "nested"));
    assert_int_equal(formula_parse(&arena, lengthy, names, 4, &formula, &other), -ERR_INPUT);
    assert_non_null(strstr(other.message, "steps"));
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_binds_as_usual),
        cmocka_unit_test(what_is_not_known_gives_no_value),
        cmocka_unit_test(variables_that_are_used_are_known),
        cmocka_unit_test(nonsense_is_refused_with_its_place),
        cmocka_unit_test(depth_and_length_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
