/* Convolutions on eight bits have their channels last. What stands between them joins when all
 * images it reads are so already; where other operators read, a Transpose stands. */
#include "models/lower_rules.h"

#include <string.h>

/* Looking ahead ends after so many operators too: their readers may be the same ones, again and
 * again. */
enum { IMAGE_RANK = 4, LOOK_AHEAD = 6, LOOKED_AT_MAX = 256 };

static const int64_t to_last[] = {0, 2, 3, 1}, to_first[] = {0, 3, 1, 2};

struct last {
    struct lower *l;
    int32_t *twin;    /* per plain tensor: its form with channels last, or GRAPH_NONE */
    bool *transposed; /* the twin is made from the plain tensor */
    uint32_t count;
};

static bool is_image(const struct last *b, int32_t tensor) {
    return tensor >= 0 && (uint32_t)tensor < b->count && lower_rank(b->l, tensor) == IMAGE_RANK;
}

static bool has_twin(const struct last *b, int32_t tensor) {
    return is_image(b, tensor) && b->twin[tensor] >= 0;
}

static int32_t make_twin(struct last *b, int32_t tensor) {
    const struct tensor *t = lower_tensor(b->l, tensor);
    int64_t sizes[IMAGE_RANK];
    for (int32_t i = 0; i < IMAGE_RANK; i++)
        sizes[i] = t->dims[to_last[i]].size;
    b->twin[tensor] =
        lower_add_tensor(b->l, lower_name(b->l, t->name, "_nhwc"), t->dtype, IMAGE_RANK, sizes);
    return b->twin[tensor];
}

static void transpose(struct last *b, int32_t from, int32_t to, const int64_t *perm) {
    const char *name = lower_name(b->l, lower_tensor(b->l, to)->name, "_Transpose");
    int32_t op = lower_add_op(b->l, name, "Transpose", ONNX);
    graph_set_ints(b->l->graph, op, "perm", IMAGE_RANK, perm);
    lower_set_inputs(b->l, op, 1, &from);
    graph_set_outputs(b->l->graph, op, 1, &to);
}

static int32_t last_form(struct last *b, int32_t tensor) {
    if (has_twin(b, tensor))
        return b->twin[tensor];
    int32_t twin = make_twin(b, tensor);
    transpose(b, tensor, twin, to_last);
    b->transposed[tensor] = true;
    return twin;
}

static void write_last(struct last *b, int32_t op) {
    lower_set_output(b->l, op, make_twin(b, lower_out(b->l, op, 0)));
}

static bool is_byte(const struct last *b, int32_t tensor) {
    return is_image(b, tensor) && lower_tensor(b->l, tensor)->dtype == DTYPE_UINT8;
}

/* ---- operators ------------------------------------------------------------------------------- */

static bool conv(struct last *b, int32_t op) {
    int32_t x = lower_in(b->l, op, 0);
    if (!is_byte(b, x) || !is_image(b, lower_out(b->l, op, 0)))
        return false;
    lower_set_input(b->l, op, 0, last_form(b, x));
    lower_retype(b->l, op, MICROSOFT, "QLinearConv");
    lower_set_int(b->l, op, "channels_last", 1);
    write_last(b, op);
    return true;
}

static bool joins_as_pool(struct last *b, int32_t op, const char *type) {
    int32_t x = lower_in(b->l, op, 0);
    if (!has_twin(b, x) || b->transposed[x] || !is_byte(b, x) ||
        !is_image(b, lower_out(b->l, op, 0)) || lower_op(b->l, op)->output_count > 1)
        return false;
    lower_set_input(b->l, op, 0, b->twin[x]);
    lower_retype(b->l, op, MICROSOFT, type);
    write_last(b, op);
    return true;
}

static bool max_pool(struct last *b, int32_t op) {
    return joins_as_pool(b, op, "NhwcMaxPool");
}

static bool average_pool(struct last *b, int32_t op) {
    if (!joins_as_pool(b, op, lower_op(b->l, op)->type))
        return false;
    lower_set_int(b->l, op, "channels_last", 1);
    return true;
}

/* Every image it reads has its channels last, and it reads no other tensor with axes. */
static bool all_last(const struct last *b, int32_t op) {
    bool any = false;
    for (uint32_t i = 0; i < lower_op(b->l, op)->input_count; i++) {
        int32_t t = lower_in(b->l, op, i);
        if (t < 0 || tensor_elements(lower_tensor(b->l, t)) == 1)
            continue;
        if (!has_twin(b, t) || b->transposed[t])
            return false;
        any = true;
    }
    return any && is_image(b, lower_out(b->l, op, 0));
}

