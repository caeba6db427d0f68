/* Networks over volumes and waves. */
#include "models/random/recipes.h"

static int32_t newest(const struct recipe *r) {
    return (int32_t)r->b->graph->op_count - 1;
}

static int32_t conv3d(struct recipe *r, int32_t x, int64_t out, int64_t kernel, int64_t stride,
                      int64_t groups) {
    struct zoo_builder *b = r->b;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    int64_t pad = kernel / 2;
    int32_t w = zoo_weight(b, recipe_name(b), 0, 0.05f,
                           ZOO_SHAPE(out, sizes[1] / groups, kernel, kernel, kernel));
    int32_t bias = zoo_weight(b, arena_printf(b->graph->arena, "%s.bias", recipe_name(b)), 0, 0.02f,
                              ZOO_SHAPE(out));
    sizes[1] = out;
    for (int32_t i = 2; i < rank; i++)
        sizes[i] = (sizes[i] + 2 * pad - kernel) / stride + 1;
    int32_t y = zoo_simple(b, "Conv", ZOO_LIST(x, w, bias), rank, sizes);
    graph_set_ints(b->graph, newest(r), "kernel_shape", 3, (int64_t[]){kernel, kernel, kernel});
    graph_set_ints(b->graph, newest(r), "strides", 3, (int64_t[]){stride, stride, stride});
    graph_set_ints(b->graph, newest(r), "pads", 6, (int64_t[]){pad, pad, pad, pad, pad, pad});
    graph_set_int(b->graph, newest(r), "group", groups);
    return y;
}

static int32_t pool3d(struct recipe *r, int32_t x, const char *type) {
    struct zoo_builder *b = r->b;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    for (int32_t i = 2; i < rank; i++)
        sizes[i] = (sizes[i] - 2) / 2 + 1;
    int32_t y = zoo_simple(b, type, ZOO_LIST(x), rank, sizes);
    graph_set_ints(b->graph, newest(r), "kernel_shape", 3, (int64_t[]){2, 2, 2});
    graph_set_ints(b->graph, newest(r), "strides", 3, (int64_t[]){2, 2, 2});
    return y;
}

/* Films and scans: 3-D convolutions, pools, and back up. */
void random_volumes(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 7, 11);
    int64_t depth = random_size(&r.rng, 8, 24, 8), size = random_size(&r.rng, 24, 64, 8);
    int64_t width = random_size(&r.rng, 8, 24, 4);
    int32_t x =
        zoo_input(b, "input", DTYPE_FLOAT32,
                  ZOO_SHAPE(b->options.batch, RANDOM_PICK(&r.rng, 1, 3), depth, size, size));
    bool up = random_chance(&r.rng, 0.5);
    x = zoo_unary(b, "Relu", conv3d(&r, x, width, 3, 1, 1));
    for (int level = 0; level < 2; level++) {
        x = random_chance(&r.rng, 0.5) ? pool3d(&r, x, level ? "AveragePool" : "MaxPool")
                                       : conv3d(&r, x, width, 3, 2, 1);
        for (int i = 0; i < 3 && recipe_goes_on(&r, (level + 1) / 2.0); i++) {
            int64_t groups = random_chance(&r.rng, 0.2) ? zoo_dim(b, x, 1) : 1;
            int64_t out = groups > 1 ? groups : width << level;
            x = zoo_unary(b, "Relu", conv3d(&r, x, out, RANDOM_PICK(&r.rng, 1, 3, 3), 1, groups));
        }
    }
    if (up)
        x = recipe_conv_transpose(&r, x, width, 2, 2, 1);
    zoo_output(b, conv3d(&r, x, RANDOM_PICK(&r.rng, 1, 4, 16), 1, 1, 1), "output");
}

/* Vocoders: ConvTranspose in one dimension, dilated convolutions between. */
void random_waves(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 5, 9.5);
    int64_t width = random_size(&r.rng, 64, 256, 32);
    int32_t x = zoo_input(b, "input", DTYPE_FLOAT32,
                          ZOO_SHAPE(b->options.batch, 80, random_size(&r.rng, 16, 100, 1)));
    x = zoo_conv(b, "in", x, (struct zoo_conv){.out = width, .kernel = 7, .pad = 3, .bias = true});
    for (int level = 0; level < 4 && (level < 2 || recipe_goes_on(&r, 1)); level++) {
        int64_t stride = RANDOM_PICK(&r.rng, 2, 2, 4, 8);
        width = width / 2 < 16 ? 16 : width / 2;
        x = zoo_unary(b, "LeakyRelu", x);
        x = recipe_conv_transpose(&r, x, width, 2 * stride, stride,
                                  random_chance(&r.rng, 0.2) ? 2 : 1);
        for (int i = 0; i < 3 && recipe_goes_on(&r, (level + 1) / 4.0); i++) {
            int64_t dilation = RANDOM_PICK(&r.rng, 1, 3, 5), kernel = RANDOM_PICK(&r.rng, 3, 7, 11);
            int32_t y = zoo_conv(b, recipe_name(b), zoo_unary(b, "LeakyRelu", x),
                                 (struct zoo_conv){.out = width,
                                                   .kernel = kernel,
                                                   .pad = dilation * (kernel - 1) / 2,
                                                   .dilation = dilation,
                                                   .bias = true});
            x = zoo_add(b, x, y);
        }
    }
    x = zoo_conv(b, "out", zoo_unary(b, "LeakyRelu", x),
                 (struct zoo_conv){.out = 1, .kernel = 7, .pad = 3, .bias = true});
    zoo_output(b, zoo_unary(b, "Tanh", x), "output");
}
