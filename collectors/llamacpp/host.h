/* The worker's side: llama.cpp loaded, one model and one context opened, batches decoded and
 * measured. Dimensions of the request: "tokens" of each sequence in the batch (1), "past" tokens of
 * each in the cache before it (0), "batch" sequences (1). */
#ifndef ASSAY_COLLECTORS_LLAMACPP_HOST_H
#define ASSAY_COLLECTORS_LLAMACPP_HOST_H

#include "collectors/llamacpp/nodes.h"
#include "collectors/llamacpp/show.h"
#include "collectors/request.h"

enum { LOG_BYTES = 512 };

struct llama_host {
    struct arena arena;
    struct llama_api api;
    struct request request;
    int32_t tokens, past, sequences;
    struct llama_model *model;
    struct llama_context *context;
    struct foreign batch;
    struct nodes nodes;
    struct counters counters;
    bool has_counters;
    double starting_ns;  /* that the process took to start; 0: not known */
    uint32_t repeat;     /* runs so far, the first one of open not counted */
    char log[LOG_BYTES]; /* the first error of the runtime, or its last warning */
    bool has_error;
};

/* At once when the process has started; `started` is the worker's argument, NULL: none. */
void llama_host_init(struct llama_host *host, const char *started);

/* Loads the library, the model and the context, fills the cache and runs once. Puts the cold
 * samples. */
int llama_host_open(struct llama_host *host, struct sink *sink, struct err *err);
int llama_host_run(struct llama_host *host, struct sink *sink, struct err *err);
/* Puts memory: the process' first, then what the cache takes, for which another context is made. */
int llama_host_finish(struct llama_host *host, struct sink *sink, struct err *err);

/* Loads and runs once, to see what runs. */
int llama_host_lower(struct llama_host *host, struct graph **graph, struct err *err);

#endif
