/* Convolutions take in what follows them channel by channel, and the padding before them. */
#include "models/lower_rules.h"

#include <string.h>

static bool is_conv(const struct lower *l, int32_t op) {
    return lower_is(l, op, ONNX, "Conv") && lower_is_constant(l, lower_in(l, op, 1));
}

static int32_t conv_before(const struct lower *l, int32_t tensor) {
    int32_t op = lower_only_producer(l, tensor, ONNX, "Conv");
    return op >= 0 && is_conv(l, op) ? op : GRAPH_NONE;
}

/* One value per channel: Cx1x1 (any number of leading ones), or a single one. */
static bool per_channel(const struct lower *l, int32_t tensor, int32_t rank, int64_t channels) {
    const struct tensor *t = &l->graph->tensors[tensor];
    if (!lower_is_constant(l, tensor) || t->rank > rank)
        return false;
    for (int32_t i = 0; i < t->rank; i++) {
        bool channel_axis = i + (rank - t->rank) == 1;
        if (t->dims[i].size != 1 && !(channel_axis && t->dims[i].size == channels))
            return false;
    }
    return t->rank >= rank - 1 && lower_size(l, tensor, t->rank == rank ? 1 : 0) == channels;
}

/* The operator is absorbed: the convolution writes its result, and has a bias. */
static void absorb(struct lower *l, int32_t conv, int32_t op, bool scaled) {
    int32_t w = lower_in(l, conv, 1), bias = lower_in(l, conv, 2), out = lower_out(l, op, 0);
    int64_t channels = lower_size(l, w, 0);
    const struct tensor *old = lower_tensor(l, w);
    if (scaled) { /* other values, the same shape */
        int64_t sizes[GRAPH_RANK_MAX];
        for (int32_t i = 0; i < old->rank; i++)
            sizes[i] = old->dims[i].size;
        w = lower_add_weight(l, lower_name(l, old->name, "_scaled"), old->dtype, old->rank, sizes);
    }
    if (bias < 0)
        bias = lower_add_weight(l, lower_name(l, lower_tensor(l, w)->name, "_bias"),
                                lower_tensor(l, w)->dtype, 1, &channels);
    lower_kill(l, op);
    lower_set_inputs(l, conv, 3, (int32_t[]){lower_in(l, conv, 0), w, bias});
    lower_set_output(l, conv, out);
}

static bool fuse_batch_norm(struct lower *l, int32_t op) {
    int32_t conv = conv_before(l, lower_in(l, op, 0));
    if (conv < 0 || lower_op(l, op)->output_count > 1)
        return false;
    for (uint32_t i = 1; i < 5; i++)
        if (!lower_is_constant(l, lower_in(l, op, i)))
            return false;
    absorb(l, conv, op, true);
    return true;
}

static bool fuse_channelwise(struct lower *l, int32_t op, bool scaled) {
    for (uint32_t side = 0; side < 2; side++) {
        int32_t conv = conv_before(l, lower_in(l, op, side)), other = lower_in(l, op, 1 - side);
        if (conv < 0 || other < 0 ||
            (!scaled && lower_in(l, conv, 2) >= 0 && !lower_is_constant(l, lower_in(l, conv, 2))))
            continue;
        if (!per_channel(l, other, lower_rank(l, lower_out(l, conv, 0)),
                         lower_size(l, lower_in(l, conv, 1), 0)))
            continue;
        absorb(l, conv, op, scaled);
        return true;
    }
    return false;
}

static bool fuse_add(struct lower *l, int32_t op) {
    return fuse_channelwise(l, op, false);
}

static bool fuse_mul(struct lower *l, int32_t op) {
    return fuse_channelwise(l, op, true);
}

