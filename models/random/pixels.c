/* Image networks that give images: restoration, style, diffusion, matching. */
#include "models/random/recipes.h"
#include "models/zoo/attention.h"

static int32_t newest(const struct recipe *r) {
    return (int32_t)r->b->graph->op_count - 1;
}

static int32_t conv(struct recipe *r, int32_t x, int64_t out, int64_t kernel, int64_t stride) {
    return zoo_conv(
        r->b, recipe_name(r->b), x,
        (struct zoo_conv){
            .out = out, .kernel = kernel, .pad = kernel / 2, .stride = stride, .bias = true});
}

static int64_t height_of(const struct recipe *r, int32_t x) {
    return zoo_dim(r->b, x, 2);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

/* GroupNorm as PyTorch exports it: InstanceNormalization over groups, then scale and shift. */
static int32_t group_norm(struct recipe *r, int32_t x, int64_t groups) {
    struct zoo_builder *b = r->b;
    int64_t sizes[GRAPH_RANK_MAX], channels = zoo_dim(b, x, 1);
    int32_t rank = zoo_sizes(b, x, sizes);
    const char *name = recipe_name(b);
    int32_t ones = zoo_number(b, arena_printf(b->graph->arena, "%s.ones", name), DTYPE_FLOAT32, 1,
                              ZOO_SHAPE(groups));
    int32_t zeros = zoo_number(b, arena_printf(b->graph->arena, "%s.zeros", name), DTYPE_FLOAT32, 0,
                               ZOO_SHAPE(groups));
    int32_t y = zoo_reshape(
        b, x,
        ZOO_SHAPE(sizes[0], groups, channels / groups * sizes[2] * (rank > 3 ? sizes[3] : 1)));
    int64_t grouped[GRAPH_RANK_MAX];
    int32_t grouped_rank = zoo_sizes(b, y, grouped);
    y = zoo_simple(b, "InstanceNormalization", ZOO_LIST(y, ones, zeros), grouped_rank, grouped);
    y = zoo_reshape(b, y, rank, sizes);
    int64_t vector[] = {channels, 1, 1};
    int32_t scale =
        zoo_weight(b, arena_printf(b->graph->arena, "%s.weight", name), 1, 0.02f, rank - 1, vector);
    int32_t shift =
        zoo_weight(b, arena_printf(b->graph->arena, "%s.bias", name), 0, 0.02f, rank - 1, vector);
    return zoo_add(b, zoo_mul(b, y, scale), shift);
}

static int32_t instance_norm(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    const char *name = recipe_name(b);
    int32_t scale = zoo_weight(b, arena_printf(b->graph->arena, "%s.weight", name), 1, 0.02f,
                               ZOO_SHAPE(sizes[1]));
    int32_t shift = zoo_weight(b, arena_printf(b->graph->arena, "%s.bias", name), 0, 0.02f,
                               ZOO_SHAPE(sizes[1]));
    return zoo_simple(b, "InstanceNormalization", ZOO_LIST(x, scale, shift), rank, sizes);
}

static int32_t padded(struct recipe *r, int32_t x, int64_t pad, const char *mode) {
    struct zoo_builder *b = r->b;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    int32_t pads = zoo_ints(b, ZOO_SHAPE(0, 0, pad, pad, 0, 0, pad, pad));
    sizes[2] += 2 * pad;
    sizes[3] += 2 * pad;
    int32_t y = zoo_simple(b, "Pad", ZOO_LIST(x, pads), rank, sizes);
    graph_set_string(b->graph, newest(r), "mode", mode);
    return y;
}

static int32_t resized(struct recipe *r, int32_t x, const char *mode, double scale) {
    struct zoo_builder *b = r->b;
    int64_t height = (int64_t)((double)height_of(r, x) * scale),
            width = (int64_t)((double)zoo_dim(b, x, 3) * scale);
    int32_t y = zoo_resize(b, x, height, width);
    struct op *op = &b->graph->ops[newest(r)];
    op->attribute_count = 0;
    bool nearest = mode[0] == 'n';
    graph_set_string(b->graph, newest(r), "coordinate_transformation_mode",
                     nearest ? "asymmetric" : "half_pixel");
    graph_set_string(b->graph, newest(r), "mode", mode);
    graph_set_string(b->graph, newest(r), "nearest_mode", "floor");
    return y;
}

static int32_t depth_to_space(struct recipe *r, int32_t x, int64_t block) {
    struct zoo_builder *b = r->b;
    int32_t y = zoo_simple(b, "DepthToSpace", ZOO_LIST(x),
                           ZOO_SHAPE(zoo_dim(b, x, 0), zoo_dim(b, x, 1) / (block * block),
                                     height_of(r, x) * block, zoo_dim(b, x, 3) * block));
    graph_set_int(b->graph, newest(r), "blocksize", block);
    graph_set_string(b->graph, newest(r), "mode", random_chance(&r->rng, 0.7) ? "CRD" : "DCR");
    return y;
}

static int32_t space_to_depth(struct recipe *r, int32_t x, int64_t block) {
    struct zoo_builder *b = r->b;
    int32_t y = zoo_simple(b, "SpaceToDepth", ZOO_LIST(x),
                           ZOO_SHAPE(zoo_dim(b, x, 0), zoo_dim(b, x, 1) * block * block,
                                     height_of(r, x) / block, zoo_dim(b, x, 3) / block));
    graph_set_int(b->graph, newest(r), "blocksize", block);
    return y;
}

static int32_t slope(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    if (random_chance(&r->rng, 0.4)) {
        int32_t y = zoo_unary(b, "LeakyRelu", x);
        graph_set_float(b->graph, newest(r), "alpha", 0.2f);
        return y;
    }
    bool single = random_chance(&r->rng, 0.4); /* for all channels, as PyTorch makes it */
    int32_t slopes = single
                         ? zoo_weight(b, recipe_name(b), 0.25f, 0.02f, ZOO_SHAPE(1, 1, 1))
                         : zoo_weight(b, recipe_name(b), 0.25f, 0.02f, ZOO_SHAPE(sizes[1], 1, 1));
    return zoo_simple(b, "PRelu", ZOO_LIST(x, slopes), rank, sizes);
}

/* ---- restoration ----------------------------------------------------------------------------- */

/* Super-resolution: a body at low resolution, enlarged at the end by one of four ways. */
void random_enlarging(struct zoo_builder *b, const void *config) {
    (void)config;
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    struct recipe r = recipe_begin(b, 6.5, 11);
    int64_t width = random_size(&r.rng, 12, 64, 4), scale = RANDOM_PICK(&r.rng, 2, 2, 3, 4);
    bool reflects = random_chance(&r.rng, 0.5);
    int32_t x = recipe_image(&r, 3, random_size(&r.rng, 32, 128, 4));
    if (random_chance(&r.rng, 0.3))
        x = space_to_depth(&r, x, 2);
    x = slope(&r, conv(&r, x, width, RANDOM_PICK(&r.rng, 3, 5, 9), 1));
    int32_t trunk = x;
    for (int i = 0; i < 16 && recipe_goes_on(&r, 0.8); i++) {
        int32_t y = reflects ? padded(&r, x, 1, i % 3 ? "reflect" : "edge") : x;
        y = zoo_conv(
            b, recipe_name(b), y,
            (struct zoo_conv){.out = width, .kernel = 3, .pad = reflects ? 0 : 1, .bias = true});
        x = zoo_add(b, conv(&r, slope(&r, y), width, 3, 1), x);
    }
    x = zoo_add(b, x, trunk);
    switch (rng_below(&r.rng, 3)) {
    case 0:
        x = depth_to_space(&r, conv(&r, x, width * scale * scale, 3, 1), scale);
        break;
    case 1:
        x = recipe_conv_transpose(&r, x, width, scale % 2 ? 3 + scale : 2 * scale, scale, 1);
        break;
    default:
        x = conv(&r, resized(&r, x, modes[rng_below(&r.rng, 3)], (double)scale), width, 3, 1);
    }
    zoo_output(b, zoo_unary(b, "Tanh", conv(&r, slope(&r, x), 3, 3, 1)), "output");
}

/* ---- style ----------------------------------------------------------------------------------- */

/* Down, residual blocks with InstanceNormalization and reflected borders, and up again. */
/* GANs: from a vector to a picture by transposed convolutions, many channels on few pixels first.
 */
void random_generator(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 4, 10);
    int64_t width = random_size(&r.rng, 32, 768, 16);
    int64_t kernel = RANDOM_PICK(&r.rng, 4, 4, 2, 6);
    int32_t x = zoo_input(b, "noise", DTYPE_FLOAT32,
                          ZOO_SHAPE(b->options.batch, random_size(&r.rng, 16, 256, 4), 1, 1));
    x = recipe_conv_transpose(&r, x, width, 4, 4, 1);
    for (int i = 0; i < 6 && (i < 2 || recipe_goes_on(&r, 1)); i++) {
        x = zoo_activate(b, ZOO_RELU, zoo_batch_norm(b, recipe_name(b), x));
        width = width > 32 ? width / 2 : width;
        x = recipe_conv_transpose(&r, x, width, kernel, 2, 1);
    }
    zoo_output(b, zoo_unary(b, "Tanh", conv(&r, x, 3, 3, 1)), "output");
}

