/* Blocks of random values in ggml's layouts (ggml-common.h). */
#ifndef ASSAY_MODELS_GGUF_RANDOM_H
#define ASSAY_MODELS_GGUF_RANDOM_H

#include "base/rng.h"
#include "core/dtype.h"

#include <stddef.h>

struct gguf_random {
    enum dtype dtype;
    void (*fill)(struct rng *rng, double mean, double deviation, unsigned char *block);
};

/* Narrowest first. */
extern const struct gguf_random gguf_randoms[];
extern const size_t gguf_random_count;

#endif
