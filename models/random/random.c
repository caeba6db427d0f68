#include "models/random/random.h"

#include "models/random/recipes.h"

#include <math.h>

/* clang-format off */
const struct random_recipe random_recipes[] = {
    {{.name = "residual",       .build = random_residual,       .help = "residual stages, basic and bottleneck"},        3},
    {{.name = "plain",          .build = random_plain,          .help = "stacks without links, large dense layers"},     2},
    {{.name = "inverted",       .build = random_inverted,       .help = "inverted residuals, squeeze and excitation"},   3},
    {{.name = "grouped",        .build = random_grouped,        .help = "grouped convolutions, channel shuffle"},        3},
    {{.name = "dense-links",    .build = random_dense_links,    .help = "concatenation of all before, normalised first"}, 1.5},
    {{.name = "branches",       .build = random_branches,       .help = "parallel branches, 1xn kernels, pools, LRN"},   1.5},
    {{.name = "odd-widths",     .build = random_odd_widths,     .help = "channels that fill no vector: plain kernels"},  1},
    {{.name = "signal",         .build = random_signal,         .help = "1-D convolutions on sound"},                    1},
    {{.name = "segmentation",   .build = random_segmentation,   .help = "down and up again, resize, transposed"},        1.5},
    {{.name = "modern-conv",    .build = random_modern_conv,    .help = "7x7 depthwise, channels last, GELU"},           1},
    {{.name = "encoder",        .build = random_encoder,        .help = "transformer encoders of text"},                 3},
    {{.name = "vision",         .build = random_vision,         .help = "transformer encoders of patches"},              2},
    {{.name = "windows",        .build = random_windows,        .help = "attention in windows, 6-axis transposes"},      1.5},
    {{.name = "decoder",        .build = random_decoder,        .help = "causal decoders, learnt positions"},            2},
    {{.name = "gated-decoder",  .build = random_gated_decoder,  .help = "RMSNorm, rotary positions, grouped queries"},   2.5},
    {{.name = "recurrent",      .build = random_recurrent,      .help = "LSTM and GRU layers"},                          1},
    {{.name = "dense-layers",   .build = random_dense_layers,   .help = "fully connected layers of all sizes"},          1.5},
    {{.name = "elementwise",    .build = random_elementwise,    .help = "every activation and reduction on many sizes"}, 1.5},
    {{.name = "layouts",        .build = random_layouts,        .help = "channels first, channels last, and back"},          0.7},
    {{.name = "quantised-images", .build = random_quantised, .config = &random_images,
      .help = "8-bit convolution networks, scales fixed ahead"},                                     0.7},
    {{.name = "quantised-tokens", .build = random_quantised, .config = &random_texts,
      .help = "8-bit transformers, scales fixed ahead"},                                             0.6},
    {{.name = "dynamic-images", .build = random_dynamic,   .config = &random_images,
      .help = "8-bit convolution networks, scales found while running"},                             0.2},
    {{.name = "dynamic-layers", .build = random_dynamic,   .config = &random_products,
      .help = "8-bit transformers, dense and recurrent layers, scales found while running"},         0.5},
    {{.name = "half",           .build = random_half,      .config = &random_halves,
      .help = "half precision"},                                                                     0.3},
    {{.name = "enlarging",      .build = random_enlarging,      .help = "super-resolution: depth to space, resize, PRelu"},  1},
    {{.name = "generator",      .build = random_generator,      .help = "from noise to pictures, transposed convolutions"},  0.8},
    {{.name = "style",          .build = random_style,          .help = "instance normalisation, reflected borders"},        0.7},
    {{.name = "diffusion",      .build = random_diffusion,      .help = "group normalisation, attention among pixels"},      1.5},
    {{.name = "warping",        .build = random_warping,        .help = "GridSample"},                                       0.3},
    {{.name = "volumes",        .build = random_volumes,        .help = "3-D convolutions and pools"},                       0.7},
    {{.name = "waves",          .build = random_waves,          .help = "transposed 1-D convolutions"},                      0.7},
    {{.name = "mixer",          .build = random_mixer,          .help = "layers across tokens, gates, token pooling"},       1},
    {{.name = "conformer",      .build = random_conformer,      .help = "attention and wide depthwise 1-D convolutions"},    1},
    {{.name = "decode-step",    .build = random_decode_step,    .help = "few tokens behind cached keys and values"},         1},
    {{.name = "relative",       .build = random_relative,       .help = "position biases, masks as inputs, Einsum"},         1},
    {{.name = "tables",         .build = random_tables,         .help = "recommenders: rows of tables, products of pairs"},  0.7},
    {{.name = "two-ways",       .build = random_two_ways,       .help = "recurrent layers that read both ways"},             1},
    {{.name = "heads",          .build = random_heads,          .help = "split attention, unfolded patches, boxes of bins"}, 1.2},
    {{.name = "selection",      .build = random_selection,      .help = "rare formulas; choosing, ordering, placing"},       1.5},
};
/* clang-format on */

const size_t random_recipe_count = sizeof random_recipes / sizeof *random_recipes;

enum { DRAWS_MAX = 32 };

int64_t random_size(struct rng *rng, int64_t low, int64_t high, int64_t step) {
    double drawn =
        exp(log((double)low) + rng_uniform(rng) * (log((double)high) - log((double)low)));
    int64_t rounded = (int64_t)llround(drawn / (double)step) * step;
    return rounded < step ? step : rounded;
}

bool random_chance(struct rng *rng, double probability) {
    return rng_uniform(rng) < probability;
}

static int64_t draw_batch(struct rng *rng) {
    return random_chance(rng, 0.7) ? 1 : RANDOM_PICK(rng, 2, 4, 8);
}

int random_network(struct arena *arena, const struct random_recipe *recipe, uint64_t seed,
                   int64_t batch, struct zoo_model *model, struct err *err) {
    for (uint64_t draw = 0; draw < DRAWS_MAX; draw++) {
        struct rng rng;
        rng_init(&rng, seed * 0x9e3779b97f4a7c15u + draw);
        const struct zoo_options options = {
            .batch = batch ? batch : draw_batch(&rng),
            .opset = (int)rng_between(&rng, ZOO_OPSET_MIN, ZOO_OPSET_MAX),
            .seed = rng_next(&rng) >> 1 | 1,
        };
        struct err impossible = {0};
        if (zoo_build_row(arena, &recipe->row, &options, model, &impossible) == 0)
            return 0;
    }
    return err_set(err, ERR_BUG, "recipe %s: %d draws from seed %llu gave no network",
                   recipe->row.name, DRAWS_MAX, (unsigned long long)seed);
}
