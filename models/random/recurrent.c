/* Recurrent layers that read both ways, the batch as first axis between them. */
#include "models/random/recipes.h"

#include <math.h>

struct cell {
    const char *type;
    int64_t gates, directions, width;
};

/* batch x length x in -> batch x length x directions * width. */
static int32_t layer(struct zoo_builder *b, const struct cell *cell, int32_t x) {
    int64_t n = zoo_dim(b, x, 0), length = zoo_dim(b, x, 1), in = zoo_dim(b, x, 2);
    int64_t d = cell->directions, rows = cell->gates * cell->width;
    float deviation = 1 / sqrtf((float)cell->width);
    x = zoo_transpose(b, x, ZOO_SHAPE(1, 0, 2));
    int32_t w = zoo_weight(b, "w", 0, deviation, ZOO_SHAPE(d, rows, in));
    int32_t h = zoo_weight(b, "r", 0, deviation, ZOO_SHAPE(d, rows, cell->width));
    int32_t bias = zoo_weight(b, "b", 0, 0.02f, ZOO_SHAPE(d, 2 * rows));
    int32_t op = zoo_op(b, NULL, cell->type, ZOO_LIST(x, w, h, bias));
    graph_set_int(b->graph, op, "hidden_size", cell->width);
    graph_set_string(b->graph, op, "direction", d == 2 ? "bidirectional" : "forward");
    if (cell->gates == 3)
        graph_set_int(b->graph, op, "linear_before_reset", 1);
    x = zoo_result(b, DTYPE_FLOAT32, ZOO_SHAPE(length, d, n, cell->width));
    x = zoo_reshape(b, zoo_transpose(b, x, ZOO_SHAPE(0, 2, 1, 3)),
                    ZOO_SHAPE(length, n, d * cell->width));
    return zoo_transpose(b, x, ZOO_SHAPE(1, 0, 2));
}

void random_two_ways(struct zoo_builder *b, const void *config) {
    (void)config;
    static const struct cell cells[] = {
        {"LSTM", 4, 2, 0},
        {"GRU",  3, 2, 0},
        {"RNN",  1, 2, 0},
        {"RNN",  1, 1, 0}
    };
    struct recipe r = recipe_begin(b, 4, 9);
    struct cell cell = cells[RANDOM_PICK(&r.rng, 0, 0, 0, 1, 1, 2, 3)];
    cell.width = random_size(&r.rng, 16, 512, 16);
    int64_t length = random_size(&r.rng, 2, 80, 1);
    int64_t in = random_size(&r.rng, 16, 512, 16);
    recipe_enlarge_batch(&r, 16.0 * (double)(length * cell.width * (in + cell.width + 50)));
    int32_t x = zoo_input(b, "input", DTYPE_FLOAT32, ZOO_SHAPE(b->options.batch, length, in));
    for (int i = 0; i < 3 && (i == 0 || recipe_goes_on(&r, 1)); i++) {
        zoo_enter(b, "rnn.%d", i);
        x = layer(b, &cell, x);
        zoo_leave(b);
    }
    zoo_output(b, zoo_linear(b, "head", x, random_size(&r.rng, 2, 200, 1), true), "output");
}
