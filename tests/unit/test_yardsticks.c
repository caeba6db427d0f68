/* How slow the machine is by the work that was timed beside runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/observation.h"

#include <math.h>

static void the_usual_speed_is_in_the_middle_of_those_known(void **state) {
    (void)state;
    const struct observed_run runs[] = {
        {.speed = {.probe_ns = 100, .reference_ns = NAN}},
        {.speed = {.probe_ns = 130, .reference_ns = 3000}},
        {.speed = {.probe_ns = NAN, .reference_ns = 2000}},
        {.speed = {.probe_ns = 120, .reference_ns = 1000}},
        {.speed = {.probe_ns = 0, .reference_ns = 0}},
    };
    struct yardsticks usual = usual_speed(runs, 5);
    assert_true(usual.probe_ns == 120 && usual.reference_ns == 2000);
    usual = usual_speed(runs, 2); /* too few know the reference network */
    assert_true(usual.probe_ns == 115 && usual.reference_ns == 0);
    usual = usual_speed(runs, 1);
    assert_true(usual.probe_ns == 100 && usual.reference_ns == 0);
    usual = usual_speed(NULL, 0);
    assert_true(usual.probe_ns == 0 && usual.reference_ns == 0);
}

static void the_reference_network_goes_before_the_probe(void **state) {
    (void)state;
    const struct yardsticks usual = {100, 2000}, clock_alone = {100, 0}, nothing = {0, NAN};
    static const struct {
        struct yardsticks now;
        double by_both, by_clock;
    } rows[] = {
        {{110, 2400},  1.2, 1.1},
        {{110, NAN},   1.1, 1.1},
        {{NAN, 1600},  0.8, 1  },
        {{0, 0},       1,   1  },
        {{1000, 9000}, 2,   2  }, /* nothing is believed to be more than twice
  as slow */
        {{10, 90},     0.5, 0.5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(fabs(slowness_of(&rows[i].now, &usual) - rows[i].by_both) < 1e-12);
        assert_true(fabs(slowness_of(&rows[i].now, &clock_alone) - rows[i].by_clock) < 1e-12);
        assert_true(slowness_of(&rows[i].now, &nothing) == 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_speed_is_in_the_middle_of_those_known),
        cmocka_unit_test(the_reference_network_goes_before_the_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
