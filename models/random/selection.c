/* Operators that choose, order and place, and formulas that few architectures have: each step takes
 * batch x rows x width and gives the same. */
#include "models/random/recipes.h"

static int32_t newest(const struct recipe *r) {
    return (int32_t)r->b->graph->op_count - 1;
}

static int32_t like(struct recipe *r, const char *type, uint32_t count, const int32_t *inputs) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(r->b, inputs[0], sizes);
    return zoo_simple(r->b, type, count, inputs, rank, sizes);
}

static int32_t typed(struct recipe *r, const char *type, enum dtype dtype, uint32_t count,
                     const int32_t *inputs) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(r->b, inputs[0], sizes);
    zoo_op(r->b, NULL, type, count, inputs);
    return zoo_result(r->b, dtype, rank, sizes);
}

static int32_t cast(struct recipe *r, int32_t x, enum dtype to) {
    x = typed(r, "Cast", to, ZOO_LIST(x));
    graph_set_int(r->b->graph, newest(r), "to", to);
    return x;
}

/* ---- formulas -------------------------------------------------------------------------------- */

static int32_t formula(struct recipe *r, int32_t x) {
    static const char *const types[] = {"Selu",  "Celu", "Softsign", "ThresholdedRelu",
                                        "Elu",   "Ceil", "Sign",     "Softplus",
                                        "Round", "Atan", "Shrink",   "Identity"};
    return zoo_unary(r->b, types[rng_below(&r->rng, sizeof types / sizeof *types)], x);
}

/* x * tanh(softplus(x)), as one operator from opset 18. */
static int32_t mish(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    if (b->options.opset >= 18 && random_chance(&r->rng, 0.5))
        return zoo_unary(b, "Mish", x);
    return zoo_mul(b, x, zoo_unary(b, "Tanh", zoo_unary(b, "Softplus", x)));
}

/* x * clip(x + 3, 0, 6) / 6 */
static int32_t hard_swish(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int32_t shifted = zoo_add(b, x, zoo_scalar(b, 3)), low = zoo_scalar(b, 0),
            high = zoo_scalar(b, 6);
    int32_t gate = like(r, "Clip", ZOO_LIST(shifted, low, high));
    return zoo_binary(b, "Div", zoo_mul(b, x, gate), zoo_scalar(b, 6));
}

static int32_t limited(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int32_t limit = zoo_scalar(b, 2);
    if (random_chance(&r->rng, 0.5))
        return like(r, "Clip", ZOO_LIST(x, GRAPH_NONE, limit));
    x = zoo_binary(b, "Min", x, limit);
    return zoo_binary(b, "Max", x, zoo_scalar(b, -2));
}

static int32_t powered(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    static const double exponents[] = {2, 3, 0.5, 1.5};
    return zoo_binary(b, "Pow", zoo_unary(b, "Abs", x),
                      zoo_scalar(b, exponents[rng_below(&r->rng, 4)]));
}

static int32_t wrapped(struct recipe *r, int32_t x) {
    int32_t y = zoo_binary(r->b, "Mod", x, zoo_scalar(r->b, 1.5));
    graph_set_int(r->b->graph, newest(r), "fmod", 1);
    return y;
}

static int32_t recast(struct recipe *r, int32_t x) {
    enum dtype through =
        (enum dtype)RANDOM_PICK(&r->rng, DTYPE_INT32, DTYPE_INT64, DTYPE_FLOAT16, DTYPE_FLOAT64);
    return cast(r, cast(r, x, through), DTYPE_FLOAT32);
}

