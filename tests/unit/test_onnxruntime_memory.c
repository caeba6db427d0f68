/* Memory as it is seen in a process that loads and runs a model: against the kernel's own count,
 * against the runtime's own books, and against what is played through from the graph. */
#include "base/file.h"
#include "base/json.h"
#include "collectors/collector.h"
#include "models/onnx/write.h"
#include "models/zoo/zoo.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Of the high-water mark. What is missed is the growth since the process was last split, half a
 * per cent, and what the kernel counts per CPU before it adds up. */
static const double tolerance = 0.03;

enum { MIB = 1 << 20 };

struct bench {
    struct arena arena;
    const struct collector *row;
    char folder[64];
    const char *path, *profile;
    struct collect_config config;
    struct flat_graph flat;
    struct graph *lowered;
    struct memory_use use;
    struct err err;
};

static int setup(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    arena_init(&bench->arena);
    bench->row = collector_by_name("onnxruntime");
    snprintf(bench->folder, sizeof bench->folder, "/tmp/test-memory-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    bench->path = arena_printf(&bench->arena, "%s/m.onnx", bench->folder);
    bench->profile = arena_printf(&bench->arena, "%s/profile.json", bench->folder);
    bench->config = (struct collect_config){.model_path = bench->path, .threads = 1, .seed = 3};
    *state = bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    unlink(bench->path);
    unlink(bench->profile);
    rmdir(bench->folder);
    arena_done(&bench->arena);
    free(bench);
    return 0;
}

static void need_runtime(struct bench *bench) {
    struct err err = {0};
    if (!bench->row->available(&err))
        return;
    printf("skip: ONNX Runtime: %s\n", err.message);
    skip();
}

static void lower(struct bench *bench) {
    if (bench->row->lower(&bench->arena, &bench->config, &bench->lowered, &bench->err) ||
        flat_graph_build(&bench->arena, bench->lowered, &bench->flat, &bench->err))
        fail_msg("%s", bench->err.message);
    bench->config.hooked = &bench->flat;
}

static void look(struct bench *bench) {
    lower(bench);
    int code = bench->row->memory(&bench->arena, &bench->config, &bench->use, &bench->err);
    if (code == -ERR_ENVIRONMENT) {
        printf("skip: %s\n", bench->err.message);
        skip();
    }
    if (code)
        fail_msg("%s", bench->err.message);
}

/* ---- models -----------------------------------------------------------------------------------
 */

static void write_zoo(struct bench *bench, const char *name) {
    static const struct zoo_options defaults;
    if (zoo_write(name, &defaults, bench->path, &bench->err))
        fail_msg("%s", bench->err.message);
}

/* x -> Neg -> Transpose -> Neg ..., 256 KiB each; none needs scratch. */
static void write_chain(struct bench *bench, int count) {
    static const int64_t dims[] = {256, 256};
    const struct onnx_weights none = {.mode = ONNX_WEIGHTS_OMITTED};
    struct graph *graph = graph_new(&bench->arena, "chain");
    graph->ir_version = 8;
    graph_add_opset(graph, "", 17);
    int32_t last = graph_add_tensor(graph, "x", DTYPE_FLOAT32);
    graph_set_shape(graph, last, 2, dims);
    graph_add_input(graph, last);
    for (int i = 0; i < count; i++) {
        int32_t next =
            graph_add_tensor(graph, arena_printf(&bench->arena, "t%d", i), DTYPE_FLOAT32);
        graph_set_shape(graph, next, 2, dims);
        int32_t op = graph_add_op(graph, arena_printf(&bench->arena, "op_%d", i),
                                  i % 2 ? "Transpose" : "Neg", "");
        graph_set_inputs(graph, op, 1, &last);
        graph_set_outputs(graph, op, 1, &next);
        last = next;
    }
    graph_add_output(graph, last);
    if (onnx_write_file(graph, &none, bench->path, &bench->err))
        fail_msg("%s", bench->err.message);
}

/* ---- against the kernel -----------------------------------------------------------------------
 */

static void assert_peak(struct bench *bench, const char *name) {
    const struct memory_use *use = &bench->use;
    double sum = memory_parts_resident(&use->at[MEMORY_PEAK]);
    if (!(fabs(sum / use->high_water_bytes - 1) <= tolerance))
        fail_msg("%s: parts sum to %.0f, the high-water mark is %.0f", name, sum,
                 use->high_water_bytes);
    for (int moment = 0; moment < MEMORY_MOMENTS; moment++)
        for (int part = 0; part < MEMORY_PARTS; part++)
            assert_true(use->at[moment].resident_bytes[part] >=
                        use->at[moment].proportional_bytes[part]);
}

static void parts_sum_to_the_high_water_mark(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    static const char *const names[] = {"resnet8", "mobilenet_v1_025", "squeezenet1_1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        write_zoo(bench, names[i]);
        look(bench);
        assert_peak(bench, names[i]);
        assert_int_equal(bench->use.step_count, bench->flat.count);
    }
}

static void weights_and_arena_are_told_apart(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    write_zoo(bench, "squeezenet1_1"); /* 4.7 MiB of weights */
    look(bench);
    const struct memory_parts *started = &bench->use.at[MEMORY_STARTED];
    const struct memory_parts *loaded = &bench->use.at[MEMORY_LOADED];
    const struct memory_parts *later = &bench->use.at[MEMORY_LATER];
    assert_true(started->resident_bytes[MEMORY_WEIGHTS] < 64 * 1024);
    assert_true(loaded->resident_bytes[MEMORY_WEIGHTS] > 4.5 * MIB);
    assert_true(loaded->resident_bytes[MEMORY_WEIGHTS] < 6.0 * MIB);
    assert_true(loaded->resident_bytes[MEMORY_ARENA] == 0);
    assert_true(later->resident_bytes[MEMORY_ARENA] > 3.0 * MIB);
    assert_true(later->resident_bytes[MEMORY_LIBRARIES] > 10.0 * MIB);
    assert_true(later->resident_bytes[MEMORY_WEIGHTS] == loaded->resident_bytes[MEMORY_WEIGHTS]);
}

/* ---- against the runtime's own books ----------------------------------------------------------
 */

static double argument(const cJSON *event, const char *key) {
    const cJSON *value =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(event, "args"), key);
    return cJSON_IsString(value) ? strtod(value->valuestring, NULL) : NAN;
}

