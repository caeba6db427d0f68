/* Small constants as TensorProto.raw_data holds them: little-endian elements of their dtype. */
#ifndef ASSAY_MODELS_ONNX_RAW_H
#define ASSAY_MODELS_ONNX_RAW_H

#include "base/strbuf.h"
#include "core/graph.h"

/* True when `values` holds all elements of the tensor and its dtype can be written. */
bool raw_is_complete(const struct tensor *tensor);
/* Appends tensor_bytes() bytes; a float beyond the range becomes infinity. */
void raw_append(struct strbuf *bytes, const struct tensor *tensor);

#endif