/* Zero padding of the spatial axes becomes the convolution's own. */
static bool fuse_pad(struct lower *l, int32_t op) {
    int32_t pad = lower_only_producer(l, lower_in(l, op, 0), ONNX, "Pad");
    int32_t rank = lower_rank(l, lower_in(l, op, 0));
    double value = 0;
    if (pad < 0 || rank < 3 || rank > 8 || lower_in(l, pad, 3) >= 0 ||
        strcmp(op_string(lower_op(l, pad), "mode", "constant"), "constant") != 0 ||
        strcmp(op_string(lower_op(l, op), "auto_pad", "NOTSET"), "NOTSET") != 0)
        return false;
    const struct tensor_values *pads =
        lower_in(l, pad, 1) < 0 ? NULL : lower_tensor(l, lower_in(l, pad, 1))->values;
    if (lower_in(l, pad, 2) >= 0 && (!lower_scalar(l, lower_in(l, pad, 2), &value) || value != 0))
        return false;
    if (!pads || !pads->ints || pads->count != 2 * (uint64_t)rank)
        return false;
    int64_t own[16] = {0};
    const struct attribute *given = op_attribute(lower_op(l, op), "pads");
    for (int32_t i = 0; i < 2 * rank; i++) {
        int32_t axis = i % rank, k = axis - 2 + (i >= rank ? rank - 2 : 0);
        if (pads->ints[i] < 0 || (axis < 2 && pads->ints[i] != 0))
            return false;
        if (axis < 2)
            continue;
        bool padded = given && given->kind == ATTRIBUTE_INTS && (uint32_t)k < given->count;
        if (__builtin_add_overflow(pads->ints[i], padded ? given->ints[k] : 0, &own[k]))
            return false;
    }
    lower_set_input(l, op, 0, lower_in(l, pad, 0));
    lower_kill(l, pad);
    lower_drop_attribute(l, op, "pads");
    graph_set_ints(l->graph, op, "pads", 2 * (uint32_t)(rank - 2), own);
    return true;
}

const struct lower_rule lower_conv_rules[] = {
    {"conv-batchnorm", "into Conv before",           "BatchNormalization", fuse_batch_norm},
    {"conv-mul",       "a factor per channel",       "Mul",                fuse_mul       },
    {"conv-add",       "constant per channel: bias", "Add",                fuse_add       },
    {"conv-pad",       "zero padding before Conv",   "Conv",               fuse_pad       },
    {NULL,             NULL,                         NULL,                 NULL           },
};

/* ---- activations ----------------------------------------------------------------------------- */

/* How an activation's numbers become activation_params: attribute names and defaults, or the
 * limits of Clip. */
static const struct {
    const char *type;
    const char *attributes[2];
    float defaults[2];
    uint32_t count;
    bool conv, gemm;
} activations[] = {
    {"Relu",            {NULL},            {0},             0, true,  true },
    {"Sigmoid",         {NULL},            {0},             0, true,  true },
    {"Tanh",            {NULL},            {0},             0, true,  true },
    {"LeakyRelu",       {"alpha"},         {0.01f},         1, true,  true },
    {"HardSigmoid",     {"alpha", "beta"}, {0.2f, 0.5f},    2, true,  true },
    {"HardSwish",       {NULL},            {0},             0, true,  false},
    {"Clip",            {"min", "max"},    {-3e38f, 3e38f}, 2, true,  false},
    {"Elu",             {"alpha"},         {1},             1, false, true },
    {"Softplus",        {NULL},            {0},             0, false, true },
    {"Softsign",        {NULL},            {0},             0, false, true },
    {"ThresholdedRelu", {"alpha"},         {1},             1, false, true },
};
enum { ACTIVATION_COUNT = sizeof activations / sizeof *activations };

static int find_activation(const struct lower *l, int32_t op, bool conv) {
    for (int i = 0; i < ACTIVATION_COUNT; i++)
        if (lower_is(l, op, ONNX, activations[i].type) &&
            (conv ? activations[i].conv : activations[i].gemm))
            return i;
    return -1;
}

/* Limits of Clip may be inputs (opset 11); they must be constant. */
static bool read_parameters(const struct lower *l, int32_t op, int row, float *parameters) {
    for (uint32_t i = 0; i < activations[row].count; i++) {
        double value;
        int32_t input = strcmp(activations[row].type, "Clip") == 0 ? lower_in(l, op, i + 1) : -1;
        if (input >= 0 && !lower_scalar(l, input, &value))
            return false;
        parameters[i] = input >= 0 ? (float)value
                                   : op_float(&l->graph->ops[op], activations[row].attributes[i],
                                              activations[row].defaults[i]);
    }
    return true;
}

