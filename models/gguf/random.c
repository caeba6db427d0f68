#include "models/gguf/random.h"

#include <math.h>
#include <string.h>

/* Uniform with this standard deviation. */
static double draw(struct rng *rng, double mean, double deviation) {
    return mean + deviation * (2 * rng_uniform(rng) - 1) * 1.7320508075688772;
}

static void put_half(unsigned char *at, double value) {
    uint32_t sign = value < 0 ? 0x8000 : 0;
    int exponent;
    double mantissa = frexp(fabs(value), &exponent); /* in [0.5, 1) */
    uint32_t bits = 0;
    if (value != 0 && exponent > -14 && exponent <= 16)
        bits = ((uint32_t)(exponent + 14) << 10) + (uint32_t)lrint((2 * mantissa - 1) * 1024);
    else if (exponent <= -14)
        bits = (uint32_t)lrint(ldexp(fabs(value), 24));
    bits |= sign;
    at[0] = (unsigned char)bits;
    at[1] = (unsigned char)(bits >> 8);
}

static void put_bytes(struct rng *rng, unsigned char *at, size_t count) {
    for (size_t i = 0; i < count; i++)
        at[i] = (unsigned char)(rng_next(rng) >> 56);
}

static void fill_float(struct rng *rng, double mean, double deviation, unsigned char *block) {
    float value = (float)draw(rng, mean, deviation);
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; i++)
        block[i] = (unsigned char)(bits >> (8 * i));
}

static void fill_half(struct rng *rng, double mean, double deviation, unsigned char *block) {
    put_half(block, draw(rng, mean, deviation));
}

/* Quantised weights have mean 0: their deviation is a scale times that of the whole numbers. */

static void fill_q8_0(struct rng *rng, double mean, double deviation, unsigned char *block) {
    (void)mean;
    put_half(block, deviation / 73.9);
    put_bytes(rng, block + 2, 32);
}

static void fill_q4_0(struct rng *rng, double mean, double deviation, unsigned char *block) {
    (void)mean;
    put_half(block, deviation / 4.61);
    put_bytes(rng, block + 2, 16);
}

/* d x scale x quant - dmin x min: with scale and min alike, dmin = 7.5 d makes the mean 0. */
static void fill_q4_k(struct rng *rng, double mean, double deviation, unsigned char *block) {
    (void)mean;
    put_half(block, deviation / 260);
    put_half(block + 2, 7.5 * deviation / 260);
    put_bytes(rng, block + 4, 12 + 128);
}

static void fill_q6_k(struct rng *rng, double mean, double deviation, unsigned char *block) {
    (void)mean;
    put_bytes(rng, block, 128 + 64 + 16);
    put_half(block + 208, deviation / (73.9 * 18.5));
}

const struct gguf_random gguf_randoms[] = {
    {DTYPE_Q4_K,    fill_q4_k },
    {DTYPE_Q4_0,    fill_q4_0 },
    {DTYPE_Q6_K,    fill_q6_k },
    {DTYPE_Q8_0,    fill_q8_0 },
    {DTYPE_FLOAT16, fill_half },
    {DTYPE_FLOAT32, fill_float},
};
const size_t gguf_random_count = sizeof gguf_randoms / sizeof *gguf_randoms;