/* Of the first event of an operator: the first run's. */
static double own_delta(const cJSON *events, const char *name) {
    char wanted[256];
    snprintf(wanted, sizeof wanted, "%s_kernel_time", name);
    const cJSON *event;
    cJSON_ArrayForEach(event, events) {
        const cJSON *own = cJSON_GetObjectItemCaseSensitive(event, "name");
        if (cJSON_IsString(own) && strcmp(own->valuestring, wanted) == 0)
            return argument(event, "mem_requested_in_use_delta");
    }
    return NAN;
}

static void ignore(void *context, const struct sample *sample) {
    (void)context, (void)sample;
}

static cJSON *profile_of_a_run(struct bench *bench) {
    struct collect_config config = bench->config;
    struct collect_session *session;
    struct sink sink = {ignore, NULL};
    config.profile = bench->profile;
    if (bench->row->open(&bench->arena, &config, &sink, &session, &bench->err) ||
        bench->row->finish(session, &sink, &bench->err))
        fail_msg("%s", bench->err.message);
    struct file_map map;
    if (file_map_open(&map, bench->profile, &bench->err))
        fail_msg("%s", bench->err.message);
    cJSON *events = cJSON_ParseWithLength((const char *)map.bytes, map.size);
    file_map_close(&map);
    return events;
}

static void operators_take_what_the_runtime_says(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    write_chain(bench, 12);
    look(bench);
    cJSON *events = profile_of_a_run(bench);
    uint32_t compared = 0;
    for (uint32_t i = 0; i < bench->use.step_count; i++) {
        const struct memory_use_step *step = &bench->use.steps[i];
        double own = own_delta(events, bench->flat.ops[step->op].path);
        compared += isnan(own) ? 0 : 1;
        if (!isnan(own) && own != step->allocated_bytes)
            fail_msg("%s took %.0f bytes, the runtime says %.0f", bench->flat.ops[step->op].path,
                     step->allocated_bytes, own);
    }
    cJSON_Delete(events);
    if (compared == 0) {
        puts("skip: this ONNX Runtime keeps no books of memory in its profile");
        skip();
    }
    assert_int_equal(compared, 12);
}

/* ---- against what is played through -----------------------------------------------------------
 */

static void a_chain_lives_in_two_tensors(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    write_chain(bench, 12);
    look(bench);
    assert_int_equal(bench->use.step_count, 12);
    double tensor = 256 * 256 * 4, taken = 0, given = 0;
    for (uint32_t i = 0; i < 12; i++) {
        const struct memory_use_step *step = &bench->use.steps[i];
        assert_int_equal(step->op, i);
        assert_true(step->live_bytes <= 2 * tensor && step->live_bytes >= tensor);
        assert_true(step->written_bytes <= step->reserved_bytes);
        taken += step->allocated_bytes;
        given += step->freed_bytes;
    }
    assert_true(taken - given == tensor); /* the output, which is the caller's */
}

static void assert_foretold(struct bench *bench) {
    struct footprint footprint;
    struct memory_timeline played, measured;
    struct memory_agreement agreement;
    const struct operator_names names = operator_names_of(&bench->arena, &bench->flat);
    footprint_of(bench->lowered, &bench->flat, 5 * MIB, &footprint);
    memory_timeline_of(&bench->arena, bench->lowered, &bench->flat, &footprint, &played);
    memory_use_timeline(&bench->arena, &bench->use, &names, &measured);
    memory_timelines_compare(&bench->arena, &played, &measured, &agreement);
    assert_true(agreement.steps > 2);
    assert_true(agreement.live < 0.01);
    assert_true(fabs(agreement.arena) < 0.05 && fabs(agreement.later) < 0.05);
}

/* Blocked convolutions, and plain ones with scratch. */
static void the_timeline_is_the_one_played_through(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    static const char *const names[] = {"squeezenet1_1", "m11_audio"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        write_zoo(bench, names[i]);
        look(bench);
        assert_foretold(bench);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(parts_sum_to_the_high_water_mark),       TEST(weights_and_arena_are_told_apart),
        TEST(operators_take_what_the_runtime_says),   TEST(a_chain_lives_in_two_tensors),
        TEST(the_timeline_is_the_one_played_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
