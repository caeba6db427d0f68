/* Formulas that exporters spell out, and the runtime has one operator for. */
#include "models/lower_rules.h"

#include <string.h>

/* Formulas are recognised from a telling operator inside; `from` is what they read. */

/* The only reader of the tensor, when it is of that type. */
static int32_t next_is(const struct lower *l, int32_t tensor, const char *type) {
    int32_t op = lower_sole_reader(l, tensor);
    return lower_is(l, op, ONNX, type) ? op : GRAPH_NONE;
}

static int32_t before_is(const struct lower *l, int32_t tensor, const char *type) {
    int32_t op = lower_producer(l, tensor);
    return lower_is(l, op, ONNX, type) ? op : GRAPH_NONE;
}

/* The operand of a commutative operator beside a constant number (within 0.1 %). */
static int32_t beside_number(const struct lower *l, int32_t op, double number) {
    for (uint32_t side = 0; op >= 0 && side < 2; side++)
        if (lower_scalar_is(l, lower_in(l, op, side), number))
            return lower_in(l, op, 1 - side);
    return GRAPH_NONE;
}

static bool reads(const struct lower *l, int32_t op, int32_t tensor) {
    return lower_in(l, op, 0) == tensor || lower_in(l, op, 1) == tensor;
}

/* The formula ends with `last`: one operator takes its place. What is left is unused and goes. */
static void become(struct lower *l, int32_t last, const char *domain, const char *type,
                   uint32_t count, const int32_t *inputs) {
    lower_op(l, last)->attribute_count = 0;
    lower_set_inputs(l, last, count, inputs);
    lower_retype(l, last, domain, type);
}

/* ---- x * sigmoid(alpha * x) ------------------------------------------------------------------ */

static bool find_quick_gelu(struct lower *l, int32_t op) {
    int32_t in = lower_in(l, op, 0), mul = next_is(l, lower_out(l, op, 0), "Mul");
    double alpha = 1;
    if (mul < 0 || !lower_is_float(l, in))
        return false;
    int32_t x = lower_other_input(l, mul, lower_out(l, op, 0));
    int32_t scale = lower_only_producer(l, in, ONNX, "Mul");
    if (x != in) {
        if (scale < 0 || !reads(l, scale, x) ||
            !lower_scalar(l, lower_other_input(l, scale, x), &alpha))
            return false;
    }
    become(l, mul, MICROSOFT, "QuickGelu", 1, &x);
    graph_set_float(l->graph, mul, "alpha", (float)alpha);
    return true;
}

/* ---- 0.5 * x * (1 + f) ----------------------------------------------------------------------- */

/* From f: finds the last operator of 0.5 * x * (1 + f), in any grouping. */
static int32_t half_of_one_plus(const struct lower *l, int32_t f, int32_t x) {
    int32_t add = next_is(l, f, "Add");
    if (add < 0 || beside_number(l, add, 1) != f)
        return GRAPH_NONE;
    int32_t sum = lower_out(l, add, 0), mul = next_is(l, sum, "Mul");
    if (mul < 0)
        return GRAPH_NONE;
    int32_t other = lower_other_input(l, mul, sum);
    if (beside_number(l, before_is(l, other, "Mul"), 0.5) == x) /* (0.5 x) (1 + f) */
        return mul;
    int32_t product = lower_out(l, mul, 0), last = next_is(l, product, "Mul");
    if (other == x && last >= 0 && beside_number(l, last, 0.5) == product) /* 0.5 (x (1 + f)) */
        return last;
    if (beside_number(l, mul, 0.5) == sum && last >= 0 &&
        lower_other_input(l, last, product) == x) /* x (0.5 (1 + f)) */
        return last;
    return GRAPH_NONE;
}

