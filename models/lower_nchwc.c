/* The blocked layout. Convolutions whose channels fit, and pools, work on N x C/block x H x W x
 * block; what stands between them joins when all it reads is blocked already. Where plain and
 * blocked operators meet, ReorderInput and ReorderOutput stand.
 *
 * Tensors keep their plain shape in the list of tensors; each that is made blocked gets a second
 * tensor whose channels are rounded up to the block. */
#include "models/lower_rules.h"

#include <string.h>

enum { CHANNEL_ALIGNMENT = 4 };

struct blocked {
    struct lower *l;
    int32_t *twin;   /* per plain tensor: its blocked form, or GRAPH_NONE */
    bool *reordered; /* per plain tensor: the twin is made from it, not it from the twin */
    uint32_t count;
};

static int64_t round_up(int64_t channels, int64_t block) {
    return (channels + block - 1) / block * block;
}

static int64_t block_of(const struct blocked *b) {
    return b->l->target->block;
}

static int32_t twin_of(const struct blocked *b, int32_t tensor) {
    return tensor >= 0 && (uint32_t)tensor < b->count ? b->twin[tensor] : GRAPH_NONE;
}

static int32_t make_twin(struct blocked *b, int32_t tensor) {
    const struct tensor *t = lower_tensor(b->l, tensor);
    int64_t sizes[4];
    for (int32_t i = 0; i < 4; i++)
        sizes[i] = t->dims[i].size;
    sizes[1] = round_up(sizes[1], block_of(b));
    b->twin[tensor] =
        lower_add_tensor(b->l, lower_name(b->l, t->name, "_nchwc"), t->dtype, 4, sizes);
    return b->twin[tensor];
}

static bool is_image(const struct blocked *b, int32_t tensor) {
    return tensor >= 0 && (uint32_t)tensor < b->count && lower_rank(b->l, tensor) == 4 &&
           lower_is_float(b->l, tensor) && tensor_is_static(lower_tensor(b->l, tensor));
}

static bool fits(const struct blocked *b, int32_t tensor) {
    return lower_size(b->l, tensor, 1) % block_of(b) == 0;
}

/* A transpose from channels last is part of the reordering. */
static int32_t before_transpose(const struct blocked *b, int32_t tensor) {
    static const int64_t to_first[] = {0, 3, 1, 2};
    int32_t op = lower_producer(b->l, tensor);
    const struct attribute *perm =
        lower_is(b->l, op, ONNX, "Transpose") ? op_attribute(lower_op(b->l, op), "perm") : NULL;
    bool matches = perm && perm->kind == ATTRIBUTE_INTS && perm->count == 4 &&
                   memcmp(perm->ints, to_first, sizeof to_first) == 0;
    return matches ? lower_in(b->l, op, 0) : GRAPH_NONE;
}

/* The blocked form of what an operator reads; a ReorderInput makes it when there is none. */
static int32_t blocked_input(struct blocked *b, int32_t tensor) {
    if (twin_of(b, tensor) >= 0)
        return b->twin[tensor];
    int32_t twin = make_twin(b, tensor);
    int32_t op =
        lower_add_op(b->l, lower_name(b->l, lower_tensor(b->l, tensor)->name, "_ReorderInput"),
                     "ReorderInput", NCHWC);
    int32_t channels_last = before_transpose(b, tensor);
    graph_set_int(b->l->graph, op, "channels_last", channels_last >= 0);
    lower_set_inputs(b->l, op, 1, channels_last >= 0 ? &channels_last : &tensor);
    graph_set_outputs(b->l->graph, op, 1, &twin);
    b->reordered[tensor] = true;
    return twin;
}

/* The operator writes the blocked form of its output from now on. */
static void write_blocked(struct blocked *b, int32_t op) {
    lower_set_output(b->l, op, make_twin(b, lower_out(b->l, op, 0)));
}

/* ---- convolution ----------------------------------------------------------------------------- */

struct filter {
    int64_t out, in; /* channels, in per group */
    int64_t filter_in;
    bool plain_input;
};

static bool plan_filter(const struct blocked *b, int32_t op, struct filter *f) {
    int64_t block = block_of(b), group = op_int(lower_op(b->l, op), "group", 1);
    int32_t w = lower_in(b->l, op, 1);
    *f = (struct filter){.out = lower_size(b->l, w, 0), .in = lower_size(b->l, w, 1)};
    f->filter_in = f->in;
    if (group > 1) {
        if (f->in == 1 && f->out == group)
            return f->out % CHANNEL_ALIGNMENT == 0;
        return f->out % block == 0 && f->in % block == 0 && f->out % group == 0 &&
               f->out / group % block == 0;
    }
    f->plain_input = f->in < block;
    if (!f->plain_input)
        f->filter_in = round_up(f->in, block);
    return f->plain_input || f->in % CHANNEL_ALIGNMENT == 0;
}

