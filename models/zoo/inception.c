/* Networks of parallel branches: GoogLeNet (Szegedy et al. 2014, torchvision's variant with batch
 * normalisation) and Inception v3 (Szegedy et al. 2015). Auxiliary classifiers exist in training
 * only and are not built. */
#include "models/zoo/families.h"
#include "models/zoo/layers.h"

static int32_t conv(struct zoo_builder *b, const char *name, int32_t x, struct zoo_conv spec) {
    return zoo_conv_bn(b, name, x, spec, ZOO_RELU);
}

static int32_t conv1(struct zoo_builder *b, const char *name, int32_t x, int64_t out) {
    return conv(b, name, x, (struct zoo_conv){.out = out, .kernel = 1});
}

/* Keeps the size. */
static int32_t conv_same(struct zoo_builder *b, const char *name, int32_t x, int64_t out,
                         int64_t height, int64_t width) {
    return conv(b, name, x,
                (struct zoo_conv){.out = out,
                                  .kernel = height,
                                  .kernel_w = width,
                                  .pad = height / 2,
                                  .pad_w = width / 2});
}

/* Keeps no border, halves. */
static int32_t conv_half(struct zoo_builder *b, const char *name, int32_t x, int64_t out) {
    return conv(b, name, x, (struct zoo_conv){.out = out, .kernel = 3, .stride = 2});
}

static void finish(struct zoo_builder *b, int32_t x) {
    x = zoo_flatten(b, zoo_global_pool(b, x));
    zoo_output(b, zoo_linear(b, "fc", x, b->options.classes, true), "output");
}

/* ---- GoogLeNet ------------------------------------------------------------------------------- */

struct inception {
    const char *name;
    int64_t one, reduce_three, three, reduce_five, five, pool;
    int64_t pool_after; /* kernel of a max pooling behind it; 0: none */
};

static int32_t inception(struct zoo_builder *b, const struct inception *module, int32_t x) {
    zoo_enter(b, "%s", module->name);
    int32_t one = conv1(b, "branch1", x, module->one);
    int32_t three = conv1(b, "branch2.0", x, module->reduce_three);
    three = conv_same(b, "branch2.1", three, module->three, 3, 3);
    int32_t five = conv1(b, "branch3.0", x, module->reduce_five);
    five = conv_same(b, "branch3.1", five, module->five, 3, 3); /* torchvision has 3x3 here too */
    int32_t pool = zoo_max_pool(b, x, (struct zoo_pool){3, 1, 1, true});
    pool = conv1(b, "branch4.1", pool, module->pool);
    x = zoo_concat(b, 1, ZOO_LIST(one, three, five, pool));
    zoo_leave(b);
    if (module->pool_after)
        x = zoo_max_pool(b, x, (struct zoo_pool){module->pool_after, 2, 0, true});
    return x;
}

static void build_googlenet(struct zoo_builder *b, const void *config) {
    static const struct inception modules[] = {
        {"inception3a", 64,  96,  128, 16, 32,  32,  0},
        {"inception3b", 128, 128, 192, 32, 96,  64,  3},
        {"inception4a", 192, 96,  208, 16, 48,  64,  0},
        {"inception4b", 160, 112, 224, 24, 64,  64,  0},
        {"inception4c", 128, 128, 256, 24, 64,  64,  0},
        {"inception4d", 112, 144, 288, 32, 64,  64,  0},
        {"inception4e", 256, 160, 320, 32, 128, 128, 2},
        {"inception5a", 256, 160, 320, 32, 128, 128, 0},
        {"inception5b", 384, 192, 384, 48, 128, 128, 0},
    };
    (void)config;
    int32_t x = conv(b, "conv1", zoo_image(b, 3),
                     (struct zoo_conv){.out = 64, .kernel = 7, .stride = 2, .pad = 3});
    x = zoo_max_pool(b, x, (struct zoo_pool){3, 2, 0, true});
    x = conv1(b, "conv2", x, 64);
    x = conv_same(b, "conv3", x, 192, 3, 3);
    x = zoo_max_pool(b, x, (struct zoo_pool){3, 2, 0, true});
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        x = inception(b, &modules[i], x);
    finish(b, x);
}

/* ---- Inception v3 ---------------------------------------------------------------------------- */

static int32_t pooled(struct zoo_builder *b, int32_t x, int64_t out) {
    return conv1(b, "branch_pool", zoo_average_pool(b, x, (struct zoo_pool){3, 1, 1, false}), out);
}

static int32_t module_a(struct zoo_builder *b, int32_t x, int64_t pool_width) {
    int32_t one = conv1(b, "branch1x1", x, 64);
    int32_t five = conv_same(b, "branch5x5_2", conv1(b, "branch5x5_1", x, 48), 64, 5, 5);
    int32_t twice = conv_same(b, "branch3x3dbl_2", conv1(b, "branch3x3dbl_1", x, 64), 96, 3, 3);
    twice = conv_same(b, "branch3x3dbl_3", twice, 96, 3, 3);
    return zoo_concat(b, 1, ZOO_LIST(one, five, twice, pooled(b, x, pool_width)));
}

static int32_t module_b(struct zoo_builder *b, int32_t x, int64_t unused) {
    (void)unused;
    int32_t three = conv_half(b, "branch3x3", x, 384);
    int32_t twice = conv_same(b, "branch3x3dbl_2", conv1(b, "branch3x3dbl_1", x, 64), 96, 3, 3);
    twice = conv_half(b, "branch3x3dbl_3", twice, 96);
    int32_t pool = zoo_max_pool(b, x, (struct zoo_pool){3, 2, 0, false});
    return zoo_concat(b, 1, ZOO_LIST(three, twice, pool));
}

