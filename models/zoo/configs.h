/* The sizes of families whose builders others use too: models/random/ draws them. */
#ifndef ASSAY_MODELS_ZOO_CONFIGS_H
#define ASSAY_MODELS_ZOO_CONFIGS_H

#include "models/zoo/build.h"

struct bert {
    int layers;
    int64_t width, heads;
    bool distilled; /* no token types, no pooler */
};

struct vit {
    int layers;
    int64_t width, heads, patch;
};

struct gpt2 {
    int layers;
    int64_t width, heads;
};

struct swin {
    int depths[4];
    int64_t width, heads; /* of the first stage; doubled by each next one */
};

struct llama {
    int layers;
    int64_t width, heads, key_heads, inner, vocabulary;
    double rotary_base;
    bool untied; /* an output layer of its own, else the embedding's weight */
};

struct recurrent {
    int layers;
    int64_t width, vocabulary;
};

/* As zoo_row.build; config is the struct of that name. */
void zoo_bert_build(struct zoo_builder *b, const void *config);
void zoo_vit_build(struct zoo_builder *b, const void *config);
void zoo_gpt2_build(struct zoo_builder *b, const void *config);
void zoo_swin_build(struct zoo_builder *b, const void *config);
void zoo_llama_build(struct zoo_builder *b, const void *config);
void zoo_recurrent_build(struct zoo_builder *b, const void *config);

#endif
