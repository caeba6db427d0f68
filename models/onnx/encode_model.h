/* A graph as ONNX messages in an encoder's buffer, weights left as holes or noted for a side file.
 * The half of write.h that knows the messages; write.c knows where the bytes go. */
#ifndef ASSAY_MODELS_ONNX_ENCODE_MODEL_H
#define ASSAY_MODELS_ONNX_ENCODE_MODEL_H

#include "models/onnx/encode.h"
#include "models/onnx/write.h"

enum { SIDE_ALIGNMENT_BYTES = 65536 }; /* external data: page and allocation granularity */

struct writer {
    struct encoder encoder;
    const struct onnx_weights *weights;
    const char *side_location; /* ONNX_WEIGHTS_BESIDE: the file's name without its folder */
    struct encoder_hole *side; /* tensors of the side file; `at` is not used */
    size_t side_count, side_capacity;
    uint64_t side_bytes; /* where the last of them ends */
    struct err *err;
};

/* A ModelProto. A hole's owner is the graph of its tensor, its id the tensor's index. */
int encode_model(struct writer *w, const struct graph *graph);

#endif
