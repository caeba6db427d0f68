/* The yardstick of the machine's speed: the same work every time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "profiler/speed_probe.h"
#include "profiler/vector_work.h"

#include <math.h>

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

/* Twenty readings on any machine: the middle half lies within a factor of two. */
static void readings_repeat(void **state) {
    (void)state;
    double least = INFINITY, most = 0;
    int alike = 0;
    double readings[20];
    for (int i = 0; i < 20; i++) {
        readings[i] = speed_probe_ns();
        least = fmin(least, readings[i]);
        most = fmax(most, readings[i]);
    }
    for (int i = 0; i < 20; i++)
        alike += readings[i] < 2 * least;
    print_message("speed probe: %.3g to %.3g ms\n", least / 1e6, most / 1e6);
    assert_true(least > 1e4 && least < 1e9);
    assert_true(alike >= 10);
}

static void shared_work_adds_up(void **state) {
    (void)state;
    assert_true(shared_read_bandwidth(1 << 16, 1) > 0);
    assert_true(shared_read_bandwidth(1 << 16, 3) > 0);
    assert_true(shared_products(2) > 0);
    assert_true(isnan(shared_products(0)) && isnan(shared_products(1000)));
}

/* The sums must not run into infinities or denormals, which would change the work. */
static void the_work_stays_the_same(void **state) {
    (void)state;
    assert_true(vector_work(0) == 0);
    assert_true(vector_work(1) == 0.125f);
    for (uint32_t steps = 100; steps < 1000000; steps *= 7)
        assert_true(fabsf(vector_work(steps) - 0.5f) < 1e-5f);
}

static void bandwidth_is_that_of_a_machine(void **state) {
    (void)state;
    double near = read_bandwidth(&arena, 16 << 10), far = read_bandwidth(&arena, 64 << 20);
    print_message("one thread reads %.3g GB/s near, %.3g GB/s far\n", near, far);
    assert_true(near > 0.1 && near < 5000);
    assert_true(far > 0.1 && far < 1.5 * near);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_repeat),
        cmocka_unit_test(the_work_stays_the_same),
        cmocka_unit_test(shared_work_adds_up),
        cmocka_unit_test(bandwidth_is_that_of_a_machine),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
