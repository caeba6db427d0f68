/* A pass that looks into memory, worker side: a process of its own with libassay-heap.so before
 * the C library, the runtime's arena behind a counter, and the hook, so that every operator of the
 * first run is told with what it took. Nothing of it is in processes that are timed. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_MEMORY_PASS_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_MEMORY_PASS_H

#include "collectors/onnxruntime/host.h"

/* Loads the runtime, opens the session of host->request, runs it and appends what was seen as a
 * frame (memory_frame.h). ERR_ENVIRONMENT where the C library is none that can be counted. */
int host_look_into_memory(struct host *host, struct strbuf *out, struct err *err);

#endif
