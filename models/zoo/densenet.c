/* DenseNet (Huang et al. 2016): every layer reads all outputs before it. Normalisation stands
 * before the convolution, so only the one between a layer's two convolutions can be folded. */
#include "models/zoo/families.h"
#include "models/zoo/layers.h"

struct densenet {
    int blocks[4];
    int64_t growth, stem;
};

static int32_t norm_relu(struct zoo_builder *b, const char *name, int32_t x) {
    return zoo_activate(b, ZOO_RELU, zoo_batch_norm(b, name, x));
}

static int32_t dense_layer(struct zoo_builder *b, int32_t x, int64_t growth) {
    int32_t y = norm_relu(b, "norm1", x);
    y = zoo_conv_bn(b, "conv1", y, (struct zoo_conv){.out = 4 * growth, .kernel = 1}, ZOO_RELU);
    y = zoo_conv(b, "conv2", y, (struct zoo_conv){.out = growth, .kernel = 3, .pad = 1});
    return zoo_concat(b, 1, ZOO_LIST(x, y));
}

static int32_t transition(struct zoo_builder *b, int32_t x) {
    int64_t out = zoo_dim(b, x, 1) / 2;
    x = zoo_conv(b, "conv", norm_relu(b, "norm", x), (struct zoo_conv){.out = out, .kernel = 1});
    return zoo_average_pool(b, x, (struct zoo_pool){2, 2, 0, false});
}

static void build(struct zoo_builder *b, const void *config) {
    const struct densenet *net = config;
    int32_t x = zoo_conv_bn(b, "conv0", zoo_image(b, 3),
                            (struct zoo_conv){.out = net->stem, .kernel = 7, .stride = 2, .pad = 3},
                            ZOO_RELU);
    x = zoo_max_pool(b, x, (struct zoo_pool){3, 2, 1, false});
    for (int block = 0; block < 4; block++) {
        for (int i = 0; i < net->blocks[block]; i++) {
            zoo_enter(b, "denseblock%d.%d", block + 1, i + 1);
            x = dense_layer(b, x, net->growth);
            zoo_leave(b);
        }
        zoo_enter(b, "transition%d", block + 1);
        if (block < 3)
            x = transition(b, x);
        zoo_leave(b);
    }
    x = zoo_flatten(b, zoo_global_pool(b, norm_relu(b, "norm5", x)));
    zoo_output(b, zoo_linear(b, "classifier", x, b->options.classes, true), "output");
}

static const struct densenet densenet121 = {
    {6, 12, 24, 16},
    32, 64
};
static const struct densenet densenet169 = {
    {6, 12, 32, 32},
    32, 64
};

static const struct zoo_row rows[] = {
    ZOO_TORCHVISION(densenet121, "image classification, dense links (Huang et al. 2016)", 224,
                    7978856, 2.834, build, &densenet121),
    ZOO_TORCHVISION(densenet169, "image classification, dense links (Huang et al. 2016)", 224,
                    14149480, 3.36, build, &densenet169),
};

const struct zoo_family zoo_densenet = {"densenet", rows, sizeof rows / sizeof *rows};
