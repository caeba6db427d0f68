/* What is known when the model is loaded, and operators that do nothing. */
#include "models/infer.h"
#include "models/lower_rules.h"

#include <string.h>

/* ---- constants ------------------------------------------------------------------------------- */

static const char *const never_folded[] = {
    "RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike",
    "Bernoulli",    "Multinomial",   "QuantizeLinear",   "DequantizeLinear",
};

static bool may_fold(const struct op *op) {
    for (size_t i = 0; i < sizeof never_folded / sizeof *never_folded; i++)
        if (strcmp(never_folded[i], op->type) == 0)
            return false;
    for (uint32_t a = 0; a < op->attribute_count; a++)
        if (op->attributes[a].kind == ATTRIBUTE_GRAPH)
            return false;
    return infer_is_known(op->domain, op->type);
}

static bool inputs_constant(const struct lower *l, int32_t op) {
    for (uint32_t i = 0; i < l->graph->ops[op].input_count; i++)
        if (lower_in(l, op, i) >= 0 && !lower_is_constant(l, lower_in(l, op, i)))
            return false;
    return true;
}

static bool outputs_known(const struct lower *l, int32_t op) {
    for (uint32_t k = 0; k < l->graph->ops[op].output_count; k++) {
        int32_t t = lower_out(l, op, k);
        if (t >= 0 && (l->graph->tensors[t].flags & TENSOR_OUTPUT ||
                       !tensor_is_static(&l->graph->tensors[t])))
            return false;
    }
    return true;
}

/* Shape and Size of a tensor whose sizes are all known. Single sizes of others are known too, by
 * inference, but the runtime does not use that. */
static bool asks_known_shape(const struct lower *l, int32_t op) {
    int32_t in = lower_in(l, op, 0);
    return (lower_is(l, op, ONNX, "Shape") || lower_is(l, op, ONNX, "Size")) && in >= 0 &&
           tensor_is_static(&l->graph->tensors[in]);
}

static bool fold_constant(struct lower *l, int32_t op) {
    if (!may_fold(lower_op(l, op)) || !outputs_known(l, op) ||
        (!inputs_constant(l, op) && !asks_known_shape(l, op)))
        return false;
    const struct op copy = *lower_op(l, op);
    lower_kill(l, op);
    for (uint32_t k = 0; k < copy.output_count; k++)
        if (copy.outputs[k] >= 0)
            lower_tensor(l, copy.outputs[k])->flags |= TENSOR_INITIALIZER;
    return true;
}

/* ---- equal constants ------------------------------------------------------------------------- */

enum { FILLS_LOOKED_AT = 512 };

static bool same_values(const struct tensor_values *a, const struct tensor_values *b) {
    if (!a || !b || a->count != b->count || !a->ints != !b->ints || !a->floats != !b->floats)
        return a == b;
    return a->ints ? memcmp(a->ints, b->ints, a->count * sizeof *a->ints) == 0
                   : memcmp(a->floats, b->floats, a->count * sizeof *a->floats) == 0;
}

static const struct tensor_values *fill_of(const struct lower *l, int32_t op) {
    const struct attribute *a = op_attribute(&l->graph->ops[op], "value");
    return a && a->kind == ATTRIBUTE_TENSOR ? l->graph->tensors[a->tensor].values : NULL;
}

/* ConstantOfShape with one value and one shape is one tensor: what reads either reads the same. */
static bool merge_fills(struct lower *l, int32_t op) {
    int32_t out = lower_out(l, op, 0), last = op > FILLS_LOOKED_AT ? op - FILLS_LOOKED_AT : 0;
    if (lower_is_output(l, out))
        return false;
    for (int32_t other = op - 1; other >= last; other--) {
        int32_t twin = lower_is(l, other, ONNX, "ConstantOfShape") ? lower_out(l, other, 0) : -1;
        if (twin < 0 || !lower_same_shape(l, twin, out) ||
            lower_tensor(l, twin)->dtype != lower_tensor(l, out)->dtype ||
            !same_values(fill_of(l, other), fill_of(l, op)))
            continue;
        lower_kill(l, op);
        lower_redirect(l, out, twin);
        return true;
    }
    return false;
}