void random_style(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 7.5, 11.5);
    int64_t width = random_size(&r.rng, 8, 32, 8);
    int32_t x = padded(&r, recipe_image(&r, 3, random_size(&r.rng, 64, 224, 16)), 4, "reflect");
    x = zoo_conv(b, "in", x, (struct zoo_conv){.out = width, .kernel = 9, .bias = true});
    x = zoo_unary(b, "Relu", instance_norm(&r, x));
    for (int i = 0; i < 2; i++)
        x = zoo_unary(b, "Relu", instance_norm(&r, conv(&r, x, width <<= 1, 3, 2)));
    for (int i = 0; i < 9 && recipe_goes_on(&r, 0.7); i++) {
        int32_t y = zoo_conv(b, recipe_name(b), padded(&r, x, 1, "reflect"),
                             (struct zoo_conv){.out = width, .kernel = 3, .bias = true});
        y = zoo_unary(b, "Relu", instance_norm(&r, y));
        x = zoo_add(b, x, instance_norm(&r, conv(&r, y, width, 3, 1)));
    }
    bool transposes = random_chance(&r.rng, 0.5);
    for (int i = 0; i < 2; i++) {
        width >>= 1;
        x = transposes ? recipe_conv_transpose(&r, x, width, 4, 2, 1)
                       : conv(&r, resized(&r, x, "nearest", 2), width, 3, 1);
        x = zoo_unary(b, "Relu", instance_norm(&r, x));
    }
    zoo_output(b, zoo_unary(b, "Sigmoid", conv(&r, x, 3, 9, 1)), "output");
}

