#include "collectors/llamacpp/host.h"

#include "base/rng.h"
#include "collectors/own_process.h"
#include "core/decoder.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_TOKENS = 2048, FILL_TOKENS = 512, LOG_WARNING = 3, LOG_CONTINUED = 5 };

void llama_host_init(struct llama_host *host, const char *started) {
    *host = (struct llama_host){.starting_ns = own_starting_ns(started)};
    arena_init(&host->arena);
}

/* ---- the request -----------------------------------------------------------------------------
 */

static int take_size(const struct llama_host *host, const char *symbol, int32_t absent,
                     int32_t most, int32_t *size, struct err *err) {
    const struct collect_config *config = &host->request.config;
    *size = absent;
    for (uint32_t i = 0; i < config->dim_count; i++) {
        if (strcmp(config->dims[i].symbol, symbol) != 0)
            continue;
        if (config->dims[i].size < absent || config->dims[i].size > most)
            return err_set(err, ERR_USAGE, "%s is %lld, expected %d to %d", symbol,
                           (long long)config->dims[i].size, absent, most);
        *size = (int32_t)config->dims[i].size;
    }
    return 0;
}

static int take_sizes(struct llama_host *host, struct err *err) {
    if (take_size(host, DECODER_TOKENS, 1, 1 << 20, &host->tokens, err) ||
        take_size(host, DECODER_PAST, 0, 1 << 20, &host->past, err) ||
        take_size(host, DECODER_BATCH, 1, 64, &host->sequences, err))
        return -(int)err->code;
    return 0;
}

/* ---- model and context -----------------------------------------------------------------------
 */

static void keep_log(int level, const char *text, void *data) {
    struct llama_host *host = data;
    size_t length = strcspn(text, "\n");
    if (level < LOG_WARNING || level >= LOG_CONTINUED || length == 0 || host->has_error)
        return;
    host->has_error = level > LOG_WARNING; /* those behind it only say that something failed */
    length = length < LOG_BYTES ? length : LOG_BYTES - 1;
    memcpy(host->log, text, length);
    host->log[length] = '\0';
}

static int refused(struct llama_host *host, const char *what, struct err *err) {
    return err_set(err, ERR_INPUT, "%s: llama.cpp %s%s%s", host->request.config.model_path, what,
                   host->log[0] ? ": " : "", host->log);
}

static int load_library(struct llama_host *host, struct err *err) {
    int code = llama_api_load(&host->api, host->request.library, err);
    if (code)
        return code;
    host->api.llama_log_set(keep_log, host);
    host->api.ggml_log_set(keep_log, host);
    return 0;
}

static int load_model(struct llama_host *host, struct err *err) {
    host->model = host->api.llama_model_load_from_file(host->request.config.model_path,
                                                       host->api.model_defaults);
    return host->model ? 0 : refused(host, "cannot load the model", err);
}

/* As a user gets it by default but for the sizes, which are as small as the request allows. */
static struct foreign context_params(struct llama_host *host, bool watched) {
    const struct params_layout *at = &host->api.params;
    struct foreign params = host->api.context_defaults;
    uint32_t cells = (uint32_t)decoder_cells((uint64_t)host->past + (uint64_t)host->tokens);
    uint32_t tokens = (uint32_t)(host->tokens * host->sequences);
    foreign_put_u32(&params, at->n_ctx, cells * (uint32_t)host->sequences);
    foreign_put_u32(&params, at->n_batch, tokens > BATCH_TOKENS ? tokens : BATCH_TOKENS);
    foreign_put_u32(&params, at->n_seq_max, (uint32_t)host->sequences);
    if (watched) {
        eval_callback *callback = nodes_callback;
        void *pointer;
        memcpy(&pointer, &callback, sizeof pointer);
        foreign_put_pointer(&params, at->cb_eval, pointer);
        foreign_put_pointer(&params, at->cb_eval_data, &host->nodes);
    }
    return params;
}