/* ---- operators that do nothing --------------------------------------------------------------- */

static bool drop_identity(struct lower *l, int32_t op) {
    return lower_bypass(l, op);
}

/* Only in training does it drop anything. */
static bool drop_dropout(struct lower *l, int32_t op) {
    if (lower_use_count(l, lower_out(l, op, 1)) && lower_out(l, op, 1) >= 0)
        return false;
    double training;
    if (lower_in(l, op, 2) >= 0 &&
        (!lower_scalar(l, lower_in(l, op, 2), &training) || training != 0))
        return false;
    return lower_bypass(l, op);
}

static bool drop_cast(struct lower *l, int32_t op) {
    int32_t in = lower_in(l, op, 0), out = lower_out(l, op, 0);
    if (in < 0 || lower_tensor(l, in)->dtype != lower_tensor(l, out)->dtype)
        return false;
    return lower_bypass(l, op);
}

/* Expand, Slice, Tile, Pad that leave the shape as it is leave everything as it is. */
static bool drop_same_shape(struct lower *l, int32_t op) {
    int32_t in = lower_in(l, op, 0), out = lower_out(l, op, 0);
    if (in < 0 || !lower_same_shape(l, in, out) || lower_is_constant(l, in))
        return false;
    return lower_bypass(l, op);
}

static bool all_ints(const struct lower *l, int32_t tensor, int64_t low, int64_t high) {
    const struct tensor_values *v = tensor < 0 ? NULL : l->graph->tensors[tensor].values;
    for (uint64_t i = 0; v && v->ints && i < v->count; i++)
        if (v->ints[i] < low || v->ints[i] > high)
            return false;
    return v && v->ints && lower_is_constant(l, tensor);
}

/* From 0 to the end, or leaving the shape; a negative step reverses although the shape stays. */
static bool drop_slice(struct lower *l, int32_t op) {
    if (lower_in(l, op, 4) >= 0 && !all_ints(l, lower_in(l, op, 4), 1, INT64_MAX))
        return false;
    bool all = all_ints(l, lower_in(l, op, 1), 0, 0) &&
               all_ints(l, lower_in(l, op, 2), INT64_MAX, INT64_MAX) &&
               (lower_in(l, op, 4) < 0 || all_ints(l, lower_in(l, op, 4), 1, 1));
    return all ? lower_bypass(l, op) : drop_same_shape(l, op);
}

static const struct {
    const char *type;
    double neutral;
    bool either_side;
} neutrals[] = {
    {"Add", 0, true },
    {"Sub", 0, false},
    {"Mul", 1, true },
    {"Div", 1, false},
};

static bool keeps(struct lower *l, int32_t op, uint32_t side, double neutral) {
    double value;
    int32_t in = lower_in(l, op, 1 - side);
    if (!lower_scalar(l, lower_in(l, op, side), &value) || value != neutral || in < 0 ||
        !lower_same_shape(l, in, lower_out(l, op, 0)))
        return false;
    if (side == 0) {
        lower_set_input(l, op, 0, in);
        lower_set_input(l, op, 1, GRAPH_NONE);
    }
    return lower_bypass(l, op);
}

static bool drop_neutral(struct lower *l, int32_t op) {
    for (size_t i = 0; i < sizeof neutrals / sizeof *neutrals; i++)
        if (lower_is(l, op, ONNX, neutrals[i].type))
            return keeps(l, op, 1, neutrals[i].neutral) ||
                   (neutrals[i].either_side && keeps(l, op, 0, neutrals[i].neutral));
    return false;
}

/* Relu before a Clip whose lower limit is not negative. */
static bool drop_relu_before_clip(struct lower *l, int32_t op) {
    double low = -1;
    int32_t relu = lower_only_producer(l, lower_in(l, op, 0), ONNX, "Relu");
    if (relu < 0)
        return false;
    if (!lower_scalar(l, lower_in(l, op, 1), &low))
        low = (double)op_float(lower_op(l, op), "min", -1);
    return low >= 0 && lower_bypass(l, relu);
}

