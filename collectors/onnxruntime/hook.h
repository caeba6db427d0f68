/* Between the worker and the hook, a plug-in execution provider (libassay-ort-hook.so) that takes
 * no operator but is told by the runtime when each one starts and stops, and is shown the graph.
 *
 * The worker loads the library and calls assay_ort_hook_connect() before the runtime does: the
 * runtime passes a plug-in no argument of ours, so the link is the library's one variable. All
 * times are taken by the worker's functions; the library only translates calls.
 */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_HOOK_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_HOOK_H

#include "collectors/onnxruntime/api.h"

#include <stdint.h>

#define HOOK_NAME "AssayHook" /* of the execution provider */

enum hook_category { HOOK_SESSION = 0, HOOK_OPERATOR = 1 };

/* What the runtime says of a bracket that was closed. Borrowed for the call. */
struct hook_event {
    enum hook_category category;
    const char *name;    /* "<operator>_kernel_time", "model_run" */
    int64_t duration_us; /* as the runtime found it, rounded down */
    /* "op_name", "output_type_shape" and others; NULL: not said. Slow. */
    const char *(*argument)(const struct hook_event *event, const char *key);
    const void *handle, *source; /* for `argument` */
};

struct hook_link {
    uint32_t size;     /* sizeof(struct hook_link): both sides must agree */
    uint32_t api_size; /* sizeof(struct api): the same */
    const struct api *api;
    void *context;
    /* On the executing thread: as the last thing before, and as the first thing after, what the
     * runtime brackets. `named` follows `stop` and says what it was. */
    void (*start)(void *context);
    void (*stop)(void *context);
    void (*named)(void *context, const struct hook_event *event);
    /* The graph that is about to be assigned, of the model and of each subgraph. NULL: not wanted.
     * A result other than NULL ends the creation of the session with that message. */
    const char *(*graph)(void *context, const struct ort_graph *graph);
};

/* 0, or -1 when the sizes differ. The link is borrowed for as long as the library is used. */
typedef int (*hook_connect)(const struct hook_link *link);
int assay_ort_hook_connect(const struct hook_link *link);

#endif
