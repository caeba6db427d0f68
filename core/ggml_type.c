#include "core/ggml_type.h"

/* Types whose elements stand by themselves; those of blocks are numbered alike. */
static const struct {
    uint32_t number;
    enum dtype dtype;
} plain[] = {
    {0,  DTYPE_FLOAT32 },
    {1,  DTYPE_FLOAT16 },
    {24, DTYPE_INT8    },
    {25, DTYPE_INT16   },
    {26, DTYPE_INT32   },
    {27, DTYPE_INT64   },
    {28, DTYPE_FLOAT64 },
    {30, DTYPE_BFLOAT16},
};

enum { PLAIN_COUNT = sizeof plain / sizeof *plain };

enum dtype ggml_type_dtype(uint32_t number) {
    for (int i = 0; i < PLAIN_COUNT; i++)
        if (plain[i].number == number)
            return plain[i].dtype;
    if (number >= DTYPE_COUNT - DTYPE_BLOCKS)
        return DTYPE_UNDEFINED;
    enum dtype dtype = (enum dtype)(DTYPE_BLOCKS + number);
    return dtype_info(dtype) ? dtype : DTYPE_UNDEFINED;
}

uint32_t ggml_type_number(enum dtype dtype) {
    for (int i = 0; i < PLAIN_COUNT; i++)
        if (plain[i].dtype == dtype)
            return plain[i].number;
    return dtype > DTYPE_BLOCKS && dtype_info(dtype) ? (uint32_t)(dtype - DTYPE_BLOCKS)
                                                     : UINT32_MAX;
}