/* Several values at once. */
static int32_t combined(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    static const char *const types[] = {"Sum", "Mean", "Max", "Min"};
    int32_t y = zoo_mul(b, x, zoo_scalar(b, 0.5)), z = zoo_unary(b, "Abs", x);
    return like(r, types[rng_below(&r->rng, 4)], ZOO_LIST(x, y, z));
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int32_t reduced(struct recipe *r, const char *type, int32_t x, int64_t axis) {
    struct zoo_builder *b = r->b;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    bool sum = type[6] == 'S' && type[7] == 'u' && type[9] == '\0';
    bool as_input = b->options.opset >= 18 || sum; /* ReduceSum since 13 */
    int32_t axes = as_input ? zoo_ints(b, ZOO_SHAPE(axis)) : GRAPH_NONE;
    sizes[axis] = 1;
    int32_t y = zoo_simple(b, type, as_input ? 2 : 1, (int32_t[]){x, axes}, rank, sizes);
    if (!as_input)
        graph_set_ints(b->graph, newest(r), "axes", 1, &axis);
    return y;
}

static int32_t reduction(struct recipe *r, int32_t x) {
    static const char *const types[] = {
        "ReduceMax",       "ReduceMin", "ReduceSum",  "ReduceL2",        "ReduceL1",
        "ReduceLogSumExp", "ReduceSum", "ReduceMean", "ReduceSumSquare", "ReduceProd"};
    const char *type = types[rng_below(&r->rng, sizeof types / sizeof *types)];
    return zoo_binary(r->b, "Sub", x, reduced(r, type, x, rng_between(&r->rng, 1, 2)));
}

static int32_t pooled(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    static const char *const types[] = {"GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool"};
    int32_t y = zoo_simple(b, types[rng_below(&r->rng, 3)], ZOO_LIST(x),
                           ZOO_SHAPE(zoo_dim(b, x, 0), zoo_dim(b, x, 1), 1));
    return zoo_binary(b, "Sub", x, y);
}

static int32_t normed(struct recipe *r, int32_t x) {
    static const char *const types[] = {"LogSoftmax", "LpNormalization", "Softmax"};
    int32_t y = zoo_unary(r->b, types[rng_below(&r->rng, 3)], x);
    graph_set_int(r->b->graph, newest(r), "axis", RANDOM_PICK(&r->rng, -1, -1, 1));
    return y;
}

static int32_t accumulated(struct recipe *r, int32_t x) {
    int64_t axis = rng_between(&r->rng, 1, 2);
    int32_t which = zoo_int_constant(r->b, 0, NULL, &axis);
    return zoo_mul(r->b, like(r, "CumSum", ZOO_LIST(x, which)), zoo_scalar(r->b, 0.1));
}

/* The largest of each row, put into the place of the others' mean. */
static int32_t largest(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    sizes[2] = random_size(&r->rng, 1, sizes[2] < 64 ? sizes[2] : 64, 1);
    int32_t count = zoo_ints(b, 1, &sizes[2]);
    zoo_op(b, NULL, "TopK", ZOO_LIST(x, count));
    graph_set_int(b->graph, newest(r), "axis", -1);
    int32_t values = zoo_result(b, DTYPE_FLOAT32, rank, sizes);
    int32_t places = zoo_result(b, DTYPE_INT64, rank, sizes);
    if (random_chance(&r->rng, 0.5)) {
        int32_t found = zoo_simple(b, "GatherElements", ZOO_LIST(x, places), rank, sizes);
        graph_set_int(b->graph, newest(r), "axis", -1);
        values = zoo_add(b, values, found);
    }
    int32_t y = like(r, "ScatterElements", ZOO_LIST(x, places, values));
    graph_set_int(b->graph, newest(r), "axis", -1);
    return y;
}

static int32_t marked(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t sizes[GRAPH_RANK_MAX], width = zoo_dim(b, x, 2);
    zoo_sizes(b, x, sizes);
    zoo_op(b, NULL, random_chance(&r->rng, 0.7) ? "ArgMax" : "ArgMin", ZOO_LIST(x));
    graph_set_int(b->graph, newest(r), "axis", 2);
    graph_set_int(b->graph, newest(r), "keepdims", 0);
    int32_t place = zoo_result(b, DTYPE_INT64, 2, sizes);
    int32_t depth = zoo_ints(b, 1, &width);
    int32_t range = zoo_table(b, recipe_name(b), (double[]){0, 1}, ZOO_SHAPE(2));
    zoo_op(b, NULL, "OneHot", ZOO_LIST(place, depth, range));
    return zoo_add(b, x, zoo_result(b, DTYPE_FLOAT32, 3, sizes));
}

/* ---- choosing and placing -------------------------------------------------------------------- */

static int32_t chosen(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    static const char *const types[] = {"Greater", "Less", "GreaterOrEqual"};
    int32_t limit = zoo_scalar(b, 0.1);
    int32_t which = typed(r, types[rng_below(&r->rng, 3)], DTYPE_BOOL, ZOO_LIST(x, limit));
    if (random_chance(&r->rng, 0.3)) {
        which = typed(r, "Not", DTYPE_BOOL, ZOO_LIST(which));
    } else if (random_chance(&r->rng, 0.5)) {
        static const char *const both[] = {"And", "Or", "Xor"};
        int32_t zero = zoo_scalar(b, 0);
        int32_t also = typed(r, "LessOrEqual", DTYPE_BOOL, ZOO_LIST(x, zero));
        which = typed(r, both[rng_below(&r->rng, 3)], DTYPE_BOOL, ZOO_LIST(which, also));
    } else if (random_chance(&r->rng, 0.3)) {
        which = typed(r, "IsNaN", DTYPE_BOOL, ZOO_LIST(x));
    }
    int32_t other = zoo_mul(b, x, limit);
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    zoo_op(b, NULL, "Where", ZOO_LIST(which, x, other));
    return zoo_result(b, DTYPE_FLOAT32, rank, sizes);
}

static int32_t triangle(struct recipe *r, int32_t x) {
    if (r->b->options.opset < 14)
        return x;
    int32_t y = zoo_unary(r->b, "Trilu", x);
    graph_set_int(r->b->graph, newest(r), "upper", random_chance(&r->rng, 0.5));
    return y;
}

static int32_t repeated(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t n = zoo_dim(b, x, 0), rows = zoo_dim(b, x, 1), width = zoo_dim(b, x, 2);
    int32_t row = zoo_slice(b, x, 1, 0, 1), y;
    if (random_chance(&r->rng, 0.5)) {
        int32_t shape = zoo_ints(b, ZOO_SHAPE(n, rows, width));
        y = zoo_simple(b, "Expand", ZOO_LIST(row, shape), ZOO_SHAPE(n, rows, width));
    } else {
        int32_t times = zoo_ints(b, ZOO_SHAPE(1, rows, 1));
        y = zoo_simple(b, "Tile", ZOO_LIST(row, times), ZOO_SHAPE(n, rows, width));
    }
    return zoo_add(b, x, y);
}

static int32_t framed(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t n = zoo_dim(b, x, 0), rows = zoo_dim(b, x, 1), width = zoo_dim(b, x, 2);
    int32_t pads = zoo_ints(b, ZOO_SHAPE(0, 1, 0, 0, 1, 0));
    int32_t y = zoo_simple(b, "Pad", ZOO_LIST(x, pads), ZOO_SHAPE(n, rows + 2, width));
    graph_set_string(b->graph, newest(r), "mode",
                     rows > 1 && random_chance(&r->rng, 0.4) ? "reflect" : "constant");
    int64_t first = random_chance(&r->rng, 0.5) ? 0 : 2;
    return zoo_slice(b, y, 1, first, first + rows);
}

/* Rows at given places: taken out, and put back in another order. */
static int32_t rearranged(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t rows = zoo_dim(b, x, 1), kept = rows / 2 + 1;
    int64_t *places = ARENA_ARRAY(b->graph->arena, (size_t)kept, int64_t);
    for (int64_t i = 0; i < kept; i++)
        places[i] = rng_between(&r->rng, 0, rows - 1);
    int32_t which = zoo_int_constant(b, ZOO_SHAPE(kept), places);
    int32_t taken = zoo_simple(b, "Gather", ZOO_LIST(x, which),
                               ZOO_SHAPE(zoo_dim(b, x, 0), kept, zoo_dim(b, x, 2)));
    graph_set_int(b->graph, newest(r), "axis", 1);
    return zoo_concat(b, 1, ZOO_LIST(taken, zoo_slice(b, x, 1, kept, rows)));
}

/* The first axes by lists of places, as caches of tokens are read and written. */
static int32_t written(struct recipe *r, int32_t x) {
    struct zoo_builder *b = r->b;
    int64_t n = zoo_dim(b, x, 0), rows = zoo_dim(b, x, 1), width = zoo_dim(b, x, 2);
    int64_t count = rows / 4 + 1,
            *places = ARENA_ARRAY(b->graph->arena, (size_t)(2 * count), int64_t);
    for (int64_t i = 0; i < count; i++) {
        places[2 * i] = rng_between(&r->rng, 0, n - 1);
        places[2 * i + 1] = i;
    }
    int32_t which = zoo_int_constant(b, ZOO_SHAPE(count, 2), places);
    int32_t taken = zoo_simple(b, "GatherND", ZOO_LIST(x, which), ZOO_SHAPE(count, width));
    int32_t halved = zoo_mul(b, taken, zoo_scalar(b, 0.5));
    return like(r, "ScatterND", ZOO_LIST(x, which, halved));
}

void random_selection(struct zoo_builder *b, const void *config) {
    (void)config;
    static int32_t (*const steps[])(struct recipe *, int32_t) = {
        formula, formula,   formula,   mish,   hard_swish, limited, powered,     wrapped,
        recast,  reduction, reduction, normed, largest,    marked,  combined,    pooled,
        chosen,  triangle,  repeated,  framed, rearranged, written, accumulated,
    };
    struct recipe r = recipe_begin(b, 4, 8);
    int64_t rows = random_size(&r.rng, 4, 512, 1), width = random_size(&r.rng, 4, 1024, 2);
    int32_t x = zoo_input(b, "input", DTYPE_FLOAT32, ZOO_SHAPE(b->options.batch, rows, width));
    x = zoo_linear(b, "in", x, width, true);
    for (int i = 0; i < 20; i++)
        x = steps[rng_below(&r.rng, sizeof steps / sizeof *steps)](&r, x);
    zoo_output(b, zoo_linear(b, "out", x, 16, true), "output");
}
