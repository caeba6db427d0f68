/* Attention in other spellings: caches of earlier tokens, distances between tokens, masks that are
 * inputs, sums in Einstein's notation. */
#include "models/random/recipes.h"
#include "models/zoo/attention.h"

#include <math.h>
#include <stdlib.h>

static int32_t newest(const struct recipe *r) {
    return (int32_t)r->b->graph->op_count - 1;
}

struct positions {
    int64_t width, heads, key_heads, length;
    int32_t mask; /* bool, batch x 1 x 1 x length; GRAPH_NONE: all may look */
    int32_t bias; /* added to the scores; GRAPH_NONE */
    bool einsum, cosine, simple_norm;
};

/* ---- pieces ---------------------------------------------------------------------------------- */

/* T5's normalisation, spelt out: no mean is taken off. */
static int32_t norm(struct recipe *r, const struct positions *form, int32_t x) {
    struct zoo_builder *b = r->b;
    if (!form->simple_norm)
        return zoo_layer_norm(b, recipe_name(b), x, 1e-6f);
    int64_t last[] = {zoo_rank(b, x) - 1};
    int32_t mean = zoo_reduce_mean(b, zoo_binary(b, "Pow", x, zoo_scalar(b, 2)), 1, last, true);
    int32_t root = zoo_unary(b, "Sqrt", zoo_add(b, mean, zoo_scalar(b, 1e-6)));
    int32_t y = zoo_binary(b, "Div", x, root);
    return zoo_mul(b, zoo_weight(b, recipe_name(b), 1, 0.02f, ZOO_SHAPE(form->width)), y);
}

static int32_t einsum(struct recipe *r, const char *equation, int32_t x, int32_t y, int64_t rows,
                      int64_t columns) {
    struct zoo_builder *b = r->b;
    int32_t z = zoo_simple(b, "Einsum", ZOO_LIST(x, y),
                           ZOO_SHAPE(zoo_dim(b, x, 0), zoo_dim(b, x, 1), rows, columns));
    graph_set_string(b->graph, newest(r), "equation", equation);
    return z;
}

/* To length one along the last axis; the norm as an operator of its own or in parts. */
static int32_t unit(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    if (random_chance(&r->rng, 0.5)) {
        int32_t y = zoo_unary(b, "LpNormalization", x);
        graph_set_int(b->graph, newest(r), "axis", -1);
        graph_set_int(b->graph, newest(r), "p", 2);
        return y;
    }
    sizes[rank - 1] = 1;
    bool as_input = b->options.opset >= 18;
    int32_t axes = as_input ? zoo_ints(b, ZOO_SHAPE(-1)) : GRAPH_NONE;
    int32_t length = zoo_simple(b, "ReduceL2", as_input ? 2 : 1, (int32_t[]){x, axes}, rank, sizes);
    if (!as_input)
        graph_set_ints(b->graph, newest(r), "axes", 1, (int64_t[]){-1});
    return zoo_binary(b, "Div", x, zoo_binary(b, "Max", length, zoo_scalar(b, 1e-12)));
}

static int32_t masked(struct recipe *r, const struct positions *form, int32_t scores) {
    struct zoo_builder *b = r->b;
    if (form->bias >= 0)
        scores = zoo_add(b, scores, form->bias);
    if (form->mask < 0)
        return scores;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, scores, sizes);
    int32_t low = zoo_scalar(b, -1e9);
    zoo_op(b, NULL, "Where", ZOO_LIST(form->mask, low, scores));
    return zoo_result(b, DTYPE_FLOAT32, rank, sizes);
}

/* Keys and values of earlier tokens. */
struct past {
    int32_t keys, values;
    bool kept; /* with the new ones behind them they are outputs, for the next step */
};

static int32_t continued(struct recipe *r, const struct past *past, int32_t before, int32_t x) {
    struct zoo_builder *b = r->b;
    x = zoo_concat(b, 2, ZOO_LIST(before, x));
    if (past->kept)
        zoo_output(b, x, arena_printf(b->graph->arena, "present%u", b->graph->output_count));
    return x;
}

