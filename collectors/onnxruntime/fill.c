#include "collectors/onnxruntime/fill.h"

#include "base/rng.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { CHUNK = 1024 };

/* Four 16-bit uniforms of one draw: mean 0, variance 1. */
static float normal_of(uint64_t bits) {
    int sum = (int)(bits & 0xffff) + (int)(bits >> 16 & 0xffff) + (int)(bits >> 32 & 0xffff) +
              (int)(bits >> 48);
    /* Each has mean 32767.5 and variance (2^32 - 1) / 12. */
    return (float)(sum - 131070) * 2.6428822e-5f;
}

static void draw_floats(struct rng *rng, struct fill fill, float *out, uint64_t count) {
    float a = (float)fill.a, b = (float)fill.b;
    if (fill.kind == FILL_CONSTANT)
        for (uint64_t i = 0; i < count; i++)
            out[i] = a;
    else if (fill.kind == FILL_NORMAL)
        for (uint64_t i = 0; i < count; i++)
            out[i] = a + b * normal_of(rng_next(rng));
    else
        for (uint64_t i = 0; i < count; i++)
            out[i] = a + (b - a) * (float)(rng_next(rng) >> 40) * 0x1p-24f;
}

static void draw_integers(struct rng *rng, struct fill fill, int64_t *out, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        if (fill.kind == FILL_CONSTANT)
            out[i] = (int64_t)fill.a;
        else if (fill.kind == FILL_UNIFORM)
            out[i] = rng_between(rng, (int64_t)fill.a, (int64_t)fill.b);
        else
            out[i] = (int64_t)lrintf((float)fill.a + (float)fill.b * normal_of(rng_next(rng)));
    }
}

/* IEEE 754 binary16, round to nearest; what is too small becomes 0, too large infinite. */
static uint16_t to_float16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000;
    int32_t exponent = (int32_t)(bits >> 23 & 0xff) - 127 + 15;
    uint32_t rounded = (bits & 0x7fffff) + 0x1000;
    if (rounded > 0x7fffff) {
        rounded = 0;
        exponent++;
    }
    if (exponent <= 0)
        return (uint16_t)sign;
    if (exponent >= 31)
        return (uint16_t)(sign | 0x7c00);
    return (uint16_t)(sign | (uint32_t)exponent << 10 | rounded >> 13);
}

static uint16_t to_bfloat16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x8000) >> 16);
}

/* ---- stores: a chunk of drawn values into elements of one type --------------------------------
 */

typedef void (*store_floats)(void *data, const float *values, uint64_t count);
typedef void (*store_integers)(void *data, const int64_t *values, uint64_t count);

static void store_float32(void *data, const float *values, uint64_t count) {
    memcpy(data, values, count * sizeof *values);
}

static void store_float64(void *data, const float *values, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        ((double *)data)[i] = (double)values[i];
}

static void store_float16(void *data, const float *values, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        ((uint16_t *)data)[i] = to_float16(values[i]);
}

static void store_bfloat16(void *data, const float *values, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        ((uint16_t *)data)[i] = to_bfloat16(values[i]);
}

#define STORE_INTEGERS(name, type, low, high)                                                      \
    static void name(void *data, const int64_t *values, uint64_t count) {                          \
        for (uint64_t i = 0; i < count; i++) {                                                     \
            int64_t value = values[i] < (low) ? (low) : values[i];                                 \
            ((type *)data)[i] = (type)(value > (high) ? (high) : value);                           \
        }                                                                                          \
    }
STORE_INTEGERS(store_uint8, uint8_t, 0, UINT8_MAX)
STORE_INTEGERS(store_int8, int8_t, INT8_MIN, INT8_MAX)
STORE_INTEGERS(store_uint16, uint16_t, 0, UINT16_MAX)
STORE_INTEGERS(store_int16, int16_t, INT16_MIN, INT16_MAX)
STORE_INTEGERS(store_int32, int32_t, INT32_MIN, INT32_MAX)
STORE_INTEGERS(store_uint32, uint32_t, 0, UINT32_MAX)
STORE_INTEGERS(store_int64, int64_t, INT64_MIN, INT64_MAX)
STORE_INTEGERS(store_uint64, uint64_t, 0, INT64_MAX)
STORE_INTEGERS(store_bool, uint8_t, 0, 1)

static const struct store {
    store_floats floats;
    store_integers integers;
    uint32_t size;
} stores[DTYPE_COUNT] = {
    [DTYPE_FLOAT32] = {store_float32,  NULL,         4},
      [DTYPE_FLOAT64] = {store_float64,  NULL,         8},
    [DTYPE_FLOAT16] = {store_float16,  NULL,         2},
      [DTYPE_BFLOAT16] = {store_bfloat16, NULL,         2},
    [DTYPE_UINT8] = {NULL,           store_uint8,  1},
      [DTYPE_INT8] = {NULL,           store_int8,   1},
    [DTYPE_UINT16] = {NULL,           store_uint16, 2},
      [DTYPE_INT16] = {NULL,           store_int16,  2},
    [DTYPE_INT32] = {NULL,           store_int32,  4},
      [DTYPE_UINT32] = {NULL,           store_uint32, 4},
    [DTYPE_INT64] = {NULL,           store_int64,  8},
      [DTYPE_UINT64] = {NULL,           store_uint64, 8},
    [DTYPE_BOOL] = {NULL,           store_bool,   1},
};

static bool is_sub_byte(enum dtype dtype) {
    return dtype == DTYPE_UINT4 || dtype == DTYPE_INT4 || dtype == DTYPE_FLOAT4E2M1;
}

static void fill_bits(struct rng *rng, unsigned char *data, uint64_t bytes) {
    for (uint64_t at = 0; at < bytes; at += 8) {
        uint64_t bits = rng_next(rng);
        memcpy(data + at, &bits, bytes - at < 8 ? (size_t)(bytes - at) : 8);
    }
}

void fill_values(void *data, enum dtype dtype, uint64_t elements, struct fill fill, uint64_t seed) {
    struct rng rng;
    rng_init(&rng, seed);
    const struct store *store = dtype < DTYPE_COUNT ? &stores[dtype] : &stores[DTYPE_UNDEFINED];
    if (!store->size) {
        memset(data, 0, dtype_bytes(dtype, elements));
        if (is_sub_byte(dtype))
            fill_bits(&rng, data, dtype_bytes(dtype, elements));
        return;
    }
    float floats[CHUNK];
    int64_t integers[CHUNK];
    for (uint64_t at = 0; at < elements; at += CHUNK) {
        uint64_t count = elements - at < CHUNK ? elements - at : CHUNK;
        char *to = (char *)data + at * store->size;
        if (store->floats) {
            draw_floats(&rng, fill, floats, count);
            store->floats(to, floats, count);
        } else {
            draw_integers(&rng, fill, integers, count);
            store->integers(to, integers, count);
        }
    }
}
