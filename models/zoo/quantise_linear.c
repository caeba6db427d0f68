/* Scales fixed ahead, from calibration data: as pairs of QuantizeLinear and DequantizeLinear around
 * operators of floating point, or as operators on eight bits. */
#include "models/zoo/quantising.h"

#include <math.h>
#include <string.h>

enum { INPUTS_MAX = 64 };

/* ---- activations ----------------------------------------------------------------------------- */

static void draw_scale(struct quantising *q, int32_t old) {
    struct quantised_value *value = &q->values[old];
    struct arena *arena = q->b->graph->arena;
    const char *name = q->old->tensors[old].name;
    enum dtype type = quantise_activation_type(q);
    float least = type == DTYPE_INT8 ? -128 : 0,
          step = quantise_vary(name, value->high - value->low) / 255;
    float zero = roundf(least - value->low / step);
    value->scale = zoo_number(q->b, arena_printf(arena, "%s_scale", name), DTYPE_FLOAT32,
                              (double)step, 0, NULL);
    value->zero =
        zoo_number(q->b, arena_printf(arena, "%s_zero_point", name), type, (double)zero, 0, NULL);
}

static float step_of(const struct quantising *q, int32_t old) {
    return q->b->weights[q->values[old].scale].mean;
}

/* Same scale as another value: what only moves values. */
static void share_scale(struct quantising *q, int32_t old, int32_t with) {
    q->values[old].scale = q->values[with].scale;
    q->values[old].zero = q->values[with].zero;
}

static void store_operand(struct quantising *q, int32_t old) {
    const struct tensor *tensor = &q->old->tensors[old];
    struct quantised_value *value = &q->values[old];
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = quantise_sizes(q, old, sizes);
    enum dtype type = quantise_activation_type(q);
    value->integers =
        zoo_stored(q->b, arena_printf(q->b->graph->arena, "%s_quantized", tensor->name), type,
                   type == DTYPE_UINT8 ? 128 : 0, 127 / UNIFORM_END, rank, sizes);
}

static int32_t quantise(struct quantising *q, int32_t old) {
    struct quantised_value *value = &q->values[old];
    quantise_add_op(q, q->old->tensors[old].name, "QuantizeLinear", "",
                    ZOO_LIST(value->plain, value->scale, value->zero));
    return quantise_result(q, old, quantise_activation_type(q));
}

/* The value in eight bits; made now when it is not yet there. */
static int32_t integers_of(struct quantising *q, int32_t old) {
    struct quantised_value *value = &q->values[old];
    if (value->integers != GRAPH_NONE)
        return value->integers;
    draw_scale(q, old);
    if (quantise_is_weight(q, old))
        store_operand(q, old);
    else
        value->integers = quantise(q, old);
    return value->integers;
}

static bool is_float(const struct quantising *q, int32_t old) {
    return old >= 0 && q->old->tensors[old].dtype == DTYPE_FLOAT32;
}

static struct quantised_weight weight_of(struct quantising *q, const struct op *op) {
    const struct zoo_quantisation *asked = &q->b->options.quantisation;
    bool conv = strncmp(op->type, "Conv", 4) == 0,
         columns_last = strcmp(op->type, "MatMul") == 0 || (!conv && op_int(op, "transB", 0) == 0);
    const struct tensor *tensor = &q->old->tensors[op->inputs[1]];
    int32_t axis = columns_last ? tensor->rank - 1 : strcmp(op->type, "ConvTranspose") == 0;
    return quantise_weight(q, op->inputs[1], axis, asked->per_channel,
                           asked->unsigned_weights ? DTYPE_UINT8 : DTYPE_INT8);
}

/* A rectifier behind is quantised in the operator's stead. */
static bool is_rectified(const struct quantising *q, int32_t old) {
    int32_t reader = q->values[old].sole_reader;
    const struct quantised_kind *kind = reader < 0 ? NULL : quantised_kind(&q->old->ops[reader]);
    return kind && kind->role == ROLE_RECTIFIER && !q->b->options.quantisation.products_only;
}

/* ---- pairs around operators ------------------------------------------------------------------ */

/* Through eight bits and back; readers take what comes out. */
static void pass_through(struct quantising *q, int32_t old) {
    if (q->values[old].integers != GRAPH_NONE)
        return;
    integers_of(q, old);
    q->values[old].plain = GRAPH_NONE;
    quantise_plain(q, old);
}

/* Readers of the same weight share its pair. */
static int32_t weight_through(struct quantising *q, const struct op *op,
                              struct quantised_weight *weight) {
    int32_t old = op->inputs[1];
    *weight = weight_of(q, op);
    int32_t dequantize = quantise_add_op(q, q->old->tensors[old].name, "DequantizeLinear", "",
                                         ZOO_LIST(weight->integers, weight->scale, weight->zero));
    graph_set_int(q->b->graph, dequantize, "axis", weight->axis);
    return quantise_result(q, old, DTYPE_FLOAT32);
}