static int32_t blocked_weight(struct blocked *b, int32_t w, int64_t out, int64_t in) {
    const struct tensor *t = lower_tensor(b->l, w);
    int64_t sizes[4] = {out, in, t->rank == 4 ? t->dims[2].size : 1,
                        t->rank == 4 ? t->dims[3].size : 1};
    return lower_add_weight(b->l, lower_name(b->l, t->name, "_nchwc"), t->dtype,
                            t->rank == 4 ? 4 : 1, sizes);
}

static bool block_conv(struct blocked *b, int32_t op) {
    int32_t x = lower_in(b->l, op, 0), w = lower_in(b->l, op, 1), bias = lower_in(b->l, op, 2);
    struct filter f;
    if (!is_image(b, x) || !is_image(b, lower_out(b->l, op, 0)) || lower_rank(b->l, w) != 4 ||
        !lower_is_constant(b->l, w) || (bias >= 0 && !lower_is_constant(b->l, bias)) ||
        lower_op(b->l, op)->input_count > 3 || !plan_filter(b, op, &f))
        return false;
    int64_t out = round_up(f.out, block_of(b));
    int32_t inputs[3] = {f.plain_input ? x : blocked_input(b, x),
                         blocked_weight(b, w, out, f.filter_in), GRAPH_NONE};
    if (bias >= 0)
        inputs[2] = blocked_weight(b, bias, out, 1);
    lower_set_inputs(b->l, op, bias >= 0 ? 3 : 2, inputs);
    if (f.in == 1 && f.out > 1 && op_int(lower_op(b->l, op), "group", 1) == f.out)
        lower_set_int(b->l, op, "group", out);
    lower_retype(b->l, op, NCHWC, "Conv");
    write_blocked(b, op);
    return true;
}

/* ---- pools ----------------------------------------------------------------------------------- */

static bool block_pool(struct blocked *b, int32_t op) {
    int32_t x = lower_in(b->l, op, 0);
    if (!is_image(b, x) || !is_image(b, lower_out(b->l, op, 0)) || !fits(b, x) ||
        lower_op(b->l, op)->output_count > 1)
        return false;
    lower_set_input(b->l, op, 0, blocked_input(b, x));
    lower_retype(b->l, op, NCHWC, lower_op(b->l, op)->type);
    write_blocked(b, op);
    return true;
}

/* Reordering a whole plane to reduce it to one value would not pay. */
static bool block_global_pool(struct blocked *b, int32_t op) {
    int32_t x = lower_in(b->l, op, 0);
    return twin_of(b, x) >= 0 && !b->reordered[x] && block_pool(b, op);
}

/* ---- what joins ------------------------------------------------------------------------------ */

static bool all_blocked(const struct blocked *b, int32_t op, bool same_shape) {
    for (uint32_t i = 0; i < lower_op(b->l, op)->input_count; i++) {
        int32_t t = lower_in(b->l, op, i);
        if (twin_of(b, t) < 0 || b->reordered[t] ||
            (same_shape && !lower_same_shape(b->l, t, lower_in(b->l, op, 0))))
            return false;
    }
    return is_image(b, lower_out(b->l, op, 0));
}

static void join(struct blocked *b, int32_t op) {
    for (uint32_t i = 0; i < lower_op(b->l, op)->input_count; i++)
        lower_set_input(b->l, op, i, b->twin[lower_in(b->l, op, i)]);
    write_blocked(b, op);
}

/* A blocked convolution that can still take in what follows: it has no activation, and only `op`
 * reads what it writes. */
static int32_t open_conv(const struct blocked *b, int32_t tensor) {
    int32_t conv = lower_producer(b->l, twin_of(b, tensor));
    if (conv < 0 || !lower_is(b->l, conv, NCHWC, "Conv") ||
        op_attribute(lower_op(b->l, conv), "activation") ||
        lower_use_count(b->l, tensor) + lower_use_count(b->l, b->twin[tensor]) != 1)
        return GRAPH_NONE;
    return conv;
}

/* The convolution writes what `op` wrote; `op` is gone. */
static void take_in(struct blocked *b, int32_t conv, int32_t op) {
    int32_t out = lower_out(b->l, op, 0);
    lower_kill(b->l, op);
    lower_set_output(b->l, conv, make_twin(b, out));
}