/* erf(x / sqrt(2)) */
static bool find_gelu(struct lower *l, int32_t op) {
    int32_t in = lower_in(l, op, 0), div = before_is(l, in, "Div"), x = GRAPH_NONE;
    if (div >= 0 && lower_scalar_is(l, lower_in(l, div, 1), 1.41421356))
        x = lower_in(l, div, 0);
    else
        x = beside_number(l, before_is(l, in, "Mul"), 0.70710678);
    int32_t last = x < 0 ? GRAPH_NONE : half_of_one_plus(l, lower_out(l, op, 0), x);
    if (last < 0 || !lower_is_float(l, x))
        return false;
    become(l, last, MICROSOFT, "Gelu", 1, &x);
    return true;
}

/* x^3, as Pow or as products. */
static int32_t cube_of(const struct lower *l, int32_t tensor) {
    int32_t pow = before_is(l, tensor, "Pow"), mul = before_is(l, tensor, "Mul");
    if (pow >= 0 && lower_scalar_is(l, lower_in(l, pow, 1), 3))
        return lower_in(l, pow, 0);
    for (uint32_t side = 0; mul >= 0 && side < 2; side++) {
        int32_t square = before_is(l, lower_in(l, mul, side), "Mul"),
                x = lower_in(l, mul, 1 - side);
        if (square >= 0 && lower_in(l, square, 0) == x && lower_in(l, square, 1) == x)
            return x;
    }
    return GRAPH_NONE;
}

/* sqrt(2 / pi) * (x + 0.044715 x^3) */
static bool find_fast_gelu(struct lower *l, int32_t op) {
    int32_t scaled = beside_number(l, before_is(l, lower_in(l, op, 0), "Mul"), 0.79788456);
    int32_t add = before_is(l, scaled, "Add");
    for (uint32_t side = 0; add >= 0 && side < 2; side++) {
        int32_t x = lower_in(l, add, side);
        int32_t cube = beside_number(l, before_is(l, lower_in(l, add, 1 - side), "Mul"), 0.044715);
        if (x < 0 || cube < 0 || cube_of(l, cube) != x)
            continue;
        int32_t last = half_of_one_plus(l, lower_out(l, op, 0), x);
        if (last < 0)
            continue;
        become(l, last, MICROSOFT, "FastGelu", 1, &x);
        return true;
    }
    return false;
}

/* ---- normalisations -------------------------------------------------------------------------- */

static bool over_last_axis(const struct lower *l, int32_t op) {
    const struct attribute *a = op_attribute(&l->graph->ops[op], "axes");
    int32_t input = lower_in(l, op, 1), rank = lower_rank(l, lower_in(l, op, 0));
    const struct tensor_values *v = input < 0 ? NULL : l->graph->tensors[input].values;
    int64_t axis = 0;
    if (a && a->kind == ATTRIBUTE_INTS && a->count == 1)
        axis = a->ints[0];
    else if (v && v->ints && v->count == 1)
        axis = v->ints[0];
    else
        return false;
    return rank > 0 && (axis == -1 || axis == rank - 1) &&
           op_int(&l->graph->ops[op], "keepdims", 1) == 1;
}

/* What is squared: Pow(x, 2) or x * x. */
static int32_t square_of(const struct lower *l, int32_t tensor) {
    int32_t pow = before_is(l, tensor, "Pow"), mul = before_is(l, tensor, "Mul");
    if (pow >= 0 && lower_scalar_is(l, lower_in(l, pow, 1), 2))
        return lower_in(l, pow, 0);
    return mul >= 0 && lower_in(l, mul, 0) == lower_in(l, mul, 1) ? lower_in(l, mul, 0)
                                                                  : GRAPH_NONE;
}

/* sqrt(mean(x^2) + epsilon) over the last axis: gives x. */
static int32_t root_mean_square(const struct lower *l, int32_t tensor, double *epsilon) {
    int32_t sqrt = before_is(l, tensor, "Sqrt");
    int32_t add = sqrt < 0 ? GRAPH_NONE : before_is(l, lower_in(l, sqrt, 0), "Add");
    for (uint32_t side = 0; add >= 0 && side < 2; side++) {
        int32_t mean = before_is(l, lower_in(l, add, side), "ReduceMean");
        if (mean >= 0 && over_last_axis(l, mean) &&
            lower_scalar(l, lower_in(l, add, 1 - side), epsilon))
            return square_of(l, lower_in(l, mean, 0));
    }
    return GRAPH_NONE;
}

