/* Rules of operators that compute: elementwise, convolutions, products, normalisation, reduction,
 * recurrence. */
#include "models/onnx/batch.h"

#include <string.h>

/* -1 when there is no such input. */
static int32_t rank_of(const struct batch_step *step, uint32_t input) {
    const struct tensor *tensor = op_input(step->proof->graph, step->op, input);
    return tensor ? tensor->rank : -1;
}

static int32_t output_rank(const struct batch_step *step) {
    const struct tensor *tensor = op_output(step->proof->graph, step->op, 0);
    return tensor ? tensor->rank : 0;
}

static int64_t dim_of(const struct batch_step *step, uint32_t input, int32_t axis) {
    return op_input(step->proof->graph, step->op, input)->dims[axis].size;
}

/* ---- elementwise with broadcasting ----------------------------------------------------------- */

static int64_t element_count(const struct batch_step *step, uint32_t i) {
    const struct tensor *tensor = op_input(step->proof->graph, step->op, i);
    return tensor ? tensor_elements(tensor) : 0;
}

/* What a product with a constant makes of sizes; one element goes with all of the other. */
static int scale_sizes(struct batch_step *step) {
    uint64_t carries = 0;
    unsigned sizes = 0;
    const struct tensor *out = op_output(step->proof->graph, step->op, 0);
    int64_t count = out ? tensor_elements(out) : 0;
    for (uint32_t i = 0; i < step->op->input_count; i++) {
        struct batch_state state = batch_input(step, i);
        if (state.kind == BATCH_AXIS)
            return batch_refuse(step, "computes with the size of the batch");
        bool spreads = element_count(step, i) == 1 && count > 1;
        carries |= spreads && state.carries ? UINT64_MAX : state.carries;
        sizes += state.kind == BATCH_SIZE;
    }
    if (sizes > 1 || count > BATCH_SIZE_ELEMENTS)
        return batch_refuse(step, "computes with the size of the batch");
    if (count < BATCH_SIZE_ELEMENTS)
        carries &= (UINT64_C(1) << count) - 1;
    batch_output(step, 0, (struct batch_state){.kind = BATCH_SIZE, .carries = carries});
    return 0;
}

static bool same_position(struct batch_state a, int32_t from_end_a, struct batch_state b,
                          int32_t from_end_b) {
    return from_end_a == from_end_b && a.outer == b.outer && a.inner == b.inner;
}

/* Shapes are aligned at their ends: all batches must meet at one place, where constants have size
 * 1 or nothing. */
static int broadcast(struct batch_step *step) {
    struct batch_state found = {.kind = BATCH_FREE};
    int32_t from_end = 0;
    if (op_int(step->op, "broadcast", 0))
        return batch_refuse(step, "broadcasts by the rules before operator set 7");
    for (uint32_t i = 0; i < step->op->input_count; i++) {
        struct batch_state state = batch_input(step, i);
        if (state.kind == BATCH_SIZE)
            return scale_sizes(step);
        if (state.kind != BATCH_AXIS)
            continue;
        int32_t own = rank_of(step, i) - state.axis;
        if (found.kind == BATCH_AXIS && !same_position(found, from_end, state, own))
            return batch_refuse(step, "combines tensors that have the batch in different axes");
        found = state;
        from_end = own;
    }
    for (uint32_t i = 0; i < step->op->input_count; i++) {
        if (step->op->inputs[i] == GRAPH_NONE || batch_input(step, i).kind != BATCH_FREE)
            continue;
        int32_t rank = rank_of(step, i);
        if (rank >= from_end && dim_of(step, i, rank - from_end) != 1)
            return batch_refuse(step, "combines the batch with a constant of size %lld",
                                (long long)dim_of(step, i, rank - from_end));
    }
    found.axis = output_rank(step) - from_end;
    batch_all_outputs(step, found);
    return 0;
}

/* A multiple of the batch stays one when the divisor divides what is not the batch: then the
 * quotient grows as the batch does. */
static int divide_sizes(struct batch_step *step) {
    const struct tensor *sizes = op_input(step->proof->graph, step->op, 0);
    const struct tensor_values *divisor = batch_constant(step, 1);
    struct batch_state state = batch_input(step, 0);
    if (state.kind != BATCH_SIZE || !sizes->values || !sizes->values->ints || !divisor ||
        divisor->count != 1 || divisor->ints[0] < 1 ||
        divisor->ints[0] > INT64_MAX / step->proof->from)
        return batch_refuse(step, "computes with the size of the batch");
    for (uint64_t i = 0; i < sizes->values->count; i++)
        if (state.carries >> i & 1 &&
            sizes->values->ints[i] % (divisor->ints[0] * step->proof->from) != 0)
            return batch_refuse(step, "divides the batch by %lld", (long long)divisor->ints[0]);
    batch_output(step, 0, state);
    return 0;
}

