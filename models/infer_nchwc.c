/* ONNX Runtime's blocked layout: tensors are N x C x H x W with C rounded up to the block (8, or 16
 * with AVX-512), in memory N x C/block x H x W x block. Weights have their output channels rounded
 * up, and their input channels unless they are few (then the input is not reordered). */
#include "models/infer_ops.h"

static int infer_nchwc_conv(struct infer *run) {
    struct shape x = infer_in(run, 0), w = infer_in(run, 1), y;
    if (infer_need_rank(run, 0, 4) || infer_need_rank(run, 1, 4))
        return -(int)run->err->code;
    y = infer_shape_of_rank(4);
    if (x.rank == 4)
        y.dims[0] = x.dims[0];
    if (w.rank == 4)
        y.dims[1] = w.dims[0];
    if (x.rank == 4 && w.rank == 4 &&
        infer_window(run, x.dims + 2, w.dims + 2, 2, false, y.dims + 2))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_nchwc_pool(struct infer *run) {
    struct shape x = infer_in(run, 0), y = x;
    struct int_list sizes;
    struct dim kernel[2] = {
        {GRAPH_DIM_UNKNOWN, GRAPH_NO_SYMBOL},
        {GRAPH_DIM_UNKNOWN, GRAPH_NO_SYMBOL}
    };
    infer_ints(run, "kernel_shape", -1, &sizes);
    if (infer_need_rank(run, 0, 4))
        return -(int)run->err->code;
    for (uint32_t i = 0; i < 2 && i < sizes.count; i++)
        kernel[i] = infer_dim(sizes.values[i]);
    if (x.rank == 4 &&
        infer_window(run, x.dims + 2, kernel, 2, op_int(run->op, "ceil_mode", 0) != 0, y.dims + 2))
        return -(int)run->err->code;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_nchwc_global_pool(struct infer *run) {
    struct shape x = infer_in(run, 0);
    for (int32_t i = 2; i < x.rank; i++)
        x.dims[i] = infer_dim(1);
    infer_put(run, 0, infer_dtype(run, 0), &x);
    return 0;
}

/* The graph does not say its block; weights whose output channels are no multiple of 16 do. */
static int64_t block_of(const struct graph *graph) {
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        const struct tensor *w = op_is(op, NCHWC, "Conv") ? op_input(graph, op, 1) : NULL;
        if (w && w->rank == 4 && w->dims[0].size % 16 == 8)
            return 8;
    }
    return 16;
}

static struct dim rounded_channels(struct infer *run, struct dim channels) {
    if (!dim_known(channels) || channels.size % 16 == 0)
        return channels;
    int64_t block = block_of(run->graph);
    return dim_mul(run, dim_div_up(channels, block), infer_dim(block));
}

static int infer_reorder_input(struct infer *run) {
    struct shape x = infer_in(run, 0), y = x;
    if (infer_need_rank(run, 0, 4))
        return -(int)run->err->code;
    bool channels_last = op_int(run->op, "channels_last", 0) != 0;
    if (x.rank == 4) {
        y.dims[1] = rounded_channels(run, x.dims[channels_last ? 3 : 1]);
        y.dims[2] = x.dims[channels_last ? 1 : 2];
        y.dims[3] = x.dims[channels_last ? 2 : 3];
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_reorder_output(struct infer *run) {
    struct shape x = infer_in(run, 0), y = x;
    if (infer_need_rank(run, 0, 4))
        return -(int)run->err->code;
    struct dim channels = infer_dim(op_int(run->op, "channels", GRAPH_DIM_UNKNOWN));
    if (x.rank == 4 && op_int(run->op, "channels_last", 0)) {
        y.dims[1] = x.dims[2];
        y.dims[2] = x.dims[3];
        y.dims[3] = channels;
    } else if (x.rank == 4) {
        y.dims[1] = channels;
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

static int infer_nchwc_upsample(struct infer *run) {
    struct shape y = infer_in(run, 0);
    struct int_list scales;
    infer_ints(run, "scales", -1, &scales);
    for (int32_t i = 0; i < y.rank && (uint32_t)i < scales.count; i++)
        y.dims[i] = dim_mul(run, y.dims[i], infer_dim(scales.values[i]));
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

const struct infer_row infer_nchwc_rows[] = {
    {NCHWC, "Conv",              infer_nchwc_conv,        NULL, 0, 0},
    {NCHWC, "MaxPool",           infer_nchwc_pool,        NULL, 0, 0},
    {NCHWC, "AveragePool",       infer_nchwc_pool,        NULL, 0, 0},
    {NCHWC, "GlobalMaxPool",     infer_nchwc_global_pool, NULL, 0, 0},
    {NCHWC, "GlobalAveragePool", infer_nchwc_global_pool, NULL, 0, 0},
    {NCHWC, "ReorderInput",      infer_reorder_input,     NULL, 0, 0},
    {NCHWC, "ReorderOutput",     infer_reorder_output,    NULL, 0, 0},
    {NCHWC, "Upsample",          infer_nchwc_upsample,    NULL, 0, 0},
    {NULL,  NULL,                NULL,                    NULL, 0, 0},
};