/* A bias in 32 bits, with the product of both scales. */
static int32_t bias_through(struct quantising *q, const struct op *op,
                            const struct quantised_weight *weight) {
    const struct tensor *tensor = &q->old->tensors[op->inputs[2]];
    struct arena *arena = q->b->graph->arena;
    float input_step = step_of(q, op->inputs[0]), step = input_step * weight->step;
    int32_t integers = quantise_bias(q, op->inputs[2], step);
    int64_t channels = tensor->dims[0].size;
    const char *name = arena_printf(arena, "%s_scale", tensor->name);
    double *steps = ARENA_ARRAY(arena, (size_t)channels, double);
    for (int64_t i = 0; weight->steps && i < channels; i++)
        steps[i] = (double)(input_step * (float)weight->steps[i]);
    int32_t scale = weight->steps ? zoo_table(q->b, name, steps, ZOO_SHAPE(channels))
                                  : zoo_number(q->b, name, DTYPE_FLOAT32, (double)step, 0, NULL);
    int32_t dequantize =
        quantise_add_op(q, tensor->name, "DequantizeLinear", "", ZOO_LIST(integers, scale));
    graph_set_int(q->b->graph, dequantize, "axis", 0);
    return zoo_result(q->b, DTYPE_FLOAT32, ZOO_SHAPE(channels));
}

static void product_inputs(struct quantising *q, const struct op *op, int32_t *inputs) {
    struct quantised_weight weight = {0};
    pass_through(q, op->inputs[0]);
    inputs[0] = quantise_plain(q, op->inputs[0]);
    if (!quantise_is_weight(q, op->inputs[1])) {
        pass_through(q, op->inputs[1]);
        inputs[1] = quantise_plain(q, op->inputs[1]);
        return;
    }
    inputs[1] = weight_through(q, op, &weight);
    if (op->input_count > 2)
        inputs[2] = bias_through(q, op, &weight);
}

/* What moves values or rectifies them is quantised where its input is. */
static bool input_is_quantised(const struct quantising *q, const struct op *op) {
    int32_t in = op->inputs[0];
    if (quantise_is_weight(q, in)) /* an embedding */
        return true;
    return in >= 0 && q->values[in].integers != GRAPH_NONE;
}

static bool follows_quantised(const struct quantising *q, const struct op *op,
                              enum quantised_role role) {
    if (role == ROLE_VIEW)
        return input_is_quantised(q, op);
    if (role != ROLE_RECTIFIER)
        return true;
    int32_t producer = q->old->tensors[op->inputs[0]].producer;
    const struct quantised_kind *kind =
        producer < 0 ? NULL : quantised_kind(&q->old->ops[producer]);
    return kind && kind->role != ROLE_PLAIN;
}

void quantise_to_qdq(struct quantising *q, const struct op *op) {
    enum quantised_role role = quantised_kind(op)->role;
    int32_t inputs[INPUTS_MAX];
    if (op->input_count > INPUTS_MAX || !is_float(q, op->outputs[0]))
        role = ROLE_PLAIN;
    bool follows = role != ROLE_PLAIN && follows_quantised(q, op, role);
    bool operands = role == ROLE_ADDITION || role == ROLE_JOIN || role == ROLE_TABLE;
    for (uint32_t k = 0; operands && k < op->input_count; k++)
        pass_through(q, op->inputs[k]);
    if (role == ROLE_PRODUCT)
        product_inputs(q, op, inputs);
    else if (role == ROLE_VIEW && follows)
        pass_through(q, op->inputs[0]);
    for (uint32_t k = 0; role != ROLE_PRODUCT && k < op->input_count; k++)
        inputs[k] = quantise_plain(q, op->inputs[k]);
    quantise_copy_op(q, op, inputs);
    for (uint32_t k = 0; follows && k < op->output_count; k++) {
        if (is_rectified(q, op->outputs[k]))
            continue;
        if (role == ROLE_VIEW) {
            share_scale(q, op->outputs[k], op->inputs[0]);
            q->values[op->outputs[k]].integers = quantise(q, op->outputs[k]);
            q->values[op->outputs[k]].plain = GRAPH_NONE;
            quantise_plain(q, op->outputs[k]);
        } else {
            pass_through(q, op->outputs[k]);
        }
    }
}

/* ---- operators on eight bits ----------------------------------------------------------------- */

struct operands {
    int32_t list[INPUTS_MAX];
    uint32_t count;
};

static void push(struct operands *operands, int32_t tensor) {
    operands->list[operands->count++] = tensor;
}

static void push_value(struct quantising *q, struct operands *operands, int32_t old) {
    push(operands, integers_of(q, old));
    push(operands, q->values[old].scale);
    push(operands, q->values[old].zero);
}

static void push_scale(struct quantising *q, struct operands *operands, int32_t old) {
    push(operands, q->values[old].scale);
    push(operands, q->values[old].zero);
}