/* ---- diffusion ------------------------------------------------------------------------------- */

struct diffusion {
    int64_t groups, heads;
    int32_t time; /* batch x width */
};

static int32_t diffusion_block(struct recipe *r, const struct diffusion *net, int32_t x,
                               int64_t out) {
    struct zoo_builder *b = r->b;
    int32_t y = zoo_activate(b, ZOO_SILU, group_norm(r, x, net->groups));
    y = conv(r, y, out, 3, 1);
    int32_t t = zoo_linear(b, recipe_name(b), zoo_activate(b, ZOO_SILU, net->time), out, true);
    y = zoo_add(b, y, zoo_unsqueeze(b, zoo_unsqueeze(b, t, 2), 3));
    y = conv(r, zoo_activate(b, ZOO_SILU, group_norm(r, y, net->groups)), out, 3, 1);
    return zoo_add(b, y, zoo_dim(b, x, 1) == out ? x : conv(r, x, out, 1, 1));
}

/* Attention among all pixels, or of pixels to the words of a prompt when there are any. */
static int32_t diffusion_attention(struct recipe *r, const struct diffusion *net, int32_t x,
                                   int32_t words) {
    struct zoo_builder *b = r->b;
    int64_t n = zoo_dim(b, x, 0), c = zoo_dim(b, x, 1), h = height_of(r, x), w = zoo_dim(b, x, 3);
    int32_t y = zoo_reshape(b, group_norm(r, x, net->groups), ZOO_SHAPE(n, c, h * w));
    y = zoo_layer_norm(b, recipe_name(b), zoo_transpose(b, y, ZOO_SHAPE(0, 2, 1)), 1e-5f);
    int32_t from = words >= 0 ? words : y;
    int32_t q = zoo_linear(b, recipe_name(b), y, c, false);
    q = zoo_split_heads(b, q, net->heads);
    int32_t k = zoo_linear(b, recipe_name(b), from, c, false);
    k = zoo_split_heads_swapped(b, k, net->heads);
    int32_t v = zoo_linear(b, recipe_name(b), from, c, false);
    v = zoo_split_heads(b, v, net->heads);
    y = zoo_linear(b, recipe_name(b), zoo_merge_heads(b, zoo_attend(b, q, k, v, GRAPH_NONE)), c,
                   true);
    y = zoo_reshape(b, zoo_transpose(b, y, ZOO_SHAPE(0, 2, 1)), ZOO_SHAPE(n, c, h, w));
    return zoo_add(b, x, y);
}

