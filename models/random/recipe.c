#include "models/random/recipes.h"

#include "core/features.h"

#include <math.h>

struct recipe recipe_begin(struct zoo_builder *b, double low, double high) {
    struct recipe r = {.b = b};
    rng_init(&r.rng, b->options.seed);
    double mflop = exp2(low + rng_uniform(&r.rng) * (high - low));
    r.flops_max = mflop * 1e6;
    return r;
}

bool recipe_goes_on(const struct recipe *r, double share) {
    return !r->b->problem && graph_flops(r->b->graph) < share * r->flops_max;
}

void recipe_enlarge_batch(struct recipe *r, double sample_flops) {
    int64_t *batch = &r->b->options.batch, times = RANDOM_PICK(&r->rng, 1, 1, 4, 16);
    while (times > 1 && (double)(*batch * times) * sample_flops > r->flops_max)
        times /= 2;
    *batch *= times;
}

const char *recipe_name(struct zoo_builder *b) {
    return arena_printf(b->graph->arena, "layer%u", b->graph->op_count);
}

int32_t recipe_image(struct recipe *r, int64_t channels, int64_t size) {
    return zoo_input(r->b, "input", DTYPE_FLOAT32,
                     ZOO_SHAPE(r->b->options.batch, channels, size, size));
}

void recipe_classify(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    if (zoo_rank(b, x) > 2 && random_chance(&r->rng, 0.5))
        x = zoo_flatten(b, zoo_global_pool(b, x));
    else if (zoo_rank(b, x) == 4)
        x = zoo_reduce_mean(b, x, 2, (int64_t[]){2, 3}, false);
    zoo_output(b, zoo_linear(b, "head", x, random_size(&r->rng, 10, 2000, 1), true), "output");
}

enum zoo_activation recipe_activation(struct recipe *r) {
    static const enum zoo_activation likely[] = {
        ZOO_RELU, ZOO_RELU,       ZOO_RELU, ZOO_RELU, ZOO_RELU6, ZOO_RELU6,
        ZOO_SILU, ZOO_HARD_SWISH, ZOO_GELU, ZOO_NONE, ZOO_TANH,  ZOO_SIGMOID,
    };
    return likely[rng_below(&r->rng, sizeof likely / sizeof *likely)];
}

int32_t recipe_stem(struct recipe *r) {
    struct zoo_builder *b = r->b;
    int64_t kernel = RANDOM_PICK(&r->rng, 3, 3, 3, 7, 5);
    int64_t size = RANDOM_PICK(&r->rng, 224, 224, 224, 192, 160, 128, 96, 256, 288, 64);
    int32_t x = recipe_image(r, RANDOM_PICK(&r->rng, 3, 3, 3, 1), size);
    x = zoo_conv_bn(b, "stem", x,
                    (struct zoo_conv){.out = random_size(&r->rng, 12, 64, 8),
                                      .kernel = kernel,
                                      .pad = kernel / 2,
                                      .stride = size > 100 || random_chance(&r->rng, 0.3) ? 2 : 1},
                    recipe_activation(r));
    if (random_chance(&r->rng, 0.5))
        x = zoo_max_pool(
            b, x, (struct zoo_pool){3, 2, RANDOM_PICK(&r->rng, 0, 1), random_chance(&r->rng, 0.2)});
    return x;
}

int32_t recipe_conv_transpose(struct recipe *r, int32_t x, int64_t out, int64_t kernel,
                              int64_t stride, int64_t groups) {
    struct zoo_builder *b = r->b;
    int64_t in = zoo_dim(b, x, 1), sizes[GRAPH_RANK_MAX],
            weights[GRAPH_RANK_MAX] = {in, out / groups}, kernels[GRAPH_RANK_MAX],
            strides[GRAPH_RANK_MAX], pads[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    int64_t pad = (kernel - stride) / 2;
    sizes[1] = out;
    for (int32_t i = 2; i < rank; i++) {
        sizes[i] = (sizes[i] - 1) * stride + kernel - 2 * pad;
        weights[i] = kernels[i - 2] = kernel;
        strides[i - 2] = stride;
        pads[i - 2] = pads[i - 2 + rank - 2] = pad;
    }
    int32_t w = zoo_weight(b, recipe_name(b), 0, 0.05f, rank, weights);
    int32_t y = zoo_simple(b, "ConvTranspose", ZOO_LIST(x, w), rank, sizes);
    uint32_t axes = (uint32_t)rank - 2;
    int32_t op = (int32_t)b->graph->op_count - 1;
    graph_set_ints(b->graph, op, "kernel_shape", axes, kernels);
    graph_set_ints(b->graph, op, "strides", axes, strides);
    graph_set_ints(b->graph, op, "pads", 2 * axes, pads);
    graph_set_int(b->graph, op, "group", groups);
    return y;
}
