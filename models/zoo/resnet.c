/* Residual networks as torchvision has them: ResNet (He et al. 2015, the stride of a bottleneck in
 * its 3x3), ResNeXt (Xie et al. 2016), Wide ResNet (Zagoruyko and Komodakis 2016). */
#include "models/zoo/resnet.h"
#include "models/zoo/families.h"

#include <stdint.h>

static int32_t shortcut(struct zoo_builder *b, int32_t x, int64_t out, int64_t stride) {
    if (stride == 1 && zoo_dim(b, x, 1) == out)
        return x;
    return zoo_conv_bn(b, "downsample", x,
                       (struct zoo_conv){.out = out, .kernel = 1, .stride = stride}, ZOO_NONE);
}

static int32_t basic(struct zoo_builder *b, int32_t x, int64_t width, int64_t stride) {
    int32_t y = zoo_conv_bn(
        b, "conv1", x, (struct zoo_conv){.out = width, .kernel = 3, .stride = stride, .pad = 1},
        ZOO_RELU);
    y = zoo_conv_bn(b, "conv2", y, (struct zoo_conv){.out = width, .kernel = 3, .pad = 1},
                    ZOO_NONE);
    return zoo_activate(b, ZOO_RELU, zoo_add(b, y, shortcut(b, x, width, stride)));
}

static int32_t bottleneck(struct zoo_builder *b, const struct resnet *net, int32_t x, int64_t width,
                          struct zoo_conv spatial) {
    int64_t inner = width * net->group_width / 64 * net->groups, out = 4 * width;
    spatial.out = inner;
    spatial.kernel = 3;
    spatial.pad = spatial.dilation;
    spatial.groups = net->groups;
    int32_t y = zoo_conv_bn(b, "conv1", x, (struct zoo_conv){.out = inner, .kernel = 1}, ZOO_RELU);
    y = zoo_conv_bn(b, "conv2", y, spatial, ZOO_RELU);
    y = zoo_conv_bn(b, "conv3", y, (struct zoo_conv){.out = out, .kernel = 1}, ZOO_NONE);
    return zoo_activate(b, ZOO_RELU, zoo_add(b, y, shortcut(b, x, out, spatial.stride)));
}

/* A stage's first block halves the image; dilated, it keeps it and the later blocks look wider
 * (torchvision's replace_stride_with_dilation). */
static int32_t stage(struct zoo_builder *b, const struct resnet *net, int32_t x, int index,
                     int64_t *dilation) {
    int64_t width = INT64_C(64) << index, stride = index == 0 ? 1 : 2, before = *dilation;
    if (index >= 4 - net->dilated_stages) {
        *dilation *= stride;
        stride = 1;
    }
    for (int block = 0; block < net->blocks[index]; block++) {
        struct zoo_conv spatial = {.stride = block ? 1 : stride,
                                   .dilation = block ? *dilation : before};
        zoo_enter(b, "layer%d.%d", index + 1, block);
        x = net->basic ? basic(b, x, width, spatial.stride) : bottleneck(b, net, x, width, spatial);
        zoo_leave(b);
    }
    return x;
}

int32_t resnet_features(struct zoo_builder *b, const struct resnet *net, int32_t x,
                        int32_t *before_last) {
    x = zoo_conv_bn(b, "conv1", x, (struct zoo_conv){.out = 64, .kernel = 7, .stride = 2, .pad = 3},
                    ZOO_RELU);
    x = zoo_max_pool(b, x, (struct zoo_pool){3, 2, 1, false});
    int64_t dilation = 1;
    for (int index = 0; index < 4; index++) {
        if (before_last)
            *before_last = x;
        x = stage(b, net, x, index, &dilation);
    }
    return x;
}

static void build(struct zoo_builder *b, const void *config) {
    int32_t x = resnet_features(b, config, zoo_image(b, 3), NULL);
    x = zoo_flatten(b, zoo_global_pool(b, x));
    zoo_output(b, zoo_linear(b, "fc", x, b->options.classes, true), "output");
}

static const struct resnet resnet18 = {
    {2, 2, 2, 2},
    true, 1, 64, 0
};
static const struct resnet resnet34 = {
    {3, 4, 6, 3},
    true, 1, 64, 0
};
const struct resnet zoo_resnet50 = {
    {3, 4, 6, 3},
    false, 1, 64, 0
};
static const struct resnet resnet101 = {
    {3, 4, 23, 3},
    false, 1, 64, 0
};
static const struct resnet resnet152 = {
    {3, 8, 36, 3},
    false, 1, 64, 0
};
static const struct resnet resnext50_32x4d = {
    {3, 4, 6, 3},
    false, 32, 4, 0
};
static const struct resnet wide_resnet50_2 = {
    {3, 4, 6, 3},
    false, 1, 128, 0
};

#define ROW(NAME, HELP, PARAMETERS, GMACS, CONFIG)                                                 \
    ZOO_TORCHVISION(NAME, HELP, 224, PARAMETERS, GMACS, build, CONFIG)

static const struct zoo_row rows[] = {
    ROW(resnet18, "image classification, residual (He et al. 2015)", 11689512, 1.814, &resnet18),
    ROW(resnet34, "image classification, residual (He et al. 2015)", 21797672, 3.664, &resnet34),
    ROW(resnet50, "image classification, residual bottlenecks (He et al. 2015)", 25557032, 4.089,
        &zoo_resnet50),
    ROW(resnet101, "image classification, residual bottlenecks (He et al. 2015)", 44549160, 7.801,
        &resnet101),
    ROW(resnet152, "image classification, residual bottlenecks (He et al. 2015)", 60192808, 11.514,
        &resnet152),
    ROW(resnext50_32x4d, "image classification, grouped convolutions (Xie et al. 2016)", 25028904,
        4.23, &resnext50_32x4d),
    ROW(wide_resnet50_2, "image classification, wide (Zagoruyko and Komodakis 2016)", 68883240,
        11.398, &wide_resnet50_2),
};

const struct zoo_family zoo_resnet = {"resnet", rows, sizeof rows / sizeof *rows};
