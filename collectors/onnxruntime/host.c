#include "collectors/onnxruntime/host.h"

#include "collectors/own_process.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void put_known(struct sink *sink, uint32_t metric, double value) {
    if (value > 0)
        put_of_run(sink, metric, PHASE_COLD, 0, value);
}

void host_init(struct host *host, const char *started) {
    *host = (struct host){0};
    host->starting_ns = own_starting_ns(started);
    arena_init(&host->arena);
}

/* ---- options ----------------------------------------------------------------------------------
 */

int host_load(struct host *host, struct err *err) {
    int code = api_load(&host->api, host->request.library, err);
    if (code)
        return code;
    return api_check(&host->api, host->api.CreateEnv(ORT_LOG_ERROR, "assay", &host->env),
                     ERR_ENVIRONMENT, "starting ONNX Runtime", err);
}

static int bind_dims(struct host *host, struct ort_options *options, struct err *err) {
    const struct collect_config *config = &host->request.config;
    int code = 0;
    for (uint32_t i = 0; !code && i < config->dim_count; i++)
        code = api_check(&host->api,
                         host->api.AddFreeDimensionOverrideByName(options, config->dims[i].symbol,
                                                                  config->dims[i].size),
                         ERR_INPUT, config->dims[i].symbol, err);
    return code;
}

int host_make_options(struct host *host, int level, struct ort_options **options, struct err *err) {
    const struct api *api = &host->api;
    int code =
        api_check(api, api->CreateSessionOptions(options), ERR_ENVIRONMENT, "session options", err);
    if (code)
        return code;
    int threads = (int)host->request.config.threads;
    code = api_check(api, api->SetIntraOpNumThreads(*options, threads), ERR_USAGE, "threads", err);
    if (!code)
        code = api_check(api, api->SetInterOpNumThreads(*options, 1), ERR_USAGE, "threads", err);
    if (!code)
        code = api_check(api, api->SetSessionGraphOptimizationLevel(*options, level),
                         ERR_ENVIRONMENT, "optimisation level", err);
    if (!code)
        code = bind_dims(host, *options, err);
    if (code)
        api->ReleaseSessionOptions(*options);
    return code;
}

int host_give_weights(struct host *host, struct ort_options *options, struct err *err) {
    const char *folder = host->request.config.weights_folder;
    if (!folder)
        return 0;
    return api_check(&host->api,
                     host->api.AddSessionConfigEntry(
                         options, "session.model_external_initializers_file_folder_path", folder),
                     ERR_ENVIRONMENT, "setting the folder of the weights", err);
}

/* ---- the hook ---------------------------------------------------------------------------------
 */

static int connect_hook(struct host *host, struct err *err) {
    const char *path = host->request.hook;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return err_set(err, ERR_ENVIRONMENT, "cannot load the profiling hook: %s", dlerror());
    hook_connect connect;
    void *symbol = dlsym(library, "assay_ort_hook_connect");
    memcpy(&connect, &symbol, sizeof connect);
    host->link.size = sizeof host->link;
    host->link.api_size = sizeof host->api;
    host->link.api = &host->api;
    if (!symbol || connect(&host->link))
        return err_set(err, ERR_ENVIRONMENT, "%s does not belong to this version of Assay", path);
    return 0;
}

static const struct ort_ep_device *find_device(struct host *host) {
    const struct ort_ep_device *const *devices = NULL;
    size_t count = 0;
    struct ort_status *status = host->api.GetEpDevices(host->env, &devices, &count);
    if (status)
        host->api.ReleaseStatus(status);
    for (size_t i = 0; i < count; i++)
        if (strcmp(host->api.EpDevice_EpName(devices[i]), HOOK_NAME) == 0)
            return devices[i];
    return NULL;
}

/* Once per process. */
static int register_hook(struct host *host, struct err *err) {
    if (host->link.size)
        return 0;
    int code = connect_hook(host, err);
    if (code)
        return code;
    return api_check(
        &host->api,
        host->api.RegisterExecutionProviderLibrary(host->env, HOOK_NAME, host->request.hook),
        ERR_ENVIRONMENT, "registering the profiling hook", err);
}