/* What went in must be what the context has, or it went to a wrong place. */
static int check_context(struct llama_host *host, struct err *err) {
    uint32_t wanted = (uint32_t)(host->tokens * host->sequences);
    if (host->api.llama_n_ctx(host->context) >= wanted &&
        host->api.llama_n_batch(host->context) >= wanted &&
        host->api.llama_n_seq_max(host->context) == (uint32_t)host->sequences)
        return 0;
    return err_set(err, ERR_ENVIRONMENT, "llama.cpp made a context of other sizes than asked for");
}

/* Without one of its own a context starts and ends threads for every graph. */
static void attach_threads(struct llama_host *host) {
    struct ggml_threadpool *(*new_pool)(void *params);
    struct foreign_pair params;
    struct err err = {0};
    int32_t threads = (int32_t)host->request.config.threads;
    host->api.llama_set_n_threads(host->context, threads, threads);
    void *reg = host->api.ggml_backend_reg_by_name("CPU");
    void *symbol =
        reg ? host->api.ggml_backend_reg_get_proc_address(reg, "ggml_threadpool_new") : NULL;
    if (threads < 2 || !symbol ||
        foreign_fetch(host->api.ggml_threadpool_params_default, threads, 0, 0, &params, &err))
        return;
    memcpy(&new_pool, &symbol, sizeof new_pool);
    struct ggml_threadpool *pool = new_pool(&params.first);
    if (pool)
        host->api.llama_attach_threadpool(host->context, pool, pool);
}

static int make_context(struct llama_host *host, bool watched, struct err *err) {
    host->nodes.api = &host->api;
    host->context = host->api.llama_init_from_model(host->model, context_params(host, watched));
    if (!host->context)
        return refused(host, "cannot make a context", err);
    attach_threads(host);
    return check_context(host, err);
}

/* ---- batches ---------------------------------------------------------------------------------
 */

static struct llama_batch_head *head_of(struct foreign *batch) {
    return (struct llama_batch_head *)batch;
}

static int make_batch(struct llama_host *host, struct err *err) {
    int32_t most = host->tokens * host->sequences;
    most = most > FILL_TOKENS ? most : FILL_TOKENS;
    return llama_api_batch(&host->api, most, &host->batch, err);
}

static void add_token(struct llama_batch_head *batch, int32_t token, int32_t position,
                      int32_t sequence, bool output) {
    int32_t i = batch->count++;
    batch->tokens[i] = token;
    batch->positions[i] = position;
    batch->sequence_counts[i] = 1;
    batch->sequences[i][0] = sequence;
    batch->outputs[i] = output;
}

static int32_t draw_token(struct rng *rng, const struct llama_host *host) {
    int32_t words = host->api.llama_vocab_n_tokens(host->api.llama_model_get_vocab(host->model));
    return words > 0 ? (int32_t)rng_below(rng, (uint64_t)words) : 0;
}

static int decode(struct llama_host *host, struct err *err) {
    int code = host->api.llama_decode(host->context, host->batch);
    host->api.llama_synchronize(host->context);
    if (code)
        return err_set(err, ERR_INPUT, "%s: llama.cpp cannot decode the batch (%d)%s%s",
                       host->request.config.model_path, code, host->log[0] ? ": " : "", host->log);
    return 0;
}

static int fill_sequence(struct llama_host *host, int32_t sequence, struct rng *rng,
                         struct err *err) {
    struct llama_batch_head *batch = head_of(&host->batch);
    int code = 0;
    for (int32_t at = 0; at < host->past && !code;) {
        batch->count = 0;
        while (at < host->past && batch->count < FILL_TOKENS)
            add_token(batch, draw_token(rng, host), at++, sequence, false);
        code = decode(host, err);
    }
    return code;
}

/* Puts `past` tokens of every sequence into the cache, and the batch that is measured together. */
static int prepare(struct llama_host *host, struct err *err) {
    struct llama_batch_head *batch = head_of(&host->batch);
    struct rng rng;
    rng_init(&rng, host->request.config.seed);
    for (int32_t s = 0; s < host->sequences; s++)
        if (fill_sequence(host, s, &rng, err))
            return -(int)err->code;
    batch->count = 0;
    for (int32_t s = 0; s < host->sequences; s++)
        for (int32_t t = 0; t < host->tokens; t++)
            add_token(batch, draw_token(&rng, host), host->past + t, s, t + 1 == host->tokens);
    return 0;
}

