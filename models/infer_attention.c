/* Attention and position embedding, as one operator: com.microsoft and ai.onnx 23.
 *
 * B batch, S query length, L key length, P past length, H heads, D head size. */
#include "models/infer_ops.h"

static struct dim last(const struct shape *x) {
    return x->rank > 0 ? x->dims[x->rank - 1] : infer_unknown_dim;
}

static struct dim axis(const struct shape *x, int32_t rank, int32_t i) {
    return x->rank == rank ? x->dims[i] : infer_unknown_dim;
}

static void put_4d(struct infer *run, uint32_t output, struct dim a, struct dim b, struct dim c,
                   struct dim d) {
    struct shape y = {.rank = 4};
    y.dims[0] = a;
    y.dims[1] = b;
    y.dims[2] = c;
    y.dims[3] = d;
    infer_put(run, output, infer_dtype(run, 0), &y);
}

/* x: B x S x input, weights: input x (q + k + v), bias: q + k + v. param: input of the bias.
 * past and present: 2 x B x H x P+S x D. */
static int infer_packed_attention(struct infer *run) {
    struct shape y = infer_in(run, 0), bias = infer_in(run, 2), w = infer_in(run, 1);
    struct int_list sizes;
    enum list_state state = infer_ints(run, "qkv_hidden_sizes", -1, &sizes);
    struct dim all = bias.rank == 1 ? bias.dims[0] : axis(&w, 2, 1);
    struct dim hidden =
        state == LIST_KNOWN && sizes.count == 3 ? infer_dim(sizes.values[2]) : dim_div(all, 3);
    struct dim features = last(&y);
    if (w.rank == 2 && dim_differ(features, w.dims[0]))
        return infer_fail(run, "the input has %lld features, the weight expects %lld",
                          (long long)features.size, (long long)w.dims[0].size);
    struct dim seq = axis(&y, 3, 1), batch = axis(&y, 3, 0);
    if (y.rank > 0)
        y.dims[y.rank - 1] = hidden;
    infer_put(run, 0, run->row->param ? DTYPE_FLOAT32 : infer_dtype(run, 0), &y);
    int64_t heads = op_int(run->op, "num_heads", GRAPH_DIM_UNKNOWN);
    struct shape past = infer_in(run, run->row->param ? 8 : 4), present = infer_shape_of_rank(5);
    present.dims[0] = infer_dim(2);
    present.dims[1] = batch;
    present.dims[2] = infer_dim(heads);
    present.dims[3] = past.rank == 5 ? dim_add(run, past.dims[3], seq) : seq;
    present.dims[4] = dim_div(hidden, heads);
    infer_put(run, 1, infer_dtype(run, 0), &present);
    return 0;
}

/* query: B x S x H*D, or packed B x S x H x 3 x D; key: B x L x H*D, packed B x L x H x 2 x D, or
 * B x H x L x D; past_key: B x H x P x D. */
struct heads {
    struct dim batch, seq, keys, past, head_size, value_size;
    int64_t heads;
};

static struct heads read_multi_head(struct infer *run, uint32_t past_input) {
    struct shape q = infer_in(run, 0), k = infer_in(run, 1), v = infer_in(run, 2);
    struct shape past = infer_in(run, past_input);
    struct heads h = {.heads = op_int(run->op, "num_heads", GRAPH_DIM_UNKNOWN)};
    h.batch = q.rank > 0 ? q.dims[0] : infer_unknown_dim;
    h.seq = q.rank > 1 ? q.dims[1] : infer_unknown_dim;
    h.past = infer_has(run, past_input) ? axis(&past, 4, 2) : infer_dim(0);
    h.head_size = q.rank == 5 ? q.dims[4] : dim_div(last(&q), h.heads);
    h.keys = !infer_has(run, 1) ? h.seq : k.rank == 4 ? k.dims[2] : axis(&k, k.rank, 1);
    h.value_size = v.rank == 4         ? v.dims[3]
                   : infer_has(run, 2) ? dim_div(axis(&v, 3, 2), h.heads)
                                       : h.head_size;
    return h;
}

static int infer_multi_head(struct infer *run) {
    struct heads h = read_multi_head(run, 6);
    struct shape y = infer_shape_of_rank(3);
    y.dims[0] = h.batch;
    y.dims[1] = h.seq;
    y.dims[2] = dim_mul(run, h.value_size, infer_dim(h.heads));
    infer_put(run, 0, infer_dtype(run, 0), &y);
    struct dim total = dim_add(run, h.past, h.keys), heads = infer_dim(h.heads);
    put_4d(run, 1, h.batch, heads, total, h.head_size);
    put_4d(run, 2, h.batch, heads, total, h.value_size);
    put_4d(run, 3, h.batch, heads, h.seq, total);
    return 0;
}

/* query, key, value, past_key, past_value, seqlens_k, total_sequence_length, cos, sin. Without key
 * the query holds all three: (num_heads + 2 kv_num_heads) * D. */
