#include "models/zoo/nodes.h"

static int32_t from_start(const struct zoo_builder *b, int32_t x, int32_t axis) {
    return axis < 0 ? axis + zoo_rank(b, x) : axis;
}

static int32_t newest(const struct zoo_builder *b) {
    return (int32_t)b->graph->op_count - 1;
}

static void set_int(struct zoo_builder *b, const char *name, int64_t value) {
    graph_set_int(b->graph, newest(b), name, value);
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

/* Sizes of x and y broadcast together, their last `kept` axes left to the caller. */
static int32_t broadcast(const struct zoo_builder *b, int32_t x, int32_t y, int32_t kept,
                         int64_t *sizes) {
    int32_t rank_x = zoo_rank(b, x), rank_y = zoo_rank(b, y);
    int32_t rank = rank_x > rank_y ? rank_x : rank_y;
    for (int32_t i = 0; i < rank - kept; i++) {
        int32_t from_end = i - rank;
        int64_t size_x = -from_end <= rank_x ? zoo_dim(b, x, from_end) : 1;
        int64_t size_y = -from_end <= rank_y ? zoo_dim(b, y, from_end) : 1;
        sizes[i] = size_x == 1 ? size_y : size_x;
    }
    return rank;
}

int32_t zoo_binary(struct zoo_builder *b, const char *type, int32_t x, int32_t y) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = broadcast(b, x, y, 0, sizes);
    return zoo_simple(b, type, ZOO_LIST(x, y), rank, sizes);
}

int32_t zoo_add(struct zoo_builder *b, int32_t x, int32_t y) {
    return zoo_binary(b, "Add", x, y);
}

int32_t zoo_mul(struct zoo_builder *b, int32_t x, int32_t y) {
    return zoo_binary(b, "Mul", x, y);
}

int32_t zoo_matmul(struct zoo_builder *b, const char *name, int32_t x, int32_t y) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = broadcast(b, x, y, 2, sizes);
    sizes[rank - 2] = zoo_dim(b, x, -2);
    sizes[rank - 1] = zoo_dim(b, y, -1);
    zoo_op(b, name, "MatMul", ZOO_LIST(x, y));
    return zoo_result(b, DTYPE_FLOAT32, rank, sizes);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

int32_t zoo_concat(struct zoo_builder *b, int32_t axis, uint32_t count, const int32_t *inputs) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, inputs[0], sizes);
    int32_t place = from_start(b, inputs[0], axis);
    for (uint32_t i = 1; i < count; i++)
        sizes[place] += zoo_dim(b, inputs[i], place);
    int32_t x = zoo_simple(b, "Concat", count, inputs, rank, sizes);
    set_int(b, "axis", axis);
    return x;
}

int32_t zoo_flatten(struct zoo_builder *b, int32_t x) {
    int64_t sizes[GRAPH_RANK_MAX], rest = 1;
    int32_t rank = zoo_sizes(b, x, sizes);
    for (int32_t i = 1; i < rank; i++)
        rest *= sizes[i];
    int32_t y = zoo_simple(b, "Flatten", ZOO_LIST(x), ZOO_SHAPE(sizes[0], rest));
    set_int(b, "axis", 1);
    return y;
}

int32_t zoo_reshape(struct zoo_builder *b, int32_t x, int32_t rank, const int64_t *sizes) {
    int32_t shape = zoo_ints(b, rank, sizes);
    return zoo_simple(b, "Reshape", ZOO_LIST(x, shape), rank, sizes);
}

int32_t zoo_transpose(struct zoo_builder *b, int32_t x, int32_t rank, const int64_t *perm) {
    int64_t sizes[GRAPH_RANK_MAX];
    for (int32_t i = 0; i < rank; i++)
        sizes[i] = zoo_dim(b, x, (int32_t)perm[i]);
    int32_t y = zoo_simple(b, "Transpose", ZOO_LIST(x), rank, sizes);
    graph_set_ints(b->graph, newest(b), "perm", (uint32_t)rank, perm);
    return y;
}

int32_t zoo_slice(struct zoo_builder *b, int32_t x, int32_t axis, int64_t begin, int64_t end) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes), place = from_start(b, x, axis);
    sizes[place] = end - begin;
    int32_t axes = zoo_ints(b, ZOO_SHAPE(place)), starts = zoo_ints(b, ZOO_SHAPE(begin)),
            ends = zoo_ints(b, ZOO_SHAPE(end));
    return zoo_simple(b, "Slice", ZOO_LIST(x, starts, ends, axes), rank, sizes);
}