static int divide(struct batch_step *step) {
    bool sizes = batch_input(step, 0).kind == BATCH_SIZE || batch_input(step, 1).kind == BATCH_SIZE;
    return sizes ? divide_sizes(step) : broadcast(step);
}

/* The same element at the same place, the other inputs being parameters. */
static int keep(struct batch_step *step) {
    if (batch_only_first(step))
        return -ERR_INPUT;
    batch_all_outputs(step, batch_input(step, 0));
    return 0;
}

/* A scale per slice along `axis` must not be one per sample. */
static int quantize(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    bool per_axis = rank_of(step, 1) > 0;
    if (per_axis && batch_axis(op_int(step->op, "axis", 1), rank_of(step, 0)) == state.axis)
        return batch_refuse(step, "has a scale for each sample");
    return keep(step);
}

/* ---- one sample after the other -------------------------------------------------------------- */

static int samples(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    if (batch_only_first(step))
        return -ERR_INPUT;
    if (state.axis != 0)
        return batch_refuse(step, "has the batch in axis %d, not 0", state.axis);
    for (uint32_t i = 1; i < step->op->output_count; i++)
        if (step->op->outputs[i] != GRAPH_NONE)
            return batch_refuse(step, "has an output that counts or averages over the batch");
    if (op_int(step->op, "training_mode", 0))
        return batch_refuse(step, "averages over the batch");
    batch_output(step, 0, state);
    return 0;
}

/* ---- products -------------------------------------------------------------------------------- */

static int gemm(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    if (batch_only_first(step))
        return -ERR_INPUT;
    if (state.axis != (op_int(step->op, "transA", 0) ? 1 : 0))
        return batch_refuse(step, "sums over the batch");
    const struct tensor *bias = op_input(step->proof->graph, step->op, 2);
    if (bias && bias->rank == 2 && bias->dims[0].size != 1)
        return batch_refuse(step, "has a bias for each sample");
    state.axis = 0;
    batch_output(step, 0, state);
    return 0;
}

/* Inputs 0 and 1 of rank 2 or more; leading axes are broadcast. */
static int matmul(struct batch_step *step) {
    struct batch_state a = batch_input(step, 0), b = batch_input(step, 1);
    int32_t rank_a = rank_of(step, 0), rank_b = rank_of(step, 1);
    if (rank_a < 2 || rank_b < 2)
        return batch_refuse(step, "has a vector among its inputs");
    int32_t end_a = rank_a - a.axis, end_b = rank_b - b.axis;
    bool a_carries = a.kind == BATCH_AXIS, b_carries = b.kind == BATCH_AXIS;
    if ((a_carries && end_a == 1) || (b_carries && end_b == 2))
        return batch_refuse(step, "sums over the batch");
    if (a_carries && b_carries && (end_a < 3 || !same_position(a, end_a, b, end_b)))
        return batch_refuse(step, "multiplies samples with one another");
    int32_t end = a_carries ? end_a : end_b;
    uint32_t other = a_carries ? 1 : 0;
    if (a_carries != b_carries && end >= 3 && rank_of(step, other) >= end &&
        dim_of(step, other, rank_of(step, other) - end) != 1)
        return batch_refuse(step, "has a matrix for each sample");
    struct batch_state out = a_carries ? a : b;
    out.axis = output_rank(step) - end;
    batch_output(step, 0, out);
    return 0;
}

/* ---- along an axis --------------------------------------------------------------------------- */

static int64_t axis_or(const struct batch_step *step, int64_t absent) {
    return op_int(step->op, "axis", absent);
}

/* Works along one axis, which must not be the batch's; shapes keep their rank. */
static int along(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    if (batch_only_first(step))
        return -ERR_INPUT;
    if (batch_axis(axis_or(step, step->rule->param), rank_of(step, 0)) == state.axis)
        return batch_refuse(step, "works along the batch");
    batch_all_outputs(step, state);
    return 0;
}

static int cumulate(struct batch_step *step) {
    const struct tensor_values *axis = batch_constant(step, 1);
    struct batch_state state = batch_input(step, 0);
    if (!axis || axis->count != 1 || batch_axis(axis->ints[0], rank_of(step, 0)) == state.axis)
        return batch_refuse(step, "works along the batch");
    return keep(step);
}

/* Works over all axes from `axis` on. */
static int from_axis_on(struct batch_step *step, int64_t axis) {
    struct batch_state state = batch_input(step, 0);
    if (batch_only_first(step))
        return -ERR_INPUT;
    int32_t first = batch_axis(axis, rank_of(step, 0));
    if (first < 0 || state.axis >= first)
        return batch_refuse(step, "works along the batch");
    batch_all_outputs(step, state);
    return 0;
}

