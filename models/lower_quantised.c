/* Eight bits with scales fixed ahead: an operator of floating point between DequantizeLinear and
 * QuantizeLinear becomes one on eight bits; what only moves values loses both. */
#include "models/lower_rules.h"

#include <string.h>

enum { OPERANDS_MAX = 96 };

/* ---- around an operator ---------------------------------------------------------------------- */

static int32_t dequantiser_of(const struct lower *l, int32_t op, uint32_t input) {
    int32_t producer = lower_producer(l, lower_in(l, op, input));
    return lower_is(l, producer, ONNX, "DequantizeLinear") ? producer : GRAPH_NONE;
}

static int32_t quantiser_of(const struct lower *l, int32_t op, uint32_t output) {
    int32_t reader = lower_sole_reader(l, lower_out(l, op, output));
    return lower_is(l, reader, ONNX, "QuantizeLinear") ? reader : GRAPH_NONE;
}

static enum dtype dtype_of(const struct lower *l, int32_t tensor) {
    return tensor < 0 ? DTYPE_UNDEFINED : l->graph->tensors[tensor].dtype;
}

/* int8 activations are turned into uint8 by the runtime, or stay as they are: not followed here. */
static bool reads_uint8(const struct lower *l, int32_t op) {
    for (uint32_t k = 0; k < l->graph->ops[op].input_count; k++) {
        int32_t dequantiser = dequantiser_of(l, op, k);
        if (dequantiser < 0 || dtype_of(l, lower_in(l, dequantiser, 0)) != DTYPE_UINT8)
            return false;
    }
    return true;
}

static bool same_number(const struct lower *l, int32_t a, int32_t b) {
    double x, y;
    return a == b || (lower_scalar(l, a, &x) && lower_scalar(l, b, &y) && !(x < y) && !(x > y));
}

struct operands {
    int32_t list[OPERANDS_MAX];
    uint32_t count;
};

static void push(struct operands *operands, int32_t tensor) {
    if (operands->count < OPERANDS_MAX)
        operands->list[operands->count++] = tensor;
}

static void push_dequantised(struct lower *l, struct operands *operands, int32_t dequantiser) {
    for (uint32_t k = 0; k < 3; k++)
        push(operands, lower_in(l, dequantiser, k));
}

static void push_scale(struct lower *l, struct operands *operands, int32_t quantiser) {
    push(operands, lower_in(l, quantiser, 1));
    push(operands, lower_in(l, quantiser, 2));
}

/* The operator reads the operands and writes what the quantiser wrote, if there is one. */
static void become(struct lower *l, int32_t op, const struct operands *operands, int32_t quantiser,
                   const char *domain, const char *type) {
    lower_set_inputs(l, op, operands->count, operands->list);
    lower_retype(l, op, domain, type);
    if (quantiser >= 0) {
        int32_t out = lower_out(l, quantiser, 0);
        lower_kill(l, quantiser);
        lower_set_output(l, op, out);
    }
}

/* ---- by kind --------------------------------------------------------------------------------- */

static const struct quantised_form {
    const char *type, *domain, *quantised;
} forms[] = {
    {"Add",               MICROSOFT, "QLinearAdd"              },
    {"Mul",               MICROSOFT, "QLinearMul"              },
    {"Concat",            MICROSOFT, "QLinearConcat"           },
    {"AveragePool",       MICROSOFT, "QLinearAveragePool"      },
    {"GlobalAveragePool", MICROSOFT, "QLinearGlobalAveragePool"},
    {"Sigmoid",           MICROSOFT, "QLinearSigmoid"          },
    {"LeakyRelu",         MICROSOFT, "QLinearLeakyRelu"        },
    {"Softmax",           MICROSOFT, "QLinearSoftmax"          },
};

static bool quantise_operands(struct lower *l, int32_t op) {
    int32_t quantiser = quantiser_of(l, op, 0);
    const struct quantised_form *form = NULL;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(forms[i].type, lower_op(l, op)->type) == 0)
            form = &forms[i];
    if (!form || quantiser < 0 || !reads_uint8(l, op) ||
        lower_op(l, op)->input_count > OPERANDS_MAX / 4)
        return false;
    struct operands operands = {.count = 0};
    bool joins = strcmp(form->type, "Concat") == 0;
    if (joins)
        push_scale(l, &operands, quantiser);
    for (uint32_t k = 0; k < lower_op(l, op)->input_count; k++)
        push_dequantised(l, &operands, dequantiser_of(l, op, k));
    if (!joins)
        push_scale(l, &operands, quantiser);
    become(l, op, &operands, quantiser, form->domain, form->quantised);
    return true;
}

