/* Networks of inverted residuals (Sandler et al. 2018): 1x1 up, depthwise, 1x1 down without
 * activation. MobileNetV2, MobileNetV3 (Howard et al. 2019), MnasNet (Tan et al. 2018) and
 * EfficientNet (Tan and Le 2019) are lists of such blocks; squeeze and excitation in some. */
#include "models/zoo/families.h"
#include "models/zoo/layers.h"

struct block {
    int repeats; /* the first with the stride, the others with 1 */
    int64_t kernel, expansion, out, stride;
    bool squeeze;
    enum zoo_activation activation;
};

struct mobile {
    struct block blocks[18]; /* up to repeats == 0 */
    int64_t stem, head;
    int64_t hidden; /* of a linear layer before the last; 0: none */
    enum zoo_activation activation;
    bool absolute;       /* expansion is the number of channels, else a factor */
    bool squeeze_narrow; /* squeezed channels: a quarter of the block's input, else of its inside */
    enum zoo_activation squeeze_inner, squeeze_gate;
};

/* Nearest multiple of 8, not more than 10 % below (the rule of the MobileNet authors' code). */
static int64_t multiple_of_8(int64_t value) {
    int64_t rounded = (value + 4) / 8 * 8;
    if (rounded < 8)
        rounded = 8;
    return rounded * 10 < value * 9 ? rounded + 8 : rounded;
}

static int32_t inverted(struct zoo_builder *b, const struct mobile *net, const struct block *block,
                        int32_t x, int64_t stride) {
    int64_t in = zoo_dim(b, x, 1),
            inside = net->absolute ? block->expansion : block->expansion * in;
    int32_t y = x;
    if (inside != in)
        y = zoo_conv_bn(b, "expand", y, (struct zoo_conv){.out = inside, .kernel = 1},
                        block->activation);
    y = zoo_conv_bn(b, "depthwise", y,
                    (struct zoo_conv){.out = inside,
                                      .kernel = block->kernel,
                                      .stride = stride,
                                      .pad = block->kernel / 2,
                                      .groups = inside},
                    block->activation);
    if (block->squeeze)
        y = zoo_squeeze_excite(b, "se", y, net->squeeze_narrow ? in / 4 : multiple_of_8(inside / 4),
                               net->squeeze_inner, net->squeeze_gate);
    y = zoo_conv_bn(b, "project", y, (struct zoo_conv){.out = block->out, .kernel = 1}, ZOO_NONE);
    return stride == 1 && in == block->out ? zoo_add(b, x, y) : y;
}

static void build(struct zoo_builder *b, const void *config) {
    const struct mobile *net = config;
    int32_t x = zoo_conv_bn(b, "stem", zoo_image(b, 3),
                            (struct zoo_conv){.out = net->stem, .kernel = 3, .stride = 2, .pad = 1},
                            net->activation);
    int index = 0;
    for (const struct block *block = net->blocks; block->repeats; block++)
        for (int i = 0; i < block->repeats; i++) {
            zoo_enter(b, "blocks.%d", index++);
            x = inverted(b, net, block, x, i == 0 ? block->stride : 1);
            zoo_leave(b);
        }
    x = zoo_conv_bn(b, "head", x, (struct zoo_conv){.out = net->head, .kernel = 1},
                    net->activation);
    x = zoo_flatten(b, zoo_global_pool(b, x));
    if (net->hidden)
        x = zoo_activate(b, net->activation, zoo_linear(b, "classifier.0", x, net->hidden, true));
    zoo_output(b, zoo_linear(b, "classifier", x, b->options.classes, true), "output");
}

#define R6 ZOO_RELU6
#define RE ZOO_RELU
#define HS ZOO_HARD_SWISH
#define SI ZOO_SILU

static const struct mobile mobilenet_v2 = {
    .blocks = {{1, 3, 1, 16, 1, false, R6},
               {2, 3, 6, 24, 2, false, R6},
               {3, 3, 6, 32, 2, false, R6},
               {4, 3, 6, 64, 2, false, R6},
               {3, 3, 6, 96, 1, false, R6},
               {3, 3, 6, 160, 2, false, R6},
               {1, 3, 6, 320, 1, false, R6}},
    .stem = 32,
    .head = 1280,
    .activation = ZOO_RELU6,
};

