/* The collector row onnxruntime, on models made here and, when present, on the shared ones. */
#include "collectors/collector.h"
#include "models/onnx/write.h"
#include "models/reader.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { KEPT = 20000 };

struct bench {
    struct arena arena;
    const struct collector *row;
    struct err err;
    char path[64]; /* of a model made by a test */
    struct graph *graph;
    struct collect_config config;
    struct sample *samples;
    uint32_t count;
};

static void keep(void *context, const struct sample *sample) {
    struct bench *bench = context;
    if (bench->count < KEPT)
        bench->samples[bench->count++] = *sample;
}

static int setup(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    arena_init(&bench->arena);
    bench->samples = ARENA_ARRAY(&bench->arena, KEPT, struct sample);
    bench->row = collector_by_name("onnxruntime");
    snprintf(bench->path, sizeof bench->path, "/tmp/test-ort-XXXXXX.onnx");
    close(mkstemps(bench->path, 5));
    bench->graph = graph_new(&bench->arena, "test");
    bench->graph->ir_version = 8;
    graph_add_opset(bench->graph, "", 17);
    bench->config = (struct collect_config){.model_path = bench->path, .threads = 1, .seed = 3};
    *state = bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    unlink(bench->path);
    arena_done(&bench->arena);
    free(bench);
    return 0;
}

static void need_runtime(struct bench *bench) {
    struct err err = {0};
    if (bench->row->available(&err)) {
        printf("skip: ONNX Runtime: %s\n", err.message);
        skip();
    }
}

/* ---- small models ---------------------------------------------------------------------------- */

static int32_t tensor(struct graph *graph, const char *name, int32_t rank, const int64_t *dims) {
    int32_t index = graph_add_tensor(graph, name, DTYPE_FLOAT32);
    graph_set_shape(graph, index, rank, dims);
    return index;
}

static int32_t square(struct graph *graph, const char *name, int64_t size) {
    const int64_t dims[] = {size, size};
    return tensor(graph, name, 2, dims);
}

static int32_t op(struct graph *graph, const char *name, const char *type, uint32_t count,
                  const int32_t *inputs, int32_t output) {
    int32_t index = graph_add_op(graph, name, type, "");
    graph_set_inputs(graph, index, count, inputs);
    graph_set_outputs(graph, index, 1, &output);
    return index;
}

static void write_model(struct bench *bench) {
    const struct onnx_weights none = {.mode = ONNX_WEIGHTS_OMITTED};
    if (onnx_write_file(bench->graph, &none, bench->path, &bench->err))
        fail_msg("%s", bench->err.message);
}

/* x -> Neg -> Softmax -> Neg ... `count` operators, with or without names. */
static void make_chain(struct bench *bench, int count, bool named) {
    struct graph *graph = bench->graph;
    int32_t last = square(graph, "x", 32);
    graph_add_input(graph, last);
    for (int i = 0; i < count; i++) {
        int32_t next = square(graph, arena_printf(&bench->arena, "t%d", i), 32);
        const char *own = named ? arena_printf(&bench->arena, "op_%d", i) : "";
        op(graph, own, i % 2 ? "Softmax" : "Neg", 1, &last, next);
        last = next;
    }
    graph_add_output(graph, last);
    write_model(bench);
}

/* ---- going through the row ------------------------------------------------------------------- */

static void lower(struct bench *bench, struct flat_graph *flat) {
    struct graph *lowered;
    if (bench->row->lower(&bench->arena, &bench->config, &lowered, &bench->err))
        fail_msg("%s", bench->err.message);
    assert_true(lowered->lowered);
    assert_int_equal(flat_graph_build(&bench->arena, lowered, flat, &bench->err), 0);
}

static void run(struct bench *bench, uint32_t repeats) {
    struct sink sink = {keep, bench};
    struct collect_session *session;
    if (bench->row->open(&bench->arena, &bench->config, &sink, &session, &bench->err) ||
        bench->row->run(session, repeats, &sink, &bench->err) ||
        bench->row->finish(session, &sink, &bench->err))
        fail_msg("%s", bench->err.message);
}

