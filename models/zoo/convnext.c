/* ConvNeXt (Liu et al. 2022): depthwise 7x7 on NCHW, the rest of a block on NHWC, so that layer
 * normalisation and linear layers see channels last. */
#include "models/zoo/families.h"
#include "models/zoo/layers.h"

struct convnext {
    int depths[4];
    int64_t widths[4];
};

static const float epsilon = 1e-6f;

static int32_t to_nhwc(struct zoo_builder *b, int32_t x) {
    return zoo_transpose(b, x, ZOO_SHAPE(0, 2, 3, 1));
}

static int32_t to_nchw(struct zoo_builder *b, int32_t x) {
    return zoo_transpose(b, x, ZOO_SHAPE(0, 3, 1, 2));
}

static int32_t channel_norm(struct zoo_builder *b, const char *name, int32_t x) {
    return to_nchw(b, zoo_layer_norm(b, name, to_nhwc(b, x), epsilon));
}

static int32_t block(struct zoo_builder *b, int32_t x) {
    int64_t width = zoo_dim(b, x, 1);
    int32_t y = zoo_conv(
        b, "block.0", x,
        (struct zoo_conv){.out = width, .kernel = 7, .pad = 3, .groups = width, .bias = true});
    y = zoo_layer_norm(b, "block.2", to_nhwc(b, y), epsilon);
    y = zoo_activate(b, ZOO_GELU, zoo_linear(b, "block.3", y, 4 * width, true));
    y = to_nchw(b, zoo_linear(b, "block.5", y, width, true));
    y = zoo_mul(b, zoo_weight(b, "layer_scale", 0.5f, 0.1f, ZOO_SHAPE(width, 1, 1)), y);
    return zoo_add(b, y, x);
}

static void build(struct zoo_builder *b, const void *config) {
    const struct convnext *net = config;
    int32_t x =
        zoo_conv(b, "features.0.0", zoo_image(b, 3),
                 (struct zoo_conv){.out = net->widths[0], .kernel = 4, .stride = 4, .bias = true});
    x = channel_norm(b, "features.0.1", x);
    for (int stage = 0; stage < 4; stage++) {
        zoo_enter(b, "features.%d", 2 * stage + 1);
        if (stage > 0)
            x = zoo_conv(b, "downsample.1", channel_norm(b, "downsample.0", x),
                         (struct zoo_conv){
                             .out = net->widths[stage], .kernel = 2, .stride = 2, .bias = true});
        for (int i = 0; i < net->depths[stage]; i++) {
            zoo_enter(b, "%d", i);
            x = block(b, x);
            zoo_leave(b);
        }
        zoo_leave(b);
    }
    x = zoo_flatten(b, channel_norm(b, "classifier.0", zoo_global_pool(b, x)));
    zoo_output(b, zoo_linear(b, "classifier.2", x, b->options.classes, true), "output");
}

static const struct convnext convnext_tiny = {
    {3,  3,   9,   3  },
    {96, 192, 384, 768}
};

static const struct zoo_row rows[] = {
    ZOO_TORCHVISION(convnext_tiny, "image classification, large kernels (Liu et al. 2022)", 224,
                    28589128, 4.456, build, &convnext_tiny),
};

const struct zoo_family zoo_convnext = {"convnext", rows, sizeof rows / sizeof *rows};
