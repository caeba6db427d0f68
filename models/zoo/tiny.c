/* The four reference models of MLPerf Tiny (Banbury et al. 2021) and a dense network: for
 * microcontrollers, so small that overhead dominates elsewhere. Their convolutions have a bias in
 * front of the batch normalisation. */
#include "models/zoo/families.h"
#include "models/zoo/layers.h"

/* ---- image classification: a ResNet of 8 layers ---------------------------------------------- */

static int32_t conv3(struct zoo_builder *b, const char *name, int32_t x, int64_t out,
                     int64_t stride, enum zoo_activation activation) {
    return zoo_conv_bn(
        b, name, x,
        (struct zoo_conv){.out = out, .kernel = 3, .stride = stride, .pad = 1, .bias = true},
        activation);
}

static void build_resnet8(struct zoo_builder *b, const void *config) {
    (void)config;
    int32_t x = conv3(b, "conv1", zoo_image(b, 3), 16, 1, ZOO_RELU);
    for (int i = 0; i < 3; i++) {
        int64_t out = INT64_C(16) << i, stride = i == 0 ? 1 : 2;
        zoo_enter(b, "stack%d", i + 1);
        int32_t y = conv3(b, "conv1", x, out, stride, ZOO_RELU);
        y = conv3(b, "conv2", y, out, 1, ZOO_NONE);
        if (stride != 1)
            x = zoo_conv(
                b, "shortcut", x,
                (struct zoo_conv){.out = out, .kernel = 1, .stride = stride, .bias = true});
        x = zoo_activate(b, ZOO_RELU, zoo_add(b, x, y));
        zoo_leave(b);
    }
    x = zoo_flatten(b, zoo_global_pool(b, x));
    zoo_output(b, zoo_softmax(b, zoo_linear(b, "dense", x, b->options.classes, true)), "output");
}

/* ---- depthwise separable stacks -------------------------------------------------------------- */

static int32_t separable(struct zoo_builder *b, const char *name, int32_t x, int64_t out,
                         int64_t stride) {
    int64_t in = zoo_dim(b, x, 1);
    zoo_enter(b, "%s", name);
    x = zoo_conv_bn(
        b, "depthwise", x,
        (struct zoo_conv){
            .out = in, .kernel = 3, .stride = stride, .pad = 1, .groups = in, .bias = true},
        ZOO_RELU);
    x = zoo_conv_bn(b, "pointwise", x, (struct zoo_conv){.out = out, .kernel = 1, .bias = true},
                    ZOO_RELU);
    zoo_leave(b);
    return x;
}

static void finish(struct zoo_builder *b, int32_t x) {
    x = zoo_flatten(b, zoo_global_pool(b, x));
    zoo_output(b, zoo_softmax(b, zoo_linear(b, "dense", x, b->options.classes, true)), "output");
}

/* Keyword spotting on 49 frames of 10 coefficients. The first padding is one row more than the
 * reference's, which leaves the size of the output alone. */
static void build_ds_cnn(struct zoo_builder *b, const void *config) {
    (void)config;
    int32_t x = zoo_input(b, "input", DTYPE_FLOAT32, ZOO_SHAPE(b->options.batch, 1, 49, 10));
    x = zoo_conv_bn(b, "conv1", x,
                    (struct zoo_conv){.out = 64,
                                      .kernel = 10,
                                      .kernel_w = 4,
                                      .pad = 5,
                                      .pad_w = 1,
                                      .stride = 2,
                                      .bias = true},
                    ZOO_RELU);
    for (int i = 0; i < 4; i++)
        x = separable(b, arena_printf(b->graph->arena, "block%d", i + 1), x, 64, 1);
    finish(b, x);
}

