/* What the parts of capture share: one graph on its way into a frame. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_CAPTURE_PARTS_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_CAPTURE_PARTS_H

#include "collectors/frame.h"
#include "collectors/onnxruntime/api.h"
#include "core/graph.h"

/* The tensors of one graph, numbered as they are met; a hash of their names. */
struct names {
    const char **texts;
    uint32_t count, capacity;
    uint32_t *slots; /* number + 1, 0: free; open addressing */
    uint32_t slot_count;
};

struct capture {
    const struct api *api;
    struct arena *arena;
    const struct ort_graph *graph;
    struct names names;
    const struct ort_value_info **initializers;
    size_t initializer_count;
    struct strbuf tensors, ops;
    int depth;
    struct err *err;
};

/* An error of the runtime: names what was being read. */
int capture_check(struct capture *c, struct ort_status *status, const char *what);

/* The number of a tensor; the first time, it is written down with these flags (TENSOR_OUTER is
 * found out). UINT32_MAX for NULL, an omitted optional input. */
int capture_tensor(struct capture *c, const struct ort_value_info *info, uint32_t flags,
                   uint32_t *number);

/* A tensor attribute becomes a tensor without a name that nobody else refers to. */
int capture_constant(struct capture *c, const struct ort_op_attr *attr, uint32_t *number);

#endif
