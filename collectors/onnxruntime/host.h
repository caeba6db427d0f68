/* The worker's side: ONNX Runtime loaded, one session opened, run and measured. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_HOST_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_HOST_H

#include "collectors/counters.h"
#include "collectors/onnxruntime/api.h"
#include "collectors/onnxruntime/brackets.h"
#include "collectors/onnxruntime/feeds.h"
#include "collectors/onnxruntime/hook.h"
#include "collectors/onnxruntime/load_phases.h"
#include "collectors/request.h"

struct host {
    struct arena arena;
    struct api api;
    struct ort_env *env;
    struct request request;
    struct hook_link link;
    struct ort_session *session;
    struct ort_run_options *run_options; /* NULL: the runtime's own */
    struct load_phases phases;
    struct feeds feeds;
    struct brackets brackets;
    struct counters counters;
    bool has_counters;
    double starting_ns; /* that the process took to start; 0: not known */
    uint32_t repeat;    /* runs so far, the first one of open not counted */
};

/* At once when the process has started; `started` is the worker's argument, NULL: none. */
void host_init(struct host *host, const char *started);

/* Loads the library that host->request names and makes its environment. */
int host_load(struct host *host, struct err *err);

/* Session options as a default user gets them, but for the request's threads and dimensions.
 * Free with api.ReleaseSessionOptions. */
int host_make_options(struct host *host, int level, struct ort_options **options, struct err *err);
/* Tells the options where the external weights are. */
int host_give_weights(struct host *host, struct ort_options *options, struct err *err);
/* Registers the hook with the runtime and appends it to the options. The link is filled by the
 * caller, but for its size and api. */
int host_append_hook(struct host *host, struct ort_options *options, struct err *err);
/* The same, and every run calls it: a profile per run, since the runtime keeps 2.5 kB per event
 * until a profile ends, unless one of the whole session is to be kept. */
int host_hook_runs(struct host *host, struct ort_options *options, struct err *err);
/* What the session tells of itself while it is made; its runs stay silent. */
int host_hear_loading(struct host *host, struct ort_options *options, ort_log_function hear,
                      void *context, struct err *err);
/* host->feeds through host->session. */
int host_run_once(struct host *host, struct err *err);

/* Loads, opens the session of host->request and runs it once. Puts the cold samples. */
int host_open(struct host *host, struct sink *sink, struct err *err);
int host_run(struct host *host, uint32_t repeats, struct sink *sink, struct err *err);
/* Puts peak and resident memory; keeps the runtime's profile if that was asked for. */
int host_finish(struct host *host, struct sink *sink, struct err *err);

#endif