/* ---- the same thing twice -------------------------------------------------------------------- */

static bool same_attribute(const struct attribute *a, const struct attribute *b) {
    if (a->kind != b->kind || a->count != b->count)
        return false;
    switch (a->kind) {
    case ATTRIBUTE_INT:
        return a->i == b->i;
    case ATTRIBUTE_FLOAT:
        return a->f == b->f;
    case ATTRIBUTE_STRING:
        return strcmp(a->s, b->s) == 0;
    case ATTRIBUTE_INTS:
        return memcmp(a->ints, b->ints, a->count * sizeof *a->ints) == 0;
    case ATTRIBUTE_FLOATS:
        return memcmp(a->floats, b->floats, a->count * sizeof *a->floats) == 0;
    case ATTRIBUTE_TENSOR:
        return a->tensor == b->tensor;
    default:
        return false;
    }
}

/* No operator has more; each is looked for among all. */
enum { ATTRIBUTES_MAX = 64 };

static bool same_work(const struct op *a, const struct op *b) {
    if (a->attribute_count > ATTRIBUTES_MAX || strcmp(a->type, b->type) != 0 ||
        strcmp(a->domain, b->domain) != 0 || a->input_count != b->input_count ||
        a->output_count != b->output_count || a->attribute_count != b->attribute_count ||
        memcmp(a->inputs, b->inputs, a->input_count * sizeof *a->inputs) != 0)
        return false;
    for (uint32_t i = 0; i < a->attribute_count; i++) {
        const struct attribute *other = op_attribute(b, a->attributes[i].name);
        if (!other || !same_attribute(&a->attributes[i], other))
            return false;
    }
    return true;
}

enum { TWINS_LOOKED_AT = 64 };

static bool merge_twin(struct lower *l, int32_t op) {
    int32_t in = lower_in(l, op, 0), looked = 0;
    if (in < 0 || !may_fold(lower_op(l, op)))
        return false;
    for (uint32_t k = 0; k < lower_op(l, op)->output_count; k++)
        if (lower_is_output(l, lower_out(l, op, k)))
            return false;
    for (const struct use *u = l->uses[in]; u && looked < TWINS_LOOKED_AT; u = u->next, looked++) {
        if (u->op == op || u->slot != 0 || !same_work(lower_op(l, u->op), lower_op(l, op)))
            continue;
        int32_t twin = u->op;
        const struct op copy = *lower_op(l, op);
        lower_kill(l, op);
        for (uint32_t k = 0; k < copy.output_count; k++)
            if (copy.outputs[k] >= 0 && lower_out(l, twin, k) >= 0)
                lower_redirect(l, copy.outputs[k], lower_out(l, twin, k));
        return true;
    }
    return false;
}

const struct lower_rule lower_cleaning_rules[] = {
    {"fills",     "equal filled tensors are one",       "ConstantOfShape", merge_fills          },
    {"constants", "constant inputs give constants",     NULL,              fold_constant        },
    {"identity",  "goes",                               "Identity",        drop_identity        },
    {"dropout",   "nothing in inference",               "Dropout",         drop_dropout         },
    {"cast",      "to the type it has",                 "Cast",            drop_cast            },
    {"expand",    "to the shape it has",                "Expand",          drop_same_shape      },
    {"slice",     "that takes everything",              "Slice",           drop_slice           },
    {"neutral",   "x + 0, x - 0, x * 1, x / 1",         NULL,              drop_neutral         },
    {"relu-clip", "Relu before Clip from 0",            "Clip",            drop_relu_before_clip},
    {"twins",     "the same work is done once",         NULL,              merge_twin           },
    {"if",        "opened when the condition is known", "If",              lower_open_if        },
    {NULL,        NULL,                                 NULL,              NULL                 },
};
