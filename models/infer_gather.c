/* Operators that pick or place elements by index, and those whose size depends on data. */
#include "models/infer_ops.h"

static int infer_gather(struct infer *run) {
    struct shape x = infer_in(run, 0), indices = infer_in(run, 1), y = {.rank = 0};
    int32_t axis = 0;
    infer_put(run, 0, infer_dtype(run, 0), NULL);
    if (x.rank < 0)
        return 0;
    if (infer_axis(run, op_int(run->op, "axis", 0), x.rank, &axis))
        return -(int)run->err->code;
    if (indices.rank < 0)
        return 0;
    if (x.rank - 1 + indices.rank > GRAPH_RANK_MAX)
        return infer_fail(run, "the output's rank passes %d", GRAPH_RANK_MAX);
    for (int32_t i = 0; i < axis; i++)
        shape_append(&y, x.dims[i]);
    for (int32_t i = 0; i < indices.rank; i++)
        shape_append(&y, indices.dims[i]);
    for (int32_t i = axis + 1; i < x.rank; i++)
        shape_append(&y, x.dims[i]);
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_gather_elements(struct infer *run) {
    struct shape x = infer_in(run, 0), indices = infer_in(run, 1);
    if (x.rank >= 0 && indices.rank >= 0 && x.rank != indices.rank)
        return infer_fail(run, "data and indices must have one rank");
    infer_put(run, 0, infer_dtype(run, 0), &indices);
    return 0;
}

/* indices[:-1] + data[batch_dims + indices[-1]:] */
static int infer_gather_nd(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_in(run, 1);
    int64_t batch = op_int(run->op, "batch_dims", 0);
    infer_put(run, 0, infer_dtype(run, 0), NULL);
    if (x.rank < 0 || y.rank < 0)
        return 0;
    if (y.rank == 0)
        return infer_fail(run, "the indices must not be a scalar");
    struct dim depth = y.dims[--y.rank];
    if (!dim_known(depth))
        return 0;
    if (batch < 0 || batch > x.rank || depth.size > x.rank - batch)
        return infer_fail(run, "%lld indices for rank %d", (long long)depth.size, x.rank);
    for (int32_t i = (int32_t)(batch + depth.size); i < x.rank; i++)
        shape_append(&y, x.dims[i]);
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_scatter(struct infer *run) {
    struct shape x = infer_in(run, 0), indices = infer_in(run, 1), updates = infer_in(run, 2);
    if (x.rank >= 0 && indices.rank >= 0 && x.rank != indices.rank)
        return infer_fail(run, "data and indices must have one rank");
    for (int32_t i = 0; i < indices.rank && indices.rank == updates.rank; i++)
        if (dim_differ(indices.dims[i], updates.dims[i]))
            return infer_fail(run, "indices and updates must have one shape");
    infer_put_like(run, 0, 0);
    return 0;
}

/* The new axis holds `depth` values; type by input 2. */
static int infer_one_hot(struct infer *run) {
    struct shape x = infer_in(run, 0), y = {.rank = 0};
    int64_t depth = GRAPH_DIM_UNKNOWN;
    const struct constant *c = infer_constant(run, 1);
    if (c && c->count == 1 && c->elements[0].known)
        depth = !c->floating                                         ? c->elements[0].i
                : c->elements[0].f >= 0 && c->elements[0].f < 0x1p62 ? (int64_t)c->elements[0].f
                                                                     : GRAPH_DIM_UNKNOWN;
    infer_put(run, 0, infer_dtype(run, 2), NULL);
    if (x.rank < 0 || x.rank >= GRAPH_RANK_MAX)
        return 0;
    int32_t axis = 0;
    if (infer_axis(run, op_int(run->op, "axis", -1), x.rank + 1, &axis))
        return -(int)run->err->code;
    for (int32_t i = 0; i <= x.rank; i++)
        shape_append(&y, i == axis ? infer_dim(depth) : x.dims[i - (i > axis)]);
    infer_put(run, 0, infer_dtype(run, 2), &y);
    return 0;
}

/* Coordinates of the non-zero elements: rank x how many, which only the data knows. */
static int infer_nonzero(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_shape_of_rank(2);
    const struct constant *c = infer_constant(run, 0);
    if (x.rank >= 0)
        y.dims[0] = infer_dim(x.rank ? x.rank : 1);
    int64_t found = c ? 0 : GRAPH_DIM_UNKNOWN;
    for (uint32_t i = 0; c && i < c->count && found >= 0; i++) {
        const struct element *e = &c->elements[i];
        found = !e->known ? GRAPH_DIM_UNKNOWN : found + (c->floating ? e->f != 0 : e->i != 0);
    }
    y.dims[1] = infer_dim(found);
    infer_put(run, 0, DTYPE_INT64, &y);
    return 0;
}

static int infer_compress(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_shape_of_rank(1);
    const struct constant *condition = infer_constant(run, 1);
    const struct attribute *attribute = op_attribute(run->op, "axis");
    int32_t axis = 0;
    int64_t kept = condition ? 0 : GRAPH_DIM_UNKNOWN;
    for (uint32_t i = 0; condition && i < condition->count && kept >= 0; i++)
        kept = condition->elements[i].known ? kept + (condition->elements[i].i != 0)
                                            : GRAPH_DIM_UNKNOWN;
    if (attribute && x.rank >= 0) {
        if (infer_axis(run, attribute->i, x.rank, &axis))
            return -(int)run->err->code;
        y = x;
    }
    if (!attribute || x.rank >= 0) {
        y.dims[axis] = infer_dim(kept);
        infer_put(run, 0, infer_dtype(run, 0), &y);
    }
    return 0;
}

static bool elements_equal(const struct constant *c, uint32_t a, uint32_t b) {
    return c->floating ? c->elements[a].f == c->elements[b].f
                       : c->elements[a].i == c->elements[b].i;
}

/* Distinct values of a flattened constant; quadratic, so only for short ones. */
static int64_t count_distinct(const struct constant *c) {
    int64_t distinct = 0;
    if (!c || c->count > 256)
        return GRAPH_DIM_UNKNOWN;
    for (uint32_t i = 0; i < c->count; i++) {
        bool seen = false;
        if (!c->elements[i].known)
            return GRAPH_DIM_UNKNOWN;
        for (uint32_t k = 0; k < i && !seen; k++)
            seen = elements_equal(c, i, k);
        distinct += !seen;
    }
    return distinct;
}

static int infer_unique(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_shape_of_rank(1), list = infer_shape_of_rank(1);
    struct shape inverse = infer_shape_of_rank(1);
    const struct attribute *attribute = op_attribute(run->op, "axis");
    int32_t axis = 0;
    if (!attribute) {
        y.dims[0] = list.dims[0] = infer_dim(count_distinct(infer_constant(run, 0)));
        inverse.dims[0] = infer_dim(shape_elements(&x));
    } else if (x.rank >= 0) {
        if (infer_axis(run, attribute->i, x.rank, &axis))
            return -(int)run->err->code;
        y = x;
        inverse.dims[0] = x.dims[axis];
        y.dims[axis] = infer_unknown_dim;
    } else {
        y = x;
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    infer_put(run, 1, DTYPE_INT64, &list);
    infer_put(run, 2, DTYPE_INT64, &inverse);
    infer_put(run, 3, DTYPE_INT64, &list);
    return 0;
}

/* Boxes that survive: how many only the data knows; three indices each. */
static int infer_non_max_suppression(struct infer *run) {
    struct shape y = infer_shape_of_rank(2);
    y.dims[1] = infer_dim(3);
    infer_put(run, 0, DTYPE_INT64, &y);
    return 0;
}

static int infer_reverse_sequence(struct infer *run) {
    struct shape x = infer_in(run, 0);
    if (x.rank >= 0 && x.rank < 2)
        return infer_fail(run, "the input must have rank 2 or more");
    infer_put_like(run, 0, 0);
    return 0;
}

/* GatherBlockQuantized: as Gather; the type is that of the scales, two 4-bit values per byte. */
static int infer_gather_quantized(struct infer *run) {
    if (infer_gather(run))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 2), NULL);
    return 0;
}

const struct infer_row infer_gather_rows[] = {
    {ONNX,      "Gather",               infer_gather,              fold_gather,  0, 0},
    {ONNX,      "GatherElements",       infer_gather_elements,     NULL,         0, 0},
    {ONNX,      "GatherND",             infer_gather_nd,           NULL,         0, 0},
    {ONNX,      "Scatter",              infer_scatter,             NULL,         0, 0},
    {ONNX,      "ScatterElements",      infer_scatter,             NULL,         0, 0},
    {ONNX,      "ScatterND",            infer_same_as_first,       NULL,         0, 0},
    {ONNX,      "TensorScatter",        infer_same_as_first,       NULL,         0, 0},
    {ONNX,      "OneHot",               infer_one_hot,             NULL,         0, 0},
    {ONNX,      "NonZero",              infer_nonzero,             fold_nonzero, 0, 0},
    {ONNX,      "Compress",             infer_compress,            NULL,         0, 0},
    {ONNX,      "Unique",               infer_unique,              NULL,         0, 0},
    {ONNX,      "Trilu",                infer_same_as_first,       NULL,         0, 0},
    {ONNX,      "NonMaxSuppression",    infer_non_max_suppression, NULL,         0, 0},
    {ONNX,      "ReverseSequence",      infer_reverse_sequence,    NULL,         0, 0},
    {MICROSOFT, "GatherND",             infer_gather_nd,           NULL,         0, 0},
    {MICROSOFT, "Trilu",                infer_same_as_first,       NULL,         0, 0},
    {MICROSOFT, "GatherBlockQuantized", infer_gather_quantized,    NULL,         0, 0},
    {NULL,      NULL,                   NULL,                      NULL,         0, 0},
};