static uint32_t count_of(const struct bench *bench, int32_t op_index, enum metric metric,
                         enum run_phase phase) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < bench->count; i++)
        count += bench->samples[i].op == op_index && bench->samples[i].metric == metric &&
                 bench->samples[i].phase == phase && bench->samples[i].value > 0;
    return count;
}

static double least_of(const struct bench *bench, int32_t op_index, enum metric metric) {
    double least = INFINITY;
    for (uint32_t i = 0; i < bench->count; i++)
        if (bench->samples[i].op == op_index && bench->samples[i].metric == metric)
            least = fmin(least, bench->samples[i].value);
    return least;
}

/* ---- plain ----------------------------------------------------------------------------------- */

static void test_the_version_is_told(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    const char *name, *version;
    assert_int_equal(bench->row->version(&bench->arena, &name, &version, &bench->err), 0);
    assert_string_equal(name, "onnxruntime");
    assert_non_null(strchr(version, '.'));
}

static void test_a_plain_run_says_time_and_memory(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    make_chain(bench, 6, true);
    run(bench, 5);
    assert_int_equal(count_of(bench, SAMPLE_OF_RUN, METRIC_WALL_NS, PHASE_PLAIN), 5);
    assert_int_equal(count_of(bench, SAMPLE_OF_RUN, METRIC_CPU_NS, PHASE_PLAIN), 5);
    static const enum metric cold[] = {
        METRIC_LIBRARY_LOAD_NS, METRIC_LOAD_NS,      METRIC_FIRST_RUN_NS,   METRIC_BASELINE_BYTES,
        METRIC_LOADED_BYTES,    METRIC_PEAK_BYTES,   METRIC_RESIDENT_BYTES, METRIC_PROCESS_START_NS,
        METRIC_LIBRARY_BYTES,   METRIC_FILE_READ_NS, METRIC_READ_PARSE_NS,  METRIC_OPTIMISE_NS,
        METRIC_REORDER_NS,      METRIC_PREPACK_NS};
    for (size_t i = 0; i < sizeof cold / sizeof cold[0]; i++)
        assert_int_equal(count_of(bench, SAMPLE_OF_RUN, cold[i], PHASE_COLD), 1);
    assert_int_equal(bench->count, 5 * 2 + sizeof cold / sizeof cold[0]);
    double parts = least_of(bench, SAMPLE_OF_RUN, METRIC_READ_PARSE_NS) +
                   least_of(bench, SAMPLE_OF_RUN, METRIC_OPTIMISE_NS) +
                   least_of(bench, SAMPLE_OF_RUN, METRIC_REORDER_NS) +
                   least_of(bench, SAMPLE_OF_RUN, METRIC_PREPACK_NS);
    double load = least_of(bench, SAMPLE_OF_RUN, METRIC_LOAD_NS);
    assert_true(parts > load / 2 && parts <= load);
    assert_true(least_of(bench, SAMPLE_OF_RUN, METRIC_PEAK_BYTES) >=
                least_of(bench, SAMPLE_OF_RUN, METRIC_RESIDENT_BYTES));
}

static void test_disturbance_and_counters_are_told(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    make_chain(bench, 4, true);
    static const char *const events[] = {"page-faults", "no-such-event-anywhere"};
    bench->config.events = events;
    bench->config.event_count = 2;
    struct sink sink = {keep, bench};
    struct collect_session *session;
    struct disturbance seen;
    const char *const *reasons;
    assert_int_equal(bench->row->open(&bench->arena, &bench->config, &sink, &session, &bench->err),
                     0);
    assert_int_equal(bench->row->run(session, 3, &sink, &bench->err), 0);
    assert_int_equal(bench->row->disturbance(session, &seen, &bench->err), 0);
    uint32_t missing = bench->row->missing_events(session, &reasons);
    assert_in_range(missing, 1, 2);
    assert_non_null(strstr(reasons[missing - 1], "no-such-event-anywhere"));
    bench->row->abandon(session);
}

