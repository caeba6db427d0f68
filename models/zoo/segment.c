/* Segmentation: U-Net (Ronneberger et al. 2015), FCN (Long et al. 2014) and DeepLabV3 (Chen et al.
 * 2017) on a dilated ResNet-50. */
#include "models/zoo/families.h"
#include "models/zoo/layers.h"
#include "models/zoo/resnet.h"

/* ---- U-Net ----------------------------------------------------------------------------------- */

static int32_t double_conv(struct zoo_builder *b, const char *name, int32_t x, int64_t out) {
    struct zoo_conv conv = {.out = out, .kernel = 3, .pad = 1};
    zoo_enter(b, "%s", name);
    x = zoo_conv_bn(b, "conv1", x, conv, ZOO_RELU);
    x = zoo_conv_bn(b, "conv2", x, conv, ZOO_RELU);
    zoo_leave(b);
    return x;
}

static void build_unet(struct zoo_builder *b, const void *config) {
    enum { LEVELS = 4, WIDTH = 32 };
    (void)config;
    struct arena *arena = b->graph->arena;
    int32_t x = zoo_image(b, 3), kept[LEVELS];
    if (b->options.image_size % (1 << LEVELS))
        zoo_impossible(b, "the image is not a multiple of %d wide", 1 << LEVELS);
    for (int i = 0; i < LEVELS; i++) {
        kept[i] = double_conv(b, arena_printf(arena, "encoder%d", i + 1), x, WIDTH << i);
        x = zoo_max_pool(b, kept[i], (struct zoo_pool){2, 2, 0, false});
    }
    x = double_conv(b, "bottleneck", x, WIDTH << LEVELS);
    for (int i = LEVELS - 1; i >= 0; i--) {
        x = zoo_conv_transpose(b, arena_printf(arena, "upconv%d", i + 1), x, WIDTH << i, 2);
        x = zoo_concat(b, 1, ZOO_LIST(x, kept[i]));
        x = double_conv(b, arena_printf(arena, "decoder%d", i + 1), x, WIDTH << i);
    }
    x = zoo_conv(b, "conv", x,
                 (struct zoo_conv){.out = b->options.classes, .kernel = 1, .bias = true});
    zoo_output(b, zoo_activate(b, ZOO_SIGMOID, x), "output");
}

/* ---- on a residual trunk --------------------------------------------------------------------- */

static int32_t classes_of(struct zoo_builder *b, const char *name, int32_t x) {
    x = zoo_conv(b, name, x,
                 (struct zoo_conv){.out = b->options.classes, .kernel = 1, .bias = true});
    return zoo_resize(b, x, b->options.image_size, b->options.image_size);
}

static int32_t fcn_head(struct zoo_builder *b, const char *name, int32_t x) {
    zoo_enter(b, "%s", name);
    int64_t out = zoo_dim(b, x, 1) / 4;
    x = zoo_conv_bn(b, "0", x, (struct zoo_conv){.out = out, .kernel = 3, .pad = 1}, ZOO_RELU);
    x = classes_of(b, "4", x);
    zoo_leave(b);
    return x;
}

/* Atrous spatial pyramid pooling: four views of different width and the mean of the image. */
static int32_t pyramid(struct zoo_builder *b, int32_t x) {
    enum { WIDTH = 256, VIEWS = 5 };
    int32_t views[VIEWS] = {
        zoo_conv_bn(b, "convs.0", x, (struct zoo_conv){.out = WIDTH, .kernel = 1}, ZOO_RELU)};
    for (int i = 1; i < VIEWS - 1; i++)
        views[i] = zoo_conv_bn(
            b, arena_printf(b->graph->arena, "convs.%d", i), x,
            (struct zoo_conv){.out = WIDTH, .kernel = 3, .pad = 12 * i, .dilation = 12 * i},
            ZOO_RELU);
    int32_t mean = zoo_conv_bn(b, "convs.4", zoo_global_pool(b, x),
                               (struct zoo_conv){.out = WIDTH, .kernel = 1}, ZOO_RELU);
    views[VIEWS - 1] = zoo_resize(b, mean, zoo_dim(b, x, 2), zoo_dim(b, x, 3));
    x = zoo_concat(b, 1, VIEWS, views);
    return zoo_conv_bn(b, "project", x, (struct zoo_conv){.out = WIDTH, .kernel = 1}, ZOO_RELU);
}

static int32_t deeplab_head(struct zoo_builder *b, const char *name, int32_t x) {
    zoo_enter(b, "%s", name);
    x = pyramid(b, x);
    x = zoo_conv_bn(b, "1", x, (struct zoo_conv){.out = 256, .kernel = 3, .pad = 1}, ZOO_RELU);
    x = classes_of(b, "4", x);
    zoo_leave(b);
    return x;
}

struct segment {
    int32_t (*head)(struct zoo_builder *, const char *, int32_t);
};

/* torchvision's models answer twice in evaluation mode too: "aux" from the stage before the last.
 */
static void build_on_trunk(struct zoo_builder *b, const void *config) {
    const struct segment *net = config;
    struct resnet trunk = zoo_resnet50;
    trunk.dilated_stages = 2;
    int32_t before_last;
    zoo_enter(b, "backbone");
    int32_t x = resnet_features(b, &trunk, zoo_image(b, 3), &before_last);
    zoo_leave(b);
    zoo_output(b, net->head(b, "classifier", x), "out");
    zoo_output(b, fcn_head(b, "aux_classifier", before_last), "aux");
}

static const struct segment fcn_resnet50 = {fcn_head};
static const struct segment deeplabv3_resnet50 = {deeplab_head};

#define ROW(NAME, HELP, PARAMETERS, GMACS)                                                         \
    {                                                                                              \
#NAME, HELP,                                                                               \
            {.image_size = 520, .classes = 21 },                                                   \
            {PARAMETERS, 1 }, {GMACS, 0.001 }, "torchvision " #NAME, build_on_trunk, &NAME         \
    }

static const struct zoo_row rows[] = {
    {"unet",
     "medical segmentation, encoder and decoder (Ronneberger et al. 2015)", {.image_size = 256, .classes = 1},
     {7763041, 1},
     {0, 0},
     "PyTorch Hub mateuszbuda/brain-segmentation-pytorch unet", build_unet,
     NULL},
    ROW(fcn_resnet50, "segmentation, fully convolutional (Long et al. 2014)", 35322218, 152.717),
    ROW(deeplabv3_resnet50, "segmentation, atrous pyramid (Chen et al. 2017)", 42004074, 178.722),
};

const struct zoo_family zoo_segment = {"segment", rows, sizeof rows / sizeof *rows};
