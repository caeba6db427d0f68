/* Image networks. */
#include "models/random/recipes.h"

enum { STAGES = 4, BLOCKS_MAX = 6 };

static int32_t conv(struct recipe *r, int32_t x, int64_t out, int64_t kernel, int64_t stride,
                    int64_t groups, enum zoo_activation activation) {
    return zoo_conv_bn(
        r->b, recipe_name(r->b), x,
        (struct zoo_conv){
            .out = out, .kernel = kernel, .pad = kernel / 2, .stride = stride, .groups = groups},
        activation);
}

static int64_t smallest_side(const struct recipe *r, int32_t x) {
    int64_t h = zoo_dim(r->b, x, -2), w = zoo_dim(r->b, x, -1);
    return h < w ? h : w;
}

/* Halves the size unless it is small already. */
static int64_t draw_stride(struct recipe *r, int32_t x) {
    return smallest_side(r, x) >= 8 && random_chance(&r->rng, 0.9) ? 2 : 1;
}

static int64_t wider(struct recipe *r, int32_t x, int64_t step, int64_t limit) {
    int64_t width = zoo_dim(r->b, x, 1);
    int64_t out = random_size(&r->rng, width > step ? width : step, 2 * width + step, step);
    return out > limit ? limit : out;
}

/* ---- residual -------------------------------------------------------------------------------- */

static int32_t residual_block(struct recipe *r, int32_t x, int64_t out, int64_t stride,
                              int64_t squeeze, enum zoo_activation activation) {
    struct zoo_builder *b = r->b;
    int32_t link = x, y = x;
    if (squeeze > 1) {
        y = conv(r, y, out / squeeze, 1, 1, 1, activation);
        y = conv(r, y, out / squeeze, 3, stride, 1, activation);
        y = conv(r, y, out, 1, 1, 1, ZOO_NONE);
    } else {
        y = conv(r, y, out, 3, stride, 1, activation);
        y = conv(r, y, out, 3, 1, 1, ZOO_NONE);
    }
    if (stride != 1 || zoo_dim(b, x, 1) != out)
        link = conv(r, x, out, 1, stride, 1, ZOO_NONE);
    return zoo_activate(b, activation, zoo_add(b, y, link));
}

void random_residual(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 7, 12.5);
    enum zoo_activation activation = random_chance(&r.rng, 0.7) ? ZOO_RELU : recipe_activation(&r);
    int64_t squeeze = RANDOM_PICK(&r.rng, 1, 2, 4);
    int32_t x = recipe_stem(&r);
    for (int stage = 0; stage < STAGES; stage++) {
        int64_t out = wider(&r, x, squeeze > 1 ? 64 : 16, squeeze > 1 ? 2048 : 640);
        int64_t stride = stage ? draw_stride(&r, x) : 1;
        for (int i = 0; i < BLOCKS_MAX && recipe_goes_on(&r, (stage + 1.0) / STAGES); i++)
            x = residual_block(&r, x, out, i ? 1 : stride, squeeze, activation);
    }
    recipe_classify(&r, x);
}

/* ---- plain ----------------------------------------------------------------------------------- */

/* Like VGG and AlexNet: no links, flattened into dense layers that may be very large. */
void random_plain(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 7.5, 13);
    int32_t x = recipe_stem(&r);
    for (int stage = 0; stage < STAGES; stage++) {
        int64_t out = wider(&r, x, 16, 512), kernel = RANDOM_PICK(&r.rng, 3, 3, 3, 5, 1);
        for (int i = 0; i < 4 && recipe_goes_on(&r, (stage + 1.0) / STAGES); i++)
            x = conv(&r, x, out, kernel, 1, 1, recipe_activation(&r));
        if (smallest_side(&r, x) >= 6)
            x = random_chance(&r.rng, 0.8)
                    ? zoo_max_pool(b, x, (struct zoo_pool){RANDOM_PICK(&r.rng, 2, 3), 2, 0, false})
                    : zoo_average_pool(b, x, (struct zoo_pool){2, 2, 0, false});
    }
    if (zoo_dim(b, x, 1) * zoo_dim(b, x, 2) * zoo_dim(b, x, 3) <= 30000)
        x = zoo_flatten(b, x);
    else
        x = zoo_flatten(b, zoo_global_pool(b, x));
    for (int i = 0; i < 2; i++)
        x = zoo_activate(b, ZOO_RELU,
                         zoo_linear(b, recipe_name(b), x, random_size(&r.rng, 64, 4096, 16), true));
    recipe_classify(&r, x);
}

