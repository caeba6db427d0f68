/* The zoo's decoders of the Llama kind as GGUF files, for llama.cpp: random weights, no tokenizer.
 */
#ifndef ASSAY_MODELS_ZOO_GGUF_H
#define ASSAY_MODELS_ZOO_GGUF_H

#include "base/err.h"
#include "core/dtype.h"

#include <stdint.h>

/* What else such a model can be made of. */
struct zoo_gguf_config {
    const char *name;
    uint32_t layers, width, heads, key_heads, inner, vocabulary, context;
    float rotary_base;
    int untied;
};

/* `dtype` is that of the matrices; one of gguf_random_type(). Where its blocks do not fill a row
 * the next wider type is taken. ERR_USAGE for a name that is no such architecture. */
int zoo_write_gguf(const char *name, enum dtype dtype, uint64_t seed, const char *path,
                   struct err *err);
int zoo_write_gguf_of(const struct zoo_gguf_config *config, enum dtype dtype, uint64_t seed,
                      const char *path, struct err *err);

#endif