int host_append_hook(struct host *host, struct ort_options *options, struct err *err) {
    const struct api *api = &host->api;
    int code = register_hook(host, err);
    if (code)
        return code;
    const struct ort_ep_device *device = find_device(host);
    if (!device)
        return err_set(err, ERR_ENVIRONMENT, "ONNX Runtime %s offers the hook no device",
                       api->version_string);
    return api_check(api,
                     api->SessionOptionsAppendExecutionProvider_V2(options, host->env, &device, 1,
                                                                   NULL, NULL, 0),
                     ERR_ENVIRONMENT, "adding the profiling hook", err);
}

static void on_start(void *context) {
    brackets_start(context);
}

static void on_stop(void *context) {
    brackets_stop(context);
}

static void on_named(void *context, const struct hook_event *event) {
    brackets_name(context, event);
}

static int keep_profiling(struct host *host, struct ort_options *options, struct err *err) {
    const struct request *request = &host->request;
    if (!request->profile)
        return 0;
    const char *prefix = arena_printf(&host->arena, "%s/profile", request->scratch);
    return api_check(&host->api, host->api.EnableProfiling(options, prefix), ERR_ENVIRONMENT,
                     "enabling the profile", err);
}

/* Where no file can be made: the runtime goes on, and writes nothing down at the end of a run. */
static const char nowhere[] = "/dev/null/profile";

/* Of runs that stay silent whatever the session tells. */
static int make_run_options(struct host *host, struct err *err) {
    const struct api *api = &host->api;
    int code = api_check(api, api->CreateRunOptions(&host->run_options), ERR_ENVIRONMENT,
                         "run options", err);
    return code ? code
                : api_check(api,
                            api->RunOptionsSetRunLogSeverityLevel(host->run_options, ORT_LOG_ERROR),
                            ERR_ENVIRONMENT, "level of messages", err);
}

int host_hook_runs(struct host *host, struct ort_options *options, struct err *err) {
    if (host->api.version < API_VERSION_PROFILER)
        return err_set(err, ERR_ENVIRONMENT,
                       "ONNX Runtime %s cannot be hooked: operators are profiled from 1.%d on",
                       host->api.version_string, API_VERSION_PROFILER);
    int code = host_append_hook(host, options, err);
    if (code || host->request.profile)
        return code ? code : keep_profiling(host, options, err);
    code = make_run_options(host, err);
    return code ? code
                : api_check(&host->api,
                            host->api.RunOptionsEnableProfiling(host->run_options, nowhere),
                            ERR_ENVIRONMENT, "enabling the profile", err);
}

static int hook_brackets(struct host *host, struct ort_options *options, struct err *err) {
    const struct request *request = &host->request;
    brackets_init(&host->brackets, &host->arena, request->ops, request->op_count);
    host->brackets.counters = host->has_counters ? &host->counters : NULL;
    host->brackets.cpu = true;
    host->link.context = &host->brackets;
    host->link.start = on_start;
    host->link.stop = on_stop;
    host->link.named = on_named;
    return host_hook_runs(host, options, err);
}

/* ---- without the hook -------------------------------------------------------------------------
 */

static void on_line(void *context, int severity, const char *category, const char *id,
                    const char *location, const char *message) {
    (void)severity;
    (void)category;
    (void)id;
    (void)location;
    load_phases_line(context, message, clock_ns(CLOCK_MONOTONIC));
}

int host_hear_loading(struct host *host, struct ort_options *options, ort_log_function hear,
                      void *context, struct err *err) {
    const struct api *api = &host->api;
    int code = api_check(api, api->SetSessionLogSeverityLevel(options, ORT_LOG_INFO),
                         ERR_ENVIRONMENT, "level of messages", err);
    return code ? code
                : api_check(api, api->SetUserLoggingFunction(options, hear, context),
                            ERR_ENVIRONMENT, "receiving messages", err);
}