/* MobileNet (Howard et al. 2017) at a quarter of its width: is there a person in the image? */
static void build_mobilenet_v1(struct zoo_builder *b, const void *config) {
    static const struct {
        int out, stride;
    } blocks[] = {
        {16,  1},
        {32,  2},
        {32,  1},
        {64,  2},
        {64,  1},
        {128, 2},
        {128, 1},
        {128, 1},
        {128, 1},
        {128, 1},
        {128, 1},
        {256, 2},
        {256, 1}
    };
    (void)config;
    int32_t x = zoo_conv_bn(
        b, "conv1", zoo_image(b, 3),
        (struct zoo_conv){.out = 8, .kernel = 3, .stride = 2, .pad = 1, .bias = true}, ZOO_RELU);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        x = separable(b, arena_printf(b->graph->arena, "block%zu", i + 1), x, blocks[i].out,
                      blocks[i].stride);
    finish(b, x);
}

/* ---- dense ----------------------------------------------------------------------------------- */

static int32_t dense_norm(struct zoo_builder *b, const char *name, int32_t x, int64_t out) {
    x = zoo_linear(b, name, x, out, true);
    if (b->options.keep_batch_norm)
        x = zoo_batch_norm(b, arena_printf(b->graph->arena, "%s.bn", name), x);
    else /* folded into the matrix */
        b->parameters += (uint64_t)(2 * out);
    return zoo_activate(b, ZOO_RELU, x);
}

/* Anomaly detection on five frames of 128 mels: what it cannot repeat is unusual. */
static void build_autoencoder(struct zoo_builder *b, const void *config) {
    static const int widths[] = {128, 128, 128, 128, 8, 128, 128, 128, 128};
    (void)config;
    int32_t x = zoo_input(b, "input", DTYPE_FLOAT32, ZOO_SHAPE(b->options.batch, 640));
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        x = dense_norm(b, arena_printf(b->graph->arena, "dense%zu", i + 1), x, widths[i]);
    zoo_output(b, zoo_linear(b, "dense_out", x, 640, true), "output");
}

static void build_mlp(struct zoo_builder *b, const void *config) {
    (void)config;
    int32_t x = zoo_input(b, "input", DTYPE_FLOAT32, ZOO_SHAPE(b->options.batch, 784));
    x = zoo_activate(b, ZOO_RELU, zoo_linear(b, "dense1", x, 512, true));
    x = zoo_activate(b, ZOO_RELU, zoo_linear(b, "dense2", x, 512, true));
    x = zoo_linear(b, "dense3", x, b->options.classes, true);
    zoo_output(b, zoo_softmax(b, x), "output");
}

/* Sources print totals with the running statistics; those are subtracted. */
#define ROW(NAME, HELP, SIZE, CLASSES, TOTAL, STATISTICS, SOURCE, BUILD)                           \
    {                                                                                              \
        NAME, HELP, {.image_size = SIZE, .classes = CLASSES}, {TOTAL - STATISTICS, 1}, {0, 0},     \
            SOURCE, BUILD, NULL                                                                    \
    }

static const struct zoo_row rows[] = {
    ROW("resnet8", "image classification for microcontrollers (Banbury et al. 2021)", 32, 10, 78666,
        480, "mlcommons/tiny image_classification", build_resnet8),
    ROW("ds_cnn", "keyword spotting for microcontrollers (Zhang et al. 2017)", 0, 12, 24908, 1152,
        "mlcommons/tiny keyword_spotting", build_ds_cnn),
    ROW("mobilenet_v1_025", "person detection for microcontrollers (Howard et al. 2017)", 96, 2,
        221794, 5472, "mlcommons/tiny visual_wake_words", build_mobilenet_v1),
    ROW("autoencoder", "anomaly detection for microcontrollers (Koizumi et al. 2020)", 0, 0, 269992,
        2064, "mlcommons/tiny anomaly_detection", build_autoencoder),
    ROW("mlp", "digit classification, two hidden layers of 512", 0, 10, 669706, 0,
        "Keras examples, mnist_mlp", build_mlp),
};

const struct zoo_family zoo_tiny = {"tiny", rows, sizeof rows / sizeof *rows};
