#include "models/zoo/quantise.h"

#include "models/zoo/quantising.h"

#include <math.h>
#include <string.h>

#define MICROSOFT "com.microsoft"

/* ---- operators -------------------------------------------------------------------------------
 *
 * What onnxruntime.quantization quantises by default on CPUs (registry.py).
 */
static const struct quantised_kind kinds[] = {
    {"Conv",              ROLE_PRODUCT,   "QLinearConv",              ""       },
    {"MatMul",            ROLE_PRODUCT,   "QLinearMatMul",            ""       },
    {"Gemm",              ROLE_PRODUCT,   "QGemm",                    MICROSOFT},
    {"ConvTranspose",     ROLE_PRODUCT,   NULL,                       NULL     },
    {"Add",               ROLE_ADDITION,  "QLinearAdd",               MICROSOFT},
    {"Mul",               ROLE_ADDITION,  "QLinearMul",               MICROSOFT},
    {"Concat",            ROLE_JOIN,      "QLinearConcat",            MICROSOFT},
    {"Sigmoid",           ROLE_TABLE,     "QLinearSigmoid",           MICROSOFT},
    {"LeakyRelu",         ROLE_TABLE,     "QLinearLeakyRelu",         MICROSOFT},
    {"Softmax",           ROLE_TABLE,     "QLinearSoftmax",           MICROSOFT},
    {"AveragePool",       ROLE_TABLE,     "QLinearAveragePool",       MICROSOFT},
    {"GlobalAveragePool", ROLE_TABLE,     "QLinearGlobalAveragePool", MICROSOFT},
    {"MaxPool",           ROLE_VIEW,      NULL,                       NULL     },
    {"Reshape",           ROLE_VIEW,      NULL,                       NULL     },
    {"Transpose",         ROLE_VIEW,      NULL,                       NULL     },
    {"Squeeze",           ROLE_VIEW,      NULL,                       NULL     },
    {"Unsqueeze",         ROLE_VIEW,      NULL,                       NULL     },
    {"Flatten",           ROLE_VIEW,      NULL,                       NULL     },
    {"Slice",             ROLE_VIEW,      NULL,                       NULL     },
    {"Split",             ROLE_VIEW,      NULL,                       NULL     },
    {"Gather",            ROLE_VIEW,      NULL,                       NULL     },
    {"Resize",            ROLE_VIEW,      NULL,                       NULL     },
    {"Relu",              ROLE_RECTIFIER, NULL,                       NULL     },
    {"Clip",              ROLE_RECTIFIER, NULL,                       NULL     },
};

const struct quantised_kind *quantised_kind(const struct op *op) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].type, op->type) == 0 && op->domain[0] == '\0')
            return &kinds[i];
    return NULL;
}

/* ---- ranges ---------------------------------------------------------------------------------- */

static const float layer_low = -4, layer_high = 4;

static void rectify(const struct quantising *q, const struct op *op, struct quantised_value *out) {
    const struct quantised_value *in = &q->values[op->inputs[0]];
    out->low = 0;
    out->high = strcmp(op->type, "Clip") == 0 ? fminf(in->high, 6) : in->high;
}

static void range_of(const struct quantising *q, const struct op *op, struct quantised_value *out) {
    static const struct {
        const char *type;
        float low, high;
    } fixed[] = {
        {"Sigmoid",     0,      1},
        {"Softmax",     0,      1},
        {"HardSigmoid", 0,      1},
        {"Tanh",        -1,     1},
        {"Gelu",        -0.17f, 4},
        {"HardSwish",   -0.38f, 4},
    };
    const struct quantised_kind *kind = quantised_kind(op);
    enum quantised_role role = kind ? kind->role : ROLE_PLAIN;
    out->low = layer_low;
    out->high = layer_high;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (strcmp(fixed[i].type, op->type) == 0) {
            out->low = fixed[i].low;
            out->high = fixed[i].high;
            return;
        }
    if (role == ROLE_RECTIFIER) {
        rectify(q, op, out);
    } else if (role == ROLE_VIEW || role == ROLE_JOIN || role == ROLE_TABLE) {
        *out = q->values[op->inputs[0]];
    } else if (strcmp(op->type, "Add") == 0) {
        const struct quantised_value *x = &q->values[op->inputs[0]], *y = &q->values[op->inputs[1]];
        out->low = -hypotf(x->low, y->low);
        out->high = hypotf(x->high, y->high);
    }
}

static bool rectifies(const struct op *op) {
    const struct quantised_kind *kind = quantised_kind(op);
    return kind && kind->role == ROLE_RECTIFIER;
}

