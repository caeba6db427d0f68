/* Every row of the warnings: silent on a calm measurement, given when its reason is there, and
 * given alone. */
#include "profiler/warnings.h"

#include "profiler/measure.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { OPS = 2 };

struct scene {
    struct measured measured;
    struct measured_op ops[OPS];
};

static struct summary around(double median) {
    return (struct summary){median, median * 0.998, median * 1.002, 0.002, 100};
}

/* A model of 10 ms on a quiet machine. */
static void make_calm(struct scene *scene) {
    *scene = (struct scene){
        .measured =
            {
                       .threads = 1,
                       .cpus = 4,
                       .replicas = 1,
                       .target = 0.01,
                       .wall_ns = around(10e6),
                       .cpu_ns = around(9.95e6),
                       .profiled_wall_ns = around(10.2e6),
                       .profiled_cpu_ns = around(10.2e6),
                       .overhead = {5000, 5000, 100, OVERHEAD_CALIBRATED, NULL},
                       .operators_wall_ns = 9.9e6,
                       .operators_cpu_ns = 9.9e6,
                       .calls_per_run = OPS,
                       .op_count = OPS,
                       .first_run_ns = around(15e6),
                       .disturbance = {.voluntary_switches = 20, .load_average = 1, .frequency_ratio = 1},
                       .running_ns = 1e9,
                       .plain_runs = 100,
                       .all_runs = 101,
                       .profiled_runs = 100,
                       .processes = 3,
                       .process_medians = {10e6, 10.1e6, 9.9e6},
                       .stop = STOP_STEADY,
                       },
        .ops = {{.wall_raw_ns = around(5e6)}, {.wall_raw_ns = around(5e6)}},
    };
    scene->measured.ops = scene->ops;
}

static void switches(struct scene *s) {
    s->measured.disturbance.involuntary_switches = 500;
}
static void loaded(struct scene *s) {
    s->measured.disturbance.load_average = 4.5;
}
static void stolen(struct scene *s) {
    s->measured.disturbance.steal_fraction = 0.02;
}
static void throttled(struct scene *s) {
    s->measured.disturbance.throttled_ns = 5e6;
}
static void slowed(struct scene *s) {
    s->measured.disturbance.frequency_ratio = 0.9;
}
static void threaded(struct scene *s) {
    s->measured.threads = 8;
}
static void waited(struct scene *s) {
    s->measured.cpu_ns = around(8e6);
    s->measured.operators_cpu_ns = 8e6;
}
static void busy(struct scene *s) {
    s->measured.all_runs = 150;
}
static void faulted(struct scene *s) {
    s->measured.disturbance.minor_faults = 101 * 1000;
}
static void swapped(struct scene *s) {
    s->measured.disturbance.major_faults = 3;
}
static void unsteady(struct scene *s) {
    s->measured.stop = STOP_BUDGET;
    s->measured.wall_ns.high *= 1.1;
}
static void grouped(struct scene *s) {
    s->measured.groups = (struct two_groups){true, 9e6, 11e6};
}
static void far(struct scene *s) {
    s->measured.outliers = 6;
}
static void differing(struct scene *s) {
    s->measured.process_medians[1] = 11e6;
}
static void drifting(struct scene *s) {
    s->measured.drift = -0.08;
}
static void tiny(struct scene *s) {
    s->measured.wall_ns = s->measured.cpu_ns = around(20e3);
    s->measured.operators_wall_ns = s->measured.operators_cpu_ns = 20e3;
    s->measured.first_run_ns = around(30e3);
}
static void short_sum(struct scene *s) {
    s->measured.operators_cpu_ns = 9.353e6;
}
static void costly(struct scene *s) {
    s->measured.overhead.wall_ns = 2e6;
}
static void cost_unknown(struct scene *s) {
    s->measured.overhead = (struct overhead){.source = OVERHEAD_NONE};
}
static void cold(struct scene *s) {
    s->measured.first_run_ns = around(50e6);
}
static void unused(struct scene *s) {
    s->ops[1].wall_raw_ns = (struct summary){NAN, NAN, NAN, 0, 0};
}

