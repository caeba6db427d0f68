#include "core/dtype.h"

#include <stddef.h>
#include <string.h>

static const struct dtype_info infos[] = {
    [DTYPE_UNDEFINED] = {"undefined",      0,   0,   0  },
    [DTYPE_FLOAT32] = {"float32",        32,  0,   0  },
    [DTYPE_UINT8] = {"uint8",          8,   0,   0  },
    [DTYPE_INT8] = {"int8",           8,   0,   0  },
    [DTYPE_UINT16] = {"uint16",         16,  0,   0  },
    [DTYPE_INT16] = {"int16",          16,  0,   0  },
    [DTYPE_INT32] = {"int32",          32,  0,   0  },
    [DTYPE_INT64] = {"int64",          64,  0,   0  },
    [DTYPE_STRING] = {"string",         0,   0,   0  },
    [DTYPE_BOOL] = {"bool",           8,   0,   0  },
    [DTYPE_FLOAT16] = {"float16",        16,  0,   0  },
    [DTYPE_FLOAT64] = {"float64",        64,  0,   0  },
    [DTYPE_UINT32] = {"uint32",         32,  0,   0  },
    [DTYPE_UINT64] = {"uint64",         64,  0,   0  },
    [DTYPE_COMPLEX64] = {"complex64",      64,  0,   0  },
    [DTYPE_COMPLEX128] = {"complex128",     128, 0,   0  },
    [DTYPE_BFLOAT16] = {"bfloat16",       16,  0,   0  },
    [DTYPE_FLOAT8E4M3FN] = {"float8e4m3fn",   8,   0,   0  },
    [DTYPE_FLOAT8E4M3FNUZ] = {"float8e4m3fnuz", 8,   0,   0  },
    [DTYPE_FLOAT8E5M2] = {"float8e5m2",     8,   0,   0  },
    [DTYPE_FLOAT8E5M2FNUZ] = {"float8e5m2fnuz", 8,   0,   0  },
    [DTYPE_UINT4] = {"uint4",          4,   0,   0  },
    [DTYPE_INT4] = {"int4",           4,   0,   0  },
    [DTYPE_FLOAT4E2M1] = {"float4e2m1",     4,   0,   0  },
    [DTYPE_Q4_0] = {"q4_0",           4,   32,  18 },
    [DTYPE_Q4_1] = {"q4_1",           5,   32,  20 },
    [DTYPE_Q5_0] = {"q5_0",           6,   32,  22 },
    [DTYPE_Q5_1] = {"q5_1",           6,   32,  24 },
    [DTYPE_Q8_0] = {"q8_0",           8,   32,  34 },
    [DTYPE_Q8_1] = {"q8_1",           9,   32,  36 },
    [DTYPE_Q2_K] = {"q2_K",           3,   256, 84 },
    [DTYPE_Q3_K] = {"q3_K",           3,   256, 110},
    [DTYPE_Q4_K] = {"q4_K",           4,   256, 144},
    [DTYPE_Q5_K] = {"q5_K",           6,   256, 176},
    [DTYPE_Q6_K] = {"q6_K",           7,   256, 210},
    [DTYPE_Q8_K] = {"q8_K",           9,   256, 292},
    [DTYPE_IQ2_XXS] = {"iq2_xxs",        2,   256, 66 },
    [DTYPE_IQ2_XS] = {"iq2_xs",         2,   256, 74 },
    [DTYPE_IQ3_XXS] = {"iq3_xxs",        3,   256, 98 },
    [DTYPE_IQ1_S] = {"iq1_s",          2,   256, 50 },
    [DTYPE_IQ4_NL] = {"iq4_nl",         4,   32,  18 },
    [DTYPE_IQ3_S] = {"iq3_s",          3,   256, 110},
    [DTYPE_IQ2_S] = {"iq2_s",          3,   256, 82 },
    [DTYPE_IQ4_XS] = {"iq4_xs",         4,   256, 136},
    [DTYPE_IQ1_M] = {"iq1_m",          2,   256, 56 },
    [DTYPE_TQ1_0] = {"tq1_0",          2,   256, 54 },
    [DTYPE_TQ2_0] = {"tq2_0",          2,   256, 66 },
    [DTYPE_MXFP4] = {"mxfp4",          4,   32,  17 },
    [DTYPE_NVFP4] = {"nvfp4",          4,   64,  36 },
    [DTYPE_Q1_0] = {"q1_0",           1,   128, 18 },
    [DTYPE_Q2_0] = {"q2_0",           2,   64,  18 },
};

_Static_assert(sizeof infos / sizeof *infos == DTYPE_COUNT, "a row for each dtype");

const struct dtype_info *dtype_info(enum dtype dtype) {
    return (unsigned)dtype < DTYPE_COUNT && infos[dtype].name ? &infos[dtype] : NULL;
}

const char *dtype_name(enum dtype dtype) {
    const struct dtype_info *info = dtype_info(dtype);
    return info ? info->name : infos[DTYPE_UNDEFINED].name;
}

uint64_t dtype_bytes(enum dtype dtype, uint64_t count) {
    const struct dtype_info *info = dtype_info(dtype);
    if (info && info->block)
        return (count / info->block + (count % info->block != 0)) * info->block_bytes;
    uint64_t bits = info ? (uint64_t)info->bits : 0;
    return bits % 8 == 0 ? count * (bits / 8) : (count * bits + 7) / 8;
}

double dtype_element_bytes(enum dtype dtype) {
    const struct dtype_info *info = dtype_info(dtype);
    if (info && info->block)
        return (double)info->block_bytes / info->block;
    return info ? info->bits / 8.0 : 0;
}

enum dtype dtype_by_name(const char *name) {
    for (int i = 0; i < DTYPE_COUNT; i++)
        if (infos[i].name && strcmp(infos[i].name, name) == 0)
            return (enum dtype)i;
    return DTYPE_UNDEFINED;
}
