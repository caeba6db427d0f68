#include "models/zoo/attention.h"

#include <math.h>

static const float embedding_deviation = 0.5f;

int32_t zoo_tokens(struct zoo_builder *b, const char *name) {
    return zoo_input(b, name, DTYPE_INT64, ZOO_SHAPE(b->options.batch, b->options.sequence));
}

static int32_t embedding_table(struct zoo_builder *b, const char *name, int64_t rows,
                               int64_t width) {
    const char *weight = arena_printf(b->graph->arena, "%s.weight", name);
    return zoo_weight(b, weight, 0, embedding_deviation, ZOO_SHAPE(rows, width));
}

int32_t zoo_embed(struct zoo_builder *b, const char *name, int32_t ids, int64_t rows, int64_t width,
                  int32_t *table) {
    int32_t weight = embedding_table(b, name, rows, width);
    if (table)
        *table = weight;
    return zoo_gather(b, name, weight, ids);
}

int32_t zoo_embed_positions(struct zoo_builder *b, const char *name, int64_t count, int64_t rows,
                            int64_t width) {
    if (count > rows)
        zoo_impossible(b, "a sequence of %lld is longer than its %lld positions", (long long)count,
                       (long long)rows);
    int64_t *positions = ARENA_ARRAY(b->graph->arena, (size_t)count, int64_t);
    for (int64_t i = 0; i < count; i++)
        positions[i] = i;
    int32_t weight = embedding_table(b, name, rows, width);
    int32_t ids = zoo_int_constant(b, ZOO_SHAPE(1, count), positions);
    return zoo_gather(b, name, weight, ids);
}

/* ---- heads ----------------------------------------------------------------------------------- */

static int32_t with_heads(struct zoo_builder *b, int32_t x, int64_t heads) {
    return zoo_reshape(
        b, x, ZOO_SHAPE(zoo_dim(b, x, 0), zoo_dim(b, x, 1), heads, zoo_dim(b, x, 2) / heads));
}

int32_t zoo_split_heads(struct zoo_builder *b, int32_t x, int64_t heads) {
    return zoo_transpose(b, with_heads(b, x, heads), ZOO_SHAPE(0, 2, 1, 3));
}

int32_t zoo_split_heads_swapped(struct zoo_builder *b, int32_t x, int64_t heads) {
    return zoo_transpose(b, with_heads(b, x, heads), ZOO_SHAPE(0, 2, 3, 1));
}

int32_t zoo_merge_heads(struct zoo_builder *b, int32_t x) {
    x = zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1, 3));
    return zoo_reshape(
        b, x, ZOO_SHAPE(zoo_dim(b, x, 0), zoo_dim(b, x, 1), zoo_dim(b, x, 2) * zoo_dim(b, x, 3)));
}

int32_t zoo_repeat_heads(struct zoo_builder *b, int32_t x, int64_t times) {
    if (times == 1)
        return x;
    int64_t n = zoo_dim(b, x, 0), heads = zoo_dim(b, x, 1), length = zoo_dim(b, x, 2),
            width = zoo_dim(b, x, 3), wide[] = {n, heads, times, length, width};
    x = zoo_unsqueeze(b, x, 2);
    x = zoo_simple(b, "Expand", ZOO_LIST(x, zoo_ints(b, 5, wide)), 5, wide);
    return zoo_reshape(b, x, ZOO_SHAPE(n, heads * times, length, width));
}

/* ---- attention ------------------------------------------------------------------------------- */

int32_t zoo_attend(struct zoo_builder *b, int32_t queries, int32_t keys, int32_t values,
                   int32_t mask) {
    int32_t scores = zoo_matmul(b, NULL, queries, keys);
    scores = zoo_binary(b, "Div", scores, zoo_scalar(b, sqrt((double)zoo_dim(b, queries, -1))));
    if (mask != GRAPH_NONE)
        scores = zoo_add(b, scores, mask);
    return zoo_matmul(b, NULL, zoo_softmax(b, scores), values);
}

int32_t zoo_self_attention(struct zoo_builder *b, int32_t x,
                           const struct zoo_attention *attention) {
    int64_t width = zoo_dim(b, x, -1), heads = attention->heads;
    int32_t queries = zoo_linear(b, attention->query, x, width, true);
    queries = zoo_split_heads(b, queries, heads);
    int32_t keys = zoo_linear(b, attention->key, x, width, !attention->no_key_bias);
    keys = zoo_split_heads_swapped(b, keys, heads);
    int32_t values = zoo_linear(b, attention->value, x, width, true);
    values = zoo_split_heads(b, values, heads);
    x = zoo_merge_heads(b, zoo_attend(b, queries, keys, values, attention->mask));
    return zoo_linear(b, attention->out, x, width, true);
}

int32_t zoo_packed_attention(struct zoo_builder *b, int32_t x, int64_t heads) {
    int64_t n = zoo_dim(b, x, 0), length = zoo_dim(b, x, 1), width = zoo_dim(b, x, 2);
    int32_t parts[3];
    int32_t packed = zoo_linear(b, "qkv", x, 3 * width, true);
    packed = zoo_reshape(b, packed, ZOO_SHAPE(n, length, 3, heads, width / heads));
    packed = zoo_transpose(b, packed, ZOO_SHAPE(2, 0, 3, 1, 4));
    zoo_split(b, packed, 0, 3, parts);
    for (int i = 0; i < 3; i++)
        parts[i] = zoo_squeeze(b, parts[i], 0);
    int32_t keys = zoo_transpose(b, parts[1], ZOO_SHAPE(0, 1, 3, 2));
    x = zoo_merge_heads(b, zoo_attend(b, parts[0], keys, parts[2], GRAPH_NONE));
    return zoo_linear(b, "proj", x, width, true);
}

/* ---- the rest -------------------------------------------------------------------------------- */

int32_t zoo_mlp(struct zoo_builder *b, const char *up, const char *down, int32_t x, int64_t inner,
                enum zoo_activation activation) {
    int64_t width = zoo_dim(b, x, -1);
    x = zoo_activate(b, activation, zoo_linear(b, up, x, inner, true));
    return zoo_linear(b, down, x, width, true);
}

int32_t zoo_causal_mask(struct zoo_builder *b, int64_t length) {
    size_t n = (size_t)length;
    double *values = ARENA_ARRAY(b->graph->arena, n * n, double);
    for (size_t row = 0; row < n; row++)
        for (size_t column = row + 1; column < n; column++)
            values[row * n + column] = -1e9;
    return zoo_table(b, "causal_mask", values, ZOO_SHAPE(1, 1, length, length));
}

int32_t zoo_tied_output(struct zoo_builder *b, const char *name, int32_t x, int64_t rows) {
    int64_t width = zoo_dim(b, x, -1);
    const char *weight = arena_printf(b->graph->arena, "%s.weight", name);
    float deviation = 1 / sqrtf((float)width);
    return zoo_matmul(b, name, x, zoo_buffer(b, weight, 0, deviation, ZOO_SHAPE(width, rows)));
}