/* The cache as it was before the batch. */
static void take_back(struct llama_host *host) {
    struct llama_memory *memory = host->api.llama_get_memory(host->context);
    for (int32_t s = 0; memory && s < host->sequences; s++)
        host->api.llama_memory_seq_rm(memory, s, host->past, -1);
}

/* ---- open ------------------------------------------------------------------------------------
 */

static int open_counters(struct llama_host *host, struct err *err) {
    const struct collect_config *config = &host->request.config;
    if (config->event_count == 0)
        return 0;
    host->has_counters = true;
    return counters_open_scope(&host->counters,
                               host->request.op_count ? COUNTERS_THREAD : COUNTERS_PROCESS,
                               config->events, config->event_count, err);
}

static void expect_nodes(struct llama_host *host) {
    const struct request *request = &host->request;
    struct nodes *nodes = &host->nodes;
    const char **types = ARENA_ARRAY(&host->arena, request->op_count, const char *);
    for (uint32_t i = 0; i < request->op_count; i++)
        types[i] = request->ops[i].type;
    nodes->types = types;
    nodes->count = request->op_count;
    nodes->sums = ARENA_ARRAY(&host->arena, request->op_count, struct node_sum);
    nodes->counters = host->has_counters ? &host->counters : NULL;
    nodes->cpu_clock =
        request->config.threads > 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID;
}

static int check_nodes(const struct llama_host *host, struct err *err) {
    const struct nodes *nodes = &host->nodes;
    if (nodes->strangers == 0 && nodes->place == nodes->count)
        return 0;
    return err_set(err, ERR_ENVIRONMENT,
                   "llama.cpp computes %u nodes, of which %u are not those of the lowered graph, "
                   "which has %u",
                   nodes->place, nodes->strangers, nodes->count);
}

static int run_watched(struct llama_host *host, struct err *err) {
    host->nodes.mode = host->request.op_count ? NODES_MEASURE : NODES_PASS;
    host->nodes.place = 0;
    int code = decode(host, err);
    host->nodes.mode = NODES_PASS;
    return code;
}

static int first_run(struct llama_host *host, struct sink *sink, struct err *err) {
    double start = clock_ns(CLOCK_MONOTONIC);
    int code = run_watched(host, err);
    put_of_run(sink, METRIC_FIRST_RUN_NS, PHASE_COLD, 0, clock_ns(CLOCK_MONOTONIC) - start);
    take_back(host);
    if (!code && host->request.op_count) {
        code = check_nodes(host, err);
        nodes_flush(&host->nodes, PHASE_COLD, 0, NULL);
    }
    return code;
}

static int load_all(struct llama_host *host, struct sink *sink, struct err *err) {
    double start = clock_ns(CLOCK_MONOTONIC);
    int code = load_model(host, err);
    if (!code)
        code = make_context(host, host->request.op_count > 0, err);
    put_of_run(sink, METRIC_LOAD_NS, PHASE_COLD, 0, clock_ns(CLOCK_MONOTONIC) - start);
    put_of_run(sink, METRIC_LOADED_BYTES, PHASE_COLD, 0, own_memory_bytes("VmHWM"));
    return code;
}

static int open_library(struct llama_host *host, struct sink *sink, struct err *err) {
    double start = clock_ns(CLOCK_MONOTONIC);
    int code = load_library(host, err);
    if (code)
        return code;
    void *symbol;
    memcpy(&symbol, &host->api.llama_decode, sizeof symbol);
    double library = library_file_bytes(symbol);
    put_of_run(sink, METRIC_LIBRARY_LOAD_NS, PHASE_COLD, 0, clock_ns(CLOCK_MONOTONIC) - start);
    put_of_run(sink, METRIC_BASELINE_BYTES, PHASE_COLD, 0, own_memory_bytes("VmRSS"));
    if (host->starting_ns > 0)
        put_of_run(sink, METRIC_PROCESS_START_NS, PHASE_COLD, 0, host->starting_ns);
    if (library > 0)
        put_of_run(sink, METRIC_LIBRARY_BYTES, PHASE_COLD, 0, library);
    return 0;
}