static int add_phases(struct host *host, struct ort_options *options, struct err *err) {
    if (host->api.version < API_VERSION_LOG)
        return 0;
    int code = make_run_options(host, err);
    if (!code)
        code = host_hear_loading(host, options, on_line, &host->phases, err);
    if (!code)
        load_phases_begin(&host->phases, clock_ns(CLOCK_MONOTONIC));
    return code;
}

/* ---- open -------------------------------------------------------------------------------------
 */

/* Counters are opened before the session, so that they see the threads it starts. Per operator
 * they count the executing thread, in groups; see count_threads(). */
static int open_counters(struct host *host, struct err *err) {
    const struct collect_config *config = &host->request.config;
    if (config->event_count == 0)
        return 0;
    host->has_counters = true;
    return counters_open_scope(&host->counters,
                               host->request.op_count ? COUNTERS_THREAD : COUNTERS_PROCESS,
                               config->events, config->event_count, err);
}

/* The runtime's own threads are there once the session is: each gets the same groups, so that an
 * operator's counts are those of all threads that worked on it, their waiting for it included. */
static void count_threads(struct host *host) {
    const struct collect_config *config = &host->request.config;
    if (host->has_counters && host->request.op_count && config->threads > 1)
        counters_open_others(&host->counters, &host->arena, config->events);
    brackets_calibrate(&host->brackets);
}

static int create_session(struct host *host, struct err *err) {
    const struct request *request = &host->request;
    struct ort_options *options;
    int code = host_make_options(host, ORT_LEVEL_ALL, &options, err);
    if (code)
        return code;
    code = host_give_weights(host, options, err);
    if (!code && !request->op_count)
        code = keep_profiling(host, options, err);
    if (!code)
        code =
            request->op_count ? hook_brackets(host, options, err) : add_phases(host, options, err);
    if (!code)
        code = api_check(
            &host->api,
            host->api.CreateSession(host->env, request->config.model_path, options, &host->session),
            ERR_INPUT, request->config.model_path, err);
    load_phases_end(&host->phases, clock_ns(CLOCK_MONOTONIC));
    host->api.ReleaseSessionOptions(options);
    return code;
}

int host_run_once(struct host *host, struct err *err) {
    struct feeds *feeds = &host->feeds;
    struct ort_status *status =
        host->api.Run(host->session, host->run_options, feeds->input_names,
                      (const struct ort_value *const *)feeds->inputs, feeds->input_count,
                      feeds->output_names, feeds->output_count, feeds->outputs);
    return api_check(&host->api, status, ERR_INPUT, host->request.config.model_path, err);
}

int host_open(struct host *host, struct sink *sink, struct err *err) {
    double start = clock_ns(CLOCK_MONOTONIC);
    int code = host_load(host, err);
    if (code)
        return code;
    double loaded = clock_ns(CLOCK_MONOTONIC);
    put_known(sink, METRIC_PROCESS_START_NS, host->starting_ns);
    put_of_run(sink, METRIC_LIBRARY_LOAD_NS, PHASE_COLD, 0, loaded - start);
    put_known(sink, METRIC_LIBRARY_BYTES,
              library_file_bytes(dlsym(host->api.library, "OrtGetApiBase")));
    put_of_run(sink, METRIC_BASELINE_BYTES, PHASE_COLD, 0, own_memory_bytes("VmRSS"));
    code = open_counters(host, err);
    if (code)
        return code;
    start = clock_ns(CLOCK_MONOTONIC);
    code = create_session(host, err);
    if (code)
        return code;
    put_of_run(sink, METRIC_LOAD_NS, PHASE_COLD, 0, clock_ns(CLOCK_MONOTONIC) - start);
    count_threads(host);
    put_of_run(sink, METRIC_LOADED_BYTES, PHASE_COLD, 0, own_memory_bytes("VmHWM"));
    load_phases_put(&host->phases, sink);
    code = feeds_open(&host->feeds, &host->arena, &host->api, host->session, &host->request.config,
                      err);
    if (code)
        return code;
    start = clock_ns(CLOCK_MONOTONIC);
    code = host_run_once(host, err);
    put_of_run(sink, METRIC_FIRST_RUN_NS, PHASE_COLD, 0, clock_ns(CLOCK_MONOTONIC) - start);
    feeds_release_outputs(&host->feeds, &host->api);
    if (!code && host->request.op_count)
        brackets_flush(&host->brackets, PHASE_COLD, 0, NULL);
    return code;
}