static bool block_sum(struct blocked *b, int32_t op) {
    if (lower_op(b->l, op)->input_count != 2 || !all_blocked(b, op, true))
        return false;
    for (uint32_t side = 0; side < 2; side++) {
        int32_t conv = open_conv(b, lower_in(b->l, op, side));
        if (conv < 0 || lower_op(b->l, conv)->input_count > 3)
            continue;
        int32_t bias = lower_in(b->l, conv, 2), other = b->twin[lower_in(b->l, op, 1 - side)];
        lower_set_inputs(
            b->l, conv, 4,
            (int32_t[]){lower_in(b->l, conv, 0), lower_in(b->l, conv, 1), bias, other});
        take_in(b, conv, op);
        return true;
    }
    join(b, op);
    return true;
}

static bool block_product(struct blocked *b, int32_t op) {
    if (lower_op(b->l, op)->input_count != 2 || !all_blocked(b, op, true))
        return false;
    join(b, op);
    return true;
}

static bool block_concat(struct blocked *b, int32_t op) {
    if (op_int(lower_op(b->l, op), "axis", 1) != 1 || !all_blocked(b, op, false))
        return false;
    for (uint32_t i = 0; i < lower_op(b->l, op)->input_count; i++)
        if (!fits(b, lower_in(b->l, op, i)))
            return false;
    join(b, op);
    return true;
}

static bool block_activation(struct blocked *b, int32_t op) {
    if (lower_op(b->l, op)->input_count != 1 || !all_blocked(b, op, false))
        return false;
    int32_t conv = open_conv(b, lower_in(b->l, op, 0));
    if (conv < 0) {
        join(b, op);
        return true;
    }
    lower_set_string(b->l, conv, "activation", lower_op(b->l, op)->type);
    take_in(b, conv, op);
    return true;
}

/* Elementwise operators that are never taken in. */
static bool block_elementwise(struct blocked *b, int32_t op) {
    if (lower_op(b->l, op)->input_count != 1 || !all_blocked(b, op, false))
        return false;
    join(b, op);
    return true;
}

/* A normalisation that no convolution took in is a convolution of 1x1 filters, one per channel. */
static bool block_batch_norm(struct blocked *b, int32_t op) {
    int32_t x = lower_in(b->l, op, 0);
    if (twin_of(b, x) < 0 || b->reordered[x] || !is_image(b, lower_out(b->l, op, 0)) ||
        lower_op(b->l, op)->output_count > 1)
        return false;
    for (uint32_t i = 1; i < 5; i++)
        if (!lower_is_constant(b->l, lower_in(b->l, op, i)))
            return false;
    int64_t channels = round_up(lower_size(b->l, x, 1), block_of(b));
    const char *name = lower_op(b->l, op)->name;
    int32_t w = lower_add_weight(b->l, lower_name(b->l, name, "_scale"), DTYPE_FLOAT32, 4,
                                 (int64_t[]){channels, 1, 1, 1});
    int32_t bias =
        lower_add_weight(b->l, lower_name(b->l, name, "_shift"), DTYPE_FLOAT32, 1, &channels);
    lower_op(b->l, op)->attribute_count = 0;
    graph_set_int(b->l->graph, op, "group", channels);
    lower_set_inputs(b->l, op, 3, (int32_t[]){b->twin[x], w, bias});
    lower_retype(b->l, op, NCHWC, "Conv");
    write_blocked(b, op);
    return true;
}

/* Channels first to channels last, from blocks: a ReorderOutput does both. */
static bool block_transpose(struct blocked *b, int32_t op) {
    static const int64_t to_last[] = {0, 2, 3, 1};
    const struct attribute *perm = op_attribute(lower_op(b->l, op), "perm");
    int32_t x = lower_in(b->l, op, 0);
    if (!perm || perm->kind != ATTRIBUTE_INTS || perm->count != 4 ||
        memcmp(perm->ints, to_last, sizeof to_last) != 0 || !all_blocked(b, op, false))
        return false;
    lower_set_input(b->l, op, 0, b->twin[x]);
    lower_op(b->l, op)->attribute_count = 0;
    lower_retype(b->l, op, NCHWC, "ReorderOutput");
    graph_set_int(b->l->graph, op, "channels", lower_size(b->l, x, 1));
    graph_set_int(b->l->graph, op, "channels_last", 1);
    return true;
}

