/* Networks over tokens. */
#include "models/random/recipes.h"
#include "models/zoo/attention.h"
#include "models/zoo/configs.h"

#include <math.h>

/* ---- text ------------------------------------------------------------------------------------ */

/* What encoders and decoders differ in, drawn once per network. */
struct text_form {
    int64_t heads, inner;
    enum zoo_activation activation;
    bool norm_first, packed;
    int32_t mask;
};

static int32_t attend(struct zoo_builder *b, const struct text_form *form, int32_t x) {
    const struct zoo_attention attention = {.query = "q",
                                            .key = "k",
                                            .value = "v",
                                            .out = "out",
                                            .heads = form->heads,
                                            .mask = form->mask};
    return form->packed ? zoo_packed_attention(b, x, form->heads)
                        : zoo_self_attention(b, x, &attention);
}

static int32_t text_layer(struct zoo_builder *b, const struct text_form *form, int32_t x) {
    if (form->norm_first) {
        x = zoo_add(b, x, attend(b, form, zoo_layer_norm(b, "norm1", x, 1e-5f)));
        int32_t y = zoo_layer_norm(b, "norm2", x, 1e-5f);
        return zoo_add(b, x, zoo_mlp(b, "up", "down", y, form->inner, form->activation));
    }
    x = zoo_layer_norm(b, "norm1", zoo_add(b, attend(b, form, x), x), 1e-12f);
    int32_t y = zoo_mlp(b, "up", "down", x, form->inner, form->activation);
    return zoo_layer_norm(b, "norm2", zoo_add(b, y, x), 1e-12f);
}

static int32_t text_input(struct recipe *r, int64_t width, int64_t length) {
    struct zoo_builder *b = r->b;
    b->options.sequence = length;
    int32_t ids = zoo_tokens(b, "input_ids");
    int32_t x = zoo_embed(b, "embed", ids, random_size(&r->rng, 256, 30000, 1), width, NULL);
    return zoo_add(b, x, zoo_embed_positions(b, "positions", length, 2 * length, width));
}

static int64_t draw_heads(struct recipe *r, int64_t width) {
    int64_t head = RANDOM_PICK(&r->rng, 32, 64, 64, 64, 128);
    return width % head == 0 ? width / head : width / 32;
}

static void text_network(struct recipe *r, bool causal) {
    struct zoo_builder *b = r->b;
    int64_t width = random_size(&r->rng, 64, 1024, 64), length = random_size(&r->rng, 8, 384, 1);
    struct text_form form = {
        .heads = draw_heads(r, width),
        .inner = width * RANDOM_PICK(&r->rng, 2, 3, 4, 4, 4),
        .activation = random_chance(&r->rng, 0.3)   ? recipe_activation(r)
                      : random_chance(&r->rng, 0.5) ? ZOO_GELU
                                                    : ZOO_GELU_TANH,
        .norm_first = causal || random_chance(&r->rng, 0.5),
        .packed = !causal && random_chance(&r->rng, 0.3),
        .mask = GRAPH_NONE,
    };
    int32_t x = text_input(r, width, length);
    if (causal)
        form.mask = zoo_causal_mask(b, length);
    for (int i = 0; i < 8 && recipe_goes_on(r, 1); i++) {
        zoo_enter(b, "layer.%d", i);
        x = text_layer(b, &form, x);
        zoo_leave(b);
    }
    if (causal)
        x = zoo_linear(b, "vocabulary", x, random_size(&r->rng, 512, 16000, 1), false);
    else if (random_chance(&r->rng, 0.5))
        x = zoo_activate(b, ZOO_TANH, zoo_linear(b, "pooler", zoo_select(b, x, 1, 0), width, true));
    zoo_output(b, x, "output");
}

void random_encoder(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 7, 12);
    text_network(&r, false);
}

void random_decoder(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 7, 12);
    text_network(&r, true);
}

void random_gated_decoder(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 7, 12);
    int64_t width = random_size(&r.rng, 64, 1024, 64), heads = draw_heads(&r, width);
    int64_t inner = random_size(&r.rng, 2 * width, 4 * width, 8);
    int64_t vocabulary = random_size(&r.rng, 512, 24000, 1);
    b->options.sequence = random_size(&r.rng, 4, 256, 1);
    double per_layer =
        2.0 * (double)(b->options.sequence * b->options.batch * width * (4 * width + 3 * inner));
    struct llama net = {
        .layers = (int)fmin(8, fmax(1, r.flops_max / per_layer)),
        .width = width,
        .heads = heads,
        .key_heads = heads % 4 == 0 ? heads / RANDOM_PICK(&r.rng, 1, 2, 4) : heads,
        .inner = inner,
        .vocabulary = vocabulary,
        .rotary_base = 1e4,
        .untied = random_chance(&r.rng, 0.5),
    };
    zoo_llama_build(b, &net);
}

