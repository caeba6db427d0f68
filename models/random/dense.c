/* Dense layers of all sizes, and operators that other recipes have at few sizes. */
#include "models/random/recipes.h"

#include <math.h>

/* As exporters write it that compute nothing: the weights are transposed while the model loads. */
static int32_t turned_linear(struct zoo_builder *b, int32_t x, int64_t out) {
    int64_t in = zoo_dim(b, x, -1);
    int32_t weight = zoo_weight(b, recipe_name(b), 0, 1 / sqrtf((float)in), ZOO_SHAPE(out, in));
    return zoo_matmul(b, recipe_name(b), x, zoo_transpose(b, weight, ZOO_SHAPE(1, 0)));
}

/* Tall, wide, single rows, with and without bias; as Gemm (a matrix) and MatMul (more axes). */
void random_dense_layers(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 3, 11);
    bool rows = random_chance(&r.rng, 0.5), normalised = !rows && random_chance(&r.rng, 0.4);
    bool turned = random_chance(&r.rng, 0.25);
    int64_t width = random_size(&r.rng, 16, 4096, 1);
    int64_t samples =
        b->options.batch * (random_chance(&r.rng, 0.4) ? random_size(&r.rng, 8, 128, 1) : 1);
    int32_t x = rows ? zoo_input(b, "input", DTYPE_FLOAT32,
                                 ZOO_SHAPE(b->options.batch, random_size(&r.rng, 2, 512, 1), width))
                     : zoo_input(b, "input", DTYPE_FLOAT32, ZOO_SHAPE(samples, width));
    for (int i = 0; i < 6 && (i < 2 || recipe_goes_on(&r, 1)); i++) {
        int64_t most = 40000000 / zoo_dim(b, x, -1); /* weights of at most 160 MB */
        int64_t out = random_size(&r.rng, 16, 8192, random_chance(&r.rng, 0.7) ? 16 : 1);
        out = out < most ? out : most;
        x = turned ? turned_linear(b, x, out)
                   : zoo_linear(b, recipe_name(b), x, out, random_chance(&r.rng, 0.8));
        x = zoo_activate(b, recipe_activation(&r), x);
        if (normalised)
            x = zoo_batch_norm(b, recipe_name(b), x);
    }
    zoo_output(b, x, "output");
}

/* ---- everything else ---------------------------------------------------------------------------
 */

static int32_t unary(struct recipe *r, int32_t x) {
    static const char *const types[] = {
        "Exp", "Sqrt",       "Abs",       "Neg", "Erf", "Sigmoid", "Tanh", "Relu",       "Softplus",
        "Elu", "Reciprocal", "LeakyRelu", "Cos", "Sin", "Floor",   "Log",  "HardSigmoid"};
    return zoo_unary(r->b, types[rng_below(&r->rng, sizeof types / sizeof *types)], x);
}

/* With itself, a scalar, a vector along the last axis, or one value per channel. */
static int32_t binary(struct recipe *r, int32_t x) {
    static const char *const types[] = {"Add", "Mul", "Sub", "Div", "Max", "Min"};
    struct zoo_builder *b = r->b;
    const char *type = types[rng_below(&r->rng, sizeof types / sizeof *types)];
    switch (rng_below(&r->rng, 4)) {
    case 0:
        return zoo_binary(b, type, x, zoo_unary(b, "Abs", x));
    case 1:
        return zoo_binary(b, type, x, zoo_scalar(b, 1.5));
    case 2:
        return zoo_binary(b, type, x,
                          zoo_weight(b, recipe_name(b), 1, 0.1f, ZOO_SHAPE(zoo_dim(b, x, -1))));
    default:
        return zoo_binary(b, type, x,
                          zoo_weight(b, recipe_name(b), 1, 0.1f, ZOO_SHAPE(zoo_dim(b, x, -2), 1)));
    }
}

/* A reduction that the others feel: the mean of an axis is taken off. */
static int32_t centred(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t axis = zoo_rank(b, x) - 1 - (int64_t)rng_below(&r->rng, 2);
    return zoo_binary(b, "Sub", x, zoo_reduce_mean(b, x, 1, &axis, true));
}

/* Divided by the size of its rows, which is spread over them first. */
static int32_t rescaled(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t axis = 2, sizes[] = {zoo_dim(b, x, 0), zoo_dim(b, x, 1), zoo_dim(b, x, 2)};
    int32_t size = zoo_unary(b, "Abs", zoo_reduce_mean(b, x, 1, &axis, true));
    size = zoo_binary(b, "Max", size, zoo_scalar(b, 0.01));
    size = zoo_simple(b, "Expand", ZOO_LIST(size, zoo_ints(b, 3, sizes)), 3, sizes);
    return zoo_binary(b, "Div", x, size);
}

