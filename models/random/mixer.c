/* Layers that mix tokens without attention. */
#include "models/random/recipes.h"
#include "models/zoo/attention.h"

/* Linear to twice the width, one half gates the other. */
static int32_t gated(struct recipe *r, int32_t x, int64_t width, enum zoo_activation gate) {
    struct zoo_builder *b = r->b;
    int32_t halves[2];
    zoo_split(b, zoo_linear(b, recipe_name(b), x, 2 * width, true), -1, 2, halves);
    return zoo_mul(b, halves[0], zoo_activate(b, gate, halves[1]));
}

static int32_t mlp(struct recipe *r, int32_t x, int64_t inner, bool gates) {
    struct zoo_builder *b = r->b;
    int64_t width = zoo_dim(b, x, -1);
    int32_t y = gates ? gated(r, x, inner, random_chance(&r->rng, 0.5) ? ZOO_SIGMOID : ZOO_GELU)
                      : zoo_activate(b, ZOO_GELU, zoo_linear(b, recipe_name(b), x, inner, true));
    return zoo_linear(b, recipe_name(b), y, width, true);
}

/* Tokens as the last axis, and back. */
static int32_t across_tokens(struct recipe *r, int32_t x, int64_t inner) {
    struct zoo_builder *b = r->b;
    int32_t y = mlp(r, zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1)), inner, false);
    return zoo_transpose(b, y, ZOO_SHAPE(0, 2, 1));
}

/* PoolFormer: a token becomes the mean of its neighbours. */
static int32_t pooled(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int32_t y = zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1));
    y = zoo_average_pool(b, y, (struct zoo_pool){3, 1, 1, false});
    return zoo_binary(b, "Sub", zoo_transpose(b, y, ZOO_SHAPE(0, 2, 1)), x);
}

void random_mixer(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 7, 11.5);
    int64_t patch = RANDOM_PICK(&r.rng, 8, 16, 16, 32), width = random_size(&r.rng, 64, 768, 32);
    int64_t side = rng_between(&r.rng, 5, 14), n = b->options.batch;
    bool gates = random_chance(&r.rng, 0.4), pools = random_chance(&r.rng, 0.25);
    int32_t x = recipe_image(&r, 3, side * patch);
    x = zoo_conv(b, "patches", x,
                 (struct zoo_conv){.out = width, .kernel = patch, .stride = patch, .bias = true});
    x = zoo_reshape(b, x, ZOO_SHAPE(n, width, side * side));
    x = zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1));
    int64_t across = random_size(&r.rng, 32, 512, 16);
    for (int i = 0; i < 8 && (i == 0 || recipe_goes_on(&r, 1)); i++) {
        int32_t y = zoo_layer_norm(b, recipe_name(b), x, 1e-6f);
        x = zoo_add(b, x, pools ? pooled(&r, y) : across_tokens(&r, y, across));
        y = zoo_layer_norm(b, recipe_name(b), x, 1e-6f);
        x = zoo_add(b, x, mlp(&r, y, width * RANDOM_PICK(&r.rng, 2, 4), gates));
    }
    x = zoo_reduce_mean(b, zoo_layer_norm(b, "norm", x, 1e-6f), 1, (int64_t[]){1}, false);
    zoo_output(b, zoo_linear(b, "head", x, random_size(&r.rng, 10, 1000, 1), true), "output");
}

/* ---- speech ---------------------------------------------------------------------------------- */

/* Pointwise, gate, wide depthwise kernel, pointwise: channels first inside. */
static int32_t convolution_block(struct recipe *r, int32_t x, int64_t kernel, bool excites) {
    struct zoo_builder *b = r->b;
    int64_t width = zoo_dim(b, x, -1);
    int32_t halves[2];
    int32_t y = zoo_layer_norm(b, recipe_name(b), x, 1e-5f);
    y = zoo_transpose(b, y, ZOO_SHAPE(0, 2, 1));
    y = zoo_conv(b, recipe_name(b), y,
                 (struct zoo_conv){.out = 2 * width, .kernel = 1, .bias = true});
    zoo_split(b, y, 1, 2, halves);
    y = zoo_mul(b, halves[0], zoo_unary(b, "Sigmoid", halves[1]));
    y = zoo_conv(
        b, recipe_name(b), y,
        (struct zoo_conv){.out = width, .kernel = kernel, .pad = kernel / 2, .groups = width});
    y = zoo_activate(b, ZOO_SILU, zoo_batch_norm(b, recipe_name(b), y));
    if (excites) {
        int32_t s = zoo_reduce_mean(b, y, 1, (int64_t[]){2}, true);
        s = zoo_conv(b, recipe_name(b), s,
                     (struct zoo_conv){.out = width / 8 + 4, .kernel = 1, .bias = true});
        s = zoo_conv(b, recipe_name(b), zoo_unary(b, "Relu", s),
                     (struct zoo_conv){.out = width, .kernel = 1, .bias = true});
        y = zoo_mul(b, y, zoo_unary(b, "Sigmoid", s));
    }
    y = zoo_conv(b, recipe_name(b), y, (struct zoo_conv){.out = width, .kernel = 1, .bias = true});
    return zoo_add(b, x, zoo_transpose(b, y, ZOO_SHAPE(0, 2, 1)));
}

static int32_t half_step(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t width = zoo_dim(b, x, -1);
    int32_t y = zoo_layer_norm(b, recipe_name(b), x, 1e-5f);
    y = zoo_activate(b, ZOO_SILU, zoo_linear(b, recipe_name(b), y, 4 * width, true));
    y = zoo_linear(b, recipe_name(b), y, width, true);
    return zoo_add(b, x, zoo_mul(b, y, zoo_scalar(b, 0.5)));
}

void random_conformer(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 7, 11.5);
    int64_t width = random_size(&r.rng, 64, 512, 64), n = b->options.batch;
    int64_t kernel = RANDOM_PICK(&r.rng, 7, 15, 15, 31), frames = random_size(&r.rng, 80, 600, 4);
    bool excites = random_chance(&r.rng, 0.3);
    const struct zoo_attention attention = {.query = "q",
                                            .key = "k",
                                            .value = "v",
                                            .out = "out",
                                            .heads = width / 32,
                                            .mask = GRAPH_NONE};
    int32_t x = zoo_input(b, "input", DTYPE_FLOAT32, ZOO_SHAPE(n, 1, frames, 80));
    for (int i = 0; i < 2; i++)
        x = zoo_conv_act(
            b, recipe_name(b), x,
            (struct zoo_conv){.out = width / 4, .kernel = 3, .stride = 2, .pad = 1, .bias = true},
            ZOO_RELU);
    int64_t steps = zoo_dim(b, x, 2), bins = zoo_dim(b, x, 3);
    x = zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1, 3));
    x = zoo_linear(b, "in", zoo_reshape(b, x, ZOO_SHAPE(n, steps, width / 4 * bins)), width, true);
    for (int i = 0; i < 6 && (i == 0 || recipe_goes_on(&r, 1)); i++) {
        zoo_enter(b, "layer.%d", i);
        x = half_step(&r, x);
        x = zoo_add(b, x, zoo_self_attention(b, zoo_layer_norm(b, "norm", x, 1e-5f), &attention));
        x = convolution_block(&r, x, kernel, excites);
        x = zoo_layer_norm(b, "last", half_step(&r, x), 1e-5f);
        zoo_leave(b);
    }
    int32_t y = zoo_linear(b, "head", x, random_size(&r.rng, 30, 1000, 1), true);
    zoo_output(b, zoo_unary(b, "LogSoftmax", y), "output");
}
