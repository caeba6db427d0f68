/* Arithmetic on dimensions and shapes that may be unknown, symbolic or hostile. */
#include "models/infer_ops.h"

const struct dim infer_unknown_dim = {GRAPH_DIM_UNKNOWN, GRAPH_NO_SYMBOL};

static const int64_t size_max = INT64_C(1) << 62;

struct dim infer_dim(int64_t size) {
    return (struct dim){size < 0 ? GRAPH_DIM_UNKNOWN : size, GRAPH_NO_SYMBOL};
}

struct shape infer_shape_of_rank(int32_t rank) {
    struct shape shape = {.rank = rank > GRAPH_RANK_MAX ? GRAPH_RANK_UNKNOWN : rank};
    for (int32_t i = 0; i < shape.rank; i++)
        shape.dims[i] = infer_unknown_dim;
    return shape;
}

struct shape infer_shape_1d(struct dim dim) {
    struct shape shape = {.rank = 1};
    shape.dims[0] = dim;
    return shape;
}

bool dim_known(struct dim dim) {
    return dim.size >= 0;
}

bool dim_same(struct dim a, struct dim b) {
    if (dim_known(a) || dim_known(b))
        return a.size == b.size;
    return a.symbol != GRAPH_NO_SYMBOL && a.symbol == b.symbol;
}

bool dim_differ(struct dim a, struct dim b) {
    return dim_known(a) && dim_known(b) && a.size != b.size;
}

struct dim dim_either(struct dim a, struct dim b) {
    if (dim_known(a))
        return a;
    return dim_known(b) || a.symbol == GRAPH_NO_SYMBOL ? b : a;
}

struct dim dim_merge(struct dim a, struct dim b) {
    if (!dim_same(a, b))
        return infer_unknown_dim;
    return a.symbol == b.symbol ? a : infer_dim(a.size);
}

struct dim dim_add(struct infer *run, struct dim a, struct dim b) {
    if (a.size == 0 && a.symbol == GRAPH_NO_SYMBOL)
        return b;
    if (b.size == 0 && b.symbol == GRAPH_NO_SYMBOL)
        return a;
    if (!dim_known(a) || !dim_known(b))
        return infer_unknown_dim;
    int64_t sum;
    if (__builtin_add_overflow(a.size, b.size, &sum) || sum > size_max) {
        run->overflow = true;
        return infer_unknown_dim;
    }
    return infer_dim(sum);
}

struct dim dim_mul(struct infer *run, struct dim a, struct dim b) {
    if (a.size == 1)
        return b;
    if (b.size == 1)
        return a;
    if (!dim_known(a) || !dim_known(b))
        return infer_unknown_dim;
    int64_t product;
    if (__builtin_mul_overflow(a.size, b.size, &product) || product > size_max) {
        run->overflow = true;
        return infer_unknown_dim;
    }
    return infer_dim(product);
}

struct dim dim_div(struct dim a, int64_t divisor) {
    if (divisor == 1)
        return a;
    return dim_known(a) && divisor > 0 ? infer_dim(a.size / divisor) : infer_unknown_dim;
}

struct dim dim_div_up(struct dim a, int64_t divisor) {
    if (divisor == 1)
        return a;
    if (!dim_known(a) || divisor <= 0)
        return infer_unknown_dim;
    return infer_dim(a.size / divisor + (a.size % divisor != 0));
}

struct dim dim_product(struct infer *run, const struct shape *shape, int32_t from, int32_t to) {
    struct dim product = infer_dim(1);
    for (int32_t i = from; i < to; i++)
        product = dim_mul(run, product, shape->dims[i]);
    return product;
}

int64_t shape_elements(const struct shape *shape) {
    int64_t product = 1;
    if (shape->rank < 0)
        return -1;
    for (int32_t i = 0; i < shape->rank; i++)
        if (!dim_known(shape->dims[i]))
            return -1;
    for (int32_t i = 0; i < shape->rank; i++)
        if (__builtin_mul_overflow(product, shape->dims[i].size, &product) || product > size_max)
            return -1;
    return product;
}

void shape_append(struct shape *shape, struct dim dim) {
    if (shape->rank < GRAPH_RANK_MAX)
        shape->dims[shape->rank++] = dim;
}

struct shape shape_merge(const struct shape *a, const struct shape *b) {
    if (a->rank != b->rank)
        return infer_shape_of_rank(GRAPH_RANK_UNKNOWN);
    struct shape merged = *a;
    for (int32_t i = 0; i < a->rank; i++)
        merged.dims[i] = dim_merge(a->dims[i], b->dims[i]);
    return merged;
}

/* ---- broadcasting ---------------------------------------------------------------------------- */

static struct dim broadcast_dim(struct dim a, struct dim b) {
    if (a.size == 1)
        return b;
    if (b.size == 1 || dim_same(a, b))
        return a;
    if (dim_known(a) || dim_known(b)) /* the unknown one is that size or 1 */
        return dim_known(a) ? a : b;
    return infer_unknown_dim;
}

int infer_broadcast(struct infer *run, const struct shape *a, const struct shape *b,
                    struct shape *result) {
    *result = infer_shape_of_rank(GRAPH_RANK_UNKNOWN);
    if (a->rank < 0 || b->rank < 0)
        return 0;
    struct shape wide = infer_shape_of_rank(a->rank > b->rank ? a->rank : b->rank);
    for (int32_t i = 0; i < wide.rank; i++) {
        int32_t ia = i - (wide.rank - a->rank), ib = i - (wide.rank - b->rank);
        struct dim da = ia < 0 ? infer_dim(1) : a->dims[ia];
        struct dim db = ib < 0 ? infer_dim(1) : b->dims[ib];
        if (dim_differ(da, db) && da.size != 1 && db.size != 1)
            return infer_fail(run, "dimensions %lld and %lld cannot be broadcast",
                              (long long)da.size, (long long)db.size);
        wide.dims[i] = broadcast_dim(da, db);
    }
    *result = wide;
    return 0;
}