/* Queries of x, keys and values of `from`; `past` (may be NULL) stands before keys and values. */
static int32_t attend(struct recipe *r, const struct positions *form, int32_t x, int32_t from,
                      const struct past *past) {
    struct zoo_builder *b = r->b;
    int64_t width = form->width, times = form->heads / form->key_heads;
    int32_t q = zoo_linear(b, recipe_name(b), x, width, false);
    q = zoo_split_heads(b, q, form->heads);
    int32_t k = zoo_linear(b, recipe_name(b), from, width / times, false);
    k = zoo_split_heads(b, k, form->key_heads);
    int32_t v = zoo_linear(b, recipe_name(b), from, width / times, false);
    v = zoo_split_heads(b, v, form->key_heads);
    if (past) {
        k = continued(r, past, past->keys, k);
        v = continued(r, past, past->values, v);
    }
    k = zoo_repeat_heads(b, k, times);
    v = zoo_repeat_heads(b, v, times);
    if (form->cosine) {
        q = unit(r, q);
        k = unit(r, k);
    }
    int64_t rows = zoo_dim(b, q, 2), columns = zoo_dim(b, k, 2), depth = zoo_dim(b, q, 3);
    int32_t scores = form->einsum
                         ? einsum(r, "bhqd,bhkd->bhqk", q, k, rows, columns)
                         : zoo_matmul(b, NULL, q, zoo_transpose(b, k, ZOO_SHAPE(0, 1, 3, 2)));
    scores = zoo_mul(b, scores, zoo_scalar(b, form->cosine ? 10 : 1 / sqrt((double)depth)));
    int32_t weights = zoo_softmax(b, masked(r, form, scores));
    int32_t y = form->einsum ? einsum(r, "bhqk,bhkd->bhqd", weights, v, rows, depth)
                             : zoo_matmul(b, NULL, weights, v);
    return zoo_linear(b, recipe_name(b), zoo_merge_heads(b, y), width, false);
}

static int32_t feed_forward(struct recipe *r, int32_t x, int64_t inner, bool gates) {
    struct zoo_builder *b = r->b;
    int64_t width = zoo_dim(b, x, -1);
    int32_t y = zoo_activate(b, random_chance(&r->rng, 0.5) ? ZOO_GELU_TANH : ZOO_RELU,
                             zoo_linear(b, recipe_name(b), x, inner, false));
    if (gates)
        y = zoo_mul(b, y, zoo_linear(b, recipe_name(b), x, inner, false));
    return zoo_linear(b, recipe_name(b), y, width, false);
}

static struct positions draw(struct recipe *r, int64_t length) {
    int64_t width = random_size(&r->rng, 64, 768, 64);
    int64_t heads = width / RANDOM_PICK(&r->rng, 32, 64);
    return (struct positions){.width = width,
                              .heads = heads,
                              .key_heads = heads,
                              .length = length,
                              .mask = GRAPH_NONE,
                              .bias = GRAPH_NONE,
                              .einsum = random_chance(&r->rng, 0.25),
                              .cosine = random_chance(&r->rng, 0.2),
                              .simple_norm = random_chance(&r->rng, 0.5)};
}

/* ---- distances ------------------------------------------------------------------------------- */

/* T5: a row of a table for each distance; the table is looked up in the network. */
static int32_t distance_bias(struct recipe *r, const struct positions *form) {
    enum { BUCKETS = 32 };
    struct zoo_builder *b = r->b;
    int64_t n = form->length;
    int64_t *buckets = ARENA_ARRAY(b->graph->arena, (size_t)(n * n), int64_t);
    for (int64_t i = 0; i < n * n; i++)
        buckets[i] = llabs(i / n - i % n) % BUCKETS;
    int32_t table = zoo_weight(b, "distances", 0, 0.1f, ZOO_SHAPE(BUCKETS, form->heads));
    int32_t bias = zoo_gather(b, "distance", table, zoo_int_constant(b, ZOO_SHAPE(n, n), buckets));
    return zoo_unsqueeze(b, zoo_transpose(b, bias, ZOO_SHAPE(2, 0, 1)), 0);
}

/* Input 1 for tokens, 0 for padding; true where nobody may look. */
static int32_t padding_mask(struct recipe *r, const struct positions *form) {
    struct zoo_builder *b = r->b;
    int64_t n = b->options.batch;
    int32_t mask = zoo_input(b, "attention_mask", DTYPE_INT64, ZOO_SHAPE(n, form->length));
    int32_t wide = zoo_unsqueeze(b, zoo_unsqueeze(b, mask, 1), 2);
    if (random_chance(&r->rng, 0.5)) {
        int32_t shape = zoo_ints(b, ZOO_SHAPE(n, 1, form->length, form->length));
        wide = zoo_simple(b, "Expand", ZOO_LIST(wide, shape),
                          ZOO_SHAPE(n, 1, form->length, form->length));
    }
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, wide, sizes), zero = zoo_int_constant(b, 0, NULL, &(int64_t){0});
    zoo_op(b, NULL, "Equal", ZOO_LIST(wide, zero));
    return zoo_result(b, DTYPE_BOOL, rank, sizes);
}

