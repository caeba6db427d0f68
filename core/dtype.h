/* Element types, numbered as ONNX numbers them (onnx.proto, TensorProto.DataType). */
#ifndef ASSAY_CORE_DTYPE_H
#define ASSAY_CORE_DTYPE_H

#include <stdint.h>

enum dtype {
    DTYPE_UNDEFINED = 0,
    DTYPE_FLOAT32 = 1,
    DTYPE_UINT8 = 2,
    DTYPE_INT8 = 3,
    DTYPE_UINT16 = 4,
    DTYPE_INT16 = 5,
    DTYPE_INT32 = 6,
    DTYPE_INT64 = 7,
    DTYPE_STRING = 8,
    DTYPE_BOOL = 9,
    DTYPE_FLOAT16 = 10,
    DTYPE_FLOAT64 = 11,
    DTYPE_UINT32 = 12,
    DTYPE_UINT64 = 13,
    DTYPE_COMPLEX64 = 14,
    DTYPE_COMPLEX128 = 15,
    DTYPE_BFLOAT16 = 16,
    DTYPE_FLOAT8E4M3FN = 17,
    DTYPE_FLOAT8E4M3FNUZ = 18,
    DTYPE_FLOAT8E5M2 = 19,
    DTYPE_FLOAT8E5M2FNUZ = 20,
    DTYPE_UINT4 = 21,
    DTYPE_INT4 = 22,
    DTYPE_FLOAT4E2M1 = 23,
    DTYPE_COUNT
};

struct dtype_info {
    const char *name; /* "float32" */
    int bits;         /* per element; 0 for string and undefined */
};

/* NULL when the number is none of ours. */
const struct dtype_info *dtype_info(enum dtype dtype);
const char *dtype_name(enum dtype dtype); /* "undefined" when unknown */
/* Bytes of `count` elements, rounded up to whole bytes. */
uint64_t dtype_bytes(enum dtype dtype, uint64_t count);
enum dtype dtype_by_name(const char *name); /* DTYPE_UNDEFINED when there is none */

#endif