/* ---- inverted residuals ---------------------------------------------------------------------- */

struct inverted {
    int64_t expand, kernel;
    enum zoo_activation activation, gate;
    bool excite;
};

static int32_t inverted_block(struct recipe *r, int32_t x, int64_t out, int64_t stride,
                              const struct inverted *form) {
    struct zoo_builder *b = r->b;
    int64_t in = zoo_dim(b, x, 1), wide = in * form->expand;
    int32_t y = x;
    if (form->expand > 1)
        y = conv(r, y, wide, 1, 1, 1, form->activation);
    y = conv(r, y, wide, form->kernel, stride, wide, form->activation);
    if (form->excite)
        y = zoo_squeeze_excite(b, recipe_name(b), y, wide / RANDOM_PICK(&r->rng, 4, 8, 16) + 4,
                               form->activation, form->gate);
    y = conv(r, y, out, 1, 1, 1, ZOO_NONE);
    return stride == 1 && in == out ? zoo_add(b, y, x) : y;
}

void random_inverted(struct zoo_builder *b, const void *config) {
    (void)config;
    static const enum zoo_activation activations[] = {ZOO_RELU, ZOO_RELU6, ZOO_SILU,
                                                      ZOO_HARD_SWISH};
    struct recipe r = recipe_begin(b, 6, 10.5);
    struct inverted form = {
        .activation = activations[rng_below(&r.rng, 4)],
        .gate = random_chance(&r.rng, 0.5) ? ZOO_HARD_SIGMOID : ZOO_SIGMOID,
        .excite = random_chance(&r.rng, 0.5),
    };
    int32_t x = recipe_stem(&r);
    for (int stage = 0; stage < 6; stage++) {
        form.expand = RANDOM_PICK(&r.rng, 1, 3, 4, 6, 6);
        form.kernel = RANDOM_PICK(&r.rng, 3, 3, 5);
        int64_t out = random_size(&r.rng, 16 + 16 * stage, 24 + 56 * stage, 8);
        int64_t stride = draw_stride(&r, x);
        for (int i = 0; i < 4 && recipe_goes_on(&r, (stage + 1.0) / 6); i++)
            x = inverted_block(&r, x, out, i ? 1 : stride, &form);
    }
    x = conv(&r, x, random_size(&r.rng, 256, 1536, 64), 1, 1, 1, form.activation);
    recipe_classify(&r, x);
}

/* ---- grouped --------------------------------------------------------------------------------- */

static int32_t shuffle(struct recipe *r, int32_t x, int64_t groups) {
    struct zoo_builder *b = r->b;
    int64_t n = zoo_dim(b, x, 0), c = zoo_dim(b, x, 1), h = zoo_dim(b, x, 2), w = zoo_dim(b, x, 3);
    x = zoo_reshape(b, x, ZOO_SHAPE(n, groups, c / groups, h, w));
    x = zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1, 3, 4));
    return zoo_reshape(b, x, ZOO_SHAPE(n, c, h, w));
}

/* ResNeXt and RegNet: a grouped 3x3 between two pointwise ones. */
static int32_t grouped_block(struct recipe *r, int32_t x, int64_t out, int64_t stride,
                             int64_t group_width, bool excite) {
    struct zoo_builder *b = r->b;
    int32_t y = conv(r, x, out, 1, 1, 1, ZOO_RELU);
    y = conv(r, y, out, 3, stride, out / group_width, ZOO_RELU);
    if (excite)
        y = zoo_squeeze_excite(b, recipe_name(b), y, out / 4 + 1, ZOO_RELU, ZOO_SIGMOID);
    y = conv(r, y, out, 1, 1, 1, ZOO_NONE);
    int32_t link =
        stride != 1 || zoo_dim(b, x, 1) != out ? conv(r, x, out, 1, stride, 1, ZOO_NONE) : x;
    return zoo_activate(b, ZOO_RELU, zoo_add(b, y, link));
}

/* ShuffleNet: half of the channels pass by, then both halves are shuffled. With groups in the
 * pointwise convolutions it is the first version of it. */
