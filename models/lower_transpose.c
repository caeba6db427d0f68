/* Transposes are moved behind the operators that read them where that brings them together with
 * others, so that they cancel. The rule of ONNX Runtime's transpose optimiser: walking in order, a
 * transpose before an operator moves behind it when the inputs then need fewer (a transpose counts
 * as many as its tensor has axes longer than 1), and the outputs lead to another transpose or gain
 * less. */
#include "models/lower_rules.h"

#include <string.h>

struct perm {
    int32_t rank;
    int64_t axes[GRAPH_RANK_MAX];
};

/* ---- permutations ---------------------------------------------------------------------------- */

static bool read_perm(const struct lower *l, int32_t op, struct perm *perm) {
    const struct attribute *a = op_attribute(&l->graph->ops[op], "perm");
    perm->rank = lower_rank(l, lower_in(l, op, 0));
    if (perm->rank < 1 || (a && (a->kind != ATTRIBUTE_INTS || a->count != (uint32_t)perm->rank)))
        return false;
    uint64_t seen = 0;
    for (int32_t i = 0; i < perm->rank; i++) {
        perm->axes[i] = a ? a->ints[i] : perm->rank - 1 - i;
        if (perm->axes[i] < 0 || perm->axes[i] >= perm->rank || seen >> perm->axes[i] & 1)
            return false;
        seen |= UINT64_C(1) << perm->axes[i];
    }
    return true;
}

static bool same_perm(const struct perm *a, const struct perm *b) {
    return a->rank == b->rank && memcmp(a->axes, b->axes, (size_t)a->rank * sizeof *a->axes) == 0;
}

static bool is_identity(const struct perm *perm) {
    for (int32_t i = 0; i < perm->rank; i++)
        if (perm->axes[i] != i)
            return false;
    return true;
}

static struct perm inverse(const struct perm *perm) {
    struct perm result = {.rank = perm->rank};
    for (int32_t i = 0; i < perm->rank; i++)
        result.axes[perm->axes[i]] = i;
    return result;
}

/* First a, then b. */
static struct perm compose(const struct perm *a, const struct perm *b) {
    struct perm result = {.rank = a->rank};
    for (int32_t i = 0; i < a->rank; i++)
        result.axes[i] = a->axes[b->axes[i]];
    return result;
}

/* What is left of a permutation when the marked axes (of its result) are gone. */
static struct perm without_axes(const struct perm *perm, const bool gone[GRAPH_RANK_MAX]) {
    struct perm result = {.rank = 0};
    for (int32_t i = 0; i < perm->rank; i++) {
        int64_t place = perm->axes[i];
        if (gone[i])
            continue;
        for (int32_t k = 0; k < perm->rank; k++)
            place -= gone[k] && perm->axes[k] < perm->axes[i];
        result.axes[result.rank++] = place;
    }
    return result;
}

/* ---- which operators let a transpose through --------------------------------------------------
 */

enum passing {
    PASS_FIRST,     /* input 0 matters, axes do not */
    PASS_ALL,       /* all inputs, broadcast together */
    PASS_AXIS,      /* input 0 and attribute axis */
    PASS_CONCAT,    /* all inputs and attribute axis */
    PASS_AXES,      /* input 0 and a list of axes, which stay */
    PASS_SQUEEZE,   /* input 0 and a list of axes, which go */
    PASS_GATHER,    /* input 0 and one axis, which goes */
    PASS_TRANSPOSE, /* meets another one */
};