static int infer_group_query(struct infer *run) {
    struct shape y = infer_in(run, 0), past = infer_in(run, 3);
    int64_t heads = op_int(run->op, "num_heads", GRAPH_DIM_UNKNOWN), total = -1;
    int64_t kv_heads = op_int(run->op, "kv_num_heads", GRAPH_DIM_UNKNOWN), all = heads;
    if (heads < 1 || kv_heads < 1 || heads > INT32_MAX || kv_heads > INT32_MAX)
        return infer_fail(run, "num_heads and kv_num_heads must be given");
    if (!infer_has(run, 1))
        all = heads + 2 * kv_heads;
    struct dim size = dim_div(last(&y), all), batch = axis(&y, 3, 0), length = infer_unknown_dim;
    if (y.rank > 0)
        y.dims[y.rank - 1] = dim_mul(run, size, infer_dim(heads));
    infer_put(run, 0, infer_dtype(run, 0), &y);
    struct dim before = infer_has(run, 3) ? axis(&past, 4, 2) : infer_dim(0);
    if (infer_scalar(run, 6, &total) && dim_known(before))
        length = infer_dim(total > before.size ? total : before.size);
    put_4d(run, 1, batch, infer_dim(kv_heads), length, size);
    put_4d(run, 2, batch, infer_dim(kv_heads), length, size);
    return 0;
}

/* ai.onnx Attention (23): Q, K, V as B x H x S x D, or B x S x H*D with the heads by attribute. */
static int infer_onnx_attention(struct infer *run) {
    struct shape y = infer_in(run, 0), k = infer_in(run, 1), v = infer_in(run, 2);
    struct shape past = infer_in(run, 4);
    int64_t heads = op_int(run->op, "q_num_heads", GRAPH_DIM_UNKNOWN);
    int64_t kv_heads = op_int(run->op, "kv_num_heads", GRAPH_DIM_UNKNOWN);
    bool flat = y.rank == 3;
    struct dim value_size = flat ? dim_div(last(&v), kv_heads) : last(&v);
    struct dim key_size = flat ? dim_div(last(&k), kv_heads) : last(&k);
    struct dim kv = flat ? infer_dim(kv_heads) : axis(&k, 4, 1);
    struct dim before = infer_has(run, 4) ? axis(&past, 4, 2) : infer_dim(0);
    struct dim total = dim_add(run, before, flat ? axis(&k, 3, 1) : axis(&k, 4, 2));
    struct dim batch = y.rank > 0 ? y.dims[0] : infer_unknown_dim;
    struct dim seq = flat ? y.dims[1] : axis(&y, 4, 2);
    struct dim query_heads = flat ? infer_dim(heads) : axis(&y, 4, 1);
    if (y.rank > 0)
        y.dims[y.rank - 1] = flat ? dim_mul(run, value_size, infer_dim(heads)) : value_size;
    infer_put(run, 0, infer_dtype(run, 0), &y);
    put_4d(run, 1, batch, kv, total, key_size);
    put_4d(run, 2, batch, kv, total, value_size);
    put_4d(run, 3, batch, query_heads, seq, total);
    return 0;
}

/* Attention over tokens without padding: tokens x features, weights features x (q + k + v). */
static int infer_relative_position_bias(struct infer *run) {
    struct shape table = infer_in(run, 0);
    int64_t q = GRAPH_DIM_UNKNOWN, k = GRAPH_DIM_UNKNOWN;
    infer_scalar(run, 1, &q);
    infer_scalar(run, 2, &k);
    put_4d(run, 0, infer_dim(1), axis(&table, 2, 1), infer_dim(q), infer_dim(k));
    return 0;
}

const struct infer_row infer_attention_rows[] = {
    {MICROSOFT, "Attention",            infer_packed_attention,       NULL, 0, 0},
    {MICROSOFT, "QAttention",           infer_packed_attention,       NULL, 1, 0},
    {MICROSOFT, "MultiHeadAttention",   infer_multi_head,             NULL, 0, 0},
    {MICROSOFT, "GroupQueryAttention",  infer_group_query,            NULL, 0, 0},
    {MICROSOFT, "RotaryEmbedding",      infer_same_as_first,          NULL, 0, 0},
    {MICROSOFT, "GemmaRotaryEmbedding", infer_same_as_first,          NULL, 0, 0},
    {MICROSOFT, "LongformerAttention",  infer_same_as_first,          NULL, 0, 0},
    {MICROSOFT, "RelativePositionBias", infer_relative_position_bias, NULL, 0, 0},
    {ONNX,      "Attention",            infer_onnx_attention,         NULL, 0, 0},
    {ONNX,      "RotaryEmbedding",      infer_same_as_first,          NULL, 0, 0},
    {NULL,      NULL,                   NULL,                         NULL, 0, 0},
};
