/* The plug-in execution provider: see hook.h.
 *
 * Layouts are those of onnxruntime_ep_c_api.h as of API 29: OrtEpFactory, OrtEp,
 * OrtEpProfilerImpl, OrtDataTransferImpl are structs of a version number and function pointers,
 * only ever appended to; a NULL pointer is "not implemented" except where noted. Members that we
 * leave NULL are declared as plain `absent` slots.
 */
#include "collectors/onnxruntime/hook.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef void (*absent)(void);

struct data_transfer {
    uint32_t version;
    void (*release)(struct data_transfer *);
    bool (*can_copy)(const struct data_transfer *, const void *from, const void *to);
    struct ort_status *(*copy)(struct data_transfer *, const struct ort_value **from,
                               struct ort_value **to, void **streams, size_t count);
};

struct profiler {
    uint32_t version;
    void (*release)(struct profiler *);
    struct ort_status *(*start_profiling)(struct profiler *, int64_t offset_ns);
    struct ort_status *(*start_event)(struct profiler *, uint64_t id);
    struct ort_status *(*stop_event)(struct profiler *, uint64_t id, const void *event);
    struct ort_status *(*end_profiling)(struct profiler *, void *events);
};

struct provider {
    uint32_t version;
    const char *(*name)(const struct provider *);
    struct ort_status *(*capability)(struct provider *, const struct ort_graph *, void *support);
    struct ort_status *(*compile)(struct provider *, const struct ort_graph **,
                                  const struct ort_node **, size_t, void **, struct ort_node **);
    void (*release_compiled)(struct provider *, void **, size_t);
    absent layout[2], dynamic_options, run_start, run_end, allocator, stream, compatibility;
    absent kernel_registry, concurrent_run, sync;
    struct ort_status *(*create_profiler)(struct provider *, struct profiler **);
    absent later[12];
};

struct factory {
    uint32_t version;
    const char *(*name)(const struct factory *);
    const char *(*vendor)(const struct factory *);
    struct ort_status *(*devices)(struct factory *, const void *const *hardware, size_t count,
                                  struct ort_ep_device **, size_t max, size_t *made);
    struct ort_status *(*create)(struct factory *, const void *const *hardware,
                                 const void *const *metadata, size_t count,
                                 const struct ort_options *, const void *logger,
                                 struct provider **);
    void (*release)(struct factory *, struct provider *);
    uint32_t (*vendor_id)(const struct factory *);
    const char *(*release_name)(const struct factory *);
    absent validate_compiled, create_allocator, release_allocator;
    struct ort_status *(*create_data_transfer)(struct factory *, struct data_transfer **);
    bool (*is_stream_aware)(const struct factory *);
    absent later[12];
};

/* The functions of OrtEpApi that we call, by their place in it. */
enum {
    EP_CREATE_DEVICE = 0,
    EP_EVENT_CATEGORY = 67,
    EP_EVENT_NAME = 68,
    EP_EVENT_DURATION = 70,
    EP_EVENT_ARGUMENT = 71
};

typedef struct ort_status *(*ep_create_device)(struct factory *, const void *hardware,
                                               const void *metadata, const void *options,
                                               struct ort_ep_device **);
typedef struct ort_status *(*ep_event_category)(const void *event, int *category);
typedef struct ort_status *(*ep_event_name)(const void *event, const char **name);

typedef struct ort_status *(*ep_event_duration)(const void *event, int64_t *duration_us);
typedef struct ort_status *(*ep_event_argument)(const void *event, const char *key,
                                                const char **value);

struct plug_in {
    struct factory factory; /* first: the runtime hands it back */
    const struct hook_link *link;
    ep_create_device create_device;
    ep_event_category event_category;
    ep_event_name event_name;
    ep_event_duration event_duration;
    ep_event_argument event_argument;
    struct data_transfer transfer;
};

struct hook_provider {
    struct provider provider;
    struct plug_in *plug_in;
};

struct hook_profiler {
    struct profiler profiler;
    struct plug_in *plug_in;
};

/* ---- profiler ---------------------------------------------------------------------------------
 */

static void profiler_release(struct profiler *profiler) {
    free(profiler);
}

static struct ort_status *profiler_start_profiling(struct profiler *profiler, int64_t offset_ns) {
    (void)profiler;
    (void)offset_ns;
    return NULL;
}

