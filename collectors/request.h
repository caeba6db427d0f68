/* What the program asks of a worker, and the kinds of frames both exchange. */
#ifndef ASSAY_COLLECTORS_REQUEST_H
#define ASSAY_COLLECTORS_REQUEST_H

#include "collectors/collector.h"
#include "collectors/frame.h"
#include "collectors/worker.h"

#include <stdint.h>

enum request_kind {
    REQUEST_VERSION = WORKER_KIND_FIRST, /* request -> REPLY_TEXT: version of the runtime */
    REQUEST_LOWER,                       /* request -> REPLY_GRAPH */
    REQUEST_OPEN,                        /* request -> REPLY_TEXT per missing event, samples */
    REQUEST_RUN,                         /* u32 repeats -> samples */
    REQUEST_FINISH,                      /* -> samples */
    REQUEST_MEMORY,                      /* request -> REPLY_MEMORY */
    REPLY_TEXT,
    REPLY_SAMPLES, /* struct sample, as many as fit */
    REPLY_GRAPH,
    REPLY_MEMORY,
};

/* An operator of the lowered graph as the worker needs it: to know it when the runtime names it. */
struct request_op {
    const char *name; /* as in the graph, may be "" */
    const char *type;
    uint64_t identity; /* identity_of_op() */
};

struct request {
    const char *library; /* path of ONNX Runtime; NULL: the loader's search */
    const char *hook;    /* path of libassay-ort-hook.so; NULL: not needed */
    const char *scratch; /* a folder for files that the runtime insists on */
    const char *profile; /* where to keep the runtime's own profile; NULL: nowhere */
    /* Weights are in files in config.weights_folder, or beside the model; slots are not sent, and
     * `hooked` stands in ops. */
    struct collect_config config;
    struct request_op *ops; /* of the hooked graph, flat */
    uint32_t op_count;      /* 0: no hooks */
};

void request_put(struct strbuf *out, const struct request *request);
/* Everything read lives in the arena. ERR_BUG when the bytes are not a request. */
int request_get(struct frame_cursor *in, struct arena *arena, struct request *request,
                struct err *err);

#endif
