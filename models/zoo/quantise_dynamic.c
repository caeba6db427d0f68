/* Scales found while running: weights are eight bits, inputs are quantised by what they hold. */
#include "models/zoo/nodes.h"
#include "models/zoo/quantising.h"

#include <string.h>

enum { INPUTS_MAX = 64 };

/* The value in eight bits with its scale, by DynamicQuantizeLinear; once per value. */
static const struct quantised_value *found_scale(struct quantising *q, int32_t old) {
    struct quantised_value *value = &q->values[old];
    if (value->integers != GRAPH_NONE)
        return value;
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t x = quantise_plain(q, old), rank = zoo_sizes(q->b, x, sizes);
    quantise_add_op(q, q->old->tensors[old].name, "DynamicQuantizeLinear", "", ZOO_LIST(x));
    value->integers = zoo_result(q->b, DTYPE_UINT8, rank, sizes);
    value->scale = zoo_result(q->b, DTYPE_FLOAT32, 0, NULL);
    value->zero = zoo_result(q->b, DTYPE_UINT8, 0, NULL);
    return value;
}

/* The newest operator's int32 result as float, times both scales, plus the bias. */
static void scale_back(struct quantising *q, const struct op *op, const struct quantised_value *x,
                       const struct quantised_weight *weight, int32_t bias) {
    int32_t out = op->outputs[0], product = quantise_result(q, out, DTYPE_INT32);
    int32_t cast = quantise_add_op(q, op->name, "Cast", "", ZOO_LIST(product));
    graph_set_int(q->b->graph, cast, "to", DTYPE_FLOAT32);
    int32_t y = quantise_result(q, out, DTYPE_FLOAT32);
    quantise_add_op(q, arena_printf(q->b->graph->arena, "%s_scales", op->name), "Mul", "",
                    ZOO_LIST(x->scale, weight->scale));
    int64_t width = zoo_rank(q->b, weight->scale) ? zoo_dim(q->b, weight->scale, 0) : 1;
    int32_t scale = zoo_result(q->b, DTYPE_FLOAT32, zoo_rank(q->b, weight->scale), &width);
    quantise_add_op(q, arena_printf(q->b->graph->arena, "%s_output_scale", op->name), "Mul", "",
                    ZOO_LIST(y, scale));
    y = quantise_result(q, out, DTYPE_FLOAT32);
    if (bias != GRAPH_NONE) {
        quantise_add_op(q, arena_printf(q->b->graph->arena, "%s_bias", op->name), "Add", "",
                        ZOO_LIST(y, bias));
        y = quantise_result(q, out, DTYPE_FLOAT32);
    }
    q->values[out].plain = y;
}

/* ---- products -------------------------------------------------------------------------------- */

/* MatMul, or Gemm as MatMul and Add: the tool writes its weight transposed. */
static void dynamic_product(struct quantising *q, const struct op *op) {
    const struct zoo_quantisation *asked = &q->b->options.quantisation;
    int32_t bias = op->input_count > 2 ? quantise_plain(q, op->inputs[2]) : GRAPH_NONE;
    const struct quantised_value *x = found_scale(q, op->inputs[0]);
    struct tensor *tensor = &q->old->tensors[op->inputs[1]];
    if (op_int(op, "transB", 0)) {
        struct dim rows = tensor->dims[0];
        tensor->dims[0] = tensor->dims[1];
        tensor->dims[1] = rows;
    }
    struct quantised_weight weight =
        quantise_weight(q, op->inputs[1], tensor->rank - 1, asked->per_channel,
                        asked->unsigned_weights ? DTYPE_UINT8 : DTYPE_INT8);
    quantise_add_op(q, op->name, "MatMulInteger", "",
                    ZOO_LIST(x->integers, weight.integers, x->zero, weight.zero));
    scale_back(q, op, x, &weight, bias);
}

