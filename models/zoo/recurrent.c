/* Recurrent language models: LSTM layers over embedded words (Zaremba et al. 2014), as nn.LSTM
 * exports: time first, zero initial states. */
#include "models/zoo/attention.h"
#include "models/zoo/configs.h"
#include "models/zoo/families.h"

#include <math.h>

/* length x batch x in -> length x batch x width. */
static int32_t lstm(struct zoo_builder *b, int32_t x, int64_t width, int32_t state) {
    int64_t length = zoo_dim(b, x, 0), n = zoo_dim(b, x, 1), in = zoo_dim(b, x, 2);
    float deviation = 1 / sqrtf((float)width);
    int32_t input = zoo_weight(b, "weight_ih", 0, deviation, ZOO_SHAPE(1, 4 * width, in));
    int32_t hidden = zoo_weight(b, "weight_hh", 0, deviation, ZOO_SHAPE(1, 4 * width, width));
    int32_t bias = zoo_weight(b, "bias", 0, 0.02f, ZOO_SHAPE(1, 8 * width));
    int32_t op =
        zoo_op(b, NULL, "LSTM", ZOO_LIST(x, input, hidden, bias, GRAPH_NONE, state, state));
    graph_set_int(b->graph, op, "hidden_size", width);
    int32_t y = zoo_result(b, DTYPE_FLOAT32, ZOO_SHAPE(length, 1, n, width));
    return zoo_squeeze(b, y, 1);
}

void zoo_recurrent_build(struct zoo_builder *b, const void *config) {
    const struct recurrent *net = config;
    int32_t ids =
        zoo_input(b, "input_ids", DTYPE_INT64, ZOO_SHAPE(b->options.sequence, b->options.batch));
    int32_t x = zoo_embed(b, "encoder", ids, net->vocabulary, net->width, NULL);
    int32_t state =
        zoo_buffer(b, "initial_state", 0, 0, ZOO_SHAPE(1, b->options.batch, net->width));
    for (int i = 0; i < net->layers; i++) {
        zoo_enter(b, "rnn.%d", i);
        x = lstm(b, x, net->width, state);
        zoo_leave(b);
    }
    zoo_output(b, zoo_linear(b, "decoder", x, net->vocabulary, true), "logits");
}

static const struct recurrent medium = {2, 650, 10000};
static const struct recurrent large = {2, 1500, 10000};

static const struct zoo_row rows[] = {
    {"lstm_medium",
     "language model, 2 LSTM layers of 650 (Zaremba et al. 2014)",  {.sequence = 35},
     {20e6, 1e6},
     {0, 0},
     "Merity et al. 2016, table 2: LSTM (medium), 20M", zoo_recurrent_build,
     &medium},
    {"lstm_large",
     "language model, 2 LSTM layers of 1500 (Zaremba et al. 2014)", {.sequence = 35},
     {66e6, 1e6},
     {0, 0},
     "Merity et al. 2016, table 2: LSTM (large), 66M",  zoo_recurrent_build,
     &large },
};

const struct zoo_family zoo_recurrent = {"recurrent", rows, sizeof rows / sizeof *rows};