void quantise_ranges(struct quantising *q) {
    const struct graph *old = q->old;
    for (uint32_t t = 0; t < old->tensor_count; t++) {
        const struct zoo_weight *weight = &q->from->weights[t];
        float end = weight->deviation > 0 ? UNIFORM_END * weight->deviation : 1;
        q->values[t] = (struct quantised_value){
            .plain = GRAPH_NONE,
            .integers = GRAPH_NONE,
            .low = old->tensors[t].flags & TENSOR_INITIALIZER ? weight->mean - end : layer_low,
            .high = old->tensors[t].flags & TENSOR_INITIALIZER ? weight->mean + end : layer_high,
            .sole_reader = GRAPH_NONE};
    }
    for (uint32_t i = 0; i < old->op_count; i++)
        for (uint32_t k = 0; k < old->ops[i].input_count; k++)
            if (old->ops[i].inputs[k] >= 0) {
                struct quantised_value *value = &q->values[old->ops[i].inputs[k]];
                value->readers++;
                value->sole_reader = value->readers == 1 ? (int32_t)i : GRAPH_NONE;
            }
    for (uint32_t i = 0; i < old->op_count; i++) {
        struct quantised_value found = {.low = layer_low, .high = layer_high};
        range_of(q, &old->ops[i], &found);
        for (uint32_t k = 0; k < old->ops[i].output_count; k++) {
            struct quantised_value *out = &q->values[old->ops[i].outputs[k]];
            out->low = fminf(found.low, 0); /* zero is a value of every scale */
            out->high = fmaxf(found.high, 0.1f);
        }
    }
    for (uint32_t i = 0; i < old->op_count; i++) {
        struct quantised_value *in = old->ops[i].input_count && old->ops[i].inputs[0] >= 0
                                         ? &q->values[old->ops[i].inputs[0]]
                                         : NULL;
        if (in && rectifies(&old->ops[i]) && in->sole_reader == (int32_t)i) {
            in->low = 0;
            in->high = q->values[old->ops[i].outputs[0]].high;
        }
    }
}

/* ---- copying --------------------------------------------------------------------------------- */

static bool is_half(const struct quantising *q) {
    return q->b->options.quantisation.form == ZOO_FLOAT16;
}

static enum dtype new_type(const struct quantising *q, enum dtype old) {
    return is_half(q) && old == DTYPE_FLOAT32 ? DTYPE_FLOAT16 : old;
}

int32_t quantise_sizes(const struct quantising *q, int32_t old, int64_t *sizes) {
    const struct tensor *tensor = &q->old->tensors[old];
    for (int32_t i = 0; i < tensor->rank; i++)
        sizes[i] = tensor->dims[i].size;
    return tensor->rank;
}

int32_t quantise_result(struct quantising *q, int32_t old, enum dtype dtype) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = quantise_sizes(q, old, sizes);
    return zoo_result(q->b, dtype, rank, sizes);
}

bool quantise_is_weight(const struct quantising *q, int32_t old) {
    return old >= 0 && q->old->tensors[old].flags & TENSOR_INITIALIZER &&
           q->old->tensors[old].dtype == DTYPE_FLOAT32;
}

enum dtype quantise_activation_type(const struct quantising *q) {
    return q->b->options.quantisation.signed_activations ? DTYPE_INT8 : DTYPE_UINT8;
}

/* Half precision ends at 65504: converters cut what masks hold down to this. */
static const double half_most = 1e4;

static const struct tensor_values *new_values(struct quantising *q, const struct tensor *tensor) {
    const struct tensor_values *values = tensor->values;
    if (!is_half(q) || !values || !values->floats)
        return values;
    struct arena *arena = q->b->graph->arena;
    double *floats = ARENA_ARRAY(arena, (size_t)values->count, double);
    for (uint64_t i = 0; i < values->count; i++)
        floats[i] = fmax(-half_most, fmin(half_most, values->floats[i]));
    struct tensor_values *cut = ARENA_NEW(arena, struct tensor_values);
    *cut = (struct tensor_values){.count = values->count, .floats = floats};
    return cut;
}

static int32_t copy_stored(struct quantising *q, int32_t old) {
    const struct tensor *tensor = &q->old->tensors[old];
    const struct zoo_weight *weight = &q->from->weights[old];
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = quantise_sizes(q, old, sizes);
    int32_t x = zoo_stored(q->b, tensor->name, new_type(q, tensor->dtype), weight->mean,
                           weight->deviation, rank, sizes);
    q->b->graph->tensors[x].values = new_values(q, tensor);
    return x;
}

int32_t quantise_plain(struct quantising *q, int32_t old) {
    if (old == GRAPH_NONE)
        return GRAPH_NONE;
    struct quantised_value *value = &q->values[old];
    if (value->plain != GRAPH_NONE)
        return value->plain;
    if (value->integers == GRAPH_NONE)
        return value->plain = copy_stored(q, old);
    quantise_add_op(q, q->old->tensors[old].name, "DequantizeLinear", "",
                    ZOO_LIST(value->integers, value->scale, value->zero));
    return value->plain = quantise_result(q, old, DTYPE_FLOAT32);
}

