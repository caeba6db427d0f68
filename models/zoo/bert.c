/* BERT (Devlin et al. 2018, small ones: Turc et al. 2019) and DistilBERT (Sanh et al. 2019):
 * encoders with normalisation behind each sum, as Hugging Face's classes export. */
#include "models/zoo/attention.h"
#include "models/zoo/configs.h"
#include "models/zoo/families.h"

enum { VOCABULARY = 30522, POSITIONS = 512 };
static const float epsilon = 1e-12f;

/* 1 for a token, 0 for padding -> 0 and a large negative number, batch x 1 x 1 x length. */
static int32_t extended_mask(struct zoo_builder *b, int32_t mask) {
    int32_t x = zoo_unsqueeze(b, zoo_unsqueeze(b, mask, 1), 2);
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    int32_t op = zoo_op(b, NULL, "Cast", ZOO_LIST(x));
    graph_set_int(b->graph, op, "to", DTYPE_FLOAT32);
    int32_t as_float = zoo_result(b, DTYPE_FLOAT32, rank, sizes);
    int32_t inverted = zoo_binary(b, "Sub", zoo_scalar(b, 1), as_float);
    return zoo_mul(b, inverted, zoo_scalar(b, -3.4e38));
}

static int32_t embeddings(struct zoo_builder *b, const struct bert *net, int32_t ids,
                          int32_t types) {
    zoo_enter(b, "embeddings");
    int32_t x = zoo_embed(b, "word_embeddings", ids, VOCABULARY, net->width, NULL);
    if (types != GRAPH_NONE)
        x = zoo_add(b, x, zoo_embed(b, "token_type_embeddings", types, 2, net->width, NULL));
    x = zoo_add(
        b, x,
        zoo_embed_positions(b, "position_embeddings", b->options.sequence, POSITIONS, net->width));
    x = zoo_layer_norm(b, "LayerNorm", x, epsilon);
    zoo_leave(b);
    return x;
}

static int32_t layer(struct zoo_builder *b, const struct bert *net, int32_t x, int32_t mask) {
    struct zoo_attention attention = {.query = "attention.query",
                                      .key = "attention.key",
                                      .value = "attention.value",
                                      .out = "attention.output",
                                      .heads = net->heads,
                                      .mask = mask};
    int32_t y = zoo_self_attention(b, x, &attention);
    x = zoo_layer_norm(b, "attention.LayerNorm", zoo_add(b, y, x), epsilon);
    y = zoo_mlp(b, "intermediate", "output", x, 4 * net->width, ZOO_GELU);
    return zoo_layer_norm(b, "output.LayerNorm", zoo_add(b, y, x), epsilon);
}

void zoo_bert_build(struct zoo_builder *b, const void *config) {
    const struct bert *net = config;
    int32_t ids = zoo_tokens(b, "input_ids");
    int32_t mask = zoo_tokens(b, "attention_mask");
    int32_t types = net->distilled ? GRAPH_NONE : zoo_tokens(b, "token_type_ids");
    mask = extended_mask(b, mask);
    int32_t x = embeddings(b, net, ids, types);
    for (int i = 0; i < net->layers; i++) {
        zoo_enter(b, "encoder.layer.%d", i);
        x = layer(b, net, x, mask);
        zoo_leave(b);
    }
    zoo_output(b, x, "last_hidden_state");
    if (net->distilled)
        return;
    x = zoo_linear(b, "pooler.dense", zoo_select(b, x, 1, 0), net->width, true);
    zoo_output(b, zoo_activate(b, ZOO_TANH, x), "pooler_output");
}

static const struct bert bert_tiny = {2, 128, 2, false};
static const struct bert bert_mini = {4, 256, 4, false};
static const struct bert bert_small = {4, 512, 8, false};
static const struct bert bert_base = {12, 768, 12, false};
static const struct bert distilbert = {6, 768, 12, true};

/* Turc et al. count the head of the masked language model too. */
#define HEAD(WIDTH) (WIDTH * WIDTH + 3 * WIDTH + VOCABULARY)

#define ROW(NAME, HELP, PARAMETERS, STEP, SOURCE)                                                  \
    { #NAME, HELP, {.sequence = 128 }, {PARAMETERS, STEP }, {0, 0 }, SOURCE, zoo_bert_build, &NAME }

static const struct zoo_row rows[] = {
    ROW(bert_tiny, "text encoder, 2 layers (Turc et al. 2019)", 4.4e6 - HEAD(128), 1e5,
        "google-research/bert README: 4.4 M, less the masked-language head"),
    ROW(bert_mini, "text encoder, 4 layers (Turc et al. 2019)", 11.3e6 - HEAD(256), 1e5,
        "google-research/bert README: 11.3 M, less the masked-language head"),
    ROW(bert_small, "text encoder, 4 layers (Turc et al. 2019)", 29.1e6 - HEAD(512), 1e5,
        "google-research/bert README: 29.1 M, less the masked-language head"),
    ROW(bert_base, "text encoder, 12 layers (Devlin et al. 2018)", 109482240, 1,
        "Hugging Face bert-base-uncased, BertModel"),
    ROW(distilbert, "text encoder, 6 layers (Sanh et al. 2019)", 66362880, 1,
        "Hugging Face distilbert-base-uncased, DistilBertModel"),
};

const struct zoo_family zoo_bert = {"bert", rows, sizeof rows / sizeof *rows};