static int softmax(struct batch_step *step) {
    return step->opset >= 13 ? along(step) : from_axis_on(step, axis_or(step, 1));
}

static int layer_norm(struct batch_step *step) {
    return from_axis_on(step, axis_or(step, -1));
}

/* ---- reduction ------------------------------------------------------------------------------- */

/* Marks the axes that are reduced; false when they are not known. */
static bool reduced_axes(const struct batch_step *step, bool reduced[static GRAPH_RANK_MAX]) {
    const struct attribute *attribute = op_attribute(step->op, "axes");
    const struct tensor_values *values = batch_constant(step, 1);
    const int64_t *axes = attribute && attribute->kind == ATTRIBUTE_INTS ? attribute->ints
                          : values                                       ? values->ints
                                                                         : NULL;
    uint64_t count = attribute ? attribute->count : values ? values->count : 0;
    if (!axes && op_input(step->proof->graph, step->op, 1) && !values)
        return false;
    if (count == 0 && !op_int(step->op, "noop_with_empty_axes", 0))
        memset(reduced, true, GRAPH_RANK_MAX * sizeof *reduced);
    for (uint64_t i = 0; axes && i < count; i++) {
        int32_t axis = batch_axis(axes[i], rank_of(step, 0));
        if (axis >= 0)
            reduced[axis] = true;
    }
    return true;
}

static int put_reduced(struct batch_step *step, const bool reduced[static GRAPH_RANK_MAX]) {
    struct batch_state state = batch_input(step, 0);
    if (reduced[state.axis])
        return batch_refuse(step, "reduces over the batch");
    int32_t before = 0;
    for (int32_t i = 0; i < state.axis; i++)
        before += reduced[i];
    if (!op_int(step->op, "keepdims", 1))
        state.axis -= before;
    batch_output(step, 0, state);
    return 0;
}

static int reduce(struct batch_step *step) {
    bool reduced[GRAPH_RANK_MAX] = {false};
    if (batch_only_first(step))
        return -ERR_INPUT;
    if (!reduced_axes(step, reduced))
        return batch_refuse(step, "has axes that are not known");
    return put_reduced(step, reduced);
}

static int arg_reduce(struct batch_step *step) {
    bool reduced[GRAPH_RANK_MAX] = {false};
    if (batch_only_first(step))
        return -ERR_INPUT;
    int32_t axis = batch_axis(axis_or(step, 0), rank_of(step, 0));
    if (axis < 0)
        return batch_refuse(step, "has an axis out of range");
    reduced[axis] = true;
    return put_reduced(step, reduced);
}

/* ---- recurrence ------------------------------------------------------------------------------ */

/* X is [steps, batch, features], Y [steps, directions, batch, hidden], states [directions, batch,
 * hidden] (layout 0). Initial states are per sample: they must carry the batch. */
static int recur(struct batch_step *step) {
    struct batch_state x = batch_input(step, 0);
    if (op_int(step->op, "layout", 0) || x.kind != BATCH_AXIS || x.axis != 1)
        return batch_refuse(step, "has the batch in another axis than 1");
    for (uint32_t i = 1; i < step->op->input_count; i++) {
        bool per_sample = i >= 4 && i <= 6;
        struct batch_state state = batch_input(step, i);
        if (step->op->inputs[i] == GRAPH_NONE || (!per_sample && state.kind == BATCH_FREE))
            continue;
        if (per_sample && i > 4 && state.kind == BATCH_FREE) {
            if (batch_spread(step, i, x))
                return -ERR_INPUT;
            continue;
        }
        if (!per_sample || state.kind != BATCH_AXIS ||
            !same_position(x, x.axis, state, i == 4 ? state.axis + 1 : state.axis))
            return batch_refuse(step, "takes input %u for one batch size only", i);
    }
    x.axis = 2;
    batch_output(step, 0, x);
    x.axis = 1;
    batch_output(step, 1, x);
    batch_output(step, 2, x);
    return 0;
}

