/* Seeded values of any element type, quickly: inputs and synthesised weights. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_FILL_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_FILL_H

#include "core/dtype.h"

#include <stdint.h>

enum fill_kind {
    FILL_CONSTANT, /* a */
    FILL_UNIFORM,  /* from [a, b]: whole numbers for integer types */
    FILL_NORMAL,   /* mean a, standard deviation b; for integer types rounded and clamped */
};

struct fill {
    enum fill_kind kind;
    double a, b;
};

/* Writes dtype_bytes(dtype, elements) bytes at `data`. The same seed gives the same values. The
 * normal distribution is approximated by the sum of four uniform numbers (Irwin-Hall), so values
 * stay within 3.5 standard deviations. Types of less than a byte get random bits. Strings and
 * complex types are left alone (zeroed). */
void fill_values(void *data, enum dtype dtype, uint64_t elements, struct fill fill, uint64_t seed);

#endif
