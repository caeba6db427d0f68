/* Session creation in phases, by lines as ONNX Runtime 1.30 writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "collectors/onnxruntime/load_phases.h"

static struct sample samples[8];
static uint32_t sample_count;

static void keep(void *context, const struct sample *sample) {
    (void)context;
    samples[sample_count++] = *sample;
}

static double told(enum metric metric) {
    for (uint32_t i = 0; i < sample_count; i++)
        if (samples[i].metric == metric)
            return samples[i].value;
    fail_msg("%s was not put", metric_info(metric)->name);
    return 0;
}

static void put(const struct load_phases *phases) {
    struct sink sink = {keep, NULL};
    sample_count = 0;
    load_phases_put(phases, &sink);
}

static void time_belongs_to_what_a_line_says_is_done(void **state) {
    (void)state;
    struct load_phases phases;
    load_phases_begin(&phases, 1000);
    load_phases_line(&phases, "Flush-to-zero and denormal-as-zero are off", 1010);
    load_phases_line(&phases, "Initializing session.", 1100);
    load_phases_line(&phases, "GraphTransformer ConstantSharing modified: 1 with status: OK", 1150);
    load_phases_line(&phases, "GraphTransformer NchwcTransformer modified: 1 with status: OK",
                     1450);
    load_phases_line(&phases, "Removing initializer 'w'. It is no longer used by any node.", 1460);
    load_phases_line(&phases, "Saving initialized tensors.", 1480);
    load_phases_line(&phases, "Done saving initialized tensors", 1500);
    load_phases_end(&phases, 1580);
    put(&phases);
    assert_int_equal(sample_count, LOAD_PHASE_COUNT);
    assert_true(told(METRIC_READ_PARSE_NS) == 100);
    assert_true(told(METRIC_OPTIMISE_NS) == 80);
    assert_true(told(METRIC_REORDER_NS) == 300);
    assert_true(told(METRIC_PREPACK_NS) == 100);
}

static void subgraphs_do_not_turn_the_phases_back(void **state) {
    (void)state;
    struct load_phases phases;
    load_phases_begin(&phases, 0);
    load_phases_line(&phases, "Initializing session.", 10);
    load_phases_line(&phases, "Saving initialized tensors.", 30);
    load_phases_line(&phases, "GraphTransformer NchwcTransformer modified: 0 with status: OK", 60);
    load_phases_line(&phases, "Saving initialized tensors.", 100);
    load_phases_end(&phases, 150);
    put(&phases);
    assert_true(told(METRIC_OPTIMISE_NS) == 20);
    assert_true(told(METRIC_REORDER_NS) == 0);
    assert_true(told(METRIC_PREPACK_NS) == 120);
}

static void a_runtime_that_says_nothing_has_no_phases(void **state) {
    (void)state;
    struct load_phases phases;
    load_phases_begin(&phases, 0);
    load_phases_line(&phases, "a line of another version", 10);
    load_phases_end(&phases, 20);
    put(&phases);
    assert_int_equal(sample_count, 0);
}

static void lines_of_later_runs_do_not_count(void **state) {
    (void)state;
    struct load_phases phases;
    load_phases_begin(&phases, 0);
    load_phases_line(&phases, "Initializing session.", 10);
    load_phases_end(&phases, 20);
    load_phases_line(&phases, "Begin execution", 500);
    put(&phases);
    assert_true(told(METRIC_OPTIMISE_NS) == 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_belongs_to_what_a_line_says_is_done),
        cmocka_unit_test(subgraphs_do_not_turn_the_phases_back),
        cmocka_unit_test(a_runtime_that_says_nothing_has_no_phases),
        cmocka_unit_test(lines_of_later_runs_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
