/* A decoder of text as its file describes it, and what its cache of keys and values takes. */
#ifndef ASSAY_CORE_DECODER_H
#define ASSAY_CORE_DECODER_H

#include "core/dtype.h"

#include <stdint.h>

struct decoder {
    const char *architecture; /* "llama" */
    uint64_t context;         /* tokens it was trained for; 0: not said */
    uint64_t layers, width, heads;
    uint64_t kv_heads;               /* of all layers together */
    uint64_t key_width, value_width; /* of one head */
    uint64_t vocabulary;
};

/* Dimensions of a run: sequences, tokens of each in a batch, and tokens of each that are in the
 * cache before it. */
#define DECODER_BATCH  "batch"
#define DECODER_TOKENS "tokens"
#define DECODER_PAST   "past"

/* Tokens that llama.cpp makes room for, for each sequence: whole cells of 256. */
uint64_t decoder_cells(uint64_t tokens);
/* Keys and values of `cells` tokens of each of `sequences`, all of one type. */
uint64_t decoder_cache_bytes(const struct decoder *decoder, uint64_t sequences, uint64_t cells,
                             enum dtype dtype);

#endif
