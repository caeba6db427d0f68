/* Plain stacks of convolutions: AlexNet (Krizhevsky 2014, torchvision's one-column variant) and VGG
 * (Simonyan and Zisserman 2014), both without batch normalisation. */
#include "models/zoo/families.h"
#include "models/zoo/layers.h"

enum { POOL = -1, END = 0 };

struct vgg {
    int widths[24]; /* of 3x3 convolutions; POOL halves the image; END */
};

static int32_t classifier(struct zoo_builder *b, int32_t x) {
    x = zoo_flatten(b, x);
    x = zoo_activate(b, ZOO_RELU, zoo_linear(b, "classifier.1", x, 4096, true));
    x = zoo_activate(b, ZOO_RELU, zoo_linear(b, "classifier.4", x, 4096, true));
    return zoo_linear(b, "classifier.6", x, b->options.classes, true);
}

static void build_vgg(struct zoo_builder *b, const void *config) {
    const struct vgg *net = config;
    int32_t x = zoo_image(b, 3);
    for (int i = 0; net->widths[i] != END; i++) {
        const char *name = arena_printf(b->graph->arena, "features.%d", i);
        x = net->widths[i] == POOL
                ? zoo_max_pool(b, x, (struct zoo_pool){2, 2, 0, false})
                : zoo_conv_act(
                      b, name, x,
                      (struct zoo_conv){.out = net->widths[i], .kernel = 3, .pad = 1, .bias = true},
                      ZOO_RELU);
    }
    zoo_output(b, classifier(b, zoo_adaptive_pool(b, x, 7)), "output");
}

static void build_alexnet(struct zoo_builder *b, const void *config) {
    static const struct {
        struct zoo_conv conv;
        bool pool;
    } layers[] = {
        {{.out = 64, .kernel = 11, .stride = 4, .pad = 2, .bias = true}, true },
        {{.out = 192, .kernel = 5, .pad = 2, .bias = true},              true },
        {{.out = 384, .kernel = 3, .pad = 1, .bias = true},              false},
        {{.out = 256, .kernel = 3, .pad = 1, .bias = true},              false},
        {{.out = 256, .kernel = 3, .pad = 1, .bias = true},              true },
    };
    (void)config;
    int32_t x = zoo_image(b, 3);
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const char *name = arena_printf(b->graph->arena, "features.%zu", i);
        x = zoo_conv_act(b, name, x, layers[i].conv, ZOO_RELU);
        if (layers[i].pool)
            x = zoo_max_pool(b, x, (struct zoo_pool){3, 2, 0, false});
    }
    zoo_output(b, classifier(b, zoo_adaptive_pool(b, x, 6)), "output");
}

static const struct vgg vgg11 = {
    {64, POOL, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512, POOL, END}
};
static const struct vgg vgg13 = {
    {64, 64, POOL, 128, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512, POOL, END}
};
static const struct vgg vgg16 = {
    {64, 64, POOL, 128, 128, POOL, 256, 256, 256, POOL, 512, 512, 512, POOL, 512, 512, 512, POOL,
     END}
};
static const struct vgg vgg19 = {
    {64, 64, POOL, 128, 128, POOL, 256, 256, 256, 256, POOL,
     512, 512, 512, 512, POOL, 512, 512, 512, 512, POOL, END}
};

static const struct zoo_row rows[] = {
    ZOO_TORCHVISION(alexnet, "image classification (Krizhevsky 2014)", 224, 61100840, 0.714,
                    build_alexnet, NULL),
    ZOO_TORCHVISION(vgg11, "image classification, plain 3x3 stack (Simonyan and Zisserman 2014)",
                    224, 132863336, 7.609, build_vgg, &vgg11),
    ZOO_TORCHVISION(vgg13, "image classification, plain 3x3 stack (Simonyan and Zisserman 2014)",
                    224, 133047848, 11.308, build_vgg, &vgg13),
    ZOO_TORCHVISION(vgg16, "image classification, plain 3x3 stack (Simonyan and Zisserman 2014)",
                    224, 138357544, 15.47, build_vgg, &vgg16),
    ZOO_TORCHVISION(vgg19, "image classification, plain 3x3 stack (Simonyan and Zisserman 2014)",
                    224, 143667240, 19.632, build_vgg, &vgg19),
};

const struct zoo_family zoo_plain = {"plain", rows, sizeof rows / sizeof *rows};
