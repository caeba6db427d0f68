#include "models/zoo/gguf.h"

#include "models/gguf/write.h"
#include "models/zoo/configs.h"
#include "models/zoo/families.h"

#include <math.h>

enum { CONTEXT = 2048 };

static void put_pairs(struct gguf_writer *w, const struct zoo_gguf_config *net) {
    gguf_put_text(w, "general.architecture", "llama");
    gguf_put_text(w, "general.name", net->name);
    gguf_put_u32(w, "llama.vocab_size", net->vocabulary);
    gguf_put_u32(w, "llama.context_length", net->context);
    gguf_put_u32(w, "llama.embedding_length", net->width);
    gguf_put_u32(w, "llama.block_count", net->layers);
    gguf_put_u32(w, "llama.feed_forward_length", net->inner);
    gguf_put_u32(w, "llama.rope.dimension_count", net->width / net->heads);
    gguf_put_f32(w, "llama.rope.freq_base", net->rotary_base);
    gguf_put_u32(w, "llama.attention.head_count", net->heads);
    gguf_put_u32(w, "llama.attention.head_count_kv", net->key_heads);
    gguf_put_f32(w, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    gguf_put_text(w, "tokenizer.ggml.model", "none");
}

static void add_matrix(struct gguf_writer *w, enum dtype dtype, const char *name, uint64_t in,
                       uint64_t out) {
    const struct gguf_weight weight = {
        .name = name,
        .dtype = gguf_dtype_for(dtype, in),
        .rank = 2,
        .sizes = {in, out},
        .deviation = 1 / sqrt((double)in)
    };
    gguf_add_weight(w, &weight);
}

static void add_norm(struct gguf_writer *w, const char *name, uint64_t width) {
    const struct gguf_weight weight = {.name = name,
                                       .dtype = DTYPE_FLOAT32,
                                       .rank = 1,
                                       .sizes = {width},
                                       .mean = 1,
                                       .deviation = 0.02};
    gguf_add_weight(w, &weight);
}

static void add_layer(struct gguf_writer *w, const struct zoo_gguf_config *net, enum dtype dtype,
                      uint32_t layer) {
    uint64_t width = net->width, keys = width / net->heads * net->key_heads;
    const struct {
        const char *name;
        uint64_t in, out;
    } matrices[] = {
        {"attn_q",      width,      width     },
        {"attn_k",      width,      keys      },
        {"attn_v",      width,      keys      },
        {"attn_output", width,      width     },
        {"ffn_gate",    width,      net->inner},
        {"ffn_up",      width,      net->inner},
        {"ffn_down",    net->inner, width     },
    };
    add_norm(w, arena_printf(w->arena, "blk.%u.attn_norm.weight", layer), width);
    add_norm(w, arena_printf(w->arena, "blk.%u.ffn_norm.weight", layer), width);
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
        add_matrix(w, dtype, arena_printf(w->arena, "blk.%u.%s.weight", layer, matrices[i].name),
                   matrices[i].in, matrices[i].out);
}

int zoo_write_gguf_of(const struct zoo_gguf_config *net, enum dtype dtype, uint64_t seed,
                      const char *path, struct err *err) {
    struct arena arena;
    struct gguf_writer writer;
    arena_init(&arena);
    gguf_writer_init(&writer, &arena);
    put_pairs(&writer, net);
    add_matrix(&writer, dtype, "token_embd.weight", net->width, net->vocabulary);
    for (uint32_t layer = 0; layer < net->layers; layer++)
        add_layer(&writer, net, dtype, layer);
    add_norm(&writer, "output_norm.weight", net->width);
    if (net->untied)
        add_matrix(&writer, dtype, "output.weight", net->width, net->vocabulary);
    int code = gguf_write_file(&writer, seed, path, err);
    gguf_writer_done(&writer);
    arena_done(&arena);
    return code;
}

int zoo_write_gguf(const char *name, enum dtype dtype, uint64_t seed, const char *path,
                   struct err *err) {
    const struct zoo_row *row = zoo_find(name);
    if (!row) {
        err_set(err, ERR_USAGE, "no model '%s' in the zoo", name);
        return err_hint(err, "`assay list zoo` prints the names");
    }
    if (row->build != zoo_llama_build) {
        err_set(err, ERR_USAGE, "%s is no decoder of the Llama kind", name);
        return err_hint(err, "as GGUF: llama_stories260k, llama_tiny, llama_small, smollm2_135m, "
                             "tinyllama_1_1b");
    }
    const struct llama *net = row->config;
    const struct zoo_gguf_config config = {
        .name = name,
        .layers = (uint32_t)net->layers,
        .width = (uint32_t)net->width,
        .heads = (uint32_t)net->heads,
        .key_heads = (uint32_t)net->key_heads,
        .inner = (uint32_t)net->inner,
        .vocabulary = (uint32_t)net->vocabulary,
        .context = CONTEXT,
        .rotary_base = (float)net->rotary_base,
        .untied = net->untied,
    };
    return zoo_write_gguf_of(&config, dtype, seed, path, err);
}
