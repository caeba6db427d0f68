#include "models/gguf/read.h"

#include "base/utf8.h"
#include "models/gguf/gguf.h"

#include <inttypes.h>
#include <string.h>

enum { NAME_SHOWN = 120, LAYERS_MAX = 1 << 16, SIZE_MOST = 1 << 28 };

bool gguf_sniff(const void *bytes, size_t length) {
    return length >= 4 && memcmp(bytes, "GGUF", 4) == 0;
}

struct reading {
    struct arena *arena;
    const struct gguf *gguf;
    const char *architecture;
    struct err *err;
};

/* ---- pairs -----------------------------------------------------------------------------------
 */

/* Up to what is no UTF-8 text of one line. NULL: absent, or nothing is left. */
static const char *text_of(const struct reading *r, const char *key) {
    const struct gguf_pair *pair = gguf_find(r->gguf, key);
    if (!pair || pair->array || pair->type != GGUF_STRING || pair->text.length == 0)
        return NULL;
    size_t length = pair->text.length < NAME_SHOWN ? pair->text.length : NAME_SHOWN;
    char *text = arena_strndup(r->arena, pair->text.bytes, length);
    size_t at = 0, step;
    while (text[at] && (unsigned char)text[at] >= ' ' &&
           (step = utf8_length((const unsigned char *)text + at)) > 0)
        at += step;
    text[at] = '\0';
    return text[0] ? text : NULL;
}

/* A number of the architecture: "llama.block_count". */
static int number_of(const struct reading *r, const char *key, uint64_t absent, uint64_t most,
                     uint64_t *number) {
    const char *full = arena_printf(r->arena, "%s.%s", r->architecture, key);
    const struct gguf_pair *pair = gguf_find(r->gguf, full);
    *number = absent;
    if (!pair)
        return 0;
    if (!gguf_number(r->gguf, pair, 0, number) || *number > most)
        return err_set(r->err, ERR_INPUT,
                       "offset %" PRIu64 ": %s is not a whole number from 0 to %" PRIu64,
                       pair->offset, full, most);
    return 0;
}

/* One number for all layers, or one for each. */
static int kv_heads_of(const struct reading *r, struct decoder *out) {
    const char *key = arena_printf(r->arena, "%s.attention.head_count_kv", r->architecture);
    const struct gguf_pair *pair = gguf_find(r->gguf, key);
    out->kv_heads = out->heads * out->layers;
    if (!pair)
        return 0;
    uint64_t sum = 0;
    for (uint64_t layer = 0; layer < out->layers; layer++) {
        uint64_t heads;
        if (!gguf_number(r->gguf, pair, pair->array ? layer : 0, &heads) || heads > LAYERS_MAX)
            return err_set(r->err, ERR_INPUT,
                           "offset %" PRIu64 ": %s is not a small whole number for each of "
                           "%" PRIu64 " layers",
                           pair->offset, key, out->layers);
        sum += heads;
    }
    out->kv_heads = sum;
    return 0;
}

/* Of the token table, whose rows are words. */
static uint64_t vocabulary_of(const struct gguf *gguf) {
    for (uint32_t i = 0; i < gguf->tensor_count; i++)
        if (wire_text_is(gguf->tensors[i].name, "token_embd.weight") && gguf->tensors[i].rank == 2)
            return gguf->tensors[i].sizes[1];
    return 0;
}

static int read_decoder(const struct reading *r, struct model *out) {
    struct decoder *d = ARENA_NEW(r->arena, struct decoder);
    d->architecture = r->architecture;
    if (number_of(r, "context_length", 0, INT32_MAX, &d->context) ||
        number_of(r, "block_count", 0, LAYERS_MAX, &d->layers) ||
        number_of(r, "embedding_length", 0, SIZE_MOST, &d->width) ||
        number_of(r, "attention.head_count", 0, LAYERS_MAX, &d->heads) || kv_heads_of(r, d))
        return -(int)r->err->code;
    uint64_t head = d->heads ? d->width / d->heads : 0;
    if (number_of(r, "attention.key_length", head, SIZE_MOST, &d->key_width) ||
        number_of(r, "attention.value_length", head, SIZE_MOST, &d->value_width))
        return -(int)r->err->code;
    d->vocabulary = vocabulary_of(r->gguf);
    out->decoder = d->layers && d->heads ? d : NULL;
    return 0;
}

/* ---- the graph -------------------------------------------------------------------------------
 */

static void add_weight(struct graph *graph, const struct reading *r,
                       const struct gguf_tensor *from) {
    const char *name =
        arena_strndup(r->arena, from->name.length ? from->name.bytes : "", from->name.length);
    int32_t index = graph_add_tensor(graph, name, from->dtype);
    int64_t sizes[GGUF_RANK_MAX] = {0};
    for (uint32_t i = 0; i < from->rank; i++)
        sizes[i] = (int64_t)from->sizes[from->rank - 1 - i];
    graph_set_shape(graph, index, (int32_t)from->rank, sizes);
    graph->tensors[index].flags = TENSOR_INITIALIZER;
    graph->tensors[index].file_offset = from->offset;
}

static void add_input(struct graph *graph, const char *name, const char *symbol) {
    static const int64_t unknown[] = {GRAPH_DIM_UNKNOWN, GRAPH_DIM_UNKNOWN};
    int32_t index = graph_add_tensor(graph, name, DTYPE_INT32);
    graph_set_shape(graph, index, 2, unknown);
    graph->tensors[index].dims[0].symbol = graph_symbol(graph, DECODER_BATCH);
    graph->tensors[index].dims[1].symbol = graph_symbol(graph, symbol);
    graph_add_input(graph, index);
}

static struct graph *graph_of(const struct reading *r) {
    struct graph *graph = graph_new(r->arena, r->architecture);
    for (uint32_t i = 0; i < r->gguf->tensor_count; i++)
        add_weight(graph, r, &r->gguf->tensors[i]);
    add_input(graph, "token_ids", DECODER_TOKENS);
    add_input(graph, "cached_ids", DECODER_PAST);
    return graph;
}

/* ---- the model -------------------------------------------------------------------------------
 */

static int refuse_shard(const struct reading *r) {
    const struct gguf_pair *pair = gguf_find(r->gguf, "split.count");
    uint64_t count;
    if (!pair || !gguf_number(r->gguf, pair, 0, &count) || count < 2)
        return 0;
    err_set(r->err, ERR_INPUT, "the model is split into %" PRIu64 " files; this is one of them",
            count);
    return err_hint(r->err, "join them with llama-gguf-split --merge");
}

static int read_model(struct reading *r, struct model *out) {
    r->architecture = text_of(r, "general.architecture");
    if (!r->architecture)
        return err_set(r->err, ERR_INPUT, "general.architecture is missing or not a text");
    if (refuse_shard(r) || read_decoder(r, out))
        return -(int)r->err->code;
    out->name = text_of(r, "general.name");
    out->graph = graph_of(r);
    return 0;
}

int gguf_read_bytes(struct arena *arena, const void *bytes, size_t length, const char *label,
                    struct model *out, struct err *err) {
    struct gguf gguf;
    struct reading r = {arena, &gguf, NULL, err};
    *out = (struct model){0};
    if (gguf_parse(arena, bytes, length, &gguf, err) || read_model(&r, out))
        return err_prefix(err, "%s", label);
    return 0;
}
