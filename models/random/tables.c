/* Recommenders: rows of many tables, products of all pairs, dense layers. */
#include "models/random/recipes.h"

static int32_t newest(const struct recipe *r) {
    return (int32_t)r->b->graph->op_count - 1;
}

/* The sum of some rows, or a single one: batch x width. */
static int32_t looked_up(struct recipe *r, int i, int64_t rows, int64_t width, int64_t bag) {
    struct zoo_builder *b = r->b;
    int64_t n = b->options.batch;
    const char *name = arena_printf(b->graph->arena, "ids_%d", i);
    int32_t table = zoo_weight(b, recipe_name(b), 0, 0.1f, ZOO_SHAPE(rows, width));
    if (bag == 1)
        return zoo_gather(b, NULL, table, zoo_input(b, name, DTYPE_INT64, ZOO_SHAPE(n)));
    int32_t ids = zoo_input(b, name, DTYPE_INT64, ZOO_SHAPE(n, bag));
    int32_t found = zoo_gather(b, NULL, table, ids), axes = zoo_ints(b, ZOO_SHAPE(1));
    int32_t sum = zoo_simple(b, "ReduceSum", ZOO_LIST(found, axes), ZOO_SHAPE(n, width));
    graph_set_int(b->graph, newest(r), "keepdims", 0);
    return sum;
}

static int32_t layers(struct recipe *r, int32_t x, int64_t width, int count) {
    for (int i = 0; i < count; i++)
        x = zoo_unary(r->b, "Relu", zoo_linear(r->b, recipe_name(r->b), x, width, true));
    return x;
}

/* Products of all pairs of vectors, those below the diagonal taken out. */
static int32_t pairs(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t n = zoo_dim(b, x, 0), count = zoo_dim(b, x, 1), kept = 0;
    int32_t y = zoo_matmul(b, NULL, x, zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1)));
    int64_t *places = ARENA_ARRAY(b->graph->arena, (size_t)(count * count), int64_t);
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < i; k++)
            places[kept++] = i * count + k;
    y = zoo_reshape(b, y, ZOO_SHAPE(n, count * count));
    int32_t which = zoo_int_constant(b, ZOO_SHAPE(kept), places);
    y = zoo_simple(b, "Gather", ZOO_LIST(y, which), ZOO_SHAPE(n, kept));
    graph_set_int(b->graph, newest(r), "axis", 1);
    return y;
}

void random_tables(struct zoo_builder *b, const void *config) {
    enum { TABLES_MAX = 26 };
    (void)config;
    struct recipe r = recipe_begin(b, 2, 8);
    int64_t n = b->options.batch *= RANDOM_PICK(&r.rng, 1, 8, 32);
    int64_t width = RANDOM_PICK(&r.rng, 8, 16, 16, 32, 64), bag = RANDOM_PICK(&r.rng, 1, 1, 5, 20);
    int count = (int)rng_between(&r.rng, 4, TABLES_MAX);
    int64_t most = 12000000 / (count * width); /* 48 MB in all */
    int32_t parts[TABLES_MAX + 1], dense[2];
    int32_t x = zoo_input(b, "dense", DTYPE_FLOAT32, ZOO_SHAPE(n, 13));
    x = layers(&r, x, random_size(&r.rng, 32, 512, 16), 2);
    dense[0] = zoo_unary(b, "Relu", zoo_linear(b, "bottom", x, width, true));
    parts[0] = zoo_unsqueeze(b, dense[0], 1);
    for (int i = 0; i < count; i++)
        parts[i + 1] =
            zoo_unsqueeze(b, looked_up(&r, i, random_size(&r.rng, 100, most, 1), width, bag), 1);
    dense[1] = pairs(&r, zoo_concat(b, 1, (uint32_t)count + 1, parts));
    x = zoo_concat(b, 1, 2, dense);
    int64_t inner = random_size(&r.rng, 64, 1024, 16);
    x = layers(&r, x, inner, 1);
    for (int i = 0; i < 3 && recipe_goes_on(&r, 1); i++)
        x = layers(&r, x, inner, 1);
    zoo_output(b, zoo_unary(b, "Sigmoid", zoo_linear(b, "top", x, 1, true)), "output");
}