static int32_t moved(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t middle = zoo_dim(b, x, 1), last = zoo_dim(b, x, 2);
    int32_t halves[2];
    switch (rng_below(&r->rng, 4)) {
    case 0:
        return zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1));
    case 1:
        return zoo_concat(b, 1, ZOO_LIST(x, zoo_slice(b, x, 1, 0, middle / 2 + 1)));
    case 2:
        return last >= 2 ? zoo_slice(b, x, 2, 0, last / 2) : x;
    default:
        if (last % 2)
            return x;
        zoo_split(b, x, 2, 2, halves);
        return zoo_concat(b, 2, ZOO_LIST(halves[1], halves[0]));
    }
}

/* The last axes in two parts each, in any order. */
static int32_t permuted(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t sizes[] = {zoo_dim(b, x, 0), zoo_dim(b, x, 1), 1, zoo_dim(b, x, 2), 1};
    int64_t perm[] = {0, 1, 2, 3, 4}, shape[] = {sizes[0], sizes[1], sizes[3]};
    for (int part = 1; part < 5; part += 2)
        for (int64_t factor = 2; factor <= 16; factor++)
            if (sizes[part] % factor == 0 && random_chance(&r->rng, 0.4)) {
                sizes[part] /= factor;
                sizes[part + 1] *= factor;
            }
    for (uint64_t i = 4; i > 0; i--) {
        uint64_t other = rng_below(&r->rng, i + 1);
        int64_t kept = perm[i];
        perm[i] = perm[other];
        perm[other] = kept;
    }
    return zoo_reshape(b, zoo_transpose(b, zoo_reshape(b, x, 5, sizes), 5, perm), 3, shape);
}

/* Over tokens instead of features now and then. */
static int32_t weighed(struct recipe *r, int32_t x) {
    return zoo_softmax_along(r->b, x, random_chance(&r->rng, 0.3) ? 1 : -1);
}

static int32_t normed(struct recipe *r, int32_t x) {
    return random_chance(&r->rng, 0.5) ? weighed(r, x)
                                       : zoo_layer_norm(r->b, recipe_name(r->b), x, 1e-5f);
}

void random_elementwise(struct zoo_builder *b, const void *config) {
    (void)config;
    static int32_t (*const steps[])(struct recipe *, int32_t) = {
        unary, unary, unary, binary, binary, centred, moved, moved, permuted, rescaled, normed};
    struct recipe r = recipe_begin(b, 4, 8);
    int64_t rows = random_size(&r.rng, 2, 1024, 1), width = random_size(&r.rng, 4, 2048, 2);
    int32_t x = zoo_input(b, "input", DTYPE_FLOAT32, ZOO_SHAPE(b->options.batch, rows, width));
    x = zoo_linear(b, "in", x, width, true);
    for (int i = 0; i < 24; i++)
        x = steps[rng_below(&r.rng, sizeof steps / sizeof *steps)](&r, x);
    zoo_output(b, zoo_linear(b, "out", x, 16, true), "output");
}

/* Images between channels first and channels last, mostly of sizes that are powers of two: the
   rows that a transpose reads or writes then share few sets of the caches. */
void random_layouts(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 4, 8);
    bool binary_sizes = random_chance(&r.rng, 0.7);
    int64_t size = RANDOM_PICK(&r.rng, 8, 16, 32, 32, 64, 64, 128, 128, 256);
    int64_t channels = random_size(&r.rng, 16, 1024, 1);
    if (binary_sizes)
        channels = (int64_t)1 << (4 + rng_below(&r.rng, 7));
    else
        size -= size / 8;
    while (channels * size * size > (int64_t)1 << 22)
        channels /= 2;
    int64_t batch = b->options.batch, area = size * size;
    int64_t image[] = {batch, channels, size, size}, rows[] = {batch, channels, area};
    int32_t x = recipe_image(&r, channels, size);
    for (int i = 0; i < 4; i++) {
        x = zoo_transpose(b, x, ZOO_SHAPE(0, 2, 3, 1));
        x = zoo_layer_norm(b, recipe_name(b), x, 1e-5f);
        x = zoo_max_pool(b, zoo_transpose(b, x, ZOO_SHAPE(0, 3, 1, 2)),
                         (struct zoo_pool){3, 1, 1, false});
        x = zoo_transpose(b, zoo_reshape(b, x, 3, rows), ZOO_SHAPE(0, 2, 1));
        x = zoo_layer_norm(b, recipe_name(b), x, 1e-5f);
        x = zoo_reshape(b, zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1)), 4, image);
        x = zoo_max_pool(b, x, (struct zoo_pool){3, 1, 1, false});
    }
    recipe_classify(&r, x);
}