static const struct {
    const char *type;
    enum passing passing;
    uint32_t axes_input; /* of PASS_AXES, PASS_SQUEEZE: where newer opsets have the list */
} passers[] = {
    {"Transpose",   PASS_TRANSPOSE, 0},
    {"Add",         PASS_ALL,       0},
    {"Sub",         PASS_ALL,       0},
    {"Mul",         PASS_ALL,       0},
    {"Div",         PASS_ALL,       0},
    {"Pow",         PASS_ALL,       0},
    {"Max",         PASS_ALL,       0},
    {"Min",         PASS_ALL,       0},
    {"Sum",         PASS_ALL,       0},
    {"Where",       PASS_ALL,       0},
    {"Equal",       PASS_ALL,       0},
    {"Less",        PASS_ALL,       0},
    {"Greater",     PASS_ALL,       0},
    {"And",         PASS_ALL,       0},
    {"Or",          PASS_ALL,       0},
    {"Cast",        PASS_FIRST,     0},
    {"Clip",        PASS_FIRST,     0},
    {"Exp",         PASS_FIRST,     0},
    {"Log",         PASS_FIRST,     0},
    {"Relu",        PASS_FIRST,     0},
    {"LeakyRelu",   PASS_FIRST,     0},
    {"Sigmoid",     PASS_FIRST,     0},
    {"HardSigmoid", PASS_FIRST,     0},
    {"HardSwish",   PASS_FIRST,     0},
    {"Softplus",    PASS_FIRST,     0},
    {"Tanh",        PASS_FIRST,     0},
    {"Erf",         PASS_FIRST,     0},
    {"Sqrt",        PASS_FIRST,     0},
    {"Reciprocal",  PASS_FIRST,     0},
    {"Abs",         PASS_FIRST,     0},
    {"Neg",         PASS_FIRST,     0},
    {"Not",         PASS_FIRST,     0},
    {"Sin",         PASS_FIRST,     0},
    {"Cos",         PASS_FIRST,     0},
    {"Concat",      PASS_CONCAT,    0},
    {"Split",       PASS_AXIS,      0},
    {"Softmax",     PASS_AXIS,      0},
    {"LogSoftmax",  PASS_AXIS,      0},
    {"ReduceMean",  PASS_AXES,      1},
    {"ReduceSum",   PASS_AXES,      1},
    {"ReduceMax",   PASS_AXES,      1},
    {"Squeeze",     PASS_SQUEEZE,   1},
    {"Gather",      PASS_GATHER,    0},
};
enum { PASSER_COUNT = sizeof passers / sizeof *passers };

static int find_passer(const struct lower *l, int32_t op) {
    for (int i = 0; i < PASSER_COUNT; i++)
        if (lower_is(l, op, ONNX, passers[i].type))
            return i;
    return -1;
}

static uint32_t data_inputs(const struct lower *l, int32_t op, int passer) {
    enum passing passing = passers[passer].passing;
    return passing == PASS_ALL || passing == PASS_CONCAT ? l->graph->ops[op].input_count : 1;
}

/* ---- cost ------------------------------------------------------------------------------------ */

static int32_t long_axes(const struct lower *l, int32_t tensor) {
    int32_t count = 0;
    for (int32_t i = 0; i < lower_rank(l, tensor); i++)
        count += lower_size(l, tensor, i) != 1;
    return count;
}

/* What has more readers is left as it is: each of them asks about all. */
enum { READERS_LOOKED_AT = 64 };

static bool everyone_lets_through(const struct lower *l, int32_t tensor) {
    if (lower_is_output(l, tensor) || lower_use_count(l, tensor) > READERS_LOOKED_AT)
        return false;
    for (const struct use *u = l->uses[tensor]; u; u = u->next)
        if (find_passer(l, u->op) < 0)
            return false;
    return true;
}

static int32_t input_cost(const struct lower *l, int32_t tensor, const struct perm *perm) {
    int32_t producer = lower_producer(l, tensor);
    struct perm other;
    if (tensor < 0 || lower_is_constant(l, tensor))
        return 0;
    if (!lower_is(l, producer, ONNX, "Transpose") || !read_perm(l, producer, &other))
        return long_axes(l, tensor);
    return same_perm(&other, perm) && everyone_lets_through(l, tensor) ? -long_axes(l, tensor) : 0;
}

static bool is_worth_it(const struct lower *l, int32_t op, int passer, const struct perm *perm,
                        const bool *leading) {
    int32_t cost = 0, gain = 0;
    bool leads = false;
    for (uint32_t i = 0; i < data_inputs(l, op, passer); i++)
        cost += input_cost(l, lower_in(l, op, i), perm);
    for (uint32_t k = 0; k < l->graph->ops[op].output_count; k++) {
        int32_t t = lower_out(l, op, k);
        if (t < 0)
            continue;
        gain = long_axes(l, t) > gain ? long_axes(l, t) : gain;
        leads = leads || leading[t];
    }
    return cost < 0 && (leads || cost + gain < 0);
}

/* Tensors from which a transpose is reached through operators that let one through. */
static bool *find_leading(struct lower *l) {
    bool *leading = ARENA_ARRAY(l->arena, l->graph->tensor_count, bool);
    for (int32_t i = (int32_t)l->graph->op_count - 1; i >= 0; i--) {
        int passer = find_passer(l, i);
        if (passer < 0)
            continue;
        bool leads = passers[passer].passing == PASS_TRANSPOSE;
        for (uint32_t k = 0; k < l->graph->ops[i].output_count; k++)
            leads = leads || (lower_out(l, i, k) >= 0 && leading[lower_out(l, i, k)]);
        for (uint32_t k = 0; leads && k < data_inputs(l, i, passer); k++)
            if (lower_in(l, i, k) >= 0)
                leading[lower_in(l, i, k)] = true;
    }
    return leading;
}

