/* Pooling: windows, whole planes, regions. */
#include "models/infer_ops.h"

#include <string.h>

static int32_t read_kernel(const struct infer *run, struct dim *kernel) {
    struct int_list sizes;
    infer_ints(run, "kernel_shape", -1, &sizes);
    int32_t count = sizes.count > GRAPH_RANK_MAX ? GRAPH_RANK_MAX : (int32_t)sizes.count;
    for (int32_t i = 0; i < count; i++)
        kernel[i] = infer_dim(sizes.values[i]);
    return count;
}

/* `first` is the axis of the first spatial dimension: 2, or 1 with the channels last. */
static int pool_shape(struct infer *run, int32_t first, struct shape *y) {
    struct shape x = infer_in(run, 0);
    struct dim kernel[GRAPH_RANK_MAX];
    int32_t spatial = read_kernel(run, kernel);
    *y = x;
    if (x.rank < 0)
        return 0;
    if (x.rank < 3 || spatial != x.rank - 2)
        return infer_fail(run, "kernel_shape has %d sizes, the input has rank %d", spatial, x.rank);
    return infer_window(run, x.dims + first, kernel, spatial, op_int(run->op, "ceil_mode", 0) != 0,
                        y->dims + first);
}

/* param: the input that says the output's type, or 0. */
static int infer_pool(struct infer *run) {
    struct shape y;
    if (pool_shape(run, 2 - (op_int(run->op, "channels_last", 0) != 0), &y))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    infer_put(run, 1, DTYPE_INT64, &y);
    return 0;
}

static int infer_nhwc_pool(struct infer *run) {
    struct shape y;
    if (pool_shape(run, 1, &y))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_global_pool(struct infer *run) {
    struct shape x = infer_in(run, 0);
    int32_t first = op_int(run->op, "channels_last", 0) ? 1 : 2;
    int32_t end = first == 1 ? x.rank - 1 : x.rank;
    for (int32_t i = first; i < end; i++)
        x.dims[i] = infer_dim(1);
    infer_put(run, 0, infer_dtype(run, 0), &x);
    return 0;
}

/* The inverse of MaxPool; a third input may give the output's shape. */
static int infer_max_unpool(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_shape_of_rank(x.rank);
    struct int_list given, kernel, strides, pads;
    enum list_state state = infer_ints(run, NULL, 2, &given);
    infer_ints(run, "kernel_shape", -1, &kernel);
    infer_ints(run, "strides", -1, &strides);
    infer_ints(run, "pads", -1, &pads);
    for (int32_t i = 0; i < x.rank; i++) {
        y.dims[i] = i < 2 ? x.dims[i] : infer_unknown_dim;
        if (state == LIST_KNOWN && (int32_t)given.count == x.rank)
            y.dims[i] = infer_dim(given.values[i]);
        else if (state == LIST_ABSENT && i >= 2 && (uint32_t)i - 2 < kernel.count &&
                 dim_known(x.dims[i])) {
            uint32_t k = (uint32_t)i - 2;
            int64_t stride = k < strides.count ? strides.values[k] : 1;
            __int128 size = (__int128)(x.dims[i].size - 1) * stride + kernel.values[k];
            if (k + kernel.count < pads.count)
                size -= (__int128)pads.values[k] + pads.values[k + kernel.count];
            if (size >= 0 && size <= INT64_C(1) << 62)
                y.dims[i] = infer_dim((int64_t)size);
        }
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static void put_regions(struct infer *run, struct dim height, struct dim width) {
    struct shape x = infer_in(run, 0), rois = infer_in(run, 1), y = infer_shape_of_rank(4);
    if (rois.rank > 0)
        y.dims[0] = rois.dims[0];
    if (x.rank > 1)
        y.dims[1] = x.dims[1];
    y.dims[2] = height;
    y.dims[3] = width;
    infer_put(run, 0, infer_dtype(run, 0), &y);
}

static int infer_roi_align(struct infer *run) {
    put_regions(run, infer_dim(op_int(run->op, "output_height", 1)),
                infer_dim(op_int(run->op, "output_width", 1)));
    return 0;
}

static int infer_max_roi_pool(struct infer *run) {
    struct int_list pooled;
    infer_ints(run, "pooled_shape", -1, &pooled);
    bool two = pooled.count == 2;
    put_regions(run, two ? infer_dim(pooled.values[0]) : infer_unknown_dim,
                two ? infer_dim(pooled.values[1]) : infer_unknown_dim);
    return 0;
}

const struct infer_row infer_pool_rows[] = {
    {ONNX,      "MaxPool",                  infer_pool,         NULL, 0, 0},
    {ONNX,      "AveragePool",              infer_pool,         NULL, 0, 0},
    {ONNX,      "LpPool",                   infer_pool,         NULL, 0, 0},
    {ONNX,      "GlobalMaxPool",            infer_global_pool,  NULL, 0, 0},
    {ONNX,      "GlobalAveragePool",        infer_global_pool,  NULL, 0, 0},
    {ONNX,      "GlobalLpPool",             infer_global_pool,  NULL, 0, 0},
    {ONNX,      "MaxUnpool",                infer_max_unpool,   NULL, 0, 0},
    {ONNX,      "RoiAlign",                 infer_roi_align,    NULL, 0, 0},
    {ONNX,      "MaxRoiPool",               infer_max_roi_pool, NULL, 0, 0},
    {MICROSOFT, "NhwcMaxPool",              infer_nhwc_pool,    NULL, 0, 0},
    {MICROSOFT, "MaxpoolWithMask",          infer_pool,         NULL, 0, 0},
    {MICROSOFT, "QLinearAveragePool",       infer_pool,         NULL, 0, 0},
    {MICROSOFT, "QLinearGlobalAveragePool", infer_global_pool,  NULL, 0, 0},
    {NULL,      NULL,                       NULL,               NULL, 0, 0},
};