static void test_dimensions_without_a_size_are_bound(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    struct graph *graph = bench->graph;
    const int64_t dims[] = {GRAPH_DIM_UNKNOWN, 8};
    int32_t x = tensor(graph, "x", 2, dims), y = tensor(graph, "y", 2, dims);
    graph->tensors[x].dims[0].symbol = graph->tensors[y].dims[0].symbol =
        graph_symbol(graph, "batch");
    graph_add_input(graph, x);
    graph_add_output(graph, y);
    op(graph, "neg", "Neg", 1, &x, y);
    write_model(bench);
    const struct dim_binding batch = {"batch", 5};
    bench->config.dims = &batch;
    bench->config.dim_count = 1;
    struct flat_graph flat;
    lower(bench, &flat);
    assert_int_equal(tensor_elements(op_output(flat.ops[0].graph, flat.ops[0].op, 0)), 40);
    run(bench, 1);
}

static void test_an_axis_without_a_symbol_is_bound(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    struct graph *graph = bench->graph;
    const int64_t dims[] = {GRAPH_DIM_UNKNOWN, GRAPH_DIM_UNKNOWN}, shape[] = {8, 3};
    int32_t x = tensor(graph, "x", 2, dims), y = tensor(graph, "y", 2, shape);
    int32_t s = graph_add_tensor(graph, "s", DTYPE_INT64);
    const int64_t two = 2;
    graph_set_shape(graph, s, 1, &two);
    graph->tensors[s].flags = TENSOR_INITIALIZER;
    graph->tensors[s].values = &(const struct tensor_values){
        2, (const int64_t[]){8, 3},
          NULL
    };
    graph_add_input(graph, x);
    graph_add_output(graph, y);
    const int32_t both[] = {x, s};
    op(graph, "reshape", "Reshape", 2, both, y);
    write_model(bench);
    const struct dim_binding axes[] = {
        {"x.0", 4},
        {"x.1", 6}
    };
    bench->config.dims = axes;
    bench->config.dim_count = 2;
    run(bench, 1); /* any other size would not fit */
}

static void test_a_wish_for_no_input_is_refused(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    make_chain(bench, 2, true);
    const struct input_value wish = {"nobody", 1, 1};
    bench->config.inputs = &wish;
    bench->config.input_count = 1;
    struct sink sink = {keep, bench};
    struct collect_session *session;
    assert_int_equal(bench->row->open(&bench->arena, &bench->config, &sink, &session, &bench->err),
                     -ERR_INPUT);
    assert_non_null(strstr(bench->err.message, "nobody"));
}

static void test_a_file_that_is_no_model_is_bad_input(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    FILE *file = fopen(bench->path, "w");
    fputs("this is no model", file);
    fclose(file);
    struct sink sink = {keep, bench};
    struct collect_session *session;
    struct graph *graph;
    assert_int_equal(bench->row->open(&bench->arena, &bench->config, &sink, &session, &bench->err),
                     -ERR_INPUT);
    assert_non_null(strstr(bench->err.message, bench->path));
    struct err err = {0};
    assert_int_equal(bench->row->lower(&bench->arena, &bench->config, &graph, &err), -ERR_INPUT);
}

static void test_a_missing_library_says_what_to_do(void **state) {
    struct bench *bench = *state;
    setenv("ASSAY_ORT_LIBRARY", "/nonexistent/libonnxruntime.so.1", 1);
    int code = bench->row->available(&bench->err);
    unsetenv("ASSAY_ORT_LIBRARY");
    assert_int_equal(code, -ERR_ENVIRONMENT);
    assert_non_null(strstr(bench->err.message, "/nonexistent/libonnxruntime.so.1"));
    assert_non_null(strstr(bench->err.hint, "make deps"));
}

/* ---- hooked ---------------------------------------------------------------------------------- */