static int32_t shuffled_block(struct recipe *r, int32_t x, int64_t groups) {
    struct zoo_builder *b = r->b;
    int32_t halves[2];
    int64_t half = zoo_dim(b, x, 1) / 2;
    zoo_split(b, x, 1, 2, halves);
    int32_t y = conv(r, halves[1], half, 1, 1, groups, ZOO_RELU);
    y = conv(r, y, half, 3, 1, half, ZOO_NONE);
    halves[1] = conv(r, y, half, 1, 1, 1, ZOO_RELU);
    return shuffle(r, zoo_concat(b, 1, 2, halves), 2);
}

void random_grouped(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 6.5, 11);
    bool shuffled = random_chance(&r.rng, 0.4), excite = random_chance(&r.rng, 0.3);
    int64_t group_width = RANDOM_PICK(&r.rng, 4, 8, 16, 16, 24, 32, 40, 48, 64);
    int64_t pointwise_groups = RANDOM_PICK(&r.rng, 1, 1, 2, 4);
    int32_t x = recipe_stem(&r);
    for (int stage = 0; stage < STAGES; stage++) {
        int64_t step = shuffled ? 8 * pointwise_groups : group_width;
        int64_t out = wider(&r, x, step, 1024) / step * step;
        int64_t stride = draw_stride(&r, x);
        if (shuffled)
            x = conv(&r, x, out, 1, stride, 1, ZOO_RELU);
        for (int i = 0; i < BLOCKS_MAX && recipe_goes_on(&r, (stage + 1.0) / STAGES); i++)
            x = shuffled ? shuffled_block(&r, x, pointwise_groups)
                         : grouped_block(&r, x, out, i ? 1 : stride, group_width, excite);
    }
    recipe_classify(&r, x);
}

/* ---- dense links ----------------------------------------------------------------------------- */

/* DenseNet: normalisation stands before the convolution, so it is not folded. */
static int32_t normalised(struct recipe *r, int32_t x) {
    return zoo_activate(r->b, ZOO_RELU, zoo_batch_norm(r->b, recipe_name(r->b), x));
}

void random_dense_links(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 7, 11);
    int64_t growth = RANDOM_PICK(&r.rng, 12, 16, 24, 32, 48);
    int32_t x = recipe_stem(&r);
    for (int stage = 0; stage < 3; stage++) {
        for (int i = 0; i < 10 && recipe_goes_on(&r, (stage + 1.0) / 3); i++) {
            int32_t y = conv(&r, normalised(&r, x), 4 * growth, 1, 1, 1, ZOO_NONE);
            y = conv(&r, normalised(&r, y), growth, 3, 1, 1, ZOO_NONE);
            x = zoo_concat(b, 1, ZOO_LIST(x, y));
        }
        x = conv(&r, normalised(&r, x), zoo_dim(b, x, 1) / 2 / 8 * 8 + 8, 1, 1, 1, ZOO_NONE);
        if (smallest_side(&r, x) >= 4)
            x = zoo_average_pool(b, x, (struct zoo_pool){2, 2, 0, false});
    }
    recipe_classify(&r, normalised(&r, x));
}

/* ---- branches -------------------------------------------------------------------------------- */

static int32_t lopsided(struct recipe *r, int32_t x, int64_t out, int64_t height, int64_t width) {
    struct zoo_conv flat = {
        .out = out, .kernel = height, .kernel_w = width, .pad = height / 2, .pad_w = width / 2};
    return zoo_conv_bn(r->b, recipe_name(r->b), x, flat, ZOO_RELU);
}

static int32_t branched(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    struct rng *rng = &r->rng;
    int64_t wide = random_size(rng, 16, 320, 8), n = RANDOM_PICK(rng, 3, 5, 7);
    int32_t parts[4];
    parts[0] = conv(r, x, random_size(rng, 16, 320, 8), 1, 1, 1, ZOO_RELU);
    parts[1] = conv(r, x, wide, 1, 1, 1, ZOO_RELU);
    parts[1] = conv(r, parts[1], wide, 3, 1, 1, ZOO_RELU);
    parts[2] = conv(r, x, wide / 2 + 8, 1, 1, 1, ZOO_RELU);
    if (random_chance(rng, 0.5)) {
        parts[2] = lopsided(r, parts[2], wide, 1, n);
        parts[2] = lopsided(r, parts[2], wide, n, 1);
    } else {
        parts[2] = conv(r, parts[2], wide / 2 + 16, 5, 1, 1, ZOO_RELU);
    }
    parts[3] = random_chance(rng, 0.5) ? zoo_max_pool(b, x, (struct zoo_pool){3, 1, 1, false})
                                       : zoo_average_pool(b, x, (struct zoo_pool){3, 1, 1, false});
    parts[3] = conv(r, parts[3], random_size(rng, 16, 128, 8), 1, 1, 1, ZOO_RELU);
    return zoo_concat(b, 1, 4, parts);
}