static bool quantise_conv(struct lower *l, int32_t op) {
    int32_t x = dequantiser_of(l, op, 0), w = dequantiser_of(l, op, 1),
            quantiser = quantiser_of(l, op, 0);
    bool biased = lower_in(l, op, 2) >= 0;
    int32_t bias = biased ? dequantiser_of(l, op, 2) : GRAPH_NONE;
    if (x < 0 || w < 0 || quantiser < 0 || (biased && bias < 0) ||
        dtype_of(l, lower_in(l, x, 0)) != DTYPE_UINT8)
        return false;
    struct operands operands = {.count = 0};
    push_dequantised(l, &operands, x);
    push_dequantised(l, &operands, w);
    push_scale(l, &operands, quantiser);
    if (biased)
        push(&operands, lower_in(l, bias, 0));
    become(l, op, &operands, quantiser, ONNX, "QLinearConv");
    return true;
}

static bool quantise_matmul(struct lower *l, int32_t op) {
    int32_t a = dequantiser_of(l, op, 0), b = dequantiser_of(l, op, 1),
            quantiser = quantiser_of(l, op, 0);
    if (a < 0 || b < 0 || dtype_of(l, lower_in(l, a, 0)) != DTYPE_UINT8)
        return false;
    struct operands operands = {.count = 0};
    if (quantiser >= 0) {
        push_dequantised(l, &operands, a);
        push_dequantised(l, &operands, b);
        push_scale(l, &operands, quantiser);
    } else {
        for (uint32_t k = 0; k < 3; k++) {
            push(&operands, lower_in(l, a, k));
            push(&operands, lower_in(l, b, k));
        }
    }
    become(l, op, &operands, quantiser, quantiser >= 0 ? ONNX : MICROSOFT,
           quantiser >= 0 ? "QLinearMatMul" : "MatMulIntegerToFloat");
    return true;
}

static bool quantise_gemm(struct lower *l, int32_t op) {
    int32_t a = dequantiser_of(l, op, 0), b = dequantiser_of(l, op, 1),
            quantiser = quantiser_of(l, op, 0);
    bool biased = lower_in(l, op, 2) >= 0;
    int32_t bias = biased ? dequantiser_of(l, op, 2) : GRAPH_NONE;
    if (a < 0 || b < 0 || (biased && bias < 0) || dtype_of(l, lower_in(l, a, 0)) != DTYPE_UINT8)
        return false;
    struct operands operands = {.count = 0};
    push_dequantised(l, &operands, a);
    push_dequantised(l, &operands, b);
    push(&operands, biased ? lower_in(l, bias, 0) : GRAPH_NONE);
    if (quantiser >= 0)
        push_scale(l, &operands, quantiser);
    become(l, op, &operands, quantiser, MICROSOFT, "QGemm");
    lower_drop_attribute(l, op, "beta");
    return true;
}

/* ---- what only moves values ------------------------------------------------------------------ */

static bool moves(const struct op *op) {
    static const char *const types[] = {"Reshape", "Transpose", "Squeeze", "Unsqueeze",
                                        "Flatten", "MaxPool",   "Gather",  "Slice",
                                        "Split",   "Resize",    "Expand"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(op->type, types[i]) == 0)
            return true;
    return false;
}

static bool drop_pairs(struct lower *l, int32_t op) {
    int32_t dequantiser = dequantiser_of(l, op, 0), quantisers[GRAPH_RANK_MAX];
    uint32_t outputs = lower_op(l, op)->output_count;
    if (dequantiser < 0 || outputs == 0 || outputs > GRAPH_RANK_MAX || !moves(lower_op(l, op)))
        return false;
    for (uint32_t k = 0; k < outputs; k++) {
        quantisers[k] = quantiser_of(l, op, k);
        if (quantisers[k] < 0 ||
            !same_number(l, lower_in(l, quantisers[k], 1), lower_in(l, dequantiser, 1)) ||
            !same_number(l, lower_in(l, quantisers[k], 2), lower_in(l, dequantiser, 2)))
            return false;
    }
    lower_set_input(l, op, 0, lower_in(l, dequantiser, 0));
    for (uint32_t k = 0; k < outputs; k++) {
        int32_t out = lower_out(l, quantisers[k], 0);
        lower_kill(l, quantisers[k]);
        lower_op(l, op)->outputs[k] = out;
        lower_tensor(l, out)->producer = op;
    }
    return true;
}

/* ---- rectifiers ------------------------------------------------------------------------------ */