static void check_every_operator(struct bench *bench, uint32_t ops) {
    struct flat_graph flat;
    lower(bench, &flat);
    assert_int_equal(flat.count, ops);
    bench->config.hooked = &flat;
    run(bench, 4);
    for (uint32_t i = 0; i < ops; i++) {
        assert_int_equal(count_of(bench, (int32_t)i, METRIC_WALL_NS, PHASE_PROFILED), 4);
        assert_int_equal(count_of(bench, (int32_t)i, METRIC_CPU_NS, PHASE_PROFILED), 4);
    }
    assert_int_equal(count_of(bench, SAMPLE_OF_RUN, METRIC_WALL_NS, PHASE_PROFILED), 4);
}

static void test_every_operator_is_measured(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    make_chain(bench, 9, true);
    check_every_operator(bench, 9);
}

static void test_operators_without_names_are_measured(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    make_chain(bench, 9, false);
    check_every_operator(bench, 9);
}

/* if (c) then y = Neg(x @ x @ x) else y = Neg(x); one heavy operator inside a light one. */
static void make_if(struct bench *bench) {
    struct graph *graph = bench->graph;
    int32_t c = graph_add_tensor(graph, "c", DTYPE_BOOL);
    graph_set_shape(graph, c, 0, NULL);
    int32_t x = square(graph, "x", 256), y = square(graph, "y", 256);
    graph_add_input(graph, c);
    graph_add_input(graph, x);
    graph_add_output(graph, y);
    int32_t branching = op(graph, "if", "If", 1, &c, y);
    for (int b = 0; b < 2; b++) {
        struct graph *branch = graph_new(&bench->arena, b ? "then" : "else");
        branch->parent = graph;
        int32_t outer = square(branch, "x", 256);
        branch->tensors[outer].flags = TENSOR_OUTER;
        branch->tensors[outer].outer = x;
        int32_t from = outer;
        if (b) {
            const int32_t both[] = {outer, outer};
            from = square(branch, "product", 256);
            op(branch, "matmul", "MatMul", 2, both, from);
        }
        int32_t out = square(branch, b ? "then_y" : "else_y", 256);
        op(branch, b ? "then_neg" : "else_neg", "Neg", 1, &from, out);
        graph_add_output(branch, out);
        graph_add_attribute(graph, branching, b ? "then_branch" : "else_branch", ATTRIBUTE_GRAPH)
            ->graph = branch;
    }
    write_model(bench);
}

static int32_t flat_named(const struct flat_graph *flat, const char *name) {
    for (uint32_t i = 0; i < flat->count; i++)
        if (strcmp(flat->ops[i].op->name, name) == 0)
            return (int32_t)i;
    fail_msg("the lowered graph has no operator '%s'", name);
    return GRAPH_NONE;
}

static void test_a_branch_is_measured_apart_from_its_if(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    make_if(bench);
    struct flat_graph flat;
    lower(bench, &flat);
    bench->config.hooked = &flat;
    run(bench, 20);
    int32_t outer = flat_named(&flat, "if"), inner = flat_named(&flat, "matmul");
    assert_int_equal(flat.ops[inner].enclosing, outer);
    assert_string_equal(flat.ops[inner].branch, "then_branch");
    assert_true(tensor_is_static(op_output(flat.ops[inner].graph, flat.ops[inner].op, 0)));
    assert_int_equal(count_of(bench, inner, METRIC_WALL_NS, PHASE_PROFILED), 20);
    assert_int_equal(count_of(bench, flat_named(&flat, "else_neg"), METRIC_WALL_NS, PHASE_PROFILED),
                     0);
    /* 33 MFLOP inside, nothing of it outside. */
    assert_true(least_of(bench, inner, METRIC_WALL_NS) > least_of(bench, outer, METRIC_WALL_NS));
}

static void test_the_other_branch_runs_when_asked_for(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    make_if(bench);
    const struct input_value no = {"c", 0, 0};
    bench->config.inputs = &no;
    bench->config.input_count = 1;
    struct flat_graph flat;
    lower(bench, &flat);
    bench->config.hooked = &flat;
    run(bench, 3);
    assert_int_equal(count_of(bench, flat_named(&flat, "matmul"), METRIC_WALL_NS, PHASE_PROFILED),
                     0);
    assert_int_equal(count_of(bench, flat_named(&flat, "else_neg"), METRIC_WALL_NS, PHASE_PROFILED),
                     3);
}

