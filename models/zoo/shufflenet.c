/* ShuffleNet V2 (Ma et al. 2018): half of the channels pass by, then both halves are shuffled. */
#include "models/zoo/families.h"
#include "models/zoo/layers.h"

struct shufflenet {
    int64_t widths[3], head;
};

static int32_t shuffle(struct zoo_builder *b, int32_t x) {
    int64_t n = zoo_dim(b, x, 0), c = zoo_dim(b, x, 1), h = zoo_dim(b, x, 2), w = zoo_dim(b, x, 3);
    x = zoo_reshape(b, x, ZOO_SHAPE(n, 2, c / 2, h, w));
    x = zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1, 3, 4));
    return zoo_reshape(b, x, ZOO_SHAPE(n, c, h, w));
}

static int32_t depthwise(struct zoo_builder *b, const char *name, int32_t x, int64_t stride) {
    int64_t channels = zoo_dim(b, x, 1);
    return zoo_conv_bn(
        b, name, x,
        (struct zoo_conv){
            .out = channels, .kernel = 3, .stride = stride, .pad = 1, .groups = channels},
        ZOO_NONE);
}

static int32_t branch(struct zoo_builder *b, int32_t x, int64_t width, int64_t stride) {
    struct zoo_conv pointwise = {.out = width, .kernel = 1};
    x = zoo_conv_bn(b, "branch2.0", x, pointwise, ZOO_RELU);
    x = depthwise(b, "branch2.3", x, stride);
    return zoo_conv_bn(b, "branch2.5", x, pointwise, ZOO_RELU);
}

static int32_t block(struct zoo_builder *b, int32_t x, int64_t out, int64_t stride) {
    int32_t halves[2];
    if (stride == 1) {
        zoo_split(b, x, 1, 2, halves);
        halves[1] = branch(b, halves[1], out / 2, 1);
    } else {
        halves[0] = zoo_conv_bn(b, "branch1.2", depthwise(b, "branch1.0", x, stride),
                                (struct zoo_conv){.out = out / 2, .kernel = 1}, ZOO_RELU);
        halves[1] = branch(b, x, out / 2, stride);
    }
    return shuffle(b, zoo_concat(b, 1, 2, halves));
}

static void build(struct zoo_builder *b, const void *config) {
    static const int repeats[3] = {4, 8, 4};
    const struct shufflenet *net = config;
    int32_t x =
        zoo_conv_bn(b, "conv1", zoo_image(b, 3),
                    (struct zoo_conv){.out = 24, .kernel = 3, .stride = 2, .pad = 1}, ZOO_RELU);
    x = zoo_max_pool(b, x, (struct zoo_pool){3, 2, 1, false});
    for (int stage = 0; stage < 3; stage++)
        for (int i = 0; i < repeats[stage]; i++) {
            zoo_enter(b, "stage%d.%d", stage + 2, i);
            x = block(b, x, net->widths[stage], i == 0 ? 2 : 1);
            zoo_leave(b);
        }
    x = zoo_conv_bn(b, "conv5", x, (struct zoo_conv){.out = net->head, .kernel = 1}, ZOO_RELU);
    x = zoo_reduce_mean(b, x, 2, (int64_t[]){2, 3}, false);
    zoo_output(b, zoo_linear(b, "fc", x, b->options.classes, true), "output");
}

static const struct shufflenet shufflenet_v2_x0_5 = {
    {48, 96, 192},
    1024
};
static const struct shufflenet shufflenet_v2_x1_0 = {
    {116, 232, 464},
    1024
};

static const struct zoo_row rows[] = {
    ZOO_TORCHVISION(shufflenet_v2_x0_5, "image classification on phones (Ma et al. 2018)", 224,
                    1366792, 0.04, build, &shufflenet_v2_x0_5),
    ZOO_TORCHVISION(shufflenet_v2_x1_0, "image classification on phones (Ma et al. 2018)", 224,
                    2278604, 0.145, build, &shufflenet_v2_x1_0),
};

const struct zoo_family zoo_shufflenet = {"shufflenet", rows, sizeof rows / sizeof *rows};