static const struct mobile mobilenet_v3_large = {
    .blocks = {{1, 3, 16, 16, 1, false, RE},
               {1, 3, 64, 24, 2, false, RE},
               {1, 3, 72, 24, 1, false, RE},
               {1, 5, 72, 40, 2, true, RE},
               {2, 5, 120, 40, 1, true, RE},
               {1, 3, 240, 80, 2, false, HS},
               {1, 3, 200, 80, 1, false, HS},
               {2, 3, 184, 80, 1, false, HS},
               {1, 3, 480, 112, 1, true, HS},
               {1, 3, 672, 112, 1, true, HS},
               {1, 5, 672, 160, 2, true, HS},
               {2, 5, 960, 160, 1, true, HS}},
    .stem = 16,
    .head = 960,
    .hidden = 1280,
    .activation = ZOO_HARD_SWISH,
    .absolute = true,
    .squeeze_inner = ZOO_RELU,
    .squeeze_gate = ZOO_HARD_SIGMOID,
};

static const struct mobile mobilenet_v3_small = {
    .blocks = {{1, 3, 16, 16, 2, true, RE},
               {1, 3, 72, 24, 2, false, RE},
               {1, 3, 88, 24, 1, false, RE},
               {1, 5, 96, 40, 2, true, HS},
               {2, 5, 240, 40, 1, true, HS},
               {1, 5, 120, 48, 1, true, HS},
               {1, 5, 144, 48, 1, true, HS},
               {1, 5, 288, 96, 2, true, HS},
               {2, 5, 576, 96, 1, true, HS}},
    .stem = 16,
    .head = 576,
    .hidden = 1024,
    .activation = ZOO_HARD_SWISH,
    .absolute = true,
    .squeeze_inner = ZOO_RELU,
    .squeeze_gate = ZOO_HARD_SIGMOID,
};

static const struct mobile mnasnet1_0 = {
    .blocks = {{1, 3, 1, 16, 1, false, RE},
               {3, 3, 3, 24, 2, false, RE},
               {3, 5, 3, 40, 2, false, RE},
               {3, 5, 6, 80, 2, false, RE},
               {2, 3, 6, 96, 1, false, RE},
               {4, 5, 6, 192, 2, false, RE},
               {1, 3, 6, 320, 1, false, RE}},
    .stem = 32,
    .head = 1280,
    .activation = ZOO_RELU,
};

static const struct mobile efficientnet_b0 = {
    .blocks = {{1, 3, 1, 16, 1, true, SI},
               {2, 3, 6, 24, 2, true, SI},
               {2, 5, 6, 40, 2, true, SI},
               {3, 3, 6, 80, 2, true, SI},
               {3, 5, 6, 112, 1, true, SI},
               {4, 5, 6, 192, 2, true, SI},
               {1, 3, 6, 320, 1, true, SI}},
    .stem = 32,
    .head = 1280,
    .activation = ZOO_SILU,
    .squeeze_narrow = true,
    .squeeze_inner = ZOO_SILU,
    .squeeze_gate = ZOO_SIGMOID,
};

static const struct zoo_row rows[] = {
    ZOO_TORCHVISION(mobilenet_v2, "image classification on phones (Sandler et al. 2018)", 224,
                    3504872, 0.301, build, &mobilenet_v2),
    ZOO_TORCHVISION(mobilenet_v3_large, "image classification on phones (Howard et al. 2019)", 224,
                    5483032, 0.217, build, &mobilenet_v3_large),
    ZOO_TORCHVISION(mobilenet_v3_small, "image classification on phones (Howard et al. 2019)", 224,
                    2542856, 0.057, build, &mobilenet_v3_small),
    ZOO_TORCHVISION(mnasnet1_0, "image classification, searched for phones (Tan et al. 2018)", 224,
                    4383312, 0.314, build, &mnasnet1_0),
    ZOO_TORCHVISION(efficientnet_b0, "image classification, scaled in balance (Tan and Le 2019)",
                    224, 5288548, 0.386, build, &efficientnet_b0),
};

const struct zoo_family zoo_mobile = {"mobile", rows, sizeof rows / sizeof *rows};