/* ---- images as tokens ------------------------------------------------------------------------ */

void random_vision(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 8, 12.5);
    int64_t width = random_size(&r.rng, 96, 1024, 64),
            patch = RANDOM_PICK(&r.rng, 8, 14, 16, 16, 16, 32);
    b->options.image_size = patch * rng_between(&r.rng, 5, 14);
    b->options.classes = random_size(&r.rng, 10, 1000, 1);
    int64_t tokens = (b->options.image_size / patch) * (b->options.image_size / patch) + 1;
    double per_layer = 24.0 * (double)(tokens * b->options.batch * width * width);
    struct vit net = {
        .layers = (int)fmin(8, fmax(1, r.flops_max / per_layer)),
        .width = width,
        .heads = draw_heads(&r, width),
        .patch = patch,
    };
    zoo_vit_build(b, &net);
}

void random_windows(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 8, 12);
    int64_t heads = RANDOM_PICK(&r.rng, 1, 1, 2, 2, 3, 4);
    struct swin net = {.width = 32 * heads, .heads = heads};
    for (int stage = 0; stage < 4; stage++)
        net.depths[stage] = (int)rng_between(&r.rng, stage < 2 ? 1 : 0, 2);
    b->options.image_size = 224;
    b->options.batch = 1;
    b->options.classes = random_size(&r.rng, 10, 1000, 1);
    zoo_swin_build(b, &net);
}

/* ---- recurrent ------------------------------------------------------------------------------- */

/* length x batch x in -> length x batch x width, by LSTM or GRU; twice as wide in both directions.
 */
static int32_t recurrent_layer(struct zoo_builder *b, int32_t x, int64_t width, bool lstm,
                               bool both) {
    int64_t length = zoo_dim(b, x, 0), n = zoo_dim(b, x, 1), in = zoo_dim(b, x, 2);
    int64_t gates = lstm ? 4 : 3, directions = both ? 2 : 1;
    float deviation = 1 / sqrtf((float)width);
    int32_t weights = zoo_weight(b, "w", 0, deviation, ZOO_SHAPE(directions, gates * width, in));
    int32_t hidden = zoo_weight(b, "r", 0, deviation, ZOO_SHAPE(directions, gates * width, width));
    int32_t bias = zoo_weight(b, "b", 0, 0.02f, ZOO_SHAPE(directions, 2 * gates * width));
    int32_t op = zoo_op(b, NULL, lstm ? "LSTM" : "GRU", ZOO_LIST(x, weights, hidden, bias));
    graph_set_int(b->graph, op, "hidden_size", width);
    if (both)
        graph_set_string(b->graph, op, "direction", "bidirectional");
    if (!lstm)
        graph_set_int(b->graph, op, "linear_before_reset", 1); /* as PyTorch's GRU computes */
    x = zoo_result(b, DTYPE_FLOAT32, ZOO_SHAPE(length, directions, n, width));
    if (!both)
        return zoo_squeeze(b, x, 1);
    return zoo_reshape(b, zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1, 3)),
                       ZOO_SHAPE(length, n, 2 * width));
}

void random_recurrent(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 4, 9);
    bool lstm = random_chance(&r.rng, 0.6), both = random_chance(&r.rng, 0.4);
    int64_t width = random_size(&r.rng, 32, 1280, 32), length = random_size(&r.rng, 1, 160, 1);
    int64_t in = random_size(&r.rng, 16, 512, 16), out = random_size(&r.rng, 1, 4000, 1);
    double read = 8.0 * (double)(in + width) + 2.0 * (double)out; /* per step and unit */
    recipe_enlarge_batch(&r, (both ? 2 : 1) * read * (double)(length * width));
    int32_t x = zoo_input(b, "input", DTYPE_FLOAT32, ZOO_SHAPE(length, b->options.batch, in));
    for (int i = 0; i < 3 && (i == 0 || recipe_goes_on(&r, 1)); i++) {
        zoo_enter(b, "rnn.%d", i);
        x = recurrent_layer(b, x, width, lstm, both);
        zoo_leave(b);
    }
    zoo_output(b, zoo_linear(b, "head", x, out, true), "output");
}
