/* RegNet (Radosavovic et al. 2020): stages of residual bottlenecks with grouped 3x3 convolutions;
 * the Y variants with squeeze and excitation. */
#include "models/zoo/families.h"
#include "models/zoo/layers.h"

#include <math.h>

struct regnet {
    int depths[4];
    int64_t widths[4], group_width;
    bool squeeze; /* a quarter of the block's input */
};

static int32_t block(struct zoo_builder *b, const struct regnet *net, int32_t x, int64_t width,
                     int64_t stride) {
    int64_t in = zoo_dim(b, x, 1);
    int32_t y = zoo_conv_bn(b, "a", x, (struct zoo_conv){.out = width, .kernel = 1}, ZOO_RELU);
    y = zoo_conv_bn(b, "b", y,
                    (struct zoo_conv){.out = width,
                                      .kernel = 3,
                                      .stride = stride,
                                      .pad = 1,
                                      .groups = width / net->group_width},
                    ZOO_RELU);
    if (net->squeeze)
        y = zoo_squeeze_excite(b, "se", y, lrint(0.25 * (double)in), ZOO_RELU, ZOO_SIGMOID);
    y = zoo_conv_bn(b, "c", y, (struct zoo_conv){.out = width, .kernel = 1}, ZOO_NONE);
    if (in != width || stride != 1)
        x = zoo_conv_bn(b, "proj", x,
                        (struct zoo_conv){.out = width, .kernel = 1, .stride = stride}, ZOO_NONE);
    return zoo_activate(b, ZOO_RELU, zoo_add(b, x, y));
}

static void build(struct zoo_builder *b, const void *config) {
    const struct regnet *net = config;
    int32_t x =
        zoo_conv_bn(b, "stem", zoo_image(b, 3),
                    (struct zoo_conv){.out = 32, .kernel = 3, .stride = 2, .pad = 1}, ZOO_RELU);
    for (int stage = 0; stage < 4; stage++)
        for (int i = 0; i < net->depths[stage]; i++) {
            zoo_enter(b, "block%d-%d", stage + 1, i);
            x = block(b, net, x, net->widths[stage], i == 0 ? 2 : 1);
            zoo_leave(b);
        }
    x = zoo_flatten(b, zoo_global_pool(b, x));
    zoo_output(b, zoo_linear(b, "fc", x, b->options.classes, true), "output");
}

static const struct regnet regnet_x_400mf = {
    {1,  2,  7,   12 },
    {32, 64, 160, 400},
    16, false
};
static const struct regnet regnet_x_800mf = {
    {1,  3,   7,   5  },
    {64, 128, 288, 672},
    16, false
};
static const struct regnet regnet_y_400mf = {
    {1,  3,   6,   6  },
    {48, 104, 208, 440},
    8, true
};

static const struct zoo_row rows[] = {
    ZOO_TORCHVISION(regnet_x_400mf, "image classification, regular (Radosavovic et al. 2020)", 224,
                    5495976, 0.414, build, &regnet_x_400mf),
    ZOO_TORCHVISION(regnet_x_800mf, "image classification, regular (Radosavovic et al. 2020)", 224,
                    7259656, 0.8, build, &regnet_x_800mf),
    ZOO_TORCHVISION(regnet_y_400mf, "image classification, regular (Radosavovic et al. 2020)", 224,
                    4344144, 0.402, build, &regnet_y_400mf),
};

const struct zoo_family zoo_regnet = {"regnet", rows, sizeof rows / sizeof *rows};