int32_t quantise_add_op(struct quantising *q, const char *base, const char *type,
                        const char *domain, uint32_t count, const int32_t *inputs) {
    struct graph *graph = q->b->graph;
    if (domain[0] && graph_opset_version(graph, domain) == 0)
        graph_add_opset(graph, domain, 1);
    int32_t op = graph_add_op(graph, arena_printf(graph->arena, "%s_%s", base, type), type, domain);
    graph_set_inputs(graph, op, count, inputs);
    return op;
}

void quantise_copy_attributes(struct quantising *q, const struct op *op, int32_t to) {
    for (uint32_t a = 0; a < op->attribute_count; a++) {
        const struct attribute *attribute = &op->attributes[a];
        struct attribute *copy =
            graph_add_attribute(q->b->graph, to, attribute->name, attribute->kind);
        *copy = *attribute;
        if (attribute->kind == ATTRIBUTE_TENSOR && strcmp(op->type, "Constant") != 0)
            copy->tensor = quantise_plain(q, attribute->tensor);
        else if (strcmp(op->type, "Cast") == 0 && strcmp(attribute->name, "to") == 0)
            copy->i = new_type(q, (enum dtype)attribute->i);
        else if (attribute->kind == ATTRIBUTE_GRAPH)
            zoo_impossible(q->b, "operators with bodies, such as %s, are not quantised", op->name);
    }
}

/* A Constant's value is its own result. */
static void keep_constant(struct quantising *q, const struct op *op, int32_t to) {
    struct graph *graph = q->b->graph;
    struct op *copy = &graph->ops[to];
    if (strcmp(op->type, "Constant") != 0)
        return;
    struct tensor *result = &graph->tensors[copy->outputs[0]];
    result->flags |= TENSOR_CONSTANT;
    result->values = new_values(q, &q->old->tensors[op->outputs[0]]);
    for (uint32_t a = 0; a < copy->attribute_count; a++)
        if (copy->attributes[a].kind == ATTRIBUTE_TENSOR)
            copy->attributes[a].tensor = copy->outputs[0];
}

int32_t quantise_copy_op(struct quantising *q, const struct op *op, const int32_t *inputs) {
    int32_t to = graph_add_op(q->b->graph, op->name, op->type, op->domain);
    graph_set_inputs(q->b->graph, to, op->input_count, inputs);
    for (uint32_t k = 0; k < op->output_count; k++) {
        int32_t out = op->outputs[k];
        q->values[out].plain = quantise_result(q, out, new_type(q, q->old->tensors[out].dtype));
    }
    quantise_copy_attributes(q, op, to);
    keep_constant(q, op, to);
    return to;
}

/* ---- weights --------------------------------------------------------------------------------- */

float quantise_vary(const char *name, float range) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return range * (1 - 0.2f * (float)(hash >> 8) * 0x1p-24f);
}

static const double *draw_steps(struct arena *arena, const char *name, float step, int64_t count) {
    double *steps = ARENA_ARRAY(arena, (size_t)count, double);
    for (int64_t i = 0; i < count; i++)
        steps[i] = (double)quantise_vary(arena_printf(arena, "%s%lld", name, (long long)i), step);
    return steps;
}

struct quantised_weight quantise_weight(struct quantising *q, int32_t old, int32_t axis,
                                        bool per_channel, enum dtype type) {
    const struct tensor *tensor = &q->old->tensors[old];
    struct arena *arena = q->b->graph->arena;
    const struct zoo_weight *drawn = &q->from->weights[old];
    float end = quantise_vary(tensor->name, fabsf(drawn->mean) + UNIFORM_END * drawn->deviation);
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = quantise_sizes(q, old, sizes), scales = per_channel ? 1 : 0;
    struct quantised_weight w = {.step = end > 0 ? end / 127 : 1.0f / 127, .axis = axis};
    w.integers = zoo_stored(q->b, arena_printf(arena, "%s_quantized", tensor->name), type,
                            type == DTYPE_UINT8 ? 128 : 0, 127 / UNIFORM_END, rank, sizes);
    const char *scale = arena_printf(arena, "%s_scale", tensor->name);
    if (per_channel)
        w.steps = draw_steps(arena, scale, w.step, sizes[axis]);
    w.scale = per_channel ? zoo_table(q->b, scale, w.steps, scales, &sizes[axis])
                          : zoo_number(q->b, scale, DTYPE_FLOAT32, (double)w.step, 0, NULL);
    w.zero = zoo_number(q->b, arena_printf(arena, "%s_zero_point", tensor->name), type,
                        type == DTYPE_UINT8 ? 128 : 0, scales, &sizes[axis]);
    return w;
}