/* The operator behind that has a constant vector of the last axis as other operand. */
static int32_t vector_behind(const struct lower *l, int32_t tensor, const char *type, int32_t x,
                             int32_t *vector) {
    int32_t op = next_is(l, tensor, type);
    if (op < 0)
        return GRAPH_NONE;
    *vector = lower_other_input(l, op, tensor);
    return lower_is_constant(l, *vector) && lower_rank(l, *vector) == 1 &&
                   lower_size(l, *vector, 0) == lower_size(l, x, -1)
               ? op
               : GRAPH_NONE;
}

/* x / sqrt(...), or x * (1 / sqrt(...)): what is divided, and the root. */
static bool read_quotient(const struct lower *l, int32_t op, int32_t *x, int32_t *root) {
    if (lower_is(l, op, ONNX, "Div")) {
        *x = lower_in(l, op, 0);
        *root = lower_in(l, op, 1);
        return true;
    }
    for (uint32_t side = 0; lower_is(l, op, ONNX, "Mul") && side < 2; side++) {
        int32_t inverse = before_is(l, lower_in(l, op, side), "Reciprocal");
        int32_t div = before_is(l, lower_in(l, op, side), "Div");
        *x = lower_in(l, op, 1 - side);
        if (inverse >= 0)
            *root = lower_in(l, inverse, 0);
        else if (div >= 0 && lower_scalar_is(l, lower_in(l, div, 0), 1))
            *root = lower_in(l, div, 1);
        else
            continue;
        return true;
    }
    return false;
}

static void set_normalization(struct lower *l, int32_t op, double epsilon) {
    graph_set_int(l->graph, op, "axis", -1);
    graph_set_float(l->graph, op, "epsilon", (float)epsilon);
    graph_set_int(l->graph, op, "stash_type", DTYPE_FLOAT32);
}

/* x / sqrt(mean(x^2) + epsilon) * scale; when x is y - mean(y): LayerNormalization of y, + bias. */
static bool find_layer_norm(struct lower *l, int32_t op) {
    int32_t x, root, scale = GRAPH_NONE, bias = GRAPH_NONE;
    double epsilon;
    if (!read_quotient(l, op, &x, &root) || x < 0 || !lower_is_float(l, x) ||
        root_mean_square(l, root, &epsilon) != x)
        return false;
    int32_t mul = vector_behind(l, lower_out(l, op, 0), "Mul", x, &scale);
    if (mul < 0)
        return false;
    int32_t sub = before_is(l, x, "Sub"), mean = GRAPH_NONE;
    if (sub >= 0)
        mean = before_is(l, lower_in(l, sub, 1), "ReduceMean");
    bool centred =
        mean >= 0 && over_last_axis(l, mean) && lower_in(l, mean, 0) == lower_in(l, sub, 0);
    int32_t add = centred ? vector_behind(l, lower_out(l, mul, 0), "Add", x, &bias) : GRAPH_NONE;
    if (centred && add < 0)
        return false;
    if (centred)
        become(l, add, ONNX, "LayerNormalization", 3,
               (int32_t[]){lower_in(l, sub, 0), scale, bias});
    else
        become(l, mul, ONNX, "SimplifiedLayerNormalization", 2, (int32_t[]){x, scale});
    set_normalization(l, centred ? add : mul, epsilon);
    return true;
}

const struct lower_rule lower_pattern_rules[] = {
    {"gelu",       "0.5 x (1 + erf(x / sqrt 2))",      "Erf",     find_gelu      },
    {"fast-gelu",  "0.5 x (1 + tanh(...))",            "Tanh",    find_fast_gelu },
    {"quick-gelu", "x sigmoid(alpha x)",               "Sigmoid", find_quick_gelu},
    {"layer-norm", "normalisation over the last axis", NULL,      find_layer_norm},
    {NULL,         NULL,                               NULL,      NULL           },
};
