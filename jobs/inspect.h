/* What a model file holds, without running it: no runtime and no database are needed. */
#ifndef ASSAY_JOBS_INSPECT_H
#define ASSAY_JOBS_INSPECT_H

#include "core/model.h"
#include "core/run.h"

#include <stdbool.h>
#include <stdint.h>

/* Operators of one type, subgraphs included. */
struct op_type_count {
    const char *type; /* with its domain unless that is ai.onnx: "com.microsoft.Attention" */
    uint64_t count;
    double flops;  /* of those with static shapes */
    bool inferred; /* shape inference has a row for it */
};

/* One file that weights are kept in. */
struct external_file {
    const char *location; /* as written in the model */
    uint64_t tensors, bytes;
    bool exists; /* beside the model */
};

/* Weights of one type. */
struct weight_type {
    enum dtype dtype;
    uint64_t tensors, parameters, bytes;
};

struct inspection {
    struct model model;
    struct op_type_count *types; /* most frequent first */
    uint32_t type_count;
    struct weight_type *weights; /* most bytes first */
    uint32_t weight_count;
    struct external_file *files;
    uint32_t file_count;
    uint64_t nodes, parameters, weight_bytes;
    uint32_t graphs;         /* the main graph and subgraphs of If, Loop and Scan */
    uint64_t unknown_shapes; /* operator outputs whose shape is not fully known */
    double flops;            /* of the operators with static shapes */
};

/* Binds `dims` before shapes are inferred; ERR_INPUT when the model has no such dimension. All of
 * it lives in the arena. */
int inspect(struct arena *arena, const char *path, const char *name, const struct dim_binding *dims,
            uint32_t dim_count, struct inspection *out, struct err *err);

/* "NAME=SIZE" as given on the command line. ERR_USAGE. */
int dim_binding_parse(struct arena *arena, const char *text, struct dim_binding *out,
                      struct err *err);

#endif