static void join(struct last *b, int32_t op) {
    for (uint32_t i = 0; i < lower_op(b->l, op)->input_count; i++)
        if (has_twin(b, lower_in(b->l, op, i)))
            lower_set_input(b->l, op, i, b->twin[lower_in(b->l, op, i)]);
    write_last(b, op);
}

static bool leads_back(const struct last *b, int32_t tensor);

/* What two operators read is transposed once, unless transposes meet behind both. */
static bool elementwise(struct last *b, int32_t op) {
    if (!all_last(b, op) || (lower_use_count(b->l, lower_in(b->l, op, 0)) > 1 &&
                             !leads_back(b, lower_out(b->l, op, 0))))
        return false;
    join(b, op);
    return true;
}

static bool concat(struct last *b, int32_t op) {
    if (op_int(lower_op(b->l, op), "axis", 1) != 1 || !all_last(b, op))
        return false;
    join(b, op);
    lower_set_int(b->l, op, "axis", IMAGE_RANK - 1);
    return true;
}

/* Floating point between two operators on eight bits: worth it when transposes meet behind. */
static bool floating(struct last *b, int32_t op) {
    return leads_back(b, lower_out(b->l, op, 0)) && elementwise(b, op);
}

static const struct {
    const char *domain, *type;
    bool (*move)(struct last *b, int32_t op);
} rows[] = {
    {ONNX,      "QLinearConv",              conv        },
    {ONNX,      "MaxPool",                  max_pool    },
    {MICROSOFT, "QLinearAveragePool",       average_pool},
    {MICROSOFT, "QLinearGlobalAveragePool", average_pool},
    {MICROSOFT, "QLinearAdd",               elementwise },
    {MICROSOFT, "QLinearMul",               elementwise },
    {MICROSOFT, "QLinearSigmoid",           elementwise },
    {MICROSOFT, "QLinearLeakyRelu",         elementwise },
    {MICROSOFT, "QLinearConcat",            concat      },
    {ONNX,      "QuantizeLinear",           floating    },
    {ONNX,      "DequantizeLinear",         floating    },
    {ONNX,      "Add",                      floating    },
    {ONNX,      "Mul",                      floating    },
    {ONNX,      "Relu",                     floating    },
    {ONNX,      "Clip",                     floating    },
    {ONNX,      "Sigmoid",                  floating    },
    {ONNX,      "HardSigmoid",              floating    },
    {ONNX,      "HardSwish",                floating    },
    {ONNX,      "Tanh",                     floating    },
};

static bool (*move_of(const struct last *b, int32_t op))(struct last *b, int32_t op) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (lower_is(b->l, op, rows[i].domain, rows[i].type))
            return rows[i].move;
    return NULL;
}

static bool passes_back(const struct last *b, int32_t tensor, int depth, int *left) {
    if (depth == 0 || tensor < 0 || lower_is_output(b->l, tensor))
        return false;
    for (const struct use *use = b->l->uses[tensor]; use; use = use->next) {
        bool (*move)(struct last *, int32_t) = move_of(b, use->op);
        bool passes_on = move != conv && move != max_pool;
        if (!move || (*left)-- == 0 ||
            (passes_on && !passes_back(b, lower_out(b->l, use->op, 0), depth - 1, left)))
            return false;
    }
    return b->l->uses[tensor] != NULL;
}

/* All that read the tensor take channels last, or pass on to such. */
static bool leads_back(const struct last *b, int32_t tensor) {
    int left = LOOKED_AT_MAX;
    return passes_back(b, tensor, LOOK_AHEAD, &left);
}

void lower_to_nhwc(struct lower *l) {
    struct last b = {.l = l, .count = l->graph->tensor_count};
    b.twin = ARENA_ARRAY(l->arena, b.count, int32_t);
    b.transposed = ARENA_ARRAY(l->arena, b.count, bool);
    for (uint32_t t = 0; t < b.count; t++)
        b.twin[t] = GRAPH_NONE;
    int32_t ops = (int32_t)l->graph->op_count;
    for (int32_t i = 0; i < ops; i++) {
        bool (*move)(struct last *, int32_t) = l->dead[i] ? NULL : move_of(&b, i);
        if (move)
            move(&b, i);
    }
    for (uint32_t t = 0; t < b.count; t++)
        if (b.twin[t] >= 0 && !b.transposed[t] && lower_use_count(l, (int32_t)t))
            transpose(&b, b.twin[t], (int32_t)t, to_first);
}