void random_diffusion(struct zoo_builder *b, const void *config) {
    (void)config;
    enum { LEVELS = 3 };
    struct recipe r = recipe_begin(b, 8.5, 12);
    struct diffusion net = {.groups = RANDOM_PICK(&r.rng, 4, 8, 16), .heads = 4};
    int64_t width = random_size(&r.rng, 32, 64, 16), size = RANDOM_PICK(&r.rng, 16, 24, 32, 32);
    int64_t n = b->options.batch;
    int32_t x = recipe_image(&r, 4, size), links[LEVELS];
    int32_t time = zoo_input(b, "time", DTYPE_FLOAT32, ZOO_SHAPE(n, width));
    int32_t words = random_chance(&r.rng, 0.5)
                        ? zoo_input(b, "words", DTYPE_FLOAT32, ZOO_SHAPE(n, 77, 2 * width))
                        : GRAPH_NONE;
    net.time = zoo_linear(b, "time.0", time, 4 * width, true);
    net.time = zoo_linear(b, "time.2", zoo_activate(b, ZOO_SILU, net.time), 4 * width, true);
    x = conv(&r, x, width, 3, 1);
    for (int i = 0; i < LEVELS; i++) {
        x = diffusion_block(&r, &net, x, width << i);
        if (i > 0)
            x = diffusion_attention(&r, &net, x, words);
        links[i] = x;
        if (i < LEVELS - 1)
            x = conv(&r, x, width << i, 3, 2);
    }
    for (int i = LEVELS - 1; i >= 0; i--) {
        x = zoo_concat(b, 1, ZOO_LIST(x, links[i]));
        x = diffusion_block(&r, &net, x, width << i);
        if (i > 0)
            x = conv(&r, resized(&r, x, "nearest", 2), width << (i - 1), 3, 1);
    }
    x = zoo_activate(b, ZOO_SILU, group_norm(&r, x, net.groups));
    zoo_output(b, conv(&r, x, 4, 3, 1), "output");
}

/* ---- matching -------------------------------------------------------------------------------- */

/* One image bent onto another: GridSample at places that the network finds. */
void random_warping(struct zoo_builder *b, const void *config) {
    (void)config;
    if (b->options.opset < 16)
        zoo_impossible(b, "GridSample came with opset 16");
    struct recipe r = recipe_begin(b, 6, 10);
    int64_t width = random_size(&r.rng, 8, 48, 8), n = b->options.batch;
    int32_t x = recipe_image(&r, 3, random_size(&r.rng, 48, 160, 16));
    x = zoo_unary(b, "Relu", conv(&r, x, width, 3, 2));
    for (int i = 0; i < 6 && (i == 0 || recipe_goes_on(&r, 1)); i++) {
        int64_t h = height_of(&r, x), w = zoo_dim(b, x, 3);
        int32_t y = zoo_unary(b, "Relu", conv(&r, x, width, 3, 1));
        int32_t flow = zoo_unary(b, "Tanh", conv(&r, y, 2, 3, 1));
        flow = zoo_transpose(b, flow, ZOO_SHAPE(0, 2, 3, 1));
        y = zoo_simple(b, "GridSample", ZOO_LIST(y, flow), ZOO_SHAPE(n, width, h, w));
        graph_set_string(b->graph, newest(&r), "mode",
                         b->options.opset >= 20 ? "linear" : "bilinear");
        x = zoo_unary(b, "Relu", conv(&r, zoo_concat(b, 1, ZOO_LIST(x, y)), width, 1, 1));
    }
    zoo_output(b, conv(&r, x, 2, 3, 1), "output");
}