void zoo_split(struct zoo_builder *b, int32_t x, int32_t axis, int32_t count, int32_t *parts) {
    int64_t sizes[GRAPH_RANK_MAX], lengths[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes), place = from_start(b, x, axis);
    sizes[place] /= count;
    for (int32_t i = 0; i < count; i++)
        lengths[i] = sizes[place];
    int32_t lengths_input = zoo_ints(b, count, lengths);
    zoo_op(b, NULL, "Split", ZOO_LIST(x, lengths_input));
    set_int(b, "axis", axis);
    for (int32_t i = 0; i < count; i++)
        parts[i] = zoo_result(b, b->graph->tensors[x].dtype, rank, sizes);
}

int32_t zoo_gather(struct zoo_builder *b, const char *name, int32_t table, int32_t ids) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, ids, sizes);
    for (int32_t i = 1; i < zoo_rank(b, table); i++)
        sizes[rank++] = zoo_dim(b, table, i);
    zoo_op(b, name, "Gather", ZOO_LIST(table, ids));
    return zoo_result(b, b->graph->tensors[table].dtype, rank, sizes);
}

/* Sizes of x without one axis. */
static int32_t drop_axis(const struct zoo_builder *b, int32_t x, int32_t place, int64_t *sizes) {
    int32_t rank = 0;
    for (int32_t i = 0; i < zoo_rank(b, x); i++)
        if (i != place)
            sizes[rank++] = zoo_dim(b, x, i);
    return rank;
}

int32_t zoo_select(struct zoo_builder *b, int32_t x, int32_t axis, int64_t index) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t place = from_start(b, x, axis), rank = drop_axis(b, x, place, sizes);
    int32_t which = zoo_int_constant(b, 0, NULL, &index);
    int32_t y = zoo_simple(b, "Gather", ZOO_LIST(x, which), rank, sizes);
    set_int(b, "axis", place);
    return y;
}

int32_t zoo_unsqueeze(struct zoo_builder *b, int32_t x, int32_t axis) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = 0;
    for (int32_t i = 0; i < zoo_rank(b, x); i++) {
        if (i == axis)
            sizes[rank++] = 1;
        sizes[rank++] = zoo_dim(b, x, i);
    }
    if (rank == zoo_rank(b, x))
        sizes[rank++] = 1;
    int32_t axes = zoo_ints(b, ZOO_SHAPE(axis));
    return zoo_simple(b, "Unsqueeze", ZOO_LIST(x, axes), rank, sizes);
}

int32_t zoo_squeeze(struct zoo_builder *b, int32_t x, int32_t axis) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t place = from_start(b, x, axis), rank = drop_axis(b, x, place, sizes);
    int32_t axes = zoo_ints(b, ZOO_SHAPE(place));
    return zoo_simple(b, "Squeeze", ZOO_LIST(x, axes), rank, sizes);
}

/* ---- the rest -------------------------------------------------------------------------------- */

int32_t zoo_softmax_along(struct zoo_builder *b, int32_t x, int64_t axis) {
    int32_t y = zoo_unary(b, "Softmax", x);
    set_int(b, "axis", axis);
    return y;
}

int32_t zoo_softmax(struct zoo_builder *b, int32_t x) {
    return zoo_softmax_along(b, x, -1);
}

int32_t zoo_reduce_mean(struct zoo_builder *b, int32_t x, int32_t count, const int64_t *axes,
                        bool keep) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = 0, next = 0;
    for (int32_t i = 0; i < zoo_rank(b, x); i++) {
        bool reduced = next < count && axes[next] == i;
        next += reduced;
        if (!reduced || keep)
            sizes[rank++] = reduced ? 1 : zoo_dim(b, x, i);
    }
    bool as_input = b->options.opset >= 18; /* axes: an attribute before */
    int32_t list = as_input ? zoo_ints(b, count, axes) : GRAPH_NONE;
    int32_t y = zoo_simple(b, "ReduceMean", as_input ? 2 : 1, (int32_t[]){x, list}, rank, sizes);
    if (!as_input)
        graph_set_ints(b->graph, newest(b), "axes", (uint32_t)count, axes);
    set_int(b, "keepdims", keep);
    return y;
}

int32_t zoo_resize(struct zoo_builder *b, int32_t x, int64_t height, int64_t width) {
    int64_t sizes[] = {zoo_dim(b, x, 0), zoo_dim(b, x, 1), height, width};
    int32_t wanted = zoo_ints(b, 4, sizes);
    int32_t y = zoo_simple(b, "Resize", ZOO_LIST(x, GRAPH_NONE, GRAPH_NONE, wanted), 4, sizes);
    int32_t op = newest(b);
    graph_set_string(b->graph, op, "coordinate_transformation_mode", "half_pixel");
    graph_set_float(b->graph, op, "cubic_coeff_a", -0.75f);
    graph_set_string(b->graph, op, "mode", "linear");
    graph_set_string(b->graph, op, "nearest_mode", "floor");
    return y;
}
