/* llama.cpp itself: it reads what we write, refuses what we refuse, and shows and runs the nodes
 * that we say it does. */
#include "base/file.h"
#include "base/rng.h"
#include "collectors/collector.h"
#include "collectors/llamacpp/api.h"
#include "collectors/llamacpp/locate.h"
#include "core/flat.h"
#include "core/op_kind.h"
#include "models/gguf/read.h"
#include "models/gguf/write.h"
#include "models/onnx/read.h"
#include "models/onnx/write.h"
#include "models/zoo/gguf.h"

#include <dlfcn.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct bench {
    struct arena arena;
    const struct collector *row;
    const char *reason; /* NULL: the runtime is there */
    char folder[64];
    const char *path; /* of the model */
    double sums[METRIC_BUILTIN_COUNT], of_ops[4096];
    uint32_t runs, op_samples;
};

static const struct zoo_gguf_config tiny = {"tiny", 3, 64, 4, 2, 128, 100, 4096, 1e4f, 0};

static int start(void **state) {
    struct bench *bench = test_calloc(1, sizeof *bench);
    struct err err = {0};
    arena_init(&bench->arena);
    bench->row = collector_by_name("llamacpp");
    if (bench->row->available(&err))
        bench->reason = arena_strdup(&bench->arena, err.message);
    strcpy(bench->folder, "/tmp/assay-llama-XXXXXX");
    if (!mkdtemp(bench->folder))
        return -1;
    bench->path = arena_printf(&bench->arena, "%s/model.gguf", bench->folder);
    *state = bench;
    return 0;
}

static int stop(void **state) {
    struct bench *bench = *state;
    unlink(bench->path);
    rmdir(bench->folder);
    arena_done(&bench->arena);
    test_free(bench);
    return 0;
}

static struct bench *needs_runtime(void **state) {
    struct bench *bench = *state;
    if (bench->reason) {
        print_message("skip: %s\n", bench->reason);
        skip();
    }
    return bench;
}

static void check(int code, const struct err *err) {
    if (code)
        fail_msg("%s", err->message);
}

static struct collect_config config_of(struct bench *bench, enum dtype dtype, uint32_t dim_count,
                                       const struct dim_binding *dims) {
    struct err err = {0};
    check(zoo_write_gguf_of(&tiny, dtype, 1, bench->path, &err), &err);
    return (struct collect_config){
        .model_path = bench->path, .threads = 1, .seed = 1, .dims = dims, .dim_count = dim_count};
}

static struct graph *lowered(struct bench *bench, const struct collect_config *config) {
    struct graph *graph = NULL;
    struct err err = {0};
    check(bench->row->lower(&bench->arena, config, &graph, &err), &err);
    return graph;
}

static uint32_t count_type(const struct graph *graph, const char *type) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < graph->op_count; i++)
        count += op_is(&graph->ops[i], "ggml", type);
    return count;
}

/* ---- what runs -------------------------------------------------------------------------------
 */

#define DIMS(tokens, past, batch)                                                                  \
    (const struct dim_binding[]) {                                                                 \
        {"batch", batch}, {"past", past}, {"tokens", tokens},                                      \
    }

static void the_version_is_told(void **state) {
    struct bench *bench = needs_runtime(state);
    const char *name, *version;
    struct err err = {0};
    check(bench->row->version(&bench->arena, &name, &version, &err), &err);
    assert_string_equal(name, "llama.cpp");
    assert_true(version[0] != '\0');
}

static void every_node_is_shown_with_shapes_and_types(void **state) {
    struct bench *bench = needs_runtime(state);
    struct collect_config config = config_of(bench, DTYPE_Q8_0, 3, DIMS(7, 20, 1));
    struct graph *graph = lowered(bench, &config);
    assert_int_equal(count_type(graph, "MUL_MAT"), 3 * 7 + 1);
    assert_int_equal(count_type(graph, "ROPE"), 3 * 2);
    assert_int_equal(count_type(graph, "RMS_NORM"), 3 * 2 + 1);
    int32_t up = graph_find_tensor(graph, "blk.0.ffn_up.weight");
    assert_int_not_equal(up, GRAPH_NONE);
    assert_int_equal(graph->tensors[up].dtype, DTYPE_Q8_0);
    assert_true(graph->tensors[up].flags & TENSOR_INITIALIZER);
    assert_int_equal(graph->tensors[up].dims[0].size, 128);
    assert_int_equal(graph->tensors[up].dims[1].size, 64);
    const struct tensor *made = &graph->tensors[graph_find_tensor(graph, "ffn_up-0")];
    assert_int_equal(made->dims[0].size, 7);
    assert_int_equal(made->dims[1].size, 128);
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        assert_true(tensor_is_static(&graph->tensors[t]) && graph->tensors[t].dtype);
    for (uint32_t i = 0; i < graph->op_count; i++)
        assert_non_null(op_kind_find(graph->ops[i].domain, graph->ops[i].type));
}

