#include "collectors/onnxruntime/memory_pass.h"

#include "collectors/onnxruntime/memory_brackets.h"
#include "collectors/onnxruntime/memory_frame.h"
#include "collectors/own_process.h"

#include <dlfcn.h>
#include <string.h>
#include <time.h>

enum { LATER_RUNS = 3 };

struct memory_pass {
    struct host *host;
    struct heap_link heap;
    struct holdings holdings;
    struct high_water water;
    struct counting_allocator allocator;
    struct memory_brackets brackets;
    struct memory_use use;
    double most_at_line; /* the high water when the runtime told its last line */
};

static const enum loading_phase phases[LOAD_PHASE_COUNT] = {
    [LOAD_READ_PARSE] = LOADING_READ,
    [LOAD_OPTIMISE] = LOADING_OPTIMISE,
    [LOAD_REORDER] = LOADING_REORDER,
    [LOAD_PREPACK] = LOADING_PACK,
};

/* ---- while loading ----------------------------------------------------------------------------
 */

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* A line tells what the time before it went to: the water that rose meanwhile too. */
static void end_interval(struct memory_pass *pass, const double *ns_before) {
    high_water_look(&pass->water);
    if (pass->water.most_bytes <= pass->most_at_line)
        return;
    pass->most_at_line = pass->water.most_bytes;
    for (int i = 0; i < LOAD_PHASE_COUNT; i++)
        if (pass->host->phases.ns[i] > ns_before[i])
            pass->use.phase = phases[i];
}

static void on_line(void *context, int severity, const char *category, const char *id,
                    const char *location, const char *message) {
    (void)severity, (void)category, (void)id, (void)location;
    struct memory_pass *pass = context;
    double before[LOAD_PHASE_COUNT];
    memcpy(before, pass->host->phases.ns, sizeof before);
    load_phases_line(&pass->host->phases, message, now_ns());
    end_interval(pass, before);
}

static void before_release(void *context) {
    high_water_look(context);
}

/* ---- while running ----------------------------------------------------------------------------
 */

static void on_start(void *context) {
    memory_brackets_start(context);
}

static void on_stop(void *context) {
    memory_brackets_stop(context);
}

static void on_named(void *context, const struct hook_event *event) {
    memory_brackets_name(context, event);
}

/* ---- the pass ---------------------------------------------------------------------------------
 */

static int connect_heap(struct memory_pass *pass, struct err *err) {
    heap_connect connect;
    void *symbol = dlsym(RTLD_DEFAULT, "assay_heap_connect");
    memcpy(&connect, &symbol, sizeof connect);
    pass->heap.size = sizeof pass->heap;
    pass->heap.context = &pass->water;
    if (!symbol || connect(&pass->heap))
        return err_set(err, ERR_ENVIRONMENT,
                       "memory cannot be looked into: libassay-heap.so does not work with this C "
                       "library or does not belong to this version of Assay");
    int code = holdings_open(&pass->holdings, &pass->heap, err);
    high_water_init(&pass->water, &pass->holdings);
    return code;
}

static void note(struct memory_pass *pass, enum memory_moment moment) {
    high_water_look(&pass->water);
    holdings_split(&pass->holdings, &pass->use.at[moment]);
}

static int make_options(struct memory_pass *pass, struct ort_options **options, struct err *err) {
    struct host *host = pass->host;
    int code = host_make_options(host, ORT_LEVEL_ALL, options, err);
    if (code)
        return code;
    memory_brackets_init(&pass->brackets, &host->arena, host->request.ops, host->request.op_count);
    pass->brackets.allocator = &pass->allocator;
    pass->brackets.heap = &pass->heap;
    pass->brackets.water = &pass->water;
    host->link.context = &pass->brackets;
    host->link.start = on_start;
    host->link.stop = on_stop;
    host->link.named = on_named;
    code = host_give_weights(host, *options, err);
    if (!code)
        code = host_hook_runs(host, *options, err);
    if (!code)
        code = host_hear_loading(host, *options, on_line, pass, err);
    if (!code)
        code =
            api_check(&host->api,
                      host->api.AddSessionConfigEntry(*options, "session.use_env_allocators", "1"),
                      ERR_ENVIRONMENT, "counting what is allocated", err);
    if (code)
        host->api.ReleaseSessionOptions(*options);
    return code;
}

static int load(struct memory_pass *pass, struct err *err) {
    struct host *host = pass->host;
    struct ort_options *options;
    int code = make_options(pass, &options, err);
    if (code)
        return code;
    note(pass, MEMORY_STARTED);
    pass->heap.purpose = HEAP_LOADING;
    pass->heap.before_release = before_release;
    load_phases_begin(&host->phases, now_ns());
    code = api_check(&host->api,
                     host->api.CreateSession(host->env, host->request.config.model_path, options,
                                             &host->session),
                     ERR_INPUT, host->request.config.model_path, err);
    double before[LOAD_PHASE_COUNT];
    memcpy(before, host->phases.ns, sizeof before);
    load_phases_end(&host->phases, now_ns());
    end_interval(pass, before);
    pass->heap.purpose = HEAP_OTHER;
    host->api.ReleaseSessionOptions(options);
    pass->use.loading_high_water_bytes = own_memory_bytes("VmHWM");
    note(pass, MEMORY_LOADED);
    return code;
}

static int run(struct memory_pass *pass, struct err *err) {
    struct host *host = pass->host;
    double before = (double)pass->heap.allocated_bytes - (double)pass->heap.freed_bytes;
    int code = feeds_open(&host->feeds, &host->arena, &host->api, host->session,
                          &host->request.config, err);
    pass->use.feed_bytes =
        (double)pass->heap.allocated_bytes - (double)pass->heap.freed_bytes - before;
    if (!code)
        code = host_run_once(host, err);
    memory_brackets_end(&pass->brackets);
    feeds_release_outputs(&host->feeds, &host->api);
    note(pass, MEMORY_FIRST_RUN);
    pass->water.now = (struct high_water_owner){OWNER_LATER, 0};
    for (int i = 0; !code && i < LATER_RUNS; i++) {
        code = host_run_once(host, err);
        high_water_look(&pass->water);
        feeds_release_outputs(&host->feeds, &host->api);
    }
    note(pass, MEMORY_LATER);
    return code;
}

static void conclude(struct memory_pass *pass) {
    struct memory_use *use = &pass->use;
    use->high_water_bytes = own_memory_bytes("VmHWM");
    use->at[MEMORY_PEAK] = pass->water.parts;
    use->owner = pass->water.owner.kind;
    use->owner_op = use->owner == OWNER_OPERATOR
                        ? memory_brackets_op(&pass->brackets, pass->water.owner.which)
                        : GRAPH_NONE;
    use->steps = pass->brackets.steps;
    use->step_count = pass->brackets.step_count;
}

int host_look_into_memory(struct host *host, struct strbuf *out, struct err *err) {
    struct memory_pass *pass = ARENA_NEW(&host->arena, struct memory_pass);
    pass->host = host;
    int code = host_load(host, err);
    if (!code)
        code = connect_heap(pass, err);
    if (!code)
        code =
            counting_allocator_register(&pass->allocator, &host->api, host->env, &pass->heap, err);
    if (!code)
        code = load(pass, err);
    if (!code)
        code = run(pass, err);
    if (code)
        return code;
    conclude(pass);
    memory_frame_put(out, &pass->use);
    return 0;
}
