/* Traces of real GPUs, held against figures that another program worked out of them. The files
 * stand beside the sources: $ASSAY_SHARED_DATA, or ../shared/data. */
#include "base/json.h"
#include "tests/unit/foreign_import.h"

#include <strings.h>

static const char *data(struct foreign_import *t, const char *name) {
    const char *folder = getenv("ASSAY_SHARED_DATA");
    return arena_printf(&t->arena, "%s/%s", folder ? folder : "../shared/data", name);
}

static void skip_unless_there(const char *path) {
    if (access(path, R_OK) == 0)
        return;
    printf("skip: %s is not here\n", path);
    skip();
}

static cJSON *read_json(const char *path) {
    struct err err = {0};
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    static char text[1 << 20];
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    cJSON *tree = json_parse(text, length, path, &err);
    assert_non_null(tree);
    return tree;
}

static uint64_t count_of(const struct recording *r, const char *category) {
    for (uint32_t i = 0; i < r->category_count; i++)
        if (strcasecmp(r->categories[i].name, category) == 0)
            return r->categories[i].count;
    return 0;
}

static void compare_categories(const struct recording *r, const cJSON *wanted) {
    const cJSON *each;
    cJSON_ArrayForEach(each, wanted) {
        if (count_of(r, each->string) != (uint64_t)each->valuedouble)
            fail_msg("%s: %llu instead of %g", each->string,
                     (unsigned long long)count_of(r, each->string), each->valuedouble);
    }
    assert_int_equal(r->category_count, cJSON_GetArraySize(wanted));
}

static void compare(struct foreign_import *t, const char *name, const cJSON *wanted) {
    const struct recording *r = &t->recording;
    const struct {
        const char *key;
        double got;
    } numbers[] = {
        {"events",                           (double)t->outcome.events       },
        {"kernel_count",                     (double)r->kernels              },
        {"kernel_dur_sum_us",                r->kernel_total_ns / 1e3        },
        {"gpu_busy_union_us",                r->device_busy_read_us          },
        {"gpu_span_us",                      r->device_span_read_us          },
        {"distinct_kernel_names",            (double)r->kernel_names         },
        {"kernels_with_runtime_correlation", (double)r->kernels_with_call    },
        {"cpu_ops_with_input_dims",          (double)r->operators_with_shapes},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double value;
        assert_int_equal(json_get_number(wanted, numbers[i].key, &value, &t->err), 0);
        if (fabs(numbers[i].got - value) > 0.01)
            fail_msg("%s: %s is %.3f instead of %.3f", name, numbers[i].key, numbers[i].got, value);
    }
    const char *device = cJSON_GetStringValue(cJSON_GetObjectItem(wanted, "device"));
    assert_string_equal(recording_fact(r, "device") ? recording_fact(r, "device") : "",
                        device ? device : "");
    compare_categories(r, cJSON_GetObjectItem(wanted, "complete_by_cat"));
    assert_true(t->outcome.complete);
    assert_int_equal(t->outcome.skipped, 0);
}

static void every_trace_equals_the_oracle(void **state) {
    struct foreign_import *t = *state;
    const char *path = data(t, "hta/oracle.json");
    const cJSON *each;
    int traces = 0;
    skip_unless_there(path);
    cJSON *oracle = read_json(path);
    cJSON_ArrayForEach(each, oracle) {
        int code =
            foreign_import_file(t, data(t, arena_printf(&t->arena, "hta/%s", each->string)), NULL);
        if (!cJSON_GetObjectItem(each, "events")) {
            foreign_import_refused(t, code, "execution graph");
            continue;
        }
        if (code != 0)
            fail_msg("%s", t->err.message);
        compare(t, each->string, each);
        traces++;
    }
    cJSON_Delete(oracle);
    assert_int_equal(traces, 11);
}

/* Of the top five kernels each has the oracle's count and time. */
static void the_longest_kernels_are_the_oracles(void **state) {
    struct foreign_import *t = *state;
    const char *path = data(t, "hta/oracle.json");
    const cJSON *trace, *top;
    skip_unless_there(path);
    cJSON *oracle = read_json(path);
    cJSON_ArrayForEach(trace, oracle) {
        uint32_t count;
        if (!cJSON_GetObjectItem(trace, "events"))
            continue;
        foreign_import_file(t, data(t, arena_printf(&t->arena, "hta/%s", trace->string)), NULL);
        struct recording_call *calls = recording_calls(&t->arena, &t->recording, false, &count);
        cJSON_ArrayForEach(top, cJSON_GetObjectItem(trace, "top5")) {
            const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(top, 0));
            double calls_us = cJSON_GetNumberValue(cJSON_GetArrayItem(top, 2)), sum_us = 0;
            /* The oracle cuts names, so several of ours may be meant. */
            for (uint32_t i = 0; i < count; i++)
                if (calls[i].node->kind == SPAN_KERNEL &&
                    strncmp(calls[i].node->name, name, strlen(name)) == 0)
                    sum_us = fmax(sum_us, calls[i].total_ns / 1e3);
            if (fabs(sum_us - calls_us) > 0.01)
                fail_msg("%s: %s: %.3f us instead of %.3f", trace->string, name, sum_us, calls_us);
        }
    }
    cJSON_Delete(oracle);
}

static void older_layouts_are_read(void **state) {
    static const struct {
        const char *name;
        uint64_t events, operators;
    } files[] = {
        {"kineto/own_debian_torch1131_resnet18_autograd_profiler.json",                   405,   405},
        {"kineto/own_debian_torch1131_resnet18_torchprofiler.json",                       410,   410},
        {"kineto/tbplugin_resnet50_num_workers_0_worker0.1623143089861.pt.trace.json.gz", 75718,
         23646                                                                                      },
    };
    struct foreign_import *t = *state;
    skip_unless_there(data(t, files[0].name));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        uint64_t operators = 0;
        if (foreign_import_file(t, data(t, files[i].name), NULL) != 0)
            fail_msg("%s", t->err.message);
        for (uint32_t k = 0; k < t->recording.node_count; k++)
            if (t->recording.nodes[k].kind == SPAN_OPERATOR)
                operators += t->recording.nodes[k].count;
        assert_int_equal(t->outcome.events, files[i].events);
        assert_int_equal(operators, files[i].operators);
        assert_true(t->outcome.complete);
    }
    foreign_import_refused(
        t,
        foreign_import_file(t, data(t, "kineto/own_debian_torch1131_resnet18_execution_graph.json"),
                            NULL),
        "execution graph");
}

int main(void) {
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, foreign_import_setup, foreign_import_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_trace_equals_the_oracle),
        TEST(the_longest_kernels_are_the_oracles),
        TEST(older_layouts_are_read),
    };
    return cmocka_run_group_tests_name("import_hta", tests, NULL, NULL);
}