/* Whole-number enlargement, nearest neighbour from the corner or linear. */
static bool block_resize(struct blocked *b, int32_t op) {
    int32_t x = lower_in(b->l, op, 0), out = lower_out(b->l, op, 0);
    const struct op *o = lower_op(b->l, op);
    const char *mode = op_string(o, "mode", "nearest");
    if (twin_of(b, x) < 0 || b->reordered[x] || !is_image(b, out) || strcmp(mode, "cubic") == 0)
        return false;
    bool nearest = strcmp(mode, "nearest") == 0, upsample = strcmp(o->type, "Upsample") == 0;
    if (nearest && !upsample &&
        (strcmp(op_string(o, "coordinate_transformation_mode", "half_pixel"), "asymmetric") != 0 ||
         strcmp(op_string(o, "nearest_mode", "round_prefer_floor"), "floor") != 0))
        return false;
    int64_t scales[4] = {1, 1, 1, 1};
    for (int32_t i = 0; i < 4; i++) {
        int64_t from = lower_size(b->l, x, i), to = lower_size(b->l, out, i);
        if (from < 1 || to % from != 0 || (i < 2 && to != from))
            return false;
        scales[i] = to / from;
    }
    lower_set_inputs(b->l, op, 1, (int32_t[]){b->twin[x]});
    lower_op(b->l, op)->attribute_count = 0;
    graph_set_ints(b->l->graph, op, "scales", 4, scales);
    graph_set_string(b->l->graph, op, "mode", mode);
    lower_retype(b->l, op, NCHWC, "Upsample");
    write_blocked(b, op);
    return true;
}

static const struct {
    const char *domain, *type;
    bool (*block)(struct blocked *b, int32_t op);
} blockings[] = {
    {ONNX,      "Conv",               block_conv       },
    {MICROSOFT, "FusedConv",          block_conv       },
    {ONNX,      "MaxPool",            block_pool       },
    {ONNX,      "AveragePool",        block_pool       },
    {ONNX,      "GlobalMaxPool",      block_global_pool},
    {ONNX,      "GlobalAveragePool",  block_global_pool},
    {ONNX,      "Add",                block_sum        },
    {ONNX,      "Sum",                block_sum        },
    {ONNX,      "Mul",                block_product    },
    {ONNX,      "Concat",             block_concat     },
    {ONNX,      "Relu",               block_activation },
    {ONNX,      "Sigmoid",            block_activation },
    {ONNX,      "Tanh",               block_activation },
    {MICROSOFT, "QuickGelu",          block_elementwise},
    {MICROSOFT, "Gelu",               block_elementwise},
    {ONNX,      "BatchNormalization", block_batch_norm },
    {ONNX,      "Transpose",          block_transpose  },
    {ONNX,      "Resize",             block_resize     },
    {ONNX,      "Upsample",           block_resize     },
};

static void block_op(struct blocked *b, int32_t op) {
    for (size_t i = 0; i < sizeof blockings / sizeof *blockings; i++)
        if (lower_is(b->l, op, blockings[i].domain, blockings[i].type)) {
            blockings[i].block(b, op);
            return;
        }
}

/* Plain readers, and graph outputs, get the plain form back. */
static void restore_plain(struct blocked *b, int32_t tensor) {
    int32_t twin = b->twin[tensor];
    if (twin < 0 || b->reordered[tensor] || !lower_use_count(b->l, tensor))
        return;
    const char *name = lower_tensor(b->l, tensor)->name;
    int32_t op =
        lower_add_op(b->l, lower_name(b->l, name, "_ReorderOutput"), "ReorderOutput", NCHWC);
    graph_set_int(b->l->graph, op, "channels", lower_size(b->l, tensor, 1));
    graph_set_int(b->l->graph, op, "channels_last", 0);
    lower_set_inputs(b->l, op, 1, &twin);
    graph_set_outputs(b->l->graph, op, 1, &tensor);
}

void lower_to_nchwc(struct lower *l) {
    if (l->target->block <= 0)
        return;
    struct blocked b = {.l = l, .count = l->graph->tensor_count};
    b.twin = ARENA_ARRAY(l->arena, b.count, int32_t);
    b.reordered = ARENA_ARRAY(l->arena, b.count, bool);
    for (uint32_t t = 0; t < b.count; t++)
        b.twin[t] = GRAPH_NONE;
    int32_t ops = (int32_t)l->graph->op_count;
    for (int32_t i = 0; i < ops; i++)
        if (!l->dead[i])
            block_op(&b, i);
    for (uint32_t t = 0; t < b.count; t++)
        restore_plain(&b, (int32_t)t);
}