static void what_is_shown_survives_being_stored(void **state) {
    struct bench *bench = needs_runtime(state);
    struct collect_config config = config_of(bench, DTYPE_Q4_0, 3, DIMS(600, 5, 2));
    struct graph *graph = lowered(bench, &config), *again;
    const struct onnx_weights omitted = {.mode = ONNX_WEIGHTS_OMITTED};
    struct strbuf bytes;
    struct err err = {0};
    strbuf_init(&bytes);
    check(onnx_write_bytes(graph, &omitted, &bytes, &err), &err);
    check(onnx_read_bytes(&bench->arena, bytes.text, bytes.length, "again", &again, &err), &err);
    strbuf_done(&bytes);
    assert_true(again->lowered);
    assert_int_equal(again->op_count, graph->op_count);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct tensor *a = op_output(graph, &graph->ops[i], 0);
        const struct tensor *b = op_output(again, &again->ops[i], 0);
        assert_string_equal(graph->ops[i].name, again->ops[i].name);
        assert_string_equal(graph->ops[i].type, again->ops[i].type);
        assert_int_equal(graph->ops[i].input_count, again->ops[i].input_count);
        assert_int_equal(a->dtype, b->dtype);
        assert_int_equal(tensor_elements(a), tensor_elements(b));
    }
    assert_int_equal(graph_weight_bytes(graph), graph_weight_bytes(again));
}

/* 2 x 600 tokens in physical batches of 512: the layers come more than once. */
static void large_batches_come_in_pieces(void **state) {
    struct bench *bench = needs_runtime(state);
    struct collect_config config = config_of(bench, DTYPE_FLOAT16, 3, DIMS(600, 0, 2));
    struct graph *graph = lowered(bench, &config);
    assert_true(count_type(graph, "MUL_MAT") >= 3 * (3 * 7));
}

/* ---- runs ------------------------------------------------------------------------------------
 */

static void take(void *context, const struct sample *sample) {
    struct bench *bench = context;
    if (sample->op >= 0) {
        assert_true(sample->op < 4096);
        bench->op_samples++;
        if (sample->metric == METRIC_WALL_NS)
            bench->of_ops[sample->op] += sample->value;
        assert_true(sample->value >= 0);
    } else if (sample->metric < METRIC_BUILTIN_COUNT) {
        bench->sums[sample->metric] += sample->value;
        bench->runs += sample->metric == METRIC_WALL_NS;
    }
}

static void run(struct bench *bench, const struct collect_config *config, uint32_t repeats) {
    struct collect_session *session;
    struct sink sink = {take, bench};
    struct err err = {0};
    memset(bench->sums, 0, sizeof bench->sums);
    memset(bench->of_ops, 0, sizeof bench->of_ops);
    bench->runs = bench->op_samples = 0;
    check(bench->row->open(&bench->arena, config, &sink, &session, &err), &err);
    check(bench->row->run(session, repeats, &sink, &err), &err);
    check(bench->row->finish(session, &sink, &err), &err);
    assert_int_equal(bench->runs, repeats);
}

static void plain_runs_tell_time_memory_and_cache(void **state) {
    struct bench *bench = needs_runtime(state);
    struct collect_config config = config_of(bench, DTYPE_FLOAT16, 3, DIMS(1, 300, 2));
    run(bench, &config, 3);
    static const enum metric told[] = {
        METRIC_WALL_NS,      METRIC_CPU_NS,         METRIC_LIBRARY_LOAD_NS,  METRIC_LOAD_NS,
        METRIC_FIRST_RUN_NS, METRIC_BASELINE_BYTES, METRIC_LOADED_BYTES,     METRIC_PEAK_BYTES,
        METRIC_FILE_READ_NS, METRIC_RESIDENT_BYTES, METRIC_PROCESS_START_NS, METRIC_LIBRARY_BYTES};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (!(bench->sums[told[i]] > 0))
            fail_msg("%s", metric_info(told[i])->name);
    assert_int_equal(bench->op_samples, 0);
    /* 3 layers of 2 heads; 301 tokens of each sequence need 512 cells. */
    const struct decoder decoder = {.kv_heads = 6, .key_width = 16, .value_width = 16};
    assert_true(bench->sums[METRIC_CACHE_BYTES] ==
                (double)decoder_cache_bytes(&decoder, 2, decoder_cells(301), DTYPE_FLOAT16));
}