static struct ort_status *profiler_start_event(struct profiler *profiler, uint64_t id) {
    (void)id;
    const struct hook_link *link = ((struct hook_profiler *)profiler)->plug_in->link;
    link->start(link->context);
    return NULL;
}

static const char *event_argument(const struct hook_event *event, const char *key) {
    const struct plug_in *plug_in = event->source;
    const char *value = NULL;
    struct ort_status *status = plug_in->event_argument(event->handle, key, &value);
    if (status)
        plug_in->link->api->ReleaseStatus(status);
    return status ? NULL : value;
}

static struct ort_status *profiler_stop_event(struct profiler *profiler, uint64_t id,
                                              const void *handle) {
    (void)id;
    const struct plug_in *plug_in = ((struct hook_profiler *)profiler)->plug_in;
    const struct hook_link *link = plug_in->link;
    link->stop(link->context);
    struct hook_event event = {
        .name = "", .argument = event_argument, .handle = handle, .source = plug_in};
    int category = HOOK_SESSION;
    struct ort_status *status = plug_in->event_category(handle, &category);
    if (!status)
        status = plug_in->event_name(handle, &event.name);
    if (!status)
        status = plug_in->event_duration(handle, &event.duration_us);
    event.category = (enum hook_category)category;
    if (!status)
        link->named(link->context, &event);
    return status;
}

static struct ort_status *profiler_end(struct profiler *profiler, void *events) {
    (void)profiler;
    (void)events;
    return NULL;
}

/* ---- provider ---------------------------------------------------------------------------------
 */

static const char *provider_name(const struct provider *provider) {
    (void)provider;
    return HOOK_NAME;
}

static struct ort_status *provider_capability(struct provider *provider,
                                              const struct ort_graph *graph, void *support) {
    (void)support;
    const struct hook_link *link = ((struct hook_provider *)provider)->plug_in->link;
    const char *refusal = link->graph ? link->graph(link->context, graph) : NULL;
    return refusal ? link->api->CreateStatus(1, refusal) : NULL;
}

static struct ort_status *provider_compile(struct provider *provider,
                                           const struct ort_graph **graphs,
                                           const struct ort_node **nodes, size_t count,
                                           void **compiled, struct ort_node **contexts) {
    (void)graphs;
    (void)nodes;
    (void)count;
    (void)compiled;
    (void)contexts;
    const struct hook_link *link = ((struct hook_provider *)provider)->plug_in->link;
    return link->api->CreateStatus(1, HOOK_NAME " claims no operator and compiles none");
}

static void provider_release_compiled(struct provider *provider, void **compiled, size_t count) {
    (void)provider;
    (void)compiled;
    (void)count;
}

static struct ort_status *provider_create_profiler(struct provider *provider,
                                                   struct profiler **out) {
    struct plug_in *plug_in = ((struct hook_provider *)provider)->plug_in;
    struct hook_profiler *made = calloc(1, sizeof *made);
    if (!made)
        return plug_in->link->api->CreateStatus(1, "out of memory");
    made->profiler = (struct profiler){
        .version = plug_in->factory.version,
        .release = profiler_release,
        .start_profiling = profiler_start_profiling,
        .start_event = profiler_start_event,
        .stop_event = profiler_stop_event,
        .end_profiling = profiler_end,
    };
    made->plug_in = plug_in;
    *out = &made->profiler;
    return NULL;
}

/* ---- factory ----------------------------------------------------------------------------------
 */

static const char *factory_name(const struct factory *factory) {
    (void)factory;
    return HOOK_NAME;
}

static const char *factory_vendor(const struct factory *factory) {
    (void)factory;
    return "Assay";
}

static uint32_t factory_vendor_id(const struct factory *factory) {
    (void)factory;
    return 0;
}

static const char *factory_release_name(const struct factory *factory) {
    (void)factory;
    return ASSAY_VERSION;
}

/* One device: the first CPU. */
static struct ort_status *factory_devices(struct factory *factory, const void *const *hardware,
                                          size_t count, struct ort_ep_device **devices, size_t max,
                                          size_t *made) {
    const struct plug_in *plug_in = (struct plug_in *)factory;
    *made = 0;
    for (size_t i = 0; i < count && max > 0; i++) {
        if (plug_in->link->api->HardwareDevice_Type(hardware[i]) != 0)
            continue;
        struct ort_status *status =
            plug_in->create_device(factory, hardware[i], NULL, NULL, &devices[0]);
        *made = status ? 0 : 1;
        return status;
    }
    return NULL;
}