/* ---- moving ---------------------------------------------------------------------------------- */

/* Sizes before the permutation; a constant of lower rank is filled up with ones in front. */
static void sizes_before(const struct lower *l, const struct perm *perm, int32_t tensor,
                         int64_t sizes[GRAPH_RANK_MAX]) {
    int32_t missing = perm->rank - lower_rank(l, tensor);
    for (int32_t i = 0; i < perm->rank; i++)
        sizes[perm->axes[i]] = i < missing ? 1 : lower_size(l, tensor, i - missing);
}

static int32_t add_transpose(struct lower *l, int32_t in, int32_t out, const struct perm *perm) {
    int32_t op =
        lower_add_op(l, lower_name(l, lower_tensor(l, out)->name, "_Transpose"), "Transpose", ONNX);
    graph_set_ints(l->graph, op, "perm", (uint32_t)perm->rank, perm->axes);
    lower_set_inputs(l, op, 1, &in);
    graph_set_outputs(l->graph, op, 1, &out);
    return out;
}

/* The tensor as it is before `perm`: what the transpose reads, or transposed back. */
static int32_t untransposed(struct lower *l, int32_t tensor, const struct perm *perm) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t producer = lower_producer(l, tensor);
    const struct tensor *t = lower_tensor(l, tensor);
    struct perm other, back = inverse(perm);
    if (lower_is_constant(l, tensor) && tensor_elements(t) == 1)
        return tensor;
    sizes_before(l, perm, tensor, sizes);
    if (lower_is_constant(l, tensor))
        return lower_add_weight(l, lower_name(l, t->name, "_transposed"), t->dtype, perm->rank,
                                sizes);
    if (lower_is(l, producer, ONNX, "Transpose") && read_perm(l, producer, &other)) {
        back = compose(&other, &back);
        tensor = lower_in(l, producer, 0);
        if (is_identity(&back))
            return tensor;
    }
    int32_t out =
        lower_add_tensor(l, lower_name(l, t->name, "_untransposed"), t->dtype, perm->rank, sizes);
    return add_transpose(l, tensor, out, &back);
}

static bool read_axes(const struct lower *l, int32_t op, uint32_t input, int32_t rank,
                      bool marked[GRAPH_RANK_MAX]) {
    const struct attribute *a = op_attribute(&l->graph->ops[op], "axes");
    int32_t t = lower_in(l, op, input);
    const struct tensor_values *v = t < 0 ? NULL : l->graph->tensors[t].values;
    bool listed = a && a->kind == ATTRIBUTE_INTS;
    const int64_t *axes = listed ? a->ints : v ? v->ints : NULL;
    uint64_t count = listed ? a->count : v ? v->count : 0;
    memset(marked, 0, GRAPH_RANK_MAX * sizeof *marked);
    for (uint64_t i = 0; axes && i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank)
            return false;
        marked[axis] = true;
    }
    return axes && count > 0;
}

static void write_axes(struct lower *l, int32_t op, uint32_t input, const struct perm *perm,
                       const bool marked[GRAPH_RANK_MAX]) {
    int64_t axes[GRAPH_RANK_MAX];
    uint32_t count = 0;
    for (int32_t i = 0; i < perm->rank; i++)
        if (marked[i])
            axes[count++] = perm->axes[i];
    if (op_attribute(lower_op(l, op), "axes")) {
        lower_drop_attribute(l, op, "axes");
        graph_set_ints(l->graph, op, "axes", count, axes);
    } else {
        lower_set_input(
            l, op, input,
            lower_add_ints(l, lower_name(l, lower_op(l, op)->name, "_axes"), count, axes));
    }
}

