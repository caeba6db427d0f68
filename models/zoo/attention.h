/* Pieces of transformers, as PyTorch's exporter spells them. Token sequences are batch x length x
 * width; heads are batch x heads x length x head width. */
#ifndef ASSAY_MODELS_ZOO_ATTENTION_H
#define ASSAY_MODELS_ZOO_ATTENTION_H

#include "models/zoo/layers.h"

/* batch x sequence int64, called `name`. */
int32_t zoo_tokens(struct zoo_builder *b, const char *name);
/* Rows of a trained table; *table (may be NULL) is the weight, for an output tied to it. */
int32_t zoo_embed(struct zoo_builder *b, const char *name, int32_t ids, int64_t rows, int64_t width,
                  int32_t *table);
/* Rows 0 to count-1 of a trained table of `rows`: 1 x count x width. */
int32_t zoo_embed_positions(struct zoo_builder *b, const char *name, int64_t count, int64_t rows,
                            int64_t width);

int32_t zoo_split_heads(struct zoo_builder *b, int32_t x, int64_t heads);
/* The same with the last two axes swapped: keys, ready for the product with queries. */
int32_t zoo_split_heads_swapped(struct zoo_builder *b, int32_t x, int64_t heads);
int32_t zoo_merge_heads(struct zoo_builder *b, int32_t x);
/* Grouped queries: each key head serves `times` query heads. */
int32_t zoo_repeat_heads(struct zoo_builder *b, int32_t x, int64_t times);

/* softmax(queries x keys / sqrt(head width) + mask) x values; keys swapped; mask may be
 * GRAPH_NONE. */
int32_t zoo_attend(struct zoo_builder *b, int32_t queries, int32_t keys, int32_t values,
                   int32_t mask);
/* Queries, keys and values by three linear layers of x, attention, and a fourth behind it. */
struct zoo_attention {
    const char *query, *key, *value, *out; /* names of the layers */
    int64_t heads;
    bool no_key_bias; /* Whisper */
    int32_t mask;
};
int32_t zoo_self_attention(struct zoo_builder *b, int32_t x, const struct zoo_attention *attention);
/* The same with one linear layer for all three (timm, torchvision). */
int32_t zoo_packed_attention(struct zoo_builder *b, int32_t x, int64_t heads);

/* Linear to `inner`, activation, linear back. */
int32_t zoo_mlp(struct zoo_builder *b, const char *up, const char *down, int32_t x, int64_t inner,
                enum zoo_activation activation);
/* 0 where a token may look, a large negative number where it may not: 1 x 1 x length x length. */
int32_t zoo_causal_mask(struct zoo_builder *b, int64_t length);
/* x times the transpose of an embedding table: exporters store it a second time, transposed. */
int32_t zoo_tied_output(struct zoo_builder *b, const char *name, int32_t x, int64_t rows);

#endif