/* ---- run --------------------------------------------------------------------------------------
 */

static void put_counts(struct host *host, uint16_t phase, const struct counters_reading *before,
                       const struct counters_reading *after, struct sink *sink) {
    double values[METRIC_COUNTER_MAX], shares[METRIC_COUNTER_MAX];
    counters_difference(&host->counters, before, after, values);
    counters_running(&host->counters, before, after, shares);
    for (uint32_t i = 0; i < host->counters.opened_count; i++) {
        uint32_t asked = host->counters.opened[i].asked;
        put_of_run(sink, METRIC_COUNTER_FIRST + asked, phase, host->repeat, values[asked]);
        put_of_run(sink, METRIC_RUNNING_FIRST + asked, phase, host->repeat, shares[asked]);
    }
}

static int measure_run(struct host *host, struct sink *sink, struct err *err) {
    uint16_t phase = host->request.op_count ? PHASE_PROFILED : PHASE_PLAIN;
    struct counters_reading before, after;
    if (host->has_counters)
        counters_read(&host->counters, &before);
    double cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    double wall = clock_ns(CLOCK_MONOTONIC);
    int code = host_run_once(host, err);
    wall = clock_ns(CLOCK_MONOTONIC) - wall;
    cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    if (host->has_counters)
        counters_read(&host->counters, &after);
    feeds_release_outputs(&host->feeds, &host->api);
    if (code)
        return code;
    put_of_run(sink, METRIC_WALL_NS, phase, host->repeat, wall);
    put_of_run(sink, METRIC_CPU_NS, phase, host->repeat, cpu);
    if (host->has_counters)
        put_counts(host, phase, &before, &after, sink);
    if (host->request.op_count)
        brackets_flush(&host->brackets, phase, host->repeat, sink);
    host->repeat++;
    return 0;
}

int host_run(struct host *host, uint32_t repeats, struct sink *sink, struct err *err) {
    int code = host->session ? 0 : err_set(err, ERR_BUG, "no session is open");
    for (uint32_t i = 0; !code && i < repeats; i++)
        code = measure_run(host, sink, err);
    return code;
}

/* ---- finish -----------------------------------------------------------------------------------
 */

static int keep_profile(struct host *host, struct err *err) {
    struct ort_allocator *allocator;
    char *path;
    int code = api_check(&host->api, host->api.GetAllocatorWithDefaultOptions(&allocator),
                         ERR_ENVIRONMENT, "default allocator", err);
    if (!code)
        code = api_check(&host->api, host->api.SessionEndProfiling(host->session, allocator, &path),
                         ERR_ENVIRONMENT, "writing the profile", err);
    if (code)
        return code;
    const char *to = host->request.profile;
    if (rename(path, to))
        code = err_set_errno(err, ERR_ENVIRONMENT, "cannot move the profile %s to %s", path, to);
    return code;
}

int host_finish(struct host *host, struct sink *sink, struct err *err) {
    put_of_run(sink, METRIC_RESIDENT_BYTES, PHASE_COLD, 0, own_memory_bytes("VmRSS"));
    put_of_run(sink, METRIC_PEAK_BYTES, PHASE_COLD, 0, own_memory_bytes("VmHWM"));
    put_known(sink, METRIC_FILE_READ_NS, file_reading_ns(host->request.config.model_path));
    if (host->session && host->request.profile)
        return keep_profile(host, err);
    return 0;
}
