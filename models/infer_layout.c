/* Operators that rearrange elements: Reshape, Transpose, Concat, Squeeze and so on. */
#include "models/infer_ops.h"

#include <string.h>

/* ---- Reshape --------------------------------------------------------------------------------- */

/* Removes one occurrence of the symbol from the list. */
static bool cancel_symbol(struct dim *dims, int32_t *count, int32_t symbol) {
    for (int32_t i = 0; i < *count; i++)
        if (dims[i].symbol == symbol) {
            dims[i] = dims[--*count];
            return true;
        }
    return false;
}

/* The size that stands for -1: elements of x over those of the other dimensions of y. Symbols on
 * both sides cancel. */
static int resolve_rest(struct infer *run, const struct shape *x, struct shape *y, int32_t rest) {
    struct dim unknown_x[GRAPH_RANK_MAX], total = infer_dim(1), others = infer_dim(1);
    int32_t left = 0;
    for (int32_t i = 0; i < x->rank; i++) {
        if (dim_known(x->dims[i]))
            total = dim_mul(run, total, x->dims[i]);
        else
            unknown_x[left++] = x->dims[i];
    }
    for (int32_t i = 0; i < y->rank; i++) {
        if (i == rest)
            continue;
        if (dim_known(y->dims[i]))
            others = dim_mul(run, others, y->dims[i]);
        else if (y->dims[i].symbol == GRAPH_NO_SYMBOL ||
                 !cancel_symbol(unknown_x, &left, y->dims[i].symbol))
            return 0;
    }
    if (!dim_known(total) || !dim_known(others) || others.size == 0)
        return 0;
    if (left == 0) {
        if (total.size % others.size != 0)
            return infer_fail(run, "%lld elements cannot be cut into parts of %lld",
                              (long long)total.size, (long long)others.size);
        y->dims[rest] = infer_dim(total.size / others.size);
    } else if (left == 1 && total.size == others.size) {
        y->dims[rest] = unknown_x[0];
    }
    return 0;
}

static int check_reshape(struct infer *run, const struct shape *x, const struct shape *y) {
    int64_t before = shape_elements(x), after = shape_elements(y);
    if (before >= 0 && after >= 0 && before != after)
        return infer_fail(run, "%lld elements cannot become %lld", (long long)before,
                          (long long)after);
    return 0;
}

static int reshape_dims(struct infer *run, const struct shape *x, const struct element *target,
                        struct shape *y) {
    int32_t rest = -1, unknown = 0;
    bool keep_zero = op_int(run->op, "allowzero", 0) == 0;
    for (int32_t i = 0; i < y->rank; i++) {
        y->dims[i] = infer_unknown_dim;
        if (!target[i].known) {
            y->dims[i].symbol = target[i].symbol;
            unknown += target[i].symbol == GRAPH_NO_SYMBOL;
        } else if (target[i].i == -1) {
            if (rest >= 0)
                return infer_fail(run, "the new shape has -1 more than once");
            rest = i;
        } else if (target[i].i < 0) {
            return infer_fail(run, "the new shape has %lld", (long long)target[i].i);
        } else if (target[i].i == 0 && keep_zero) {
            if (x->rank >= 0 && i >= x->rank)
                return infer_fail(run, "the new shape copies dimension %d, which is not there", i);
            y->dims[i] = x->rank >= 0 ? x->dims[i] : infer_unknown_dim;
        } else {
            y->dims[i] = infer_dim(target[i].i);
        }
    }
    if (x->rank < 0 || unknown)
        return 0;
    if (rest >= 0 && resolve_rest(run, x, y, rest))
        return -(int)run->err->code;
    return check_reshape(run, x, y);
}