/* ---- lowering -------------------------------------------------------------------------------- */

static void make_conv(struct bench *bench) {
    struct graph *graph = bench->graph;
    const int64_t in[] = {1, 3, 32, 32}, weights[] = {32, 3, 3, 3}, out[] = {1, 32, 16, 16};
    const int64_t strides[] = {2, 2}, pads[] = {1, 1, 1, 1};
    int32_t x = tensor(graph, "x", 4, in), w = tensor(graph, "w", 4, weights);
    int32_t c = tensor(graph, "c", 4, out), y = tensor(graph, "y", 4, out);
    graph->tensors[w].flags = TENSOR_INITIALIZER;
    graph_add_input(graph, x);
    graph_add_output(graph, y);
    const int32_t both[] = {x, w};
    int32_t conv = op(graph, "conv", "Conv", 2, both, c);
    graph_set_ints(graph, conv, "strides", 2, strides);
    graph_set_ints(graph, conv, "pads", 4, pads);
    op(graph, "relu", "Relu", 1, &c, y);
    write_model(bench);
}

static const struct op *find_conv(const struct flat_graph *flat) {
    for (uint32_t i = 0; i < flat->count; i++)
        if (strcmp(flat->ops[i].op->type, "Conv") == 0 ||
            strcmp(flat->ops[i].op->type, "FusedConv") == 0)
            return flat->ops[i].op;
    fail_msg("the lowered graph has no convolution");
    return NULL;
}

static void give_weights(struct bench *bench, enum weights_mode mode) {
    static const struct weight_slot slot = {ONNX_OMITTED_LOCATION, 0,       32 * 27 * 4,
                                            DTYPE_FLOAT32,         32 * 27, 0.2};
    bench->config.weights = mode;
    bench->config.slots = &slot;
    bench->config.slot_count = 1;
}

static void test_lowering_fuses_and_keeps_attributes(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    make_conv(bench);
    give_weights(bench, WEIGHTS_ZERO_PAGES);
    struct flat_graph flat;
    lower(bench, &flat);
    const struct op *conv = find_conv(&flat);
    const struct graph *graph = flat.ops[0].graph;
    assert_string_equal(op_string(conv, "activation", ""), "Relu");
    const struct attribute *strides = op_attribute(conv, "strides");
    assert_non_null(strides);
    assert_int_equal(strides->count, 2);
    assert_int_equal(strides->ints[1], 2);
    assert_int_equal(op_int(conv, "group", 0), 1);
    assert_true(op_input(graph, conv, 1)->flags & TENSOR_INITIALIZER);
    assert_int_equal(tensor_elements(op_output(graph, conv, 0)), 32 * 16 * 16);
    assert_int_equal(graph->input_count, 1);
    assert_int_equal(graph->output_count, 1);
}

static void test_weights_are_synthesised(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    make_conv(bench);
    give_weights(bench, WEIGHTS_SYNTHESIZED);
    run(bench, 2);
    assert_int_equal(count_of(bench, SAMPLE_OF_RUN, METRIC_WALL_NS, PHASE_PLAIN), 2);
}

static void test_missing_weights_are_bad_input(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    make_conv(bench);
    struct sink sink = {keep, bench};
    struct collect_session *session;
    assert_int_equal(bench->row->open(&bench->arena, &bench->config, &sink, &session, &bench->err),
                     -ERR_INPUT);
}

/* ---- the shared models ----------------------------------------------------------------------- */