void random_relative(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 7, 11.5);
    struct positions form = draw(&r, random_size(&r.rng, 8, 256, 1));
    b->options.sequence = form.length;
    recipe_enlarge_batch(&r, 24.0 * (double)(form.length * form.width * form.width));
    int32_t x = zoo_embed(b, "embed", zoo_tokens(b, "input_ids"), random_size(&r.rng, 256, 8000, 1),
                          form.width, NULL);
    if (random_chance(&r.rng, 0.6))
        form.bias = distance_bias(&r, &form);
    if (random_chance(&r.rng, 0.7))
        form.mask = padding_mask(&r, &form);
    int64_t inner = form.width * RANDOM_PICK(&r.rng, 2, 3, 4);
    bool gates = random_chance(&r.rng, 0.5);
    for (int i = 0; i < 6 && (i == 0 || recipe_goes_on(&r, 1)); i++) {
        int32_t y = norm(&r, &form, x);
        x = zoo_add(b, x, attend(&r, &form, y, y, NULL));
        x = zoo_add(b, x, feed_forward(&r, norm(&r, &form, x), inner, gates));
    }
    zoo_output(b, norm(&r, &form, x), "output");
}

/* ---- one token after others ------------------------------------------------------------------ */

static int32_t cache(struct recipe *r, const struct positions *form, const char *name, int layer) {
    struct zoo_builder *b = r->b;
    return zoo_input(
        b, arena_printf(b->graph->arena, "past_%s_%d", name, layer), DTYPE_FLOAT32,
        ZOO_SHAPE(b->options.batch, form->key_heads, form->length, form->width / form->heads));
}

/* A decoder's step: one new token, or a few; keys and values of earlier ones are inputs. */
void random_decode_step(struct zoo_builder *b, const void *config) {
    (void)config;
    struct recipe r = recipe_begin(b, 1.5, 5);
    struct positions form = draw(&r, random_size(&r.rng, 16, 512, 1));
    int64_t inner = form.width * RANDOM_PICK(&r.rng, 2, 3, 4), n = b->options.batch;
    bool crosses = random_chance(&r.rng, 0.4), gates = random_chance(&r.rng, 0.5);
    b->options.sequence = RANDOM_PICK(&r.rng, 1, 1, 1, 4);
    form.cosine = false;
    int64_t shared_by = RANDOM_PICK(&r.rng, 1, 1, 2, 4);
    if (form.heads % shared_by == 0)
        form.key_heads = form.heads / shared_by;
    bool kept = random_chance(&r.rng, 0.7);
    int32_t x = zoo_embed(b, "embed", zoo_tokens(b, "input_ids"), random_size(&r.rng, 256, 8000, 1),
                          form.width, NULL);
    int32_t seen = crosses ? zoo_input(b, "seen", DTYPE_FLOAT32,
                                       ZOO_SHAPE(n, random_size(&r.rng, 16, 256, 1), form.width))
                           : GRAPH_NONE;
    for (int i = 0; i < 8 && (i < 2 || recipe_goes_on(&r, 1)); i++) {
        int32_t keys = cache(&r, &form, "key", i);
        const struct past past = {keys, cache(&r, &form, "value", i), kept};
        int32_t y = norm(&r, &form, x);
        x = zoo_add(b, x, attend(&r, &form, y, y, &past));
        if (crosses)
            x = zoo_add(b, x, attend(&r, &form, norm(&r, &form, x), seen, NULL));
        x = zoo_add(b, x, feed_forward(&r, norm(&r, &form, x), inner, gates));
    }
    x = zoo_linear(b, "vocabulary", norm(&r, &form, x), random_size(&r.rng, 512, 8000, 1), false);
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    sizes[rank - 1] = 1;
    zoo_op(b, NULL, "ArgMax", ZOO_LIST(x));
    graph_set_int(b->graph, newest(&r), "axis", -1);
    graph_set_int(b->graph, newest(&r), "keepdims", 1);
    zoo_output(b, zoo_result(b, DTYPE_INT64, rank, sizes), "token");
    zoo_output(b, x, "output");
}
