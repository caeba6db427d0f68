/* Decoders of the Llama kind (Touvron et al. 2023): RMS normalisation before each half, rotary
 * positions, grouped queries, a gate with SiLU. One forward pass over a prompt without a cache, as
 * Hugging Face's classes export with use_cache off. */
#include "models/zoo/attention.h"
#include "models/zoo/configs.h"
#include "models/zoo/families.h"

#include <math.h>

struct rotary {
    int32_t cosine, sine; /* length x head width */
};

static int32_t rms_norm(struct zoo_builder *b, const char *name, int32_t x) {
    int64_t width = zoo_dim(b, x, -1), last[] = {zoo_rank(b, x) - 1};
    zoo_enter(b, "%s", name);
    int32_t weight = zoo_weight(b, "weight", 1, 0.02f, ZOO_SHAPE(width));
    int32_t mean = zoo_reduce_mean(b, zoo_binary(b, "Pow", x, zoo_scalar(b, 2)), 1, last, true);
    int32_t root = zoo_unary(b, "Sqrt", zoo_add(b, mean, zoo_scalar(b, 1e-5)));
    int32_t inverse = zoo_binary(b, "Div", zoo_scalar(b, 1), root);
    x = zoo_mul(b, zoo_mul(b, x, inverse), weight);
    zoo_leave(b);
    return x;
}

/* Angles of position p and pair i: p / base^(2i / width); the two halves repeat them. */
static struct rotary rotary_tables(struct zoo_builder *b, int64_t length, int64_t width,
                                   double base) {
    size_t count = (size_t)(length * width);
    double *cosines = ARENA_ARRAY(b->graph->arena, count, double);
    double *sines = ARENA_ARRAY(b->graph->arena, count, double);
    for (int64_t p = 0; p < length; p++)
        for (int64_t i = 0; i < width; i++) {
            int64_t pair = i % (width / 2);
            double angle = (double)p * pow(base, -2.0 * (double)pair / (double)width);
            cosines[p * width + i] = cos(angle);
            sines[p * width + i] = sin(angle);
        }
    struct rotary rotary;
    rotary.cosine = zoo_table(b, "rotary.cos", cosines, ZOO_SHAPE(length, width));
    rotary.sine = zoo_table(b, "rotary.sin", sines, ZOO_SHAPE(length, width));
    return rotary;
}

static int32_t rotate(struct zoo_builder *b, int32_t x, const struct rotary *rotary) {
    int64_t half = zoo_dim(b, x, -1) / 2;
    int32_t kept = zoo_mul(b, x, rotary->cosine);
    int32_t low = zoo_slice(b, x, -1, 0, half);
    int32_t high = zoo_slice(b, x, -1, half, 2 * half);
    int32_t turned = zoo_concat(b, -1, ZOO_LIST(zoo_unary(b, "Neg", high), low));
    return zoo_add(b, kept, zoo_mul(b, turned, rotary->sine));
}

static int32_t attention(struct zoo_builder *b, const struct llama *net, int32_t x, int32_t mask,
                         const struct rotary *rotary) {
    int64_t head = net->width / net->heads, times = net->heads / net->key_heads;
    int32_t queries = zoo_linear(b, "q_proj", x, net->width, false);
    queries = rotate(b, zoo_split_heads(b, queries, net->heads), rotary);
    int32_t keys = zoo_linear(b, "k_proj", x, head * net->key_heads, false);
    keys = rotate(b, zoo_split_heads(b, keys, net->key_heads), rotary);
    int32_t values = zoo_linear(b, "v_proj", x, head * net->key_heads, false);
    values = zoo_split_heads(b, values, net->key_heads);
    keys = zoo_transpose(b, zoo_repeat_heads(b, keys, times), ZOO_SHAPE(0, 1, 3, 2));
    values = zoo_repeat_heads(b, values, times);
    x = zoo_merge_heads(b, zoo_attend(b, queries, keys, values, mask));
    return zoo_linear(b, "o_proj", x, net->width, false);
}

static int32_t gated_mlp(struct zoo_builder *b, const struct llama *net, int32_t x) {
    int32_t gate = zoo_activate(b, ZOO_SILU, zoo_linear(b, "gate_proj", x, net->inner, false));
    int32_t up = zoo_linear(b, "up_proj", x, net->inner, false);
    return zoo_linear(b, "down_proj", zoo_mul(b, gate, up), net->width, false);
}

void zoo_llama_build(struct zoo_builder *b, const void *config) {
    const struct llama *net = config;
    int64_t length = b->options.sequence;
    int32_t ids = zoo_tokens(b, "input_ids");
    int32_t x = zoo_embed(b, "embed_tokens", ids, net->vocabulary, net->width, NULL);
    int32_t mask = zoo_causal_mask(b, length);
    struct rotary rotary = rotary_tables(b, length, net->width / net->heads, net->rotary_base);
    for (int i = 0; i < net->layers; i++) {
        zoo_enter(b, "layers.%d", i);
        int32_t normal = rms_norm(b, "input_layernorm", x);
        x = zoo_add(b, x, attention(b, net, normal, mask, &rotary));
        normal = rms_norm(b, "post_attention_layernorm", x);
        x = zoo_add(b, x, gated_mlp(b, net, normal));
        zoo_leave(b);
    }
    x = rms_norm(b, "norm", x);
    x = net->untied ? zoo_linear(b, "lm_head", x, net->vocabulary, false)
                    : zoo_tied_output(b, "lm_head", x, net->vocabulary);
    zoo_output(b, x, "logits");
}

static const struct llama stories260k = {5, 64, 8, 4, 172, 512, 1e4, false};
static const struct llama stories15m = {6, 288, 6, 6, 768, 32000, 1e4, false};
static const struct llama stories110m = {12, 768, 12, 12, 2048, 32000, 1e4, false};
static const struct llama smollm2_135m = {30, 576, 9, 3, 1536, 49152, 1e5, false};
static const struct llama tinyllama_1_1b = {22, 2048, 32, 4, 5632, 32000, 1e4, true};

#define ROW(NAME, HELP, PARAMETERS, STEP, SOURCE, CONFIG)                                          \
    { NAME, HELP, {.sequence = 64}, {PARAMETERS, STEP}, {0, 0}, SOURCE, zoo_llama_build, CONFIG }

static const struct zoo_row rows[] = {
    ROW("llama_stories260k", "language model, grouped queries, 5 layers", 260e3, 1e3,
        "karpathy/tinyllamas stories260K", &stories260k),
    ROW("llama_tiny", "language model, 6 layers (stories15M of llama2.c)", 15e6, 1e6,
        "karpathy/llama2.c README: stories15M", &stories15m),
    ROW("llama_small", "language model, 12 layers (stories110M of llama2.c)", 110e6, 1e6,
        "karpathy/llama2.c README: stories110M", &stories110m),
    ROW("smollm2_135m", "language model, grouped queries, 30 layers (Allal et al. 2025)", 134515008,
        1, "Hugging Face HuggingFaceTB/SmolLM2-135M", &smollm2_135m),
    ROW("tinyllama_1_1b", "language model, grouped queries, 22 layers (Zhang et al. 2024)",
        1100048384, 1, "Hugging Face TinyLlama/TinyLlama-1.1B-Chat-v1.0", &tinyllama_1_1b),
};

const struct zoo_family zoo_llama = {"llama", rows, sizeof rows / sizeof *rows};
