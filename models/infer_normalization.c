/* Normalisations. The output is like the input; statistics come as further outputs. */
#include "models/infer_ops.h"

static int check_channels(struct infer *run, const struct shape *x, uint32_t parameter) {
    struct shape p = infer_in(run, parameter);
    if (x->rank > 1 && p.rank == 1 && dim_differ(x->dims[1], p.dims[0]))
        return infer_fail(run, "input %u has %lld values for %lld channels", parameter,
                          (long long)p.dims[0].size, (long long)x->dims[1].size);
    return 0;
}

static int infer_batch_norm(struct infer *run) {
    struct shape x = infer_in(run, 0), per_channel = infer_in(run, 1);
    for (uint32_t i = 1; i < 5; i++)
        if (check_channels(run, &x, i))
            return -(int)run->err->code;
    infer_put_like(run, 0, 0);
    for (uint32_t i = 1; i < 5; i++)
        infer_put(run, i, infer_dtype(run, 3) ? infer_dtype(run, 3) : infer_dtype(run, 0),
                  &per_channel);
    return 0;
}

static int infer_instance_norm(struct infer *run) {
    struct shape x = infer_in(run, 0);
    if (check_channels(run, &x, 1) || check_channels(run, &x, 2))
        return -(int)run->err->code;
    infer_put_like(run, 0, 0);
    return 0;
}

/* LayerNormalization: Y, Mean, InvStdDev. param: index of the first statistic among the outputs.
 * Statistics have size 1 from `axis` on. */
static int infer_layer_norm(struct infer *run) {
    struct shape x = infer_in(run, 0), stats = x, scale = infer_in(run, 1), both;
    infer_put(run, 0, infer_dtype(run, 0), &x);
    if (x.rank < 0)
        return 0;
    int32_t axis = 0;
    if (infer_axis(run, op_int(run->op, "axis", -1), x.rank, &axis))
        return -(int)run->err->code;
    if (scale.rank >= 0 && infer_broadcast(run, &x, &scale, &both))
        return -(int)run->err->code;
    for (int32_t i = axis; i < x.rank; i++)
        stats.dims[i] = infer_dim(1);
    int64_t dtype = op_int(run->op, "stash_type", DTYPE_FLOAT32);
    for (uint32_t i = 1; i < 3; i++)
        infer_put(run, i, dtype_info((enum dtype)dtype) ? (enum dtype)dtype : DTYPE_FLOAT32,
                  &stats);
    return 0;
}

/* SkipLayerNormalization: output, mean, inverse deviation, input + skip + bias. */
static int infer_skip_layer_norm(struct infer *run) {
    struct shape x = infer_in(run, 0), skip = infer_in(run, 1), stats = x, both;
    if (infer_broadcast(run, &x, &skip, &both))
        return -(int)run->err->code;
    if (x.rank > 0)
        stats.dims[x.rank - 1] = infer_dim(1);
    infer_put(run, 0, infer_dtype(run, 0), &x);
    infer_put(run, 1, DTYPE_FLOAT32, &stats);
    infer_put(run, 2, DTYPE_FLOAT32, &stats);
    infer_put(run, 3, infer_dtype(run, 0), &x);
    return 0;
}

/* EmbedLayerNormalization: input_ids, segment_ids, word_embedding, ... -> N x S x hidden, mask
 * index N, embedding sum. */
static int infer_embed_layer_norm(struct infer *run) {
    struct shape ids = infer_in(run, 0), words = infer_in(run, 2);
    struct shape y = ids;
    if (y.rank >= 0)
        shape_append(&y, words.rank == 2 ? words.dims[1] : infer_unknown_dim);
    infer_put(run, 0, infer_dtype(run, 2), &y);
    struct shape mask = infer_shape_1d(ids.rank > 0 ? ids.dims[0] : infer_unknown_dim);
    infer_put(run, 1, DTYPE_INT32, &mask);
    infer_put(run, 2, infer_dtype(run, 2), &y);
    return 0;
}

/* GroupNorm with a skip: the sum is the second output. */
static int infer_skip_group_norm(struct infer *run) {
    infer_put_like(run, 0, 0);
    infer_put_like(run, 1, 0);
    return 0;
}

const struct infer_row infer_normalization_rows[] = {
    {ONNX,      "BatchNormalization",               infer_batch_norm,       NULL, 0, 0},
    {ONNX,      "InstanceNormalization",            infer_instance_norm,    NULL, 0, 0},
    {ONNX,      "GroupNormalization",               infer_same_as_first,    NULL, 0, 0},
    {ONNX,      "MeanVarianceNormalization",        infer_same_as_first,    NULL, 0, 0},
    {ONNX,      "LpNormalization",                  infer_same_as_first,    NULL, 0, 0},
    {ONNX,      "LRN",                              infer_same_as_first,    NULL, 0, 0},
    {ONNX,      "LayerNormalization",               infer_layer_norm,       NULL, 0, 0},
    {ONNX,      "RMSNormalization",                 infer_layer_norm,       NULL, 0, 0},
    {ONNX,      "SimplifiedLayerNormalization",     infer_layer_norm,       NULL, 0, 0},
    {MICROSOFT, "LayerNormalization",               infer_layer_norm,       NULL, 0, 0},
    {MICROSOFT, "SimplifiedLayerNormalization",     infer_layer_norm,       NULL, 0, 0},
    {MICROSOFT, "SkipLayerNormalization",           infer_skip_layer_norm,  NULL, 0, 0},
    {MICROSOFT, "SkipSimplifiedLayerNormalization", infer_skip_layer_norm,  NULL, 0, 0},
    {MICROSOFT, "EmbedLayerNormalization",          infer_embed_layer_norm, NULL, 0, 0},
    {MICROSOFT, "GroupNorm",                        infer_same_as_first,    NULL, 0, 0},
    {MICROSOFT, "SkipGroupNorm",                    infer_skip_group_norm,  NULL, 0, 0},
    {NULL,      NULL,                               NULL,                   NULL, 0, 0},
};