static void hooked_runs_time_every_node_but_views(void **state) {
    struct bench *bench = needs_runtime(state);
    struct collect_config config = config_of(bench, DTYPE_Q8_0, 3, DIMS(16, 3, 2));
    struct graph *graph = lowered(bench, &config);
    struct flat_graph flat;
    struct err err = {0};
    check(flat_graph_build(&bench->arena, graph, &flat, &err), &err);
    config.hooked = &flat;
    config.events = (const char *const[]){"page-faults", "no-such-event"};
    config.event_count = 2;
    run(bench, &config, 2);
    double sum = 0;
    for (uint32_t i = 0; i < flat.count; i++) {
        const struct op_kind *kind = op_kind_find("ggml", flat.ops[i].op->type);
        assert_int_equal(bench->of_ops[i] > 0, kind->family != FAMILY_METADATA);
        sum += bench->of_ops[i];
    }
    assert_true(sum < bench->sums[METRIC_WALL_NS]);
}

static void another_lowering_is_noticed(void **state) {
    struct bench *bench = needs_runtime(state);
    struct collect_config config = config_of(bench, DTYPE_FLOAT16, 0, NULL);
    struct graph *graph = lowered(bench, &config);
    struct flat_graph flat;
    struct collect_session *session;
    struct sink sink = {take, bench};
    struct err err = {0};
    graph->op_count--;
    check(flat_graph_build(&bench->arena, graph, &flat, &err), &err);
    config.hooked = &flat;
    assert_int_equal(bench->row->open(&bench->arena, &config, &sink, &session, &err),
                     -ERR_ENVIRONMENT);
    assert_non_null(strstr(err.message, "not those of the lowered graph"));
}

static void every_random_type_runs(void **state) {
    struct bench *bench = needs_runtime(state);
    const char *type;
    for (size_t i = 0; (type = gguf_random_type(i)); i++) {
        struct collect_config config = config_of(bench, dtype_by_name(type), 0, NULL);
        run(bench, &config, 1);
    }
}

/* ---- refusals --------------------------------------------------------------------------------
 */

static void a_model_without_its_tensors_is_refused_with_the_runtimes_reason(void **state) {
    struct bench *bench = needs_runtime(state);
    struct gguf_writer writer;
    struct err err = {0};
    gguf_writer_init(&writer, &bench->arena);
    gguf_put_text(&writer, "general.architecture", "llama");
    check(gguf_write_file(&writer, 1, bench->path, &err), &err);
    gguf_writer_done(&writer);
    struct collect_config config = {.model_path = bench->path, .threads = 1};
    struct graph *graph;
    assert_int_equal(bench->row->lower(&bench->arena, &config, &graph, &err), -ERR_INPUT);
    assert_non_null(strstr(err.message, bench->path));
    assert_non_null(strstr(err.message, "llama.cpp cannot load the model: "));
}

static void a_library_that_is_no_llama_is_refused(void **state) {
    struct bench *bench = needs_runtime(state);
    const char *name, *version;
    struct err err = {0};
    setenv("ASSAY_LLAMA_LIBRARY", "/nowhere/libllama.so", 1);
    assert_int_equal(bench->row->version(&bench->arena, &name, &version, &err), -ERR_ENVIRONMENT);
    assert_non_null(strstr(err.message, "cannot load llama.cpp"));
    Dl_info info;
    double (*function)(double) = cbrt;
    void *pointer;
    memcpy(&pointer, &function, sizeof pointer);
    assert_true(dladdr(pointer, &info) != 0);
    setenv("ASSAY_LLAMA_LIBRARY", info.dli_fname, 1);
    err = (struct err){0};
    assert_int_equal(bench->row->version(&bench->arena, &name, &version, &err), -ERR_ENVIRONMENT);
    assert_non_null(strstr(err.message, "has no function"));
    unsetenv("ASSAY_LLAMA_LIBRARY");
}