static void check_shared(struct bench *bench, const char *name) {
    const char *folder = getenv("ASSAY_SHARED_DATA");
    const char *path =
        arena_printf(&bench->arena, "%s/models/%s", folder ? folder : "../shared/data", name);
    if (access(path, R_OK)) {
        printf("skip: %s is not there\n", path);
        skip();
    }
    struct model model;
    if (model_read(&bench->arena, path, NULL, &model, &bench->err))
        fail_msg("%s", bench->err.message);
    const struct graph *graph = model.graph;
    struct weight_slot *slots = ARENA_ARRAY(&bench->arena, graph->tensor_count, struct weight_slot);
    uint32_t count = 0;
    for (uint32_t i = 0; i < graph->tensor_count; i++) {
        const struct tensor *t = &graph->tensors[i];
        if (t->external)
            slots[count++] = (struct weight_slot){t->external->location,
                                                  t->external->offset_bytes,
                                                  tensor_bytes(t),
                                                  t->dtype,
                                                  (uint64_t)tensor_elements(t),
                                                  0.02};
    }
    bench->config.model_path = path;
    bench->config.slots = slots;
    bench->config.slot_count = count;
    bench->config.weights = WEIGHTS_ZERO_PAGES;
    struct flat_graph flat;
    lower(bench, &flat);
    for (uint32_t i = 0; i < flat.count; i++)
        for (uint32_t o = 0; o < flat.ops[i].op->output_count; o++) {
            const struct tensor *t = op_output(flat.ops[i].graph, flat.ops[i].op, o);
            assert_true(!t || tensor_is_static(t));
        }
    bench->config.weights = WEIGHTS_SYNTHESIZED;
    bench->config.hooked = &flat;
    run(bench, 1);
    for (uint32_t i = 0; i < flat.count; i++)
        assert_int_equal(count_of(bench, (int32_t)i, METRIC_WALL_NS, PHASE_PROFILED), 1);
}

static void test_mobilenet_is_lowered_and_hooked(void **state) {
    need_runtime(*state);
    check_shared(*state, "mobilenet_v2.onnx");
}

/* Its reorderings have other names in every process. */
static void test_changing_names_are_lowered_and_hooked(void **state) {
    need_runtime(*state);
    check_shared(*state, "efficientnet_b0.onnx");
}

static void test_a_transformer_is_lowered_and_hooked(void **state) {
    need_runtime(*state);
    check_shared(*state, "llama_s.onnx");
}

static void test_constant_weights_are_lowered_and_hooked(void **state) {
    need_runtime(*state);
    check_shared(*state, "light_squeezenet.onnx");
}

/* ---- nothing stays behind -------------------------------------------------------------------- */

static uint32_t entries(const char *path) {
    DIR *folder = opendir(path);
    uint32_t count = 0;
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

static void test_no_files_stay_behind(void **state) {
    struct bench *bench = *state;
    need_runtime(bench);
    char folder[] = "/tmp/test-ort-tmp-XXXXXX";
    assert_non_null(mkdtemp(folder));
    setenv("TMPDIR", folder, 1);
    make_conv(bench);
    give_weights(bench, WEIGHTS_ZERO_PAGES);
    struct flat_graph flat;
    lower(bench, &flat);
    give_weights(bench, WEIGHTS_SYNTHESIZED);
    bench->config.hooked = &flat;
    run(bench, 2);
    unsetenv("TMPDIR");
    assert_int_equal(entries(folder), 2);
    assert_int_equal(rmdir(folder), 0);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_version_is_told),
        TEST(test_a_plain_run_says_time_and_memory),
        TEST(test_disturbance_and_counters_are_told),
        TEST(test_dimensions_without_a_size_are_bound),
        TEST(test_an_axis_without_a_symbol_is_bound),
        TEST(test_a_wish_for_no_input_is_refused),
        TEST(test_a_file_that_is_no_model_is_bad_input),
        TEST(test_a_missing_library_says_what_to_do),
        TEST(test_every_operator_is_measured),
        TEST(test_operators_without_names_are_measured),
        TEST(test_a_branch_is_measured_apart_from_its_if),
        TEST(test_the_other_branch_runs_when_asked_for),
        TEST(test_lowering_fuses_and_keeps_attributes),
        TEST(test_weights_are_synthesised),
        TEST(test_missing_weights_are_bad_input),
        TEST(test_mobilenet_is_lowered_and_hooked),
        TEST(test_changing_names_are_lowered_and_hooked),
        TEST(test_a_transformer_is_lowered_and_hooked),
        TEST(test_constant_weights_are_lowered_and_hooked),
        TEST(test_no_files_stay_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
