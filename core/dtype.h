/* Element types, numbered as ONNX numbers them (onnx.proto, TensorProto.DataType); behind them, at
 * DTYPE_BLOCKS + their number in ggml.h, the types whose elements are quantised block by block. */
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
    DTYPE_BLOCKS = 64, /* no type itself */
    DTYPE_Q4_0 = DTYPE_BLOCKS + 2,
    DTYPE_Q4_1 = DTYPE_BLOCKS + 3,
    DTYPE_Q5_0 = DTYPE_BLOCKS + 6,
    DTYPE_Q5_1 = DTYPE_BLOCKS + 7,
    DTYPE_Q8_0 = DTYPE_BLOCKS + 8,
    DTYPE_Q8_1 = DTYPE_BLOCKS + 9,
    DTYPE_Q2_K = DTYPE_BLOCKS + 10,
    DTYPE_Q3_K = DTYPE_BLOCKS + 11,
    DTYPE_Q4_K = DTYPE_BLOCKS + 12,
    DTYPE_Q5_K = DTYPE_BLOCKS + 13,
    DTYPE_Q6_K = DTYPE_BLOCKS + 14,
    DTYPE_Q8_K = DTYPE_BLOCKS + 15,
    DTYPE_IQ2_XXS = DTYPE_BLOCKS + 16,
    DTYPE_IQ2_XS = DTYPE_BLOCKS + 17,
    DTYPE_IQ3_XXS = DTYPE_BLOCKS + 18,
    DTYPE_IQ1_S = DTYPE_BLOCKS + 19,
    DTYPE_IQ4_NL = DTYPE_BLOCKS + 20,
    DTYPE_IQ3_S = DTYPE_BLOCKS + 21,
    DTYPE_IQ2_S = DTYPE_BLOCKS + 22,
    DTYPE_IQ4_XS = DTYPE_BLOCKS + 23,
    DTYPE_IQ1_M = DTYPE_BLOCKS + 29,
    DTYPE_TQ1_0 = DTYPE_BLOCKS + 34,
    DTYPE_TQ2_0 = DTYPE_BLOCKS + 35,
    DTYPE_MXFP4 = DTYPE_BLOCKS + 39,
    DTYPE_NVFP4 = DTYPE_BLOCKS + 40,
    DTYPE_Q1_0 = DTYPE_BLOCKS + 41,
    DTYPE_Q2_0 = DTYPE_BLOCKS + 42,
    DTYPE_COUNT /* numbers in between stand for nothing */
};

struct dtype_info {
    const char *name; /* "float32" */
    int bits;         /* per element; 0 for string and undefined; rounded for blocks */
    uint32_t block;   /* elements that are stored together, in block_bytes; 0: each by itself */
    uint32_t block_bytes;
};

/* NULL when the number is none of ours. */
const struct dtype_info *dtype_info(enum dtype dtype);
const char *dtype_name(enum dtype dtype); /* "undefined" when unknown */
/* Bytes of `count` elements, rounded up to whole bytes or blocks. */
uint64_t dtype_bytes(enum dtype dtype, uint64_t count);
double dtype_element_bytes(enum dtype dtype); /* 0.5625 of q4_0 */
enum dtype dtype_by_name(const char *name);   /* DTYPE_UNDEFINED when there is none */

#endif