static int32_t module_c(struct zoo_builder *b, int32_t x, int64_t width) {
    int32_t one = conv1(b, "branch1x1", x, 192);
    int32_t seven = conv_same(b, "branch7x7_2", conv1(b, "branch7x7_1", x, width), width, 1, 7);
    seven = conv_same(b, "branch7x7_3", seven, 192, 7, 1);
    int32_t twice = conv1(b, "branch7x7dbl_1", x, width);
    twice = conv_same(b, "branch7x7dbl_2", twice, width, 7, 1);
    twice = conv_same(b, "branch7x7dbl_3", twice, width, 1, 7);
    twice = conv_same(b, "branch7x7dbl_4", twice, width, 7, 1);
    twice = conv_same(b, "branch7x7dbl_5", twice, 192, 1, 7);
    return zoo_concat(b, 1, ZOO_LIST(one, seven, twice, pooled(b, x, 192)));
}

static int32_t module_d(struct zoo_builder *b, int32_t x, int64_t unused) {
    (void)unused;
    int32_t three = conv_half(b, "branch3x3_2", conv1(b, "branch3x3_1", x, 192), 320);
    int32_t seven = conv_same(b, "branch7x7x3_2", conv1(b, "branch7x7x3_1", x, 192), 192, 1, 7);
    seven = conv_same(b, "branch7x7x3_3", seven, 192, 7, 1);
    seven = conv_half(b, "branch7x7x3_4", seven, 192);
    int32_t pool = zoo_max_pool(b, x, (struct zoo_pool){3, 2, 0, false});
    return zoo_concat(b, 1, ZOO_LIST(three, seven, pool));
}

static int32_t split_1x3_3x1(struct zoo_builder *b, const char *name, int32_t x) {
    struct arena *arena = b->graph->arena;
    int32_t wide = conv_same(b, arena_printf(arena, "%sa", name), x, 384, 1, 3);
    int32_t high = conv_same(b, arena_printf(arena, "%sb", name), x, 384, 3, 1);
    return zoo_concat(b, 1, ZOO_LIST(wide, high));
}

static int32_t module_e(struct zoo_builder *b, int32_t x, int64_t unused) {
    (void)unused;
    int32_t one = conv1(b, "branch1x1", x, 320);
    int32_t three = conv1(b, "branch3x3_1", x, 384);
    three = split_1x3_3x1(b, "branch3x3_2", three);
    int32_t twice = conv_same(b, "branch3x3dbl_2", conv1(b, "branch3x3dbl_1", x, 448), 384, 3, 3);
    twice = split_1x3_3x1(b, "branch3x3dbl_3", twice);
    return zoo_concat(b, 1, ZOO_LIST(one, three, twice, pooled(b, x, 192)));
}

static int32_t stem_v3(struct zoo_builder *b, int32_t x) {
    x = conv_half(b, "Conv2d_1a_3x3", x, 32);
    x = conv(b, "Conv2d_2a_3x3", x, (struct zoo_conv){.out = 32, .kernel = 3});
    x = conv_same(b, "Conv2d_2b_3x3", x, 64, 3, 3);
    x = zoo_max_pool(b, x, (struct zoo_pool){3, 2, 0, false});
    x = conv1(b, "Conv2d_3b_1x1", x, 80);
    x = conv(b, "Conv2d_4a_3x3", x, (struct zoo_conv){.out = 192, .kernel = 3});
    return zoo_max_pool(b, x, (struct zoo_pool){3, 2, 0, false});
}

static void build_inception_v3(struct zoo_builder *b, const void *config) {
    static const struct {
        const char *name;
        int32_t (*build)(struct zoo_builder *, int32_t, int64_t);
        int64_t width;
    } modules[] = {
        {"Mixed_5b", module_a, 32 },
        {"Mixed_5c", module_a, 64 },
        {"Mixed_5d", module_a, 64 },
        {"Mixed_6a", module_b, 0  },
        {"Mixed_6b", module_c, 128},
        {"Mixed_6c", module_c, 160},
        {"Mixed_6d", module_c, 160},
        {"Mixed_6e", module_c, 192},
        {"Mixed_7a", module_d, 0  },
        {"Mixed_7b", module_e, 0  },
        {"Mixed_7c", module_e, 0  },
    };
    (void)config;
    int32_t x = stem_v3(b, zoo_image(b, 3));
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        zoo_enter(b, "%s", modules[i].name);
        x = modules[i].build(b, x, modules[i].width);
        zoo_leave(b);
    }
    finish(b, x);
}

static const struct zoo_row rows[] = {
    ZOO_TORCHVISION(googlenet, "image classification, parallel branches (Szegedy et al. 2014)", 224,
                    6624904, 1.498, build_googlenet, NULL),
    {"inception_v3",
                                     "image classification, factorised branches (Szegedy et al. 2015)",
                                     {.image_size = 299, .classes = 1000},
                                     {27161264 - 3326696, 1},
                                     {5.713, 0.001},
                                     "torchvision inception_v3, less its auxiliary classifier (3,326,696)",
                                     build_inception_v3, NULL},
};

const struct zoo_family zoo_inception = {"inception", rows, sizeof rows / sizeof *rows};