/* AlexNet and GoogLeNet: normalisation over neighbouring channels. */
static int32_t local_norm(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    int32_t y = zoo_simple(b, "LRN", ZOO_LIST(x), rank, sizes);
    graph_set_int(b->graph, b->graph->tensors[y].producer, "size", 5);
    return y;
}

void random_branches(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 7.5, 11);
    int32_t x = recipe_stem(&r);
    if (random_chance(&r.rng, 0.6))
        x = local_norm(&r, x);
    x = conv(&r, x, random_size(&r.rng, 64, 192, 16), 3, draw_stride(&r, x), 1, ZOO_RELU);
    for (int stage = 0; stage < 3; stage++) {
        for (int i = 0; i < 4 && recipe_goes_on(&r, (stage + 1.0) / 3); i++)
            x = branched(&r, x);
        if (smallest_side(&r, x) >= 6)
            x = zoo_max_pool(b, x, (struct zoo_pool){3, 2, 0, false});
    }
    recipe_classify(&r, x);
}

/* ---- what fits no block ---------------------------------------------------------------------- */

void random_odd_widths(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 5.5, 9.5);
    int32_t x =
        recipe_image(&r, RANDOM_PICK(&r.rng, 1, 2, 3, 4, 5), random_size(&r.rng, 24, 160, 8));
    int64_t width = random_size(&r.rng, 5, 120, 1);
    for (int i = 0; i < 12 && recipe_goes_on(&r, 1); i++) {
        int64_t in = zoo_dim(b, x, 1), kind = rng_between(&r.rng, 0, 3);
        int64_t stride = i % 3 == 2 ? draw_stride(&r, x) : 1,
                kernel = RANDOM_PICK(&r.rng, 1, 3, 3, 5);
        if (kind == 0)
            x = conv(&r, x, in, kernel, stride, in, recipe_activation(&r));
        else if (kind == 1 && in % 2 == 0)
            x = conv(&r, x, in, kernel, stride, 2, recipe_activation(&r));
        else
            x = conv(&r, x, kind == 2 ? width : random_size(&r.rng, 5, 120, 1), kernel, stride, 1,
                     recipe_activation(&r));
    }
    recipe_classify(&r, x);
}

/* ---- sound ----------------------------------------------------------------------------------- */

void random_signal(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 5, 11);
    int64_t length = random_size(&r.rng, 60, 16000, 4), batch = b->options.batch;
    int64_t widest = RANDOM_PICK(&r.rng, 256, 512, 2048),
            usual_kernel = RANDOM_PICK(&r.rng, 1, 3, 3);
    bool wide_steps =
        random_chance(&r.rng, 0.3); /* WaveNet: ever larger dilations, nothing halved */
    int32_t x = zoo_input(b, "input", DTYPE_FLOAT32,
                          ZOO_SHAPE(batch, RANDOM_PICK(&r.rng, 1, 1, 40, 80), length));
    for (int i = 0; i < 10 && recipe_goes_on(&r, 1); i++) {
        int64_t kernel =
            random_chance(&r.rng, 0.5) ? usual_kernel : RANDOM_PICK(&r.rng, 1, 3, 5, 7, 15);
        int64_t in = zoo_dim(b, x, 1);
        bool alone = random_chance(&r.rng, 0.2);
        bool halve = !wide_steps && zoo_dim(b, x, 2) >= 4 * kernel && i % 2;
        int64_t dilation = wide_steps ? 1 << i % 8 : RANDOM_PICK(&r.rng, 1, 1, 2, 4);
        x = zoo_conv_act(b, recipe_name(b), x,
                         (struct zoo_conv){.out = alone ? in : random_size(&r.rng, 16, widest, 8),
                                           .kernel = kernel,
                                           .pad = kernel / 2 * (kernel == 3 ? dilation : 1),
                                           .stride = halve ? 2 : 1,
                                           .dilation = kernel == 3 ? dilation : 1,
                                           .groups = alone ? in : 1,
                                           .bias = true},
                         recipe_activation(&r));
        if (zoo_dim(b, x, 2) >= 32 && random_chance(&r.rng, 0.25))
            x = zoo_max_pool(b, x, (struct zoo_pool){RANDOM_PICK(&r.rng, 2, 4), 2, 0, false});
    }
    x = zoo_reduce_mean(b, x, 1, (int64_t[]){2}, false);
    zoo_output(b, zoo_linear(b, "head", x, random_size(&r.rng, 10, 500, 1), true), "output");
}