static void shared(struct scene *s) {
    static const char *const events[] = {"instructions", "cycles", "cache-misses"};
    static double running[] = {1, 0.6, NAN};
    s->measured.events = events;
    s->measured.event_count = 3;
    s->measured.event_running = running;
}

static const struct {
    const char *id;
    void (*disturb)(struct scene *scene);
    const char *says; /* a part of the text */
} scenes[] = {
    {"involuntary-switches", switches,     "500 times"                },
    {"load",                 loaded,       "4.5 on 4 CPUs"            },
    {"steal",                stolen,       "2.0 %"                    },
    {"throttling",           throttled,    "5.0 ms"                   },
    {"frequency",            slowed,       "90 %"                     },
    {"too-many-threads",     threaded,     "8 threads share 4 CPUs"   },
    {"waiting",              waited,       "10.00 ms of wall time"    },
    {"set-aside",            busy,         "50 of 150 runs"           },
    {"page-faults",          faulted,      "1000 page faults"         },
    {"major-faults",         swapped,      "3 pages"                  },
    {"unsteady",             unsteady,     "+-1.0 % asked for"        },
    {"two-groups",           grouped,      "9 ms and 11 ms"           },
    {"outliers",             far,          "6 of 100 runs"            },
    {"processes-differ",     differing,    "11.1 %"                   },
    {"drift",                drifting,     "8.0 % faster"             },
    {"too-short",            tiny,         "20.0 us"                  },
    {"sum-differs",          short_sum,    "94.0 %"                   },
    {"costly-measuring",     costly,       "39 %"                     },
    {"cost-unknown",         cost_unknown, "not subtracted"           },
    {"slow-first-run",       cold,         "5.0 times"                },
    {"shared-counters",      shared,       "cycles was counted 60.0 %"},
    {"unused-operators",     unused,       "1 of 2 operators"         },
};

static void calm_measurements_give_no_warning(void **state) {
    (void)state;
    struct arena arena;
    struct scene scene;
    uint32_t count;
    arena_init(&arena);
    make_calm(&scene);
    warnings_find(&arena, &scene.measured, &count);
    arena_done(&arena);
    assert_int_equal(count, 0);
}

static void every_reason_gives_its_warning_alone(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
        struct scene scene;
        uint32_t count;
        make_calm(&scene);
        scenes[i].disturb(&scene);
        const struct warning *found = warnings_find(&arena, &scene.measured, &count);
        assert_int_equal(count, 1);
        assert_string_equal(found[0].id, scenes[i].id);
        if (!strstr(found[0].text, scenes[i].says))
            print_error("%s: %s\n", found[0].id, found[0].text);
        assert_non_null(strstr(found[0].text, scenes[i].says));
    }
    arena_done(&arena);
}

static void every_row_is_complete_and_tested(void **state) {
    (void)state;
    assert_int_equal(warning_row_count, sizeof scenes / sizeof *scenes);
    for (size_t i = 0; i < warning_row_count; i++) {
        assert_string_equal(warning_rows[i].id, scenes[i].id);
        assert_true(warning_rows[i].help[0] && warning_rows[i].hint[0]);
    }
}

static void several_threads_may_take_more_cpu_than_wall_time(void **state) {
    (void)state;
    struct arena arena;
    struct scene scene;
    uint32_t count;
    arena_init(&arena);
    make_calm(&scene);
    scene.measured.threads = 4;
    scene.measured.cpu_ns = around(2e6);
    warnings_find(&arena, &scene.measured, &count);
    arena_done(&arena);
    assert_int_equal(count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calm_measurements_give_no_warning),
        cmocka_unit_test(every_reason_gives_its_warning_alone),
        cmocka_unit_test(every_row_is_complete_and_tested),
        cmocka_unit_test(several_threads_may_take_more_cpu_than_wall_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
