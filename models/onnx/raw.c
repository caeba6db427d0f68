#include "models/onnx/raw.h"

#include <math.h>
#include <string.h>

/* How an element type lies in memory. Floats: IEEE-like with these fields. */
struct layout {
    enum { LAYOUT_NONE, LAYOUT_INT, LAYOUT_FLOAT } kind;
    int bits;
    int exponent_bits, mantissa_bits; /* LAYOUT_FLOAT */
};

static const struct layout layouts[DTYPE_COUNT] = {
    [DTYPE_FLOAT32] = {LAYOUT_FLOAT, 32, 8,  23},
      [DTYPE_UINT8] = {LAYOUT_INT,   8,  0,  0 },
    [DTYPE_INT8] = {LAYOUT_INT,   8,  0,  0 },
      [DTYPE_UINT16] = {LAYOUT_INT,   16, 0,  0 },
    [DTYPE_INT16] = {LAYOUT_INT,   16, 0,  0 },
      [DTYPE_INT32] = {LAYOUT_INT,   32, 0,  0 },
    [DTYPE_INT64] = {LAYOUT_INT,   64, 0,  0 },
      [DTYPE_BOOL] = {LAYOUT_INT,   8,  0,  0 },
    [DTYPE_FLOAT16] = {LAYOUT_FLOAT, 16, 5,  10},
      [DTYPE_FLOAT64] = {LAYOUT_FLOAT, 64, 11, 52},
    [DTYPE_UINT32] = {LAYOUT_INT,   32, 0,  0 },
      [DTYPE_UINT64] = {LAYOUT_INT,   64, 0,  0 },
    [DTYPE_BFLOAT16] = {LAYOUT_FLOAT, 16, 8,  7 },
      [DTYPE_FLOAT8E5M2] = {LAYOUT_FLOAT, 8,  5,  2 },
    [DTYPE_UINT4] = {LAYOUT_INT,   4,  0,  0 },
      [DTYPE_INT4] = {LAYOUT_INT,   4,  0,  0 },
};

static const struct layout *layout_of(enum dtype dtype) {
    return (unsigned)dtype < DTYPE_COUNT ? &layouts[dtype] : &layouts[DTYPE_UNDEFINED];
}

bool raw_is_complete(const struct tensor *tensor) {
    const struct tensor_values *values = tensor->values;
    int64_t elements = tensor_elements(tensor);
    if (!values || elements < 0 || values->count != (uint64_t)elements)
        return false;
    switch (layout_of(tensor->dtype)->kind) {
    case LAYOUT_INT:
        return values->ints || elements == 0;
    case LAYOUT_FLOAT:
        return values->floats || elements == 0;
    default:
        return false;
    }
}

/* Sign, biased exponent and mantissa, rounded to even; IEEE 754-2019, 3.4. */
static uint64_t float_bits(double value, const struct layout *layout) {
    int bias = (1 << (layout->exponent_bits - 1)) - 1, lowest = 1 - bias;
    uint64_t sign = signbit(value) ? UINT64_C(1) << (layout->bits - 1) : 0;
    uint64_t infinity = ((UINT64_C(1) << layout->exponent_bits) - 1) << layout->mantissa_bits;
    if (isnan(value))
        return sign | infinity | UINT64_C(1) << (layout->mantissa_bits - 1);
    double size = fabs(value);
    if (size == 0)
        return sign;
    if (isinf(size) || ilogb(size) > bias)
        return sign | infinity;
    int exponent = ilogb(size) < lowest ? lowest : ilogb(size);
    double mantissa = nearbyint(ldexp(size, layout->mantissa_bits - exponent));
    /* The hidden bit of a normal number adds one to the exponent field, a subnormal has none. */
    uint64_t field = (uint64_t)(exponent - lowest) << layout->mantissa_bits;
    return sign | (field + (uint64_t)mantissa);
}

static uint64_t element_bits(const struct tensor *tensor, uint64_t i) {
    const struct layout *layout = layout_of(tensor->dtype);
    if (layout->kind == LAYOUT_INT)
        return (uint64_t)tensor->values->ints[i];
    return float_bits(tensor->values->floats[i], layout);
}

static void append_nibbles(struct strbuf *bytes, const struct tensor *tensor) {
    for (uint64_t i = 0; i < tensor->values->count; i += 2) {
        uint64_t low = element_bits(tensor, i) & 15;
        uint64_t high = i + 1 < tensor->values->count ? element_bits(tensor, i + 1) & 15 : 0;
        strbuf_add(bytes, (const char[]){(char)(low | high << 4)}, 1);
    }
}

void raw_append(struct strbuf *bytes, const struct tensor *tensor) {
    int bits = layout_of(tensor->dtype)->bits;
    if (bits == 4) {
        append_nibbles(bytes, tensor);
        return;
    }
    for (uint64_t i = 0; i < tensor->values->count; i++) {
        uint64_t element = element_bits(tensor, i);
        char out[8];
        for (int byte = 0; byte < bits / 8; byte++)
            out[byte] = (char)(element >> 8 * byte & 0xff);
        strbuf_add(bytes, out, (size_t)bits / 8);
    }
}