int32_t quantise_bias(struct quantising *q, int32_t old, float step) {
    const struct tensor *tensor = &q->old->tensors[old];
    const struct zoo_weight *drawn = &q->from->weights[old];
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = quantise_sizes(q, old, sizes);
    return zoo_stored(q->b, arena_printf(q->b->graph->arena, "%s_quantized", tensor->name),
                      DTYPE_INT32, drawn->mean / step, drawn->deviation / step, rank, sizes);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void keep_plain(struct quantising *q, const struct op *op) {
    int32_t inputs[GRAPH_RANK_MAX * 2];
    for (uint32_t k = 0; k < op->input_count && k < GRAPH_RANK_MAX * 2; k++)
        inputs[k] = quantise_plain(q, op->inputs[k]);
    quantise_copy_op(q, op, inputs);
}

static int32_t cast(struct quantising *q, int32_t x, const char *base, enum dtype to) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(q->b, x, sizes);
    int32_t op = quantise_add_op(q, base, "Cast", "", ZOO_LIST(x));
    graph_set_int(q->b->graph, op, "to", to);
    return zoo_result(q->b, to, rank, sizes);
}

static void copy_inputs(struct quantising *q) {
    for (uint32_t i = 0; i < q->old->input_count; i++) {
        int32_t t = q->old->inputs[i];
        const struct tensor *tensor = &q->old->tensors[t];
        int64_t sizes[GRAPH_RANK_MAX];
        int32_t rank = quantise_sizes(q, t, sizes);
        int32_t x = zoo_input(q->b, tensor->name, tensor->dtype, rank, sizes);
        q->values[t].plain = new_type(q, tensor->dtype) == tensor->dtype
                                 ? x
                                 : cast(q, x, tensor->name, DTYPE_FLOAT16);
    }
}

static void copy_outputs(struct quantising *q) {
    for (uint32_t i = 0; i < q->old->output_count; i++) {
        int32_t t = q->old->outputs[i], x = quantise_plain(q, t);
        enum dtype type = q->old->tensors[t].dtype;
        if (new_type(q, type) != type)
            x = cast(q, x, q->old->tensors[t].name, type);
        zoo_output(q->b, x, q->old->tensors[t].name);
    }
}

void quantise_to_half(struct quantising *q, const struct op *op) {
    keep_plain(q, op);
}

/* Masks hold numbers that eight bits would lose; the tools are told to leave them out. */
static bool reads_table(const struct quantising *q, const struct op *op) {
    for (uint32_t k = 0; k < op->input_count; k++)
        if (quantise_is_weight(q, op->inputs[k]) && q->old->tensors[op->inputs[k]].values)
            return true;
    return false;
}

static bool takes_part(const struct quantising *q, const struct op *op) {
    const struct zoo_quantisation *asked = &q->b->options.quantisation;
    const struct quantised_kind *kind = quantised_kind(op);
    if (asked->form == ZOO_FLOAT16 || asked->form == ZOO_DYNAMIC)
        return true;
    return kind && !reads_table(q, op) && (!asked->products_only || kind->role == ROLE_PRODUCT);
}

void zoo_quantise(struct zoo_builder *b) {
    static void (*const walks[ZOO_FORM_COUNT])(struct quantising *, const struct op *) = {
        [ZOO_QDQ] = quantise_to_qdq,
        [ZOO_OPERATORS] = quantise_to_operators,
        [ZOO_DYNAMIC] = quantise_to_dynamic,
        [ZOO_FLOAT16] = quantise_to_half,
    };
    const struct zoo_builder from = *b;
    struct graph *old = from.graph;
    b->graph = graph_new(old->arena, old->name);
    b->graph->producer = old->producer;
    b->graph->ir_version = old->ir_version;
    for (uint32_t i = 0; i < old->opset_count; i++)
        graph_add_opset(b->graph, old->opsets[i].domain, old->opsets[i].version);
    b->weights = NULL;
    b->weight_capacity = 0;
    b->depth = 0;
    struct quantising q = {.b = b, .from = &from, .old = old};
    q.values = ARENA_ARRAY(old->arena, old->tensor_count, struct quantised_value);
    const struct zoo_quantisation *asked = &b->options.quantisation;
    if (asked->per_channel && asked->unsigned_weights)
        zoo_impossible(b, "channels with scales of their own have int8 weights");
    quantise_ranges(&q);
    copy_inputs(&q);
    for (uint32_t i = 0; i < old->op_count && !b->problem; i++)
        if (takes_part(&q, &old->ops[i]))
            walks[asked->form](&q, &old->ops[i]);
        else
            keep_plain(&q, &old->ops[i]);
    copy_outputs(&q);
}
