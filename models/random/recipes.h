/* Inside models/random/: the recipes, and what they share. */
#ifndef ASSAY_MODELS_RANDOM_RECIPES_H
#define ASSAY_MODELS_RANDOM_RECIPES_H

#include "models/random/random.h"
#include "models/zoo/layers.h"

/* A network in the making: where it draws from and how much work it may have. */
struct recipe {
    struct zoo_builder *b;
    struct rng rng;
    double flops_max;
};

/* Seeded by the options; the work is drawn between 2^low and 2^high MFLOP per image. */
struct recipe recipe_begin(struct zoo_builder *b, double low, double high);
/* True while the work is below its share of what was drawn. */
bool recipe_goes_on(const struct recipe *r, double share);
/* Half of the time up to sixteen times the batch that was drawn, for networks whose samples are
 * small, as far as a layer of `sample_flops` per sample leaves room for it. */
void recipe_enlarge_batch(struct recipe *r, double sample_flops);

/* A layer's name, by its place; unique in the network. */
const char *recipe_name(struct zoo_builder *b);

/* An image batch x channels x size x size called "input". */
int32_t recipe_image(struct recipe *r, int64_t channels, int64_t size);
/* Global pool or flatten, and a classifier. */
void recipe_classify(struct recipe *r, int32_t x);
/* The first convolution of an image network; halves the size once or twice. */
int32_t recipe_stem(struct recipe *r);
enum zoo_activation recipe_activation(struct recipe *r);

/* ConvTranspose without bias, in one, two or three dimensions; the size grows by `stride`. */
int32_t recipe_conv_transpose(struct recipe *r, int32_t x, int64_t out, int64_t kernel,
                              int64_t stride, int64_t groups);

void random_residual(struct zoo_builder *b, const void *config);
void random_plain(struct zoo_builder *b, const void *config);
void random_inverted(struct zoo_builder *b, const void *config);
void random_grouped(struct zoo_builder *b, const void *config);
void random_dense_links(struct zoo_builder *b, const void *config);
void random_branches(struct zoo_builder *b, const void *config);
void random_odd_widths(struct zoo_builder *b, const void *config);
void random_signal(struct zoo_builder *b, const void *config);
void random_segmentation(struct zoo_builder *b, const void *config);
void random_modern_conv(struct zoo_builder *b, const void *config);
void random_encoder(struct zoo_builder *b, const void *config);
void random_vision(struct zoo_builder *b, const void *config);
void random_windows(struct zoo_builder *b, const void *config);
void random_decoder(struct zoo_builder *b, const void *config);
void random_gated_decoder(struct zoo_builder *b, const void *config);
void random_recurrent(struct zoo_builder *b, const void *config);
void random_dense_layers(struct zoo_builder *b, const void *config);
void random_elementwise(struct zoo_builder *b, const void *config);
void random_layouts(struct zoo_builder *b, const void *config);
void random_enlarging(struct zoo_builder *b, const void *config);
void random_style(struct zoo_builder *b, const void *config);
void random_generator(struct zoo_builder *b, const void *config);
void random_diffusion(struct zoo_builder *b, const void *config);
void random_warping(struct zoo_builder *b, const void *config);
void random_volumes(struct zoo_builder *b, const void *config);
void random_waves(struct zoo_builder *b, const void *config);
void random_mixer(struct zoo_builder *b, const void *config);
void random_conformer(struct zoo_builder *b, const void *config);
void random_decode_step(struct zoo_builder *b, const void *config);
void random_relative(struct zoo_builder *b, const void *config);
void random_tables(struct zoo_builder *b, const void *config);
void random_two_ways(struct zoo_builder *b, const void *config);
void random_selection(struct zoo_builder *b, const void *config);
void random_heads(struct zoo_builder *b, const void *config);

/* Recipes of which one is drawn, to be written in other numbers: the config of the three below. */
struct recipe_list;
extern const struct recipe_list random_images, random_texts, random_products, random_halves;

void random_quantised(struct zoo_builder *b, const void *config); /* scales fixed ahead */
void random_dynamic(struct zoo_builder *b, const void *config);   /* scales found while running */
void random_half(struct zoo_builder *b, const void *config);      /* float16 */

#endif