static bool fuse_activation(struct lower *l, int32_t op, const char *fused, bool conv) {
    int32_t reader = lower_sole_reader(l, lower_out(l, op, 0));
    int row = reader >= 0 && lower_is_float(l, lower_out(l, op, 0))
                  ? find_activation(l, reader, conv)
                  : -1;
    float parameters[2];
    if (row < 0 || !lower_is(l, op, ONNX, lower_op(l, op)->type) ||
        lower_in(l, reader, 0) != lower_out(l, op, 0) ||
        !read_parameters(l, reader, row, parameters))
        return false;
    int32_t out = lower_out(l, reader, 0);
    lower_kill(l, reader);
    lower_set_output(l, op, out);
    lower_retype(l, op, MICROSOFT, fused);
    lower_set_string(l, op, "activation", activations[row].type);
    if (conv && activations[row].count) {
        struct attribute *a =
            graph_add_attribute(l->graph, op, "activation_params", ATTRIBUTE_FLOATS);
        a->count = activations[row].count;
        a->floats = arena_grow(l->arena, parameters, 2, 2, sizeof *parameters);
    }
    return true;
}

static bool fuse_conv_activation(struct lower *l, int32_t op) {
    return fuse_activation(l, op, "FusedConv", true);
}

static bool fuse_gemm_activation(struct lower *l, int32_t op) {
    return fuse_activation(l, op, "FusedGemm", false);
}

/* There is no kernel for it alone: x * HardSigmoid(x). */
static bool spell_hard_swish(struct lower *l, int32_t op) {
    int32_t x = lower_in(l, op, 0), out = lower_out(l, op, 0);
    int32_t before = lower_only_producer(l, x, ONNX, "Conv");
    const struct tensor *t = lower_tensor(l, out);
    int64_t sizes[GRAPH_RANK_MAX];
    if (before >= 0 && is_conv(l, before))
        return false;
    for (int32_t i = 0; i < t->rank; i++)
        sizes[i] = t->dims[i].size;
    int32_t gate = lower_add_tensor(l, lower_name(l, t->name, "_gate"), t->dtype, t->rank, sizes);
    int32_t mul = lower_add_op(l, lower_name(l, lower_op(l, op)->name, "_Mul"), "Mul", ONNX);
    lower_retype(l, op, ONNX, "HardSigmoid");
    graph_set_float(l->graph, op, "alpha", 1.0f / 6);
    graph_set_float(l->graph, op, "beta", 0.5f);
    lower_set_output(l, op, gate);
    lower_set_inputs(l, mul, 2, (int32_t[]){x, gate});
    graph_set_outputs(l->graph, mul, 1, &out);
    return true;
}

static bool near(float value, float expected) {
    return value > expected - 1e-3f && value < expected + 1e-3f;
}

/* Spelt out behind a convolution it is one activation again. */
static bool fuse_spelt_hard_swish(struct lower *l, int32_t op) {
    int32_t x = lower_in(l, op, 0), mul = lower_sole_reader(l, lower_out(l, op, 0));
    int32_t conv = lower_producer(l, x);
    if (conv < 0 || !is_conv(l, conv) || lower_use_count(l, x) != 2 || !lower_is_float(l, x) ||
        !lower_is(l, mul, ONNX, "Mul") || lower_other_input(l, mul, lower_out(l, op, 0)) != x ||
        !near(op_float(lower_op(l, op), "alpha", 0.2f), 1.0f / 6) ||
        !near(op_float(lower_op(l, op), "beta", 0.5f), 0.5f))
        return false;
    int32_t out = lower_out(l, mul, 0);
    lower_kill(l, op);
    lower_kill(l, mul);
    lower_set_output(l, conv, out);
    lower_retype(l, conv, MICROSOFT, "FusedConv");
    lower_set_string(l, conv, "activation", "HardSwish");
    return true;
}

const struct lower_rule lower_activation_rules[] = {
    {"conv-hard-swish", "spelt out behind Conv",             "HardSigmoid", fuse_spelt_hard_swish},
    {"hard-swish",      "alone it is spelt out",             "HardSwish",   spell_hard_swish     },
    {"gemm-activation", "Gemm and the activation behind it", "Gemm",        fuse_gemm_activation },
    {"conv-activation", "Conv and the activation behind it", "Conv",        fuse_conv_activation },
    {NULL,              NULL,                                NULL,          NULL                 },
};