static int infer_reshape(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_shape_of_rank(GRAPH_RANK_UNKNOWN);
    const struct attribute *old = op_attribute(run->op, "shape");
    const struct constant *c = infer_constant(run, 1);
    const struct tensor *target = op_input(run->graph, run->op, 1);
    struct element elements[GRAPH_RANK_MAX];
    if (old && old->kind == ATTRIBUTE_INTS && old->count <= GRAPH_RANK_MAX) {
        y = infer_shape_of_rank((int32_t)old->count);
        for (uint32_t i = 0; i < old->count; i++)
            elements[i] = (struct element){{old->ints[i]}, GRAPH_NO_SYMBOL, true};
    } else if (c && !c->floating && c->count <= GRAPH_RANK_MAX) {
        y = infer_shape_of_rank((int32_t)c->count);
        memcpy(elements, c->elements, c->count * sizeof *elements);
    } else if (target && target->rank == 1 && target->dims[0].size == 0) {
        y = infer_shape_of_rank(0);
    } else if (target && target->rank == 1 && dim_known(target->dims[0]) &&
               target->dims[0].size <= GRAPH_RANK_MAX) {
        y = infer_shape_of_rank((int32_t)target->dims[0].size);
        infer_put(run, 0, infer_dtype(run, 0), &y);
        return 0;
    }
    if (y.rank >= 0 && reshape_dims(run, &x, elements, &y))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_flatten(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_shape_of_rank(2);
    int64_t axis = op_int(run->op, "axis", 1);
    if (x.rank >= 0) {
        int32_t at = (int32_t)x.rank;
        if (axis != x.rank && infer_axis(run, axis, x.rank, &at))
            return -(int)run->err->code;
        y.dims[0] = dim_product(run, &x, 0, at);
        y.dims[1] = dim_product(run, &x, at, x.rank);
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

/* ---- axes that come and go ------------------------------------------------------------------- */

static int squeeze_all(struct infer *run, const struct shape *x) {
    struct shape y = {.rank = 0};
    for (int32_t i = 0; i < x->rank; i++) {
        if (!dim_known(x->dims[i])) { /* it may be 1 */
            infer_put(run, 0, infer_dtype(run, 0), NULL);
            return 0;
        }
        if (x->dims[i].size != 1)
            shape_append(&y, x->dims[i]);
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_squeeze(struct infer *run) {
    struct shape x = infer_in(run, 0), y = {.rank = 0};
    struct int_list axes;
    enum list_state state = infer_ints(run, "axes", 1, &axes);
    bool gone[GRAPH_RANK_MAX];
    infer_put(run, 0, infer_dtype(run, 0), NULL);
    if (x.rank < 0 || state == LIST_UNKNOWN)
        return 0;
    if (state == LIST_ABSENT)
        return squeeze_all(run, &x);
    if (infer_axes(run, &axes, x.rank, gone))
        return -(int)run->err->code;
    for (int32_t i = 0; i < x.rank; i++) {
        if (!gone[i])
            shape_append(&y, x.dims[i]);
        else if (dim_differ(x.dims[i], infer_dim(1)))
            return infer_fail(run, "axis %d has size %lld, only size 1 can be removed", i,
                              (long long)x.dims[i].size);
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_unsqueeze(struct infer *run) {
    struct shape x = infer_in(run, 0), y = {.rank = 0};
    struct int_list axes;
    bool added[GRAPH_RANK_MAX];
    infer_put(run, 0, infer_dtype(run, 0), NULL);
    if (x.rank < 0 || infer_ints(run, "axes", 1, &axes) != LIST_KNOWN)
        return 0;
    int64_t rank = (int64_t)x.rank + axes.count;
    if (rank > GRAPH_RANK_MAX)
        return infer_fail(run, "the output's rank passes %d", GRAPH_RANK_MAX);
    if (infer_axes(run, &axes, (int32_t)rank, added))
        return -(int)run->err->code;
    for (int32_t i = 0, from = 0; i < (int32_t)rank && from <= x.rank; i++) {
        if (!added[i] && from == x.rank)
            return infer_fail(run, "an axis is listed twice");
        shape_append(&y, added[i] ? infer_dim(1) : x.dims[from++]);
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_transpose(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_shape_of_rank(x.rank);
    struct int_list perm;
    bool seen[GRAPH_RANK_MAX] = {false};
    enum list_state state = infer_ints(run, "perm", -1, &perm);
    if (x.rank >= 0 && state == LIST_KNOWN && perm.count != (uint32_t)x.rank)
        return infer_fail(run, "perm has %u axes, the input %d", perm.count, x.rank);
    for (int32_t i = 0; i < x.rank; i++) {
        int64_t from = state == LIST_KNOWN ? perm.values[i] : x.rank - 1 - i;
        if (from < 0 || from >= x.rank || seen[from])
            return infer_fail(run, "perm is no permutation");
        seen[from] = true;
        y.dims[i] = x.dims[from];
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

/* ---- joining, blocks ------------------------------------------------------------------------- */

int infer_concat_shapes(struct infer *run, uint32_t first, uint32_t step, int64_t axis,
                        struct shape *y) {
    *y = infer_in(run, first);
    int32_t at = 0;
    if (y->rank >= 0 && infer_axis(run, axis, y->rank, &at))
        return -(int)run->err->code;
    for (uint32_t i = first + step; i < run->op->input_count; i += step) {
        struct shape x = infer_in(run, i);
        if (x.rank < 0 || y->rank < 0) {
            *y = x.rank < 0 ? infer_shape_of_rank(y->rank) : infer_shape_of_rank(x.rank);
            continue;
        }
        if (x.rank != y->rank)
            return infer_fail(run, "the inputs differ in rank");
        for (int32_t k = 0; k < y->rank; k++) {
            if (k != at && dim_differ(x.dims[k], y->dims[k]))
                return infer_fail(run, "the inputs differ on axis %d", k);
            y->dims[k] =
                k == at ? dim_add(run, y->dims[k], x.dims[k]) : dim_either(y->dims[k], x.dims[k]);
        }
    }
    return 0;
}

static int infer_concat(struct infer *run) {
    struct shape y;
    if (infer_concat_shapes(run, 0, 1, op_int(run->op, "axis", 1), &y))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_depth_to_space(struct infer *run) {
    struct shape x = infer_in(run, 0);
    int64_t block = op_int(run->op, "blocksize", 1);
    if (infer_need_rank(run, 0, 4))
        return -(int)run->err->code;
    if (block < 1 || block > INT32_MAX)
        return infer_fail(run, "blocksize is %lld", (long long)block);
    if (x.rank == 4) {
        if (dim_known(x.dims[1]) && x.dims[1].size % (block * block) != 0)
            return infer_fail(run, "the channels cannot be split by blocksize %lld",
                              (long long)block);
        x.dims[1] = dim_div(x.dims[1], block * block);
        x.dims[2] = dim_mul(run, x.dims[2], infer_dim(block));
        x.dims[3] = dim_mul(run, x.dims[3], infer_dim(block));
    }
    infer_put(run, 0, infer_dtype(run, 0), &x);
    return 0;
}

static int infer_space_to_depth(struct infer *run) {
    struct shape x = infer_in(run, 0);
    int64_t block = op_int(run->op, "blocksize", 1);
    if (infer_need_rank(run, 0, 4))
        return -(int)run->err->code;
    if (block < 1 || block > INT32_MAX)
        return infer_fail(run, "blocksize is %lld", (long long)block);
    if (x.rank == 4) {
        x.dims[1] = dim_mul(run, x.dims[1], infer_dim(block * block));
        x.dims[2] = dim_div(x.dims[2], block);
        x.dims[3] = dim_div(x.dims[3], block);
    }
    infer_put(run, 0, infer_dtype(run, 0), &x);
    return 0;
}

/* ---- repeating ------------------------------------------------------------------------------- */

static int infer_expand(struct infer *run) {
    struct shape x = infer_in(run, 0), y;
    const struct constant *c = infer_constant(run, 1);
    const struct tensor *to = op_input(run->graph, run->op, 1);
    infer_put(run, 0, infer_dtype(run, 0), NULL);
    if (!c || c->floating || c->count > GRAPH_RANK_MAX) {
        if (to && to->rank == 1 && to->dims[0].size == 0)
            infer_put(run, 0, infer_dtype(run, 0), &x);
        return 0;
    }
    struct shape target = infer_shape_of_rank((int32_t)c->count);
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->elements[i].known && c->elements[i].i < 0 && c->elements[i].i != -1)
            return infer_fail(run, "the new shape has %lld", (long long)c->elements[i].i);
        /* -1 is not in the specification, but means 1 wherever it is met */
        target.dims[i] = c->elements[i].known
                             ? infer_dim(c->elements[i].i < 0 ? 1 : c->elements[i].i)
                             : (struct dim){GRAPH_DIM_UNKNOWN, c->elements[i].symbol};
    }
    if (infer_broadcast(run, &x, &target, &y))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_tile(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_shape_of_rank(x.rank);
    const struct constant *c = infer_constant(run, 1);
    if (c && !c->floating && x.rank >= 0 && run->opset >= 6 && c->count != (uint32_t)x.rank)
        return infer_fail(run, "%u repeats for rank %d", c->count, x.rank);
    if (c && !c->floating && run->opset >= 6)
        for (int32_t i = 0; i < x.rank; i++) {
            const struct element *e = &c->elements[i];
            if (e->known && e->i < 0)
                return infer_fail(run, "the repeats have %lld", (long long)e->i);
            struct dim times =
                e->known ? infer_dim(e->i) : (struct dim){GRAPH_DIM_UNKNOWN, e->symbol};
            y.dims[i] = dim_mul(run, x.dims[i], times);
        }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

const struct infer_row infer_layout_rows[] = {
    {ONNX,      "Reshape",      infer_reshape,        fold_copy,      0, 0},
    {ONNX,      "Flatten",      infer_flatten,        fold_copy,      0, 0},
    {ONNX,      "Squeeze",      infer_squeeze,        fold_copy,      0, 0},
    {ONNX,      "Unsqueeze",    infer_unsqueeze,      fold_copy,      0, 0},
    {ONNX,      "Transpose",    infer_transpose,      fold_transpose, 0, 0},
    {ONNX,      "Concat",       infer_concat,         fold_concat,    0, 0},
    {ONNX,      "DepthToSpace", infer_depth_to_space, NULL,           0, 0},
    {ONNX,      "SpaceToDepth", infer_space_to_depth, NULL,           0, 0},
    {ONNX,      "Expand",       infer_expand,         fold_expand,    0, 0},
    {ONNX,      "Tile",         infer_tile,           fold_expand,    0, 0},
    {MICROSOFT, "DepthToSpace", infer_depth_to_space, NULL,           0, 0},
    {NULL,      NULL,           NULL,                 NULL,           0, 0},
};
