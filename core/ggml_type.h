/* ggml's numbers of element types, which GGUF files use too (ggml.h, enum ggml_type). */
#ifndef ASSAY_CORE_GGML_TYPE_H
#define ASSAY_CORE_GGML_TYPE_H

#include "core/dtype.h"

#include <stdint.h>

/* DTYPE_UNDEFINED: there is none, or it was withdrawn. */
enum dtype ggml_type_dtype(uint32_t number);
/* UINT32_MAX: ggml has no such type. */
uint32_t ggml_type_number(enum dtype dtype);

#endif