/* ---- down and up ----------------------------------------------------------------------------- */

static int32_t twice(struct recipe *r, int32_t x, int64_t out) {
    x = conv(r, x, out, 3, 1, 1, ZOO_RELU);
    return random_chance(&r->rng, 0.7) ? conv(r, x, out, 3, 1, 1, ZOO_RELU) : x;
}

static int32_t up(struct recipe *r, int32_t x, int32_t beside) {
    struct zoo_builder *b = r->b;
    int64_t out = zoo_dim(b, beside, 1);
    x = random_chance(&r->rng, 0.5)
            ? zoo_conv_transpose(b, recipe_name(b), x, out, 2)
            : conv(r, zoo_resize(b, x, zoo_dim(b, beside, 2), zoo_dim(b, beside, 3)), out, 1, 1, 1,
                   ZOO_NONE);
    return random_chance(&r->rng, 0.7) ? zoo_concat(b, 1, ZOO_LIST(beside, x))
                                       : zoo_add(b, beside, x);
}

void random_segmentation(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 8, 12);
    int64_t width = random_size(&r.rng, 8, 40, 8), depth = rng_between(&r.rng, 2, 4);
    int32_t levels[4], x = recipe_image(&r, 3, RANDOM_PICK(&r.rng, 64, 96, 128, 160, 192, 256));
    for (int i = 0; i < depth; i++) {
        levels[i] = x = twice(&r, x, width << i);
        x = zoo_max_pool(b, x, (struct zoo_pool){2, 2, 0, false});
    }
    x = twice(&r, x, width << depth);
    for (int64_t i = depth; i-- > 0;)
        x = twice(&r, up(&r, x, levels[i]), width << i);
    x = zoo_conv(
        b, "classes", x,
        (struct zoo_conv){.out = random_size(&r.rng, 1, 32, 1), .kernel = 1, .bias = true});
    zoo_output(b, random_chance(&r.rng, 0.5) ? zoo_activate(b, ZOO_SIGMOID, x) : x, "output");
}

/* ---- modern ---------------------------------------------------------------------------------- */

/* ConvNeXt: large depthwise kernels, then dense layers with the channels last. */
static int32_t modern_block(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t width = zoo_dim(b, x, 1), kernel = RANDOM_PICK(&r->rng, 7, 7, 5, 9);
    int32_t y = zoo_conv(
        b, recipe_name(b), x,
        (struct zoo_conv){
            .out = width, .kernel = kernel, .pad = kernel / 2, .groups = width, .bias = true});
    y = zoo_transpose(b, y, ZOO_SHAPE(0, 2, 3, 1));
    y = zoo_layer_norm(b, recipe_name(b), y, 1e-6f);
    y = zoo_activate(b, ZOO_GELU, zoo_linear(b, recipe_name(b), y, 4 * width, true));
    y = zoo_linear(b, recipe_name(b), y, width, true);
    return zoo_add(b, zoo_transpose(b, y, ZOO_SHAPE(0, 3, 1, 2)), x);
}

void random_modern_conv(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 8, 11.5);
    int64_t width = random_size(&r.rng, 32, 128, 16);
    int32_t x = recipe_image(&r, 3, RANDOM_PICK(&r.rng, 96, 128, 160, 192, 224));
    x = zoo_conv(b, "stem", x,
                 (struct zoo_conv){.out = width, .kernel = 4, .stride = 4, .bias = true});
    for (int stage = 0; stage < 3; stage++) {
        for (int i = 0; i < 4 && recipe_goes_on(&r, (stage + 1.0) / 3); i++)
            x = modern_block(&r, x);
        if (smallest_side(&r, x) >= 6)
            x = zoo_conv(b, recipe_name(b), x,
                         (struct zoo_conv){
                             .out = 2 * zoo_dim(b, x, 1), .kernel = 2, .stride = 2, .bias = true});
    }
    recipe_classify(&r, x);
}
