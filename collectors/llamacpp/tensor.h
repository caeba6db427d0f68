/* The fields of struct ggml_tensor that no function tells, at the offsets they were found at. */
#ifndef ASSAY_COLLECTORS_LLAMACPP_TENSOR_H
#define ASSAY_COLLECTORS_LLAMACPP_TENSOR_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ggml_tensor;
struct llama_api;

enum { GGML_DIMS = 4 };

struct tensor_layout {
    size_t type;    /* i32: 0 f32, 1 f16, ... */
    size_t sizes;   /* i64 each, innermost first */
    size_t sources; /* pointers, NULL where there is none */
};

/* Makes tensors and looks where what is known of them stands; each must be found exactly once. */
int tensor_layout_learn(const struct llama_api *api, struct tensor_layout *out, struct err *err);

uint32_t tensor_type(const struct tensor_layout *layout, const struct ggml_tensor *tensor);
int64_t tensor_size(const struct tensor_layout *layout, const struct ggml_tensor *tensor, int i);
const struct ggml_tensor *tensor_source(const struct tensor_layout *layout,
                                        const struct ggml_tensor *tensor, int i);

#endif
