/* TensorProto and SparseTensorProto: what a stored tensor is, where its data lies, and the values
 * of small ones. The data of large ones is never looked at. */
#ifndef ASSAY_MODELS_ONNX_TENSOR_H
#define ASSAY_MODELS_ONNX_TENSOR_H

#include "core/graph.h"
#include "models/onnx/wire.h"

enum {
    ONNX_KEPT_INTS_MAX = 4096, /* values kept of an integer tensor: shapes, indices, splits */
    ONNX_KEPT_FLOATS_MAX = 64, /* of a floating one: limits, scales, epsilons */
};

/* No real size is larger, and products of a few stay inside 64 bits. */
#define ONNX_DIM_MAX      (INT64_C(1) << 48)
#define ONNX_ELEMENTS_MAX (INT64_C(1) << 56)

struct onnx_tensor {
    struct wire body;
    struct wire_text name;
    int64_t data_type;
    int64_t location; /* data_location */
    struct wire_text raw;
    uint32_t segments, external_entries;
    struct wire_text external_location, external_offset, external_length;
    /* after reading */
    bool sparse;
    enum dtype dtype;
    int32_t rank;
    int64_t dims[GRAPH_RANK_MAX];
    uint64_t elements;
};

/* Checks dimensions, element type, and that the data has the size they ask for. Messages name the
 * tensor. */
int onnx_tensor_read(struct wire body, struct onnx_tensor *tensor);
int onnx_sparse_tensor_read(struct wire body, struct onnx_tensor *tensor);

/* Fills shape, type, place of the data and, of small ones, the values of a tensor of the graph.
 * Adds TENSOR_EXTERNAL and TENSOR_SPARSE to its flags where they hold. */
int onnx_tensor_describe(const struct onnx_tensor *from, struct graph *graph, int32_t tensor);

/* Checks one size of tensor `name` against 0 and ONNX_DIM_MAX. */
int onnx_check_dim(struct wire at, struct wire_text name, int64_t size);
/* Checks that the known sizes multiply to no more than ONNX_ELEMENTS_MAX; *elements is their
 * product. */
int onnx_check_elements(struct wire at, struct wire_text name, int32_t rank, const int64_t *sizes,
                        uint64_t *elements);

#endif
