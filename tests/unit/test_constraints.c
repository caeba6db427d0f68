#include "jobs/constraints.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static int fresh_arena(void **state) {
    (void)state;
    arena_init(&arena);
    return 0;
}

static int drop_arena(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct constraints read_yaml(const char *text, const char *model) {
    struct constraints constraints;
    struct err err = {0};
    if (constraints_parse_yaml(&arena, text, strlen(text), "c.yaml", model, &constraints, &err))
        fail_msg("%s", err.message);
    return constraints;
}

static struct constraints read_text(const char *text) {
    struct constraints constraints;
    struct err err = {0};
    if (constraints_parse_text(&arena, text, &constraints, &err))
        fail_msg("%s", err.message);
    return constraints;
}

static void expect(const struct constraint *constraint, enum constraint_metric metric,
                   double percentile, bool is_max, double value) {
    assert_int_equal(constraint->metric, metric);
    assert_true(constraint->percentile == percentile);
    assert_int_equal(constraint->is_max, is_max);
    assert_true(fabs(constraint->value - value) <= 1e-9 * value);
}

static void tags_of_model_analyzer_keep_their_units(void **state) {
    (void)state;
    struct constraints c = read_yaml("constraints:\n"
                                     "  perf_latency_p99: {max: 100}\n"
                                     "  perf_throughput:\n    min: 5\n"
                                     "  gpu_used_memory: {max: 200}\n"
                                     "  gpu_utilization: {min: 20, max: 90}\n"
                                     "  perf_server_queue: {max: 0.5}\n",
                                     NULL);
    assert_int_equal(c.count, 6);
    expect(&c.items[0], METRIC_LATENCY, 99, true, 100e6);
    expect(&c.items[1], METRIC_THROUGHPUT, CONSTRAINT_MEAN, false, 5);
    expect(&c.items[2], METRIC_GPU_MEMORY, CONSTRAINT_MEAN, true, 200e6);
    expect(&c.items[3], METRIC_GPU_UTILISATION, CONSTRAINT_MEAN, false, 0.2);
    expect(&c.items[4], METRIC_GPU_UTILISATION, CONSTRAINT_MEAN, true, 0.9);
    expect(&c.items[5], METRIC_QUEUE, CONSTRAINT_MEAN, true, 0.5e6);
    assert_string_equal(c.items[0].text, "perf_latency_p99.max: 100");
    assert_string_equal(c.items[1].source, "c.yaml:4:10");
    assert_null(c.note);
}

static void shorthands_and_objectives_are_read(void **state) {
    (void)state;
    struct constraints c = read_yaml("latency_budget: 100\nmin_throughput: 5\n"
                                     "objectives: {perf_latency_p99: 2, perf_throughput: 1}\n",
                                     NULL);
    assert_int_equal(c.count, 2);
    expect(&c.items[0], METRIC_LATENCY, 99, true, 100e6);
    expect(&c.items[1], METRIC_THROUGHPUT, CONSTRAINT_MEAN, false, 5);
    assert_int_equal(c.objective_count, 2);
    assert_true(c.objectives[0].weight == 2 && !c.objectives[0].is_max);
    assert_true(c.objectives[1].weight == 1 && c.objectives[1].is_max);
    c = read_yaml("objectives:\n  - perf_throughput\n", NULL);
    assert_true(c.objective_count == 1 && c.objectives[0].weight == 1);
}

static const char two_models[] = "constraints:\n  perf_latency_p99: {max: 100}\n"
                                 "profile_models:\n"
                                 "  a:\n    constraints: {perf_latency_p95: {max: 20}}\n"
                                 "    model_config_parameters: {max_batch_size: 4}\n"
                                 "  b:\n    parameters: {batch_sizes: 1}\n";

static void a_models_own_constraints_take_the_place_of_the_common_ones(void **state) {
    (void)state;
    struct constraints c = read_yaml(two_models, "a");
    assert_int_equal(c.count, 1);
    expect(&c.items[0], METRIC_LATENCY, 95, true, 20e6);
    c = read_yaml(two_models, "b");
    assert_int_equal(c.count, 1);
    expect(&c.items[0], METRIC_LATENCY, 99, true, 100e6);
    struct err err = {0};
    assert_int_equal(
        constraints_parse_yaml(&arena, two_models, strlen(two_models), "c.yaml", NULL, &c, &err),
        -ERR_INPUT);
    assert_non_null(strstr(err.message, "which is meant"));
}

static void models_in_a_list_are_found(void **state) {
    (void)state;
    struct constraints c = read_yaml("profile_models:\n  - x\n"
                                     "  - a: {constraints: {perf_throughput: {min: 7}}}\n",
                                     "a");
    expect(&c.items[0], METRIC_THROUGHPUT, CONSTRAINT_MEAN, false, 7);
}

static void keys_about_profiling_are_left_out_and_named(void **state) {
    (void)state;
    struct constraints c = read_yaml("model_repository: /m\nbatch_sizes: {start: 1, stop: 9}\n"
                                     "concurrency: 1,2\nlatency_budget: 9\ngpus: all\n",
                                     NULL);
    assert_int_equal(c.count, 1);
    assert_string_equal(c.note, "not used, it is about profiling: model_repository, batch_sizes, "
                                "concurrency, gpus");
}

static void a_list_of_llm_optimizer_is_read(void **state) {
    (void)state;
    struct constraints c = read_text("latency:p99<50ms; throughput > 200;memory<=2GiB;cost<1.5;"
                                     "ttft:mean<0.3s;itl:p95<50ms;latency:median<20ms;"
                                     "utilisation>=70%;");
    assert_int_equal(c.count, 8);
    expect(&c.items[0], METRIC_LATENCY, 99, true, 50e6);
    assert_true(c.items[0].is_strict && !c.items[2].is_strict);
    expect(&c.items[1], METRIC_THROUGHPUT, CONSTRAINT_MEAN, false, 200);
    expect(&c.items[2], METRIC_MEMORY, CONSTRAINT_MEAN, true, 2147483648.0);
    expect(&c.items[3], METRIC_COST, CONSTRAINT_MEAN, true, 1.5);
    expect(&c.items[4], METRIC_TIME_TO_FIRST, CONSTRAINT_MEAN, true, 0.3e9);
    expect(&c.items[5], METRIC_INTER_TOKEN, 95, true, 50e6);
    expect(&c.items[6], METRIC_LATENCY, 50, true, 20e6);
    expect(&c.items[7], METRIC_UTILISATION, CONSTRAINT_MEAN, false, 0.7);
    assert_string_equal(c.items[1].text, "throughput > 200");
}

static void what_is_wrong_is_told(void **state) {
    (void)state;
    static const struct {
        bool yaml;
        const char *text, *message;
    } cases[] = {
        {true,  "constraints: {perf_latency_p98: {max: 1}}\n",  "c.yaml:1:33: \"perf_latency_p98\""},
        {true,  "constraints: {perf_latency_p99: {most: 1}}\n", "\"most\" is no key"               },
        {true,  "constraints: {perf_latency_p99: 5}\n",         "expected a mapping"               },
        {true,  "constraints: {perf_latency_p99: {max: x}}\n",  "expected a number from 0"         },
        {true,  "constraints: {perf_latency_p99: {max: -1}}\n", "expected a number from 0"         },
        {true,  "constraints: []\n",                            "expected a mapping of metrics"    },
        {true,  "constrains: {}\n",                             "\"constrains\" is no key"         },
        {true,  "perf_latency_p99: {max: 1}\n",                 "belongs under constraints"        },
        {true,  "objectives: [speed]\n",                        "\"speed\" is no metric"           },
        {true,  "objectives: {perf_throughput: much}\n",        "expected a weight"                },
        {true,  "batch_sizes: 4\n",                             "no constraint and no objective"   },
        {false, "",                                             "no constraint"                    },
        {false, "latency",                                      "expected <, <=, > or >="          },
        {false, "speed<5",                                      "\"speed\" is no metric"           },
        {false, "latency:p100<5ms",                             "\"p100\": expected mean"          },
        {false, "latency:worst<5ms",                            "\"worst\": expected mean"         },
        {false, "latency<5",                                    "not a duration"                   },
        {false, "cost:p99<5",                                   "cost has no p99"                  },
        {false, "throughput>-5",                                "from 0 on"                        },
        {false, "cost<5;throughput>x",                          "constraint \"throughput>x\""      },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct constraints c;
        struct err err = {0};
        int rc = cases[i].yaml
                     ? constraints_parse_yaml(&arena, cases[i].text, strlen(cases[i].text),
                                              "c.yaml", NULL, &c, &err)
                     : constraints_parse_text(&arena, cases[i].text, &c, &err);
        assert_int_equal(rc, cases[i].yaml ? -ERR_INPUT : -ERR_USAGE);
        if (!strstr(err.message, cases[i].message))
            fail_msg("no '%s' in '%s'", cases[i].message, err.message);
    }
}

static void limits_of_latency_percentiles_join_the_targets(void **state) {
    (void)state;
    struct constraints c = read_text("latency:p95<20ms;latency<9ms;latency:p99>1ms;cost<3");
    const struct slo given = {99, 50e6}, *targets = &given;
    uint32_t count = 1;
    constraints_add_targets(&arena, &c, &targets, &count);
    assert_int_equal(count, 2);
    assert_true(targets[0].percentile == 99 && targets[0].target_ns == 50e6);
    assert_true(targets[1].percentile == 95 && targets[1].target_ns == 20e6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tags_of_model_analyzer_keep_their_units, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(shorthands_and_objectives_are_read, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(a_models_own_constraints_take_the_place_of_the_common_ones,
                                        fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(models_in_a_list_are_found, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(keys_about_profiling_are_left_out_and_named, fresh_arena,
                                        drop_arena),
        cmocka_unit_test_setup_teardown(a_list_of_llm_optimizer_is_read, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_told, fresh_arena, drop_arena),
        cmocka_unit_test_setup_teardown(limits_of_latency_percentiles_join_the_targets, fresh_arena,
                                        drop_arena),
    };
    return cmocka_run_group_tests_name("constraints", tests, NULL, NULL);
}
