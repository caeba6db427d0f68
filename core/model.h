/* A model file as read: identity and graph. */
#ifndef ASSAY_CORE_MODEL_H
#define ASSAY_CORE_MODEL_H

#include "core/decoder.h"
#include "core/graph.h"

#include <stdint.h>

struct model {
    const char *name;   /* given by the user, else the file's stem */
    const char *path;   /* as given */
    const char *format; /* "onnx" */
    char sha256[65];    /* of the file's bytes; external weight files are not part of it */
    uint64_t file_bytes;
    struct graph *graph;           /* as written */
    const struct decoder *decoder; /* NULL: it is none, or its file does not say */
};

#endif