/* Changes what names axes; `out` is the permutation of the outputs. False: cannot pass. */
static bool adapt_axes(struct lower *l, int32_t op, int passer, const struct perm *perm,
                       struct perm *out) {
    bool marked[GRAPH_RANK_MAX] = {false};
    uint32_t input = passers[passer].axes_input;
    enum passing passing = passers[passer].passing;
    int64_t axis =
        op_int(lower_op(l, op), "axis",
               passing == PASS_AXIS && input == 0 && !lower_is(l, op, ONNX, "Split") ? -1 : 0);
    *out = *perm;
    if (passing == PASS_AXIS || passing == PASS_CONCAT || passing == PASS_GATHER) {
        axis += axis < 0 ? perm->rank : 0;
        if (axis < 0 || axis >= perm->rank ||
            (passing == PASS_GATHER && lower_rank(l, lower_in(l, op, 1)) != 0))
            return false;
        lower_set_int(l, op, "axis", perm->axes[axis]);
        marked[axis] = true;
    }
    if (passing == PASS_AXES || passing == PASS_SQUEEZE) {
        if (!read_axes(l, op, input, perm->rank, marked))
            return false;
        write_axes(l, op, input, perm, marked);
    }
    if (passing == PASS_GATHER || passing == PASS_SQUEEZE ||
        (passing == PASS_AXES && !op_int(lower_op(l, op), "keepdims", 1)))
        *out = without_axes(perm, marked);
    return true;
}

static bool ranks_allow(const struct lower *l, int32_t op, int passer, int32_t rank) {
    for (uint32_t i = 0; i < data_inputs(l, op, passer); i++) {
        int32_t t = lower_in(l, op, i);
        if (t >= 0 && lower_rank(l, t) != rank &&
            (!lower_is_constant(l, t) || lower_rank(l, t) > rank))
            return false;
    }
    for (uint32_t k = 0; k < l->graph->ops[op].output_count; k++)
        if (lower_out(l, op, k) >= 0 && !tensor_is_static(&l->graph->tensors[lower_out(l, op, k)]))
            return false;
    return true;
}

static bool move_behind(struct lower *l, int32_t op, int passer, const struct perm *perm) {
    struct perm out;
    int64_t sizes[GRAPH_RANK_MAX];
    if (!ranks_allow(l, op, passer, perm->rank) || !adapt_axes(l, op, passer, perm, &out))
        return false;
    for (uint32_t i = 0; i < data_inputs(l, op, passer); i++)
        if (lower_in(l, op, i) >= 0)
            lower_set_input(l, op, i, untransposed(l, lower_in(l, op, i), perm));
    for (uint32_t k = 0; k < lower_op(l, op)->output_count; k++) {
        int32_t t = lower_out(l, op, k);
        if (t < 0)
            continue;
        sizes_before(l, &out, t, sizes);
        int32_t inner = lower_add_tensor(l, lower_name(l, lower_tensor(l, t)->name, "_inner"),
                                         lower_tensor(l, t)->dtype, out.rank, sizes);
        lower_op(l, op)->outputs[k] = inner;
        lower_tensor(l, inner)->producer = op;
        add_transpose(l, inner, t, &out);
    }
    return true;
}

/* Two transposes become one, or none. */
static bool meet(struct lower *l, int32_t op, int32_t first, const struct perm *perm) {
    struct perm own;
    if (!read_perm(l, op, &own) || own.rank != perm->rank)
        return false;
    struct perm both = compose(perm, &own);
    lower_set_input(l, op, 0, lower_in(l, first, 0));
    if (is_identity(&both) && lower_bypass(l, op))
        return true;
    lower_drop_attribute(l, op, "perm");
    graph_set_ints(l->graph, op, "perm", (uint32_t)both.rank, both.axes);
    return true;
}

static bool try_input(struct lower *l, int32_t op, int passer, int32_t tensor,
                      const bool *leading) {
    int32_t transpose = lower_producer(l, tensor);
    struct perm perm;
    if (!lower_is(l, transpose, ONNX, "Transpose") || !read_perm(l, transpose, &perm))
        return false;
    if (passers[passer].passing == PASS_TRANSPOSE)
        return meet(l, op, transpose, &perm);
    return is_worth_it(l, op, passer, &perm, leading) && move_behind(l, op, passer, &perm);
}

void lower_move_transposes(struct lower *l) {
    bool *leading = find_leading(l);
    int32_t ops = (int32_t)l->graph->op_count;
    for (int32_t i = 0; i < ops; i++) {
        int passer = l->dead[i] ? -1 : find_passer(l, i);
        struct perm perm;
        if (passer >= 0 && passers[passer].passing == PASS_TRANSPOSE && read_perm(l, i, &perm) &&
            is_identity(&perm) && lower_bypass(l, i))
            continue;
        for (uint32_t k = 0; passer >= 0 && k < data_inputs(l, i, passer); k++)
            if (lower_in(l, i, k) >= 0 && try_input(l, i, passer, lower_in(l, i, k), leading))
                break;
    }
}