/* ConvInteger takes unsigned weights only. */
static void dynamic_conv(struct quantising *q, const struct op *op) {
    const struct quantised_value *x = found_scale(q, op->inputs[0]);
    struct quantised_weight weight = quantise_weight(q, op->inputs[1], 0, false, DTYPE_UINT8);
    int32_t bias = GRAPH_NONE;
    if (op->input_count > 2) {
        int64_t sizes[GRAPH_RANK_MAX];
        int32_t rank = q->old->tensors[op->outputs[0]].rank;
        for (int32_t i = 0; i < rank; i++)
            sizes[i] = i == 1 ? q->old->tensors[op->outputs[0]].dims[1].size : 1;
        bias = zoo_reshape(q->b, quantise_plain(q, op->inputs[2]), rank, sizes);
    }
    int32_t to = quantise_add_op(q, op->name, "ConvInteger", "",
                                 ZOO_LIST(x->integers, weight.integers, x->zero, weight.zero));
    quantise_copy_attributes(q, op, to);
    scale_back(q, op, x, &weight, bias);
}

/* ---- tables and recurrent layers ------------------------------------------------------------- */

static void dynamic_gather(struct quantising *q, const struct op *op) {
    struct quantised_value *out = &q->values[op->outputs[0]];
    struct quantised_weight weight = quantise_weight(q, op->inputs[0], 0, false, DTYPE_INT8);
    int32_t ids = quantise_plain(q, op->inputs[1]);
    int32_t to = graph_add_op(q->b->graph, op->name, "Gather", "");
    graph_set_inputs(q->b->graph, to, ZOO_LIST(weight.integers, ids));
    quantise_copy_attributes(q, op, to);
    out->integers = quantise_result(q, op->outputs[0], DTYPE_INT8);
    out->scale = weight.scale;
    out->zero = weight.zero;
    quantise_plain(q, op->outputs[0]);
    out->integers = GRAPH_NONE; /* readers that quantise find a scale of their own */
}

/* X, W, R, B, sequence lens, initial h, initial c, P, then scale and zero point of W and of R. The
 * weights stand transposed: [directions, width, gates x hidden]. */
static void dynamic_lstm(struct quantising *q, const struct op *op) {
    int32_t inputs[12];
    for (uint32_t k = 0; k < 8; k++)
        inputs[k] =
            k < op->input_count && k != 1 && k != 2 ? quantise_plain(q, op->inputs[k]) : GRAPH_NONE;
    for (uint32_t k = 1; k <= 2; k++) {
        struct tensor *tensor = &q->old->tensors[op->inputs[k]];
        struct dim gates = tensor->dims[1];
        tensor->dims[1] = tensor->dims[2];
        tensor->dims[2] = gates;
        struct quantised_weight weight = quantise_weight(q, op->inputs[k], 0, true, DTYPE_INT8);
        inputs[k] = weight.integers;
        inputs[6 + 2 * k] = weight.scale;
        inputs[7 + 2 * k] = weight.zero;
    }
    int32_t to = quantise_add_op(q, op->name, "DynamicQuantizeLSTM", "com.microsoft", 12, inputs);
    for (uint32_t k = 0; k < op->output_count; k++)
        q->values[op->outputs[k]].plain = quantise_result(q, op->outputs[k], DTYPE_FLOAT32);
    quantise_copy_attributes(q, op, to);
}

static const struct {
    const char *type;
    uint32_t weight; /* the input that must be a weight */
    void (*write)(struct quantising *q, const struct op *op);
} rows[] = {
    {"MatMul", 1, dynamic_product},
    {"Gemm",   1, dynamic_product},
    {"Conv",   1, dynamic_conv   },
    {"Gather", 0, dynamic_gather },
    {"LSTM",   1, dynamic_lstm   },
};

void quantise_to_dynamic(struct quantising *q, const struct op *op) {
    const bool products_only = q->b->options.quantisation.products_only;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool taken = strcmp(op->type, rows[i].type) == 0 && op->domain[0] == '\0' &&
                     quantise_is_weight(q, op->inputs[rows[i].weight]);
        bool product = rows[i].write == dynamic_product;
        if (taken && (product || !products_only) &&
            q->values[op->inputs[rows[i].weight]].readers == 1) {
            rows[i].write(q, op);
            return;
        }
    }
    int32_t inputs[INPUTS_MAX];
    for (uint32_t k = 0; k < op->input_count && k < INPUTS_MAX; k++)
        inputs[k] = quantise_plain(q, op->inputs[k]);
    quantise_copy_op(q, op, inputs);
}
