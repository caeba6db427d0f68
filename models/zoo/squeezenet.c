/* SqueezeNet (Iandola et al. 2016): fire modules squeeze to few channels, then expand by 1x1 and
 * 3x3 side by side. The classifier is a convolution. */
#include "models/zoo/families.h"
#include "models/zoo/layers.h"

enum { FIRES = 8 };

struct squeezenet {
    struct zoo_conv stem;
    bool pool_before[FIRES];
};

static int32_t fire(struct zoo_builder *b, int32_t x, int64_t squeezed, int64_t expanded) {
    x = zoo_conv_act(b, "squeeze", x, (struct zoo_conv){.out = squeezed, .kernel = 1, .bias = true},
                     ZOO_RELU);
    int32_t one = zoo_conv_act(
        b, "expand1x1", x, (struct zoo_conv){.out = expanded, .kernel = 1, .bias = true}, ZOO_RELU);
    int32_t three = zoo_conv_act(
        b, "expand3x3", x, (struct zoo_conv){.out = expanded, .kernel = 3, .pad = 1, .bias = true},
        ZOO_RELU);
    return zoo_concat(b, 1, ZOO_LIST(one, three));
}

static void build(struct zoo_builder *b, const void *config) {
    static const int squeezed[FIRES] = {16, 16, 32, 32, 48, 48, 64, 64};
    const struct squeezenet *net = config;
    int32_t x = zoo_conv_act(b, "features.0", zoo_image(b, 3), net->stem, ZOO_RELU);
    for (int i = 0; i < FIRES; i++) {
        if (net->pool_before[i])
            x = zoo_max_pool(b, x, (struct zoo_pool){3, 2, 0, true});
        zoo_enter(b, "fire%d", i + 2);
        x = fire(b, x, squeezed[i], 4 * squeezed[i]);
        zoo_leave(b);
    }
    x = zoo_conv_act(b, "classifier.1", x,
                     (struct zoo_conv){.out = b->options.classes, .kernel = 1, .bias = true},
                     ZOO_RELU);
    zoo_output(b, zoo_flatten(b, zoo_global_pool(b, x)), "output");
}

static const struct squeezenet squeezenet1_0 = {
    {.out = 96, .kernel = 7, .stride = 2, .bias = true},
    {[0] = true,         [3] = true,           [7] = true   },
};
static const struct squeezenet squeezenet1_1 = {
    {.out = 64, .kernel = 3, .stride = 2, .bias = true},
    {[0] = true,         [2] = true,           [4] = true   },
};

static const struct zoo_row rows[] = {
    ZOO_TORCHVISION(squeezenet1_0, "image classification, small (Iandola et al. 2016)", 224,
                    1248424, 0.819, build, &squeezenet1_0),
    ZOO_TORCHVISION(squeezenet1_1, "image classification, small (Iandola et al. 2016)", 224,
                    1235496, 0.349, build, &squeezenet1_1),
};

const struct zoo_family zoo_squeezenet = {"squeezenet", rows, sizeof rows / sizeof *rows};
