/* Very deep 1-D convolutional networks on raw audio (Dai et al. 2016): small kernels, batch
 * normalisation, a maximum over 4 samples between stages. 4 s at 8 kHz. */
#include "models/zoo/families.h"
#include "models/zoo/layers.h"

struct audio {
    int depths[4];
};

static void build(struct zoo_builder *b, const void *config) {
    const struct audio *net = config;
    int32_t x = zoo_input(b, "waveform", DTYPE_FLOAT32,
                          ZOO_SHAPE(b->options.batch, 1, b->options.image_size));
    x = zoo_conv_bn(b, "conv1", x, (struct zoo_conv){.out = 64, .kernel = 80, .stride = 4},
                    ZOO_RELU);
    for (int stage = 0; stage < 4; stage++) {
        x = zoo_max_pool(b, x, (struct zoo_pool){4, 4, 0, false});
        for (int i = 0; i < net->depths[stage]; i++) {
            zoo_enter(b, "stage%d.%d", stage + 1, i);
            x = zoo_conv_bn(b, "conv", x,
                            (struct zoo_conv){.out = 64 << stage, .kernel = 3, .pad = 1}, ZOO_RELU);
            zoo_leave(b);
        }
    }
    x = zoo_flatten(b, zoo_global_pool(b, x));
    zoo_output(b, zoo_softmax(b, zoo_linear(b, "fc", x, b->options.classes, true)), "output");
}

static const struct audio m11 = {
    {2, 2, 3, 2}
};
static const struct audio m18 = {
    {4, 4, 4, 4}
};

static const struct zoo_row rows[] = {
    {"m11_audio",
     "sound classification, 11 layers (Dai et al. 2016)", {.image_size = 32000, .classes = 10},
     {1.8e6, 1e5},
     {0, 0},
     "Dai et al. 2016, table 1", build,
     &m11},
    {"m18_audio",
     "sound classification, 18 layers (Dai et al. 2016)", {.image_size = 32000, .classes = 10},
     {3.7e6, 1e5},
     {0, 0},
     "Dai et al. 2016, table 1", build,
     &m18},
};

const struct zoo_family zoo_audio = {"audio", rows, sizeof rows / sizeof *rows};
