/* The encoder of Whisper (Radford et al. 2022): two 1-D convolutions over a mel spectrogram, then
 * transformer layers with normalisation in front. */
#include "models/zoo/attention.h"
#include "models/zoo/families.h"

struct whisper {
    int layers;
    int64_t width, heads;
};

enum { MELS = 80, POSITIONS = 1500 };
static const float epsilon = 1e-5f;

static int32_t layer(struct zoo_builder *b, const struct whisper *net, int32_t x) {
    struct zoo_attention attention = {.query = "self_attn.q_proj",
                                      .key = "self_attn.k_proj",
                                      .value = "self_attn.v_proj",
                                      .out = "self_attn.out_proj",
                                      .heads = net->heads,
                                      .no_key_bias = true,
                                      .mask = GRAPH_NONE};
    int32_t normal = zoo_layer_norm(b, "self_attn_layer_norm", x, epsilon);
    x = zoo_add(b, x, zoo_self_attention(b, normal, &attention));
    normal = zoo_layer_norm(b, "final_layer_norm", x, epsilon);
    return zoo_add(b, x, zoo_mlp(b, "fc1", "fc2", normal, 4 * net->width, ZOO_GELU));
}

static void build(struct zoo_builder *b, const void *config) {
    const struct whisper *net = config;
    int64_t frames = b->options.sequence;
    struct zoo_conv conv = {.out = net->width, .kernel = 3, .pad = 1, .bias = true};
    int32_t x =
        zoo_input(b, "input_features", DTYPE_FLOAT32, ZOO_SHAPE(b->options.batch, MELS, frames));
    x = zoo_conv_act(b, "conv1", x, conv, ZOO_GELU);
    conv.stride = 2;
    x = zoo_conv_act(b, "conv2", x, conv, ZOO_GELU);
    x = zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1));
    int64_t length = zoo_dim(b, x, 1);
    if (length > POSITIONS)
        zoo_impossible(b, "%lld frames are more than its %d", (long long)frames, 2 * POSITIONS);
    int32_t positions =
        zoo_weight(b, "embed_positions.weight", 0, 0.02f, ZOO_SHAPE(POSITIONS, net->width));
    if (length < POSITIONS)
        positions = zoo_slice(b, positions, 0, 0, length);
    x = zoo_add(b, x, positions);
    for (int i = 0; i < net->layers; i++) {
        zoo_enter(b, "layers.%d", i);
        x = layer(b, net, x);
        zoo_leave(b);
    }
    zoo_output(b, zoo_layer_norm(b, "layer_norm", x, epsilon), "last_hidden_state");
}

static const struct whisper whisper_tiny = {4, 384, 6};
static const struct whisper whisper_base = {6, 512, 8};

/* Both figures follow from the published dimensions; OpenAI prints the sum with the decoder only.
 */
static const struct zoo_row rows[] = {
    {"whisper_tiny_encoder",
     "speech recognition, encoder of 30 s (Radford et al. 2022)", {.sequence = 3000},
     {8208384, 1},
     {0, 0},
     "from the dimensions of Radford et al. 2022, table 1", build,
     &whisper_tiny},
    {"whisper_base_encoder",
     "speech recognition, encoder of 30 s (Radford et al. 2022)", {.sequence = 3000},
     {20590592, 1},
     {0, 0},
     "from the dimensions of Radford et al. 2022, table 1", build,
     &whisper_base},
};

const struct zoo_family zoo_whisper = {"whisper", rows, sizeof rows / sizeof *rows};