static struct ort_status *factory_create(struct factory *factory, const void *const *hardware,
                                         const void *const *metadata, size_t count,
                                         const struct ort_options *options, const void *logger,
                                         struct provider **out) {
    (void)hardware;
    (void)metadata;
    (void)count;
    (void)options;
    (void)logger;
    struct plug_in *plug_in = (struct plug_in *)factory;
    struct hook_provider *made = calloc(1, sizeof *made);
    if (!made)
        return plug_in->link->api->CreateStatus(1, "out of memory");
    made->provider = (struct provider){
        .version = factory->version,
        .name = provider_name,
        .capability = provider_capability,
        .compile = provider_compile,
        .release_compiled = provider_release_compiled,
        .create_profiler = provider_create_profiler,
    };
    made->plug_in = plug_in;
    *out = &made->provider;
    return NULL;
}

static void factory_release(struct factory *factory, struct provider *provider) {
    (void)factory;
    free(provider);
}

static void transfer_release(struct data_transfer *transfer) {
    (void)transfer; /* part of the plug-in */
}

static bool transfer_can_copy(const struct data_transfer *transfer, const void *from,
                              const void *to) {
    (void)transfer;
    (void)from;
    (void)to;
    return false;
}

static struct ort_status *transfer_copy(struct data_transfer *transfer,
                                        const struct ort_value **from, struct ort_value **to,
                                        void **streams, size_t count) {
    (void)transfer;
    (void)from;
    (void)to;
    (void)streams;
    (void)count;
    return NULL;
}

/* Documented as optional; the runtime calls it without looking (1.30). */
static struct ort_status *factory_create_data_transfer(struct factory *factory,
                                                       struct data_transfer **out) {
    struct plug_in *plug_in = (struct plug_in *)factory;
    plug_in->transfer = (struct data_transfer){
        .version = factory->version,
        .release = transfer_release,
        .can_copy = transfer_can_copy,
        .copy = transfer_copy,
    };
    *out = &plug_in->transfer;
    return NULL;
}

static bool factory_is_stream_aware(const struct factory *factory) {
    (void)factory;
    return false;
}

/* ---- entry points -----------------------------------------------------------------------------
 */

static const struct hook_link *connected;

EXPORT int assay_ort_hook_connect(const struct hook_link *link) {
    if (link->size != sizeof *link || link->api_size != sizeof *link->api)
        return -1;
    connected = link;
    return 0;
}

static void ep_function(const struct ort_ep_api *ep_api, size_t index, void *function) {
    memcpy(function, (const char *)ep_api + index * sizeof(void *), sizeof(void *));
}

struct ort_status *CreateEpFactories(const char *name, const struct api_base *base,
                                     const void *logger, struct factory **factories, size_t max,
                                     size_t *count);

EXPORT struct ort_status *CreateEpFactories(const char *name, const struct api_base *base,
                                            const void *logger, struct factory **factories,
                                            size_t max, size_t *count) {
    (void)name;
    (void)base;
    (void)logger;
    *count = 0;
    struct plug_in *made = connected && max ? calloc(1, sizeof *made) : NULL;
    if (!made)
        return NULL;
    made->link = connected;
    made->factory = (struct factory){
        .version = connected->api->version,
        .name = factory_name,
        .vendor = factory_vendor,
        .devices = factory_devices,
        .create = factory_create,
        .release = factory_release,
        .vendor_id = factory_vendor_id,
        .release_name = factory_release_name,
        .create_data_transfer = factory_create_data_transfer,
        .is_stream_aware = factory_is_stream_aware,
    };
    const struct ort_ep_api *ep_api = connected->api->GetEpApi();
    ep_function(ep_api, EP_CREATE_DEVICE, &made->create_device);
    if (connected->api->version >= API_VERSION_PROFILER) {
        ep_function(ep_api, EP_EVENT_CATEGORY, &made->event_category);
        ep_function(ep_api, EP_EVENT_NAME, &made->event_name);
        ep_function(ep_api, EP_EVENT_DURATION, &made->event_duration);
        ep_function(ep_api, EP_EVENT_ARGUMENT, &made->event_argument);
    }
    factories[0] = &made->factory;
    *count = 1;
    return NULL;
}

struct ort_status *ReleaseEpFactory(struct factory *factory);

EXPORT struct ort_status *ReleaseEpFactory(struct factory *factory) {
    free(factory);
    return NULL;
}