static void sizes_out_of_range_are_refused(void **state) {
    struct bench *bench = needs_runtime(state);
    struct graph *graph;
    struct err err = {0};
    struct collect_config config = config_of(bench, DTYPE_FLOAT16, 3, DIMS(1, 0, 65));
    assert_int_equal(bench->row->lower(&bench->arena, &config, &graph, &err), -ERR_USAGE);
    assert_non_null(strstr(err.message, "batch is 65, expected 1 to 64"));
}

/* ---- the reader beside gguf.cpp --------------------------------------------------------------
 */

struct gguf_params {
    bool no_alloc;
    void **context;
};

enum { MUTANTS = 400, ACCEPTED = 17, REFUSED = 18 };

/* In a process of its own, for it may crash. */
static int theirs(void *(*init)(const char *, struct gguf_params), const char *path) {
    pid_t child = fork();
    if (child == 0 && freopen("/dev/null", "w", stderr))
        _exit(init(path, (struct gguf_params){true, NULL}) ? ACCEPTED : REFUSED);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void mutate(struct rng *rng, unsigned char *bytes, uint64_t length) {
    uint64_t changes = 1 + rng_below(rng, 3);
    for (uint64_t i = 0; i < changes; i++)
        bytes[rng_below(rng, length)] =
            (unsigned char)(rng_below(rng, 2) ? rng_next(rng) : rng_below(rng, 4));
}

static void what_we_read_gguf_cpp_reads_too(void **state) {
    struct bench *bench = needs_runtime(state);
    struct llama_location location;
    struct file_map map;
    struct err err = {0};
    check(llama_locate(&bench->arena, &location, &err), &err);
    void *library = dlopen(location.library, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library ? dlsym(library, "gguf_init_from_file") : NULL;
    if (!symbol) {
        print_message("skip: %s has no reader of GGUF files to compare with\n", location.library);
        skip();
    }
    void *(*init)(const char *, struct gguf_params);
    memcpy(&init, &symbol, sizeof init);
    const struct zoo_gguf_config small = {"s", 1, 32, 1, 1, 32, 4, 64, 1e4f, 0};
    check(zoo_write_gguf_of(&small, DTYPE_Q4_0, 1, bench->path, &err), &err);
    assert_int_equal(theirs(init, bench->path), ACCEPTED);
    check(file_map_open(&map, bench->path, &err), &err);
    unsigned char *bytes = arena_alloc(&bench->arena, map.size);
    struct rng rng;
    rng_init(&rng, 1);
    uint32_t read = 0;
    for (int i = 0; i < MUTANTS; i++) {
        struct model model;
        memcpy(bytes, map.bytes, map.size);
        mutate(&rng, bytes, 1200); /* the tables */
        err = (struct err){0};
        if (gguf_read_bytes(&bench->arena, bytes, map.size, "mutant", &model, &err))
            continue;
        read++;
        check(file_replace(bench->path, bytes, map.size, &err), &err);
        if (theirs(init, bench->path) != ACCEPTED)
            fail_msg("mutant %d is read here and not there", i);
    }
    file_map_close(&map);
    assert_true(read > MUTANTS / 20 && read < MUTANTS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_version_is_told, start, stop),
        cmocka_unit_test_setup_teardown(every_node_is_shown_with_shapes_and_types, start, stop),
        cmocka_unit_test_setup_teardown(what_is_shown_survives_being_stored, start, stop),
        cmocka_unit_test_setup_teardown(large_batches_come_in_pieces, start, stop),
        cmocka_unit_test_setup_teardown(plain_runs_tell_time_memory_and_cache, start, stop),
        cmocka_unit_test_setup_teardown(hooked_runs_time_every_node_but_views, start, stop),
        cmocka_unit_test_setup_teardown(another_lowering_is_noticed, start, stop),
        cmocka_unit_test_setup_teardown(every_random_type_runs, start, stop),
        cmocka_unit_test_setup_teardown(
            a_model_without_its_tensors_is_refused_with_the_runtimes_reason, start, stop),
        cmocka_unit_test_setup_teardown(a_library_that_is_no_llama_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(sizes_out_of_range_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(what_we_read_gguf_cpp_reads_too, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
