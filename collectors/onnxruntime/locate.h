/* Where the worker, the hook and ONNX Runtime are: in the build tree, installed, or as the
 * environment says. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_LOCATE_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_LOCATE_H

#include "base/arena.h"
#include "base/err.h"

struct location {
    const char *worker;  /* assay-worker */
    const char *hook;    /* libassay-ort-hook.so */
    const char *heap;    /* libassay-heap.so; NULL: it is not there */
    const char *library; /* libonnxruntime.so.1; a bare name when only the loader can know */
};

/* Beside the running program, or in ../lib/assay and ../libexec/assay seen from it; the library
 * also in node_modules (`make deps`) of the working directory and of the folders above the
 * program. ASSAY_WORKER, ASSAY_ORT_HOOK and ASSAY_ORT_LIBRARY come first. ERR_ENVIRONMENT names
 * what was looked for. */
int locate(struct arena *arena, struct location *location, struct err *err);

#endif