const struct batch_rule batch_plain_rules[] = {
    {"Abs",                   keep,       0,  false},
    {"Acos",                  keep,       0,  false},
    {"Add",                   broadcast,  0,  false},
    {"And",                   broadcast,  0,  false},
    {"ArgMax",                arg_reduce, 0,  false},
    {"ArgMin",                arg_reduce, 0,  false},
    {"Atan",                  keep,       0,  false},
    {"AveragePool",           samples,    0,  false},
    {"BatchNormalization",    samples,    0,  false},
    {"Cast",                  keep,       0,  true },
    {"Ceil",                  keep,       0,  false},
    {"Celu",                  keep,       0,  false},
    {"Clip",                  keep,       0,  false},
    {"Conv",                  samples,    0,  false},
    {"ConvInteger",           samples,    0,  false},
    {"ConvTranspose",         samples,    0,  false},
    {"Cos",                   keep,       0,  false},
    {"CumSum",                cumulate,   0,  false},
    {"DepthToSpace",          samples,    0,  false},
    {"DequantizeLinear",      quantize,   0,  false},
    {"Div",                   divide,     0,  true },
    {"Dropout",               keep,       0,  false},
    {"Elu",                   keep,       0,  false},
    {"Equal",                 broadcast,  0,  false},
    {"Erf",                   keep,       0,  false},
    {"Exp",                   keep,       0,  false},
    {"Floor",                 keep,       0,  false},
    {"GRU",                   recur,      0,  false},
    {"Gelu",                  keep,       0,  false},
    {"Gemm",                  gemm,       0,  false},
    {"GlobalAveragePool",     samples,    0,  false},
    {"GlobalLpPool",          samples,    0,  false},
    {"GlobalMaxPool",         samples,    0,  false},
    {"Greater",               broadcast,  0,  false},
    {"GreaterOrEqual",        broadcast,  0,  false},
    {"GroupNormalization",    samples,    0,  false},
    {"HardSigmoid",           keep,       0,  false},
    {"HardSwish",             keep,       0,  false},
    {"Hardmax",               softmax,    -1, false},
    {"Identity",              keep,       0,  true },
    {"InstanceNormalization", samples,    0,  false},
    {"IsInf",                 keep,       0,  false},
    {"IsNaN",                 keep,       0,  false},
    {"LRN",                   samples,    0,  false},
    {"LSTM",                  recur,      0,  false},
    {"LayerNormalization",    layer_norm, 0,  false},
    {"LeakyRelu",             keep,       0,  false},
    {"Less",                  broadcast,  0,  false},
    {"LessOrEqual",           broadcast,  0,  false},
    {"Log",                   keep,       0,  false},
    {"LogSoftmax",            softmax,    -1, false},
    {"LpNormalization",       along,      -1, false},
    {"LpPool",                samples,    0,  false},
    {"MatMul",                matmul,     0,  false},
    {"Max",                   broadcast,  0,  false},
    {"MaxPool",               samples,    0,  false},
    {"Mean",                  broadcast,  0,  false},
    {"Min",                   broadcast,  0,  false},
    {"Mish",                  keep,       0,  false},
    {"Mod",                   broadcast,  0,  false},
    {"Mul",                   broadcast,  0,  true },
    {"Neg",                   keep,       0,  false},
    {"Not",                   keep,       0,  false},
    {"Or",                    broadcast,  0,  false},
    {"PRelu",                 broadcast,  0,  false},
    {"Pow",                   broadcast,  0,  false},
    {"QLinearConv",           samples,    0,  false},
    {"QuantizeLinear",        quantize,   0,  false},
    {"RNN",                   recur,      0,  false},
    {"Reciprocal",            keep,       0,  false},
    {"ReduceL1",              reduce,     0,  false},
    {"ReduceL2",              reduce,     0,  false},
    {"ReduceLogSum",          reduce,     0,  false},
    {"ReduceLogSumExp",       reduce,     0,  false},
    {"ReduceMax",             reduce,     0,  false},
    {"ReduceMean",            reduce,     0,  false},
    {"ReduceMin",             reduce,     0,  false},
    {"ReduceProd",            reduce,     0,  false},
    {"ReduceSum",             reduce,     0,  false},
    {"ReduceSumSquare",       reduce,     0,  false},
    {"Relu",                  keep,       0,  false},
    {"Round",                 keep,       0,  false},
    {"Selu",                  keep,       0,  false},
    {"Shrink",                keep,       0,  false},
    {"Sigmoid",               keep,       0,  false},
    {"Sign",                  keep,       0,  false},
    {"Sin",                   keep,       0,  false},
    {"Softmax",               softmax,    -1, false},
    {"Softplus",              keep,       0,  false},
    {"Softsign",              keep,       0,  false},
    {"SpaceToDepth",          samples,    0,  false},
    {"Sqrt",                  keep,       0,  false},
    {"Sub",                   broadcast,  0,  false},
    {"Sum",                   broadcast,  0,  false},
    {"Tan",                   keep,       0,  false},
    {"Tanh",                  keep,       0,  false},
    {"ThresholdedRelu",       keep,       0,  false},
    {"TopK",                  along,      -1, false},
    {"Where",                 broadcast,  0,  false},
    {"Xor",                   broadcast,  0,  false},
    {NULL,                    NULL,       0,  false},
};
