#include "core/dtype.h"

#include <stddef.h>
#include <string.h>

static const struct dtype_info infos[] = {
    [DTYPE_UNDEFINED] = {"undefined",      0  },
    [DTYPE_FLOAT32] = {"float32",        32 },
    [DTYPE_UINT8] = {"uint8",          8  },
    [DTYPE_INT8] = {"int8",           8  },
    [DTYPE_UINT16] = {"uint16",         16 },
    [DTYPE_INT16] = {"int16",          16 },
    [DTYPE_INT32] = {"int32",          32 },
    [DTYPE_INT64] = {"int64",          64 },
    [DTYPE_STRING] = {"string",         0  },
    [DTYPE_BOOL] = {"bool",           8  },
    [DTYPE_FLOAT16] = {"float16",        16 },
    [DTYPE_FLOAT64] = {"float64",        64 },
    [DTYPE_UINT32] = {"uint32",         32 },
    [DTYPE_UINT64] = {"uint64",         64 },
    [DTYPE_COMPLEX64] = {"complex64",      64 },
    [DTYPE_COMPLEX128] = {"complex128",     128},
    [DTYPE_BFLOAT16] = {"bfloat16",       16 },
    [DTYPE_FLOAT8E4M3FN] = {"float8e4m3fn",   8  },
    [DTYPE_FLOAT8E4M3FNUZ] = {"float8e4m3fnuz", 8  },
    [DTYPE_FLOAT8E5M2] = {"float8e5m2",     8  },
    [DTYPE_FLOAT8E5M2FNUZ] = {"float8e5m2fnuz", 8  },
    [DTYPE_UINT4] = {"uint4",          4  },
    [DTYPE_INT4] = {"int4",           4  },
    [DTYPE_FLOAT4E2M1] = {"float4e2m1",     4  },
};

_Static_assert(sizeof infos / sizeof *infos == DTYPE_COUNT, "a row for each dtype");

const struct dtype_info *dtype_info(enum dtype dtype) {
    return (unsigned)dtype < DTYPE_COUNT ? &infos[dtype] : NULL;
}

const char *dtype_name(enum dtype dtype) {
    const struct dtype_info *info = dtype_info(dtype);
    return info ? info->name : infos[DTYPE_UNDEFINED].name;
}

uint64_t dtype_bytes(enum dtype dtype, uint64_t count) {
    const struct dtype_info *info = dtype_info(dtype);
    uint64_t bits = info ? (uint64_t)info->bits : 0;
    return bits % 8 == 0 ? count * (bits / 8) : (count * bits + 7) / 8;
}

enum dtype dtype_by_name(const char *name) {
    for (int i = 0; i < DTYPE_COUNT; i++)
        if (strcmp(infos[i].name, name) == 0)
            return (enum dtype)i;
    return DTYPE_UNDEFINED;
}