static void product_operands(struct quantising *q, const struct op *op, struct operands *operands) {
    int32_t out = op->outputs[0], bias = GRAPH_NONE;
    bool conv = strcmp(op->type, "Conv") == 0, gemm = strcmp(op->type, "Gemm") == 0;
    push_value(q, operands, op->inputs[0]);
    if (quantise_is_weight(q, op->inputs[1])) {
        struct quantised_weight weight = weight_of(q, op);
        push(operands, weight.integers);
        push(operands, weight.scale);
        push(operands, weight.zero);
        if (op->input_count > 2)
            bias = quantise_bias(q, op->inputs[2], step_of(q, op->inputs[0]) * weight.step);
    } else {
        push_value(q, operands, op->inputs[1]);
    }
    if (gemm)
        push(operands, bias);
    push_scale(q, operands, out);
    if (conv && bias != GRAPH_NONE)
        push(operands, bias);
}

static void operands_of(struct quantising *q, const struct op *op, enum quantised_role role,
                        struct operands *operands) {
    int32_t out = op->outputs[0];
    draw_scale(q, out);
    switch (role) {
    case ROLE_PRODUCT:
        product_operands(q, op, operands);
        break;
    case ROLE_JOIN:
        push_scale(q, operands, out);
        for (uint32_t k = 0; k < op->input_count; k++)
            push_value(q, operands, op->inputs[k]);
        break;
    default:
        for (uint32_t k = 0; k < op->input_count; k++)
            push_value(q, operands, op->inputs[k]);
        push_scale(q, operands, out);
        break;
    }
}

static void put_integers(struct quantising *q, int32_t old) {
    q->values[old].integers = quantise_result(q, old, quantise_activation_type(q));
}

static void quantised_op(struct quantising *q, const struct op *op,
                         const struct quantised_kind *kind) {
    struct operands operands = {.count = 0};
    operands_of(q, op, kind->role, &operands);
    int32_t to = quantise_add_op(q, op->name, kind->integer_type, kind->domain, operands.count,
                                 operands.list);
    put_integers(q, op->outputs[0]);
    quantise_copy_attributes(q, op, to);
    if (strcmp(op->type, "Gemm") == 0) { /* QGemm has no beta */
        struct op *made = &q->b->graph->ops[to];
        uint32_t kept = 0;
        for (uint32_t a = 0; a < made->attribute_count; a++)
            if (strcmp(made->attributes[a].name, "beta") != 0)
                made->attributes[kept++] = made->attributes[a];
        made->attribute_count = kept;
    }
    if (strcmp(op->type, "Softmax") == 0) /* whose meaning of `axis` changed with opset 13 */
        graph_set_int(q->b->graph, to, "opset", q->b->options.opset);
}

/* A view of eight bits. */
static void view_integers(struct quantising *q, const struct op *op) {
    int32_t inputs[INPUTS_MAX];
    for (uint32_t k = 0; k < op->input_count; k++)
        inputs[k] = k ? quantise_plain(q, op->inputs[k]) : integers_of(q, op->inputs[0]);
    int32_t to = graph_add_op(q->b->graph, op->name, op->type, op->domain);
    graph_set_inputs(q->b->graph, to, op->input_count, inputs);
    for (uint32_t k = 0; k < op->output_count; k++) {
        share_scale(q, op->outputs[k], op->inputs[0]);
        put_integers(q, op->outputs[k]);
    }
    quantise_copy_attributes(q, op, to);
}

static void keep(struct quantising *q, const struct op *op) {
    int32_t inputs[INPUTS_MAX];
    for (uint32_t k = 0; k < op->input_count; k++)
        inputs[k] = quantise_plain(q, op->inputs[k]);
    quantise_copy_op(q, op, inputs);
}

void quantise_to_operators(struct quantising *q, const struct op *op) {
    const struct quantised_kind *kind = quantised_kind(op);
    bool fits = op->input_count <= INPUTS_MAX / 4 && is_float(q, op->outputs[0]);
    if (fits && kind->integer_type) {
        quantised_op(q, op, kind);
    } else if (fits && kind->role == ROLE_VIEW && input_is_quantised(q, op)) {
        view_integers(q, op);
    } else if (fits && kind->role == ROLE_RECTIFIER && input_is_quantised(q, op) &&
               is_rectified(q, op->inputs[0])) {
        /* The zero point of the operator before cuts the values off. */
        q->values[op->outputs[0]] = (struct quantised_value){
            .plain = GRAPH_NONE,
            .integers = q->values[op->inputs[0]].integers,
            .scale = q->values[op->inputs[0]].scale,
            .zero = q->values[op->inputs[0]].zero,
            .low = q->values[op->outputs[0]].low,
            .high = q->values[op->outputs[0]].high,
            .readers = q->values[op->outputs[0]].readers,
            .sole_reader = q->values[op->outputs[0]].sole_reader,
        };
    } else {
        keep(q, op);
    }
}
