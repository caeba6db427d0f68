/* GPT-2 (Radford et al. 2019) and DistilGPT2, one forward pass over a prompt without a cache. Its
 * linear layers are matrix products over all tokens at once (Conv1D of Hugging Face: Reshape, Gemm
 * with the weight as in x out, Reshape). */
#include "models/zoo/attention.h"
#include "models/zoo/configs.h"
#include "models/zoo/families.h"

#include <math.h>

enum { VOCABULARY = 50257, POSITIONS = 1024 };
static const float epsilon = 1e-5f;

static int32_t conv1d(struct zoo_builder *b, const char *name, int32_t x, int64_t out) {
    int64_t n = zoo_dim(b, x, 0), length = zoo_dim(b, x, 1), in = zoo_dim(b, x, 2);
    zoo_enter(b, "%s", name);
    x = zoo_reshape(b, x, ZOO_SHAPE(n * length, in));
    int32_t weight = zoo_weight(b, "weight", 0, 1 / sqrtf((float)in), ZOO_SHAPE(in, out));
    int32_t bias = zoo_weight(b, "bias", 0, 0.02f, ZOO_SHAPE(out));
    x = zoo_simple(b, "Gemm", ZOO_LIST(x, weight, bias), ZOO_SHAPE(n * length, out));
    graph_set_float(b->graph, (int32_t)b->graph->op_count - 1, "alpha", 1);
    graph_set_float(b->graph, (int32_t)b->graph->op_count - 1, "beta", 1);
    x = zoo_reshape(b, x, ZOO_SHAPE(n, length, out));
    zoo_leave(b);
    return x;
}

static int32_t attention(struct zoo_builder *b, const struct gpt2 *net, int32_t x, int32_t mask) {
    int32_t parts[3];
    zoo_split(b, conv1d(b, "attn.c_attn", x, 3 * net->width), -1, 3, parts);
    int32_t queries = zoo_split_heads(b, parts[0], net->heads);
    int32_t keys = zoo_split_heads_swapped(b, parts[1], net->heads);
    int32_t values = zoo_split_heads(b, parts[2], net->heads);
    x = zoo_merge_heads(b, zoo_attend(b, queries, keys, values, mask));
    return conv1d(b, "attn.c_proj", x, net->width);
}

static int32_t mlp(struct zoo_builder *b, const struct gpt2 *net, int32_t x) {
    x = zoo_activate(b, ZOO_GELU_TANH, conv1d(b, "mlp.c_fc", x, 4 * net->width));
    return conv1d(b, "mlp.c_proj", x, net->width);
}

void zoo_gpt2_build(struct zoo_builder *b, const void *config) {
    const struct gpt2 *net = config;
    int32_t ids = zoo_tokens(b, "input_ids");
    int32_t x = zoo_embed(b, "wte", ids, VOCABULARY, net->width, NULL);
    x = zoo_add(b, x, zoo_embed_positions(b, "wpe", b->options.sequence, POSITIONS, net->width));
    int32_t mask = zoo_causal_mask(b, b->options.sequence);
    for (int i = 0; i < net->layers; i++) {
        zoo_enter(b, "h.%d", i);
        int32_t normal = zoo_layer_norm(b, "ln_1", x, epsilon);
        x = zoo_add(b, attention(b, net, normal, mask), x);
        normal = zoo_layer_norm(b, "ln_2", x, epsilon);
        x = zoo_add(b, x, mlp(b, net, normal));
        zoo_leave(b);
    }
    x = zoo_layer_norm(b, "ln_f", x, epsilon);
    zoo_output(b, zoo_tied_output(b, "lm_head", x, VOCABULARY), "logits");
}

static const struct gpt2 gpt2 = {12, 768, 12};
static const struct gpt2 distilgpt2 = {6, 768, 12};

static const struct zoo_row rows[] = {
    {"gpt2",
     "language model, 12 layers (Radford et al. 2019)", {.sequence = 64},
     {124439808, 1},
     {0, 0},
     "Hugging Face openai-community/gpt2", zoo_gpt2_build,
     &gpt2      },
    {"distilgpt2",
     "language model, 6 layers (Sanh et al. 2019)",     {.sequence = 64},
     {81912576, 1},
     {0, 0},
     "Hugging Face distilbert/distilgpt2", zoo_gpt2_build,
     &distilgpt2},
};

const struct zoo_family zoo_gpt2 = {"gpt2", rows, sizeof rows / sizeof *rows};