static bool limits_of(const struct lower *l, int32_t rectifier, double *low, double *high) {
    *low = 0;
    *high = 1e30;
    if (lower_is(l, rectifier, ONNX, "Relu"))
        return true;
    return lower_scalar(l, lower_in(l, rectifier, 1), low) &&
           lower_scalar(l, lower_in(l, rectifier, 2), high);
}

/* The scale ends where the rectifier does. */
static bool drop_rectifier(struct lower *l, int32_t op) {
    int32_t in = lower_in(l, op, 0), rectifier = lower_only_producer(l, in, ONNX, "Relu");
    double scale, zero, low, high;
    if (rectifier < 0)
        rectifier = lower_only_producer(l, in, ONNX, "Clip");
    if (rectifier < 0 || !limits_of(l, rectifier, &low, &high) ||
        !lower_scalar(l, lower_in(l, op, 1), &scale) || !lower_scalar(l, lower_in(l, op, 2), &zero))
        return false;
    bool is_signed = dtype_of(l, lower_in(l, op, 2)) == DTYPE_INT8;
    double least = is_signed ? -128 : 0, most = is_signed ? 127 : 255;
    if ((least - zero) * scale < low || (most - zero) * scale > high * 1.0001)
        return false;
    return lower_bypass(l, rectifier);
}

/* ---- constants, and readers of the same values ------------------------------------------------
 */

static bool fold_constant(struct lower *l, int32_t op) {
    int32_t in = lower_in(l, op, 0), out = lower_out(l, op, 0);
    if (!lower_is_constant(l, in) || lower_is_output(l, out))
        return false;
    const struct tensor *t = lower_tensor(l, in);
    int64_t sizes[GRAPH_RANK_MAX];
    for (int32_t i = 0; i < t->rank; i++)
        sizes[i] = t->dims[i].size;
    int32_t weight =
        lower_add_weight(l, lower_name(l, t->name, "_folded"), dtype_of(l, out), t->rank, sizes);
    lower_kill(l, op);
    lower_redirect(l, out, weight);
    return true;
}

/* Each reader has a DequantizeLinear of its own. */
static void part_readers(struct lower *l, int32_t op) {
    int32_t out = lower_out(l, op, 0);
    while (lower_use_count(l, out) > 1 && l->uses[out]) {
        const struct use first = *l->uses[out];
        const struct tensor *t = lower_tensor(l, out);
        int64_t sizes[GRAPH_RANK_MAX];
        int32_t rank = t->rank, inputs[3];
        for (int32_t i = 0; i < rank; i++)
            sizes[i] = t->dims[i].size;
        for (uint32_t k = 0; k < 3; k++)
            inputs[k] = lower_in(l, op, k);
        int32_t copy = lower_add_op(l, lower_name(l, t->name, "_copy"), "DequantizeLinear", ONNX);
        int32_t result =
            lower_add_tensor(l, lower_name(l, t->name, "_copy"), t->dtype, rank, sizes);
        lower_set_inputs(l, copy, inputs[2] >= 0 ? 3 : 2, inputs);
        graph_set_outputs(l->graph, copy, 1, &result);
        lower_tensor(l, result)->producer = copy;
        lower_set_input(l, first.op, first.slot, result);
    }
}

void lower_part_dequantisers(struct lower *l) {
    int32_t ops = (int32_t)l->graph->op_count;
    for (int32_t i = 0; i < ops; i++)
        if (!l->dead[i] && lower_is(l, i, ONNX, "DequantizeLinear") &&
            lower_rank(l, lower_out(l, i, 0)) >= 0 && !lower_is_constant(l, lower_in(l, i, 0)))
            part_readers(l, i);
}

const struct lower_rule lower_quantised_rules[] = {
    {"quantised-constant",  "constants are quantised ahead",         "QuantizeLinear", fold_constant    },
    {"quantised-rectifier", "no Relu or Clip where the scale ends",  "QuantizeLinear",
     drop_rectifier                                                                                     },
    {"quantised-conv",      "Conv on eight bits: QLinearConv",       "Conv",           quantise_conv    },
    {"quantised-matmul",    "MatMul on eight bits: QLinearMatMul",   "MatMul",         quantise_matmul  },
    {"quantised-gemm",      "Gemm on eight bits: QGemm",             "Gemm",           quantise_gemm    },
    {"quantised-operands",  "Add, Mul, Concat, pools on eight bits", NULL,             quantise_operands},
    {"quantised-moves",     "what moves values moves eight bits",    NULL,             drop_pairs       },
    {NULL,                  NULL,                                    NULL,             NULL             },
};
