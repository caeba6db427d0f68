/* Operators along axes: reductions, softmax, selections of extremes, running sums. */
#include "models/infer_ops.h"

static void put_reduced(struct infer *run, const struct shape *x, const bool *reduced, bool keep,
                        enum dtype dtype) {
    struct shape y = {.rank = 0};
    for (int32_t i = 0; i < x->rank; i++) {
        if (!reduced[i])
            shape_append(&y, x->dims[i]);
        else if (keep)
            shape_append(&y, infer_dim(1));
    }
    infer_put(run, 0, dtype, &y);
}

/* Axes as attribute or as input 1; none: all, unless noop_with_empty_axes. */
static int infer_reduce(struct infer *run) {
    struct shape x = infer_in(run, 0);
    struct int_list axes;
    enum list_state state = infer_ints(run, "axes", 1, &axes);
    bool keep = op_int(run->op, "keepdims", 1) != 0, reduced[GRAPH_RANK_MAX];
    infer_put(run, 0, infer_dtype(run, 0), NULL);
    if (x.rank < 0)
        return 0;
    if (state == LIST_UNKNOWN) {
        struct shape y = infer_shape_of_rank(keep ? x.rank : GRAPH_RANK_UNKNOWN);
        infer_put(run, 0, infer_dtype(run, 0), &y);
        return 0;
    }
    if (infer_axes(run, &axes, x.rank, reduced))
        return -(int)run->err->code;
    if (axes.count == 0 && !op_int(run->op, "noop_with_empty_axes", 0))
        for (int32_t i = 0; i < x.rank; i++)
            reduced[i] = true;
    put_reduced(run, &x, reduced, keep, infer_dtype(run, 0));
    return 0;
}

static int infer_arg_extreme(struct infer *run) {
    struct shape x = infer_in(run, 0);
    infer_put(run, 0, DTYPE_INT64, NULL);
    if (x.rank < 0)
        return 0;
    bool reduced[GRAPH_RANK_MAX] = {false};
    int32_t axis = 0;
    if (infer_axis(run, op_int(run->op, "axis", 0), x.rank, &axis))
        return -(int)run->err->code;
    reduced[axis] = true;
    put_reduced(run, &x, reduced, op_int(run->op, "keepdims", 1) != 0, DTYPE_INT64);
    return 0;
}

static int infer_topk(struct infer *run) {
    struct shape y = infer_in(run, 0);
    int64_t k = op_int(run->op, "k", GRAPH_DIM_UNKNOWN);
    bool known = k >= 0 || infer_scalar(run, 1, &k);
    if (y.rank >= 0) {
        int32_t axis = 0;
        if (infer_axis(run, op_int(run->op, "axis", -1), y.rank, &axis))
            return -(int)run->err->code;
        if (known && dim_known(y.dims[axis]) && k > y.dims[axis].size)
            return infer_fail(run, "k is %lld, the axis has %lld", (long long)k,
                              (long long)y.dims[axis].size);
        y.dims[axis] = known ? infer_dim(k) : infer_unknown_dim;
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    infer_put(run, 1, DTYPE_INT64, &y);
    return 0;
}

/* Softmax and its like: the axis must exist. */
static int infer_along_axis(struct infer *run) {
    struct shape x = infer_in(run, 0);
    int32_t axis = 0;
    int64_t given = op_int(run->op, "axis", run->opset < 13 ? 1 : -1);
    /* axis == rank was allowed where everything before it is flattened together. */
    if (x.rank > 0 && given != x.rank && infer_axis(run, given, x.rank, &axis))
        return -(int)run->err->code;
    infer_put_like(run, 0, 0);
    return 0;
}

#define REDUCE(type)                                                                               \
    { ONNX, type, infer_reduce, NULL, 0, 0 }

const struct infer_row infer_reduction_rows[] = {
    REDUCE("ReduceL1"),
    REDUCE("ReduceL2"),
    REDUCE("ReduceLogSum"),
    REDUCE("ReduceLogSumExp"),
    REDUCE("ReduceMean"),
    REDUCE("ReduceSumSquare"),
    {ONNX,      "ReduceMax",        infer_reduce,        fold_reduce, 0, 0},
    {ONNX,      "ReduceMin",        infer_reduce,        fold_reduce, 0, 0},
    {ONNX,      "ReduceProd",       infer_reduce,        fold_reduce, 0, 0},
    {ONNX,      "ReduceSum",        infer_reduce,        fold_reduce, 0, 0},
    {ONNX,      "ArgMax",           infer_arg_extreme,   NULL,        0, 0},
    {ONNX,      "ArgMin",           infer_arg_extreme,   NULL,        0, 0},
    {ONNX,      "TopK",             infer_topk,          NULL,        0, 0},
    {ONNX,      "CumSum",           infer_same_as_first, NULL,        0, 0},
    {ONNX,      "CumProd",          infer_same_as_first, NULL,        0, 0},
    {ONNX,      "Softmax",          infer_along_axis,    NULL,        0, 0},
    {ONNX,      "LogSoftmax",       infer_along_axis,    NULL,        0, 0},
    {ONNX,      "Hardmax",          infer_along_axis,    NULL,        0, 0},
    {MICROSOFT, "ReduceSumInteger", infer_reduce,        NULL,        0, 0},
    {NULL,      NULL,               NULL,                NULL,        0, 0},
};