int llama_host_open(struct llama_host *host, struct sink *sink, struct err *err) {
    if (take_sizes(host, err) || open_library(host, sink, err) || open_counters(host, err) ||
        load_all(host, sink, err))
        return -(int)err->code;
    expect_nodes(host);
    if (make_batch(host, err) || prepare(host, err))
        return -(int)err->code;
    return first_run(host, sink, err);
}

/* ---- run -------------------------------------------------------------------------------------
 */

static void put_counts(struct llama_host *host, enum run_phase phase,
                       const struct counters_reading *before, struct sink *sink) {
    struct counters_reading after;
    double values[METRIC_COUNTER_MAX];
    counters_read(&host->counters, &after);
    counters_difference(&host->counters, before, &after, values);
    for (uint32_t i = 0; i < host->counters.opened_count; i++) {
        uint32_t asked = host->counters.opened[i].asked;
        put_of_run(sink, METRIC_COUNTER_FIRST + asked, phase, host->repeat, values[asked]);
    }
}

int llama_host_run(struct llama_host *host, struct sink *sink, struct err *err) {
    if (!host->context)
        return err_set(err, ERR_BUG, "no session is open");
    enum run_phase phase = host->request.op_count ? PHASE_PROFILED : PHASE_PLAIN;
    struct counters_reading before;
    if (host->has_counters)
        counters_read(&host->counters, &before);
    double cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), wall = clock_ns(CLOCK_MONOTONIC);
    int code = run_watched(host, err);
    wall = clock_ns(CLOCK_MONOTONIC) - wall;
    cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    take_back(host);
    if (code)
        return code;
    put_of_run(sink, METRIC_WALL_NS, phase, host->repeat, wall);
    put_of_run(sink, METRIC_CPU_NS, phase, host->repeat, cpu);
    if (host->has_counters)
        put_counts(host, phase, &before, sink);
    nodes_flush(&host->nodes, phase, host->repeat, sink);
    host->repeat++;
    return 0;
}

/* ---- what runs -------------------------------------------------------------------------------
 */

static int show_run(struct llama_host *host, struct show *show, struct err *err) {
    show_init(show, &host->arena, &host->api);
    host->nodes.show = show_node;
    host->nodes.context = show;
    host->nodes.mode = NODES_SHOW;
    int code = decode(host, err);
    host->nodes.mode = NODES_PASS;
    show_end(show);
    if (!code && show->graph->op_count == 0)
        code = err_set(err, ERR_ENVIRONMENT, "llama.cpp did not call the evaluation callback");
    return code;
}

int llama_host_lower(struct llama_host *host, struct graph **graph, struct err *err) {
    struct show show;
    if (take_sizes(host, err) || load_library(host, err) || load_model(host, err) ||
        make_context(host, true, err) || make_batch(host, err) || prepare(host, err) ||
        show_run(host, &show, err))
        return -(int)err->code;
    *graph = show.graph;
    return 0;
}

/* ---- finish ----------------------------------------------------------------------------------
 */

/* The cache's tensors are seen when a token is decoded in a context of the same size. */
static int put_cache(struct llama_host *host, struct sink *sink, struct err *err) {
    struct show show;
    struct llama_batch_head *batch = head_of(&host->batch);
    host->api.llama_free(host->context);
    host->context = NULL;
    if (make_context(host, true, err))
        return -(int)err->code;
    batch->count = 0;
    add_token(batch, 0, 0, 0, true);
    if (show_run(host, &show, err))
        return -(int)err->code;
    put_of_run(sink, METRIC_CACHE_BYTES, PHASE_COLD, 0, show.cache_bytes);
    return 0;
}

int llama_host_finish(struct llama_host *host, struct sink *sink, struct err *err) {
    put_of_run(sink, METRIC_RESIDENT_BYTES, PHASE_COLD, 0, own_memory_bytes("VmRSS"));
    put_of_run(sink, METRIC_PEAK_BYTES, PHASE_COLD, 0, own_memory_bytes("VmHWM"));
    double reading = file_reading_ns(host->request.config.model_path);
    if (reading > 0)
        put_of_run(sink, METRIC_FILE_READ_NS, PHASE_COLD, 0, reading);
    return host->context && host->request.op_count == 0 ? put_cache(host, sink, err) : 0;
}
