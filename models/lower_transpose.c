/* Transposes: two in a row become one, and one that returns behind elementwise work is moved there
 * to meet its partner. */
#include "models/lower_rules.h"

#include <string.h>

struct perm {
    int32_t rank;
    int64_t axes[GRAPH_RANK_MAX];
};

static bool read_perm(const struct lower *l, int32_t op, struct perm *perm) {
    const struct attribute *a = op_attribute(&l->graph->ops[op], "perm");
    perm->rank = lower_rank(l, lower_in(l, op, 0));
    if (perm->rank < 1 || (a && (a->kind != ATTRIBUTE_INTS || a->count != (uint32_t)perm->rank)))
        return false;
    for (int32_t i = 0; i < perm->rank; i++)
        perm->axes[i] = a ? a->ints[i] : perm->rank - 1 - i;
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

static bool drop_no_transpose(struct lower *l, int32_t op) {
    struct perm perm;
    return read_perm(l, op, &perm) && is_identity(&perm) && lower_bypass(l, op);
}

static bool merge_transposes(struct lower *l, int32_t op) {
    int32_t first = lower_producer(l, lower_in(l, op, 0));
    struct perm a, b, both;
    if (!lower_is(l, first, ONNX, "Transpose") || !read_perm(l, first, &a) || !read_perm(l, op, &b))
        return false;
    both.rank = a.rank;
    for (int32_t i = 0; i < a.rank; i++)
        both.axes[i] = a.axes[b.axes[i]];
    lower_set_input(l, op, 0, lower_in(l, first, 0));
    lower_drop_attribute(l, op, "perm");
    graph_set_ints(l->graph, op, "perm", (uint32_t)both.rank, both.axes);
    return true;
}

/* ---- moving a transpose behind a region -------------------------------------------------------
 */

enum { REGION_MAX = 32 };

/* Operators between transposes of one kind and a transpose behind: they do not care about the
 * order of axes, but for attributes that name one. */
struct region {
    struct perm perm;
    int32_t ops[REGION_MAX];
    uint32_t count;
};

static const char *const agnostic[] = {"Add",   "Sub",  "Mul",     "Div",  "Neg", "Concat",
                                       "Split", "Relu", "Sigmoid", "Tanh", "Exp", "Sqrt"};

static bool is_agnostic(const struct lower *l, int32_t op) {
    for (size_t i = 0; i < sizeof agnostic / sizeof *agnostic; i++)
        if (lower_is(l, op, ONNX, agnostic[i]))
            return true;
    return false;
}

static bool in_region(const struct region *r, int32_t op) {
    for (uint32_t i = 0; i < r->count; i++)
        if (r->ops[i] == op)
            return true;
    return false;
}

/* Goes back from a tensor: everything must come from transposes of one perm, or be constant. */
static bool grow(struct lower *l, struct region *r, int32_t tensor) {
    int32_t op = lower_producer(l, tensor);
    struct perm perm;
    if (lower_is_constant(l, tensor))
        return true;
    if (op < 0 || lower_is_output(l, tensor))
        return false;
    if (lower_is(l, op, ONNX, "Transpose")) {
        if (!read_perm(l, op, &perm) || (r->perm.rank && !same_perm(&r->perm, &perm)))
            return false;
        r->perm = perm;
        return true;
    }
    if (in_region(r, op))
        return true;
    if (!is_agnostic(l, op) || r->count == REGION_MAX)
        return false;
    r->ops[r->count++] = op;
    uint32_t data_inputs = lower_is(l, op, ONNX, "Split") ? 1 : lower_op(l, op)->input_count;
    for (uint32_t i = 0; i < data_inputs; i++)
        if (lower_in(l, op, i) >= 0 && !grow(l, r, lower_in(l, op, i)))
            return false;
    return true;
}

/* Nobody outside may see the region's tensors, but for the transpose behind it. */
static bool is_closed(const struct lower *l, const struct region *r, int32_t behind) {
    for (uint32_t i = 0; i < r->count; i++)
        for (uint32_t k = 0; k < l->graph->ops[r->ops[i]].output_count; k++) {
            int32_t t = lower_out(l, r->ops[i], k);
            if (t < 0 || lower_is_output(l, t) || lower_rank(l, t) != r->perm.rank)
                return false;
            for (const struct use *u = l->uses[t]; u; u = u->next)
                if (u->op != behind && !in_region(r, u->op))
                    return false;
        }
    return true;
}

/* Sizes in the order before the transpose; a constant of lower rank is filled up with ones. */
static void untranspose(const struct lower *l, const struct perm *perm, int32_t tensor,
                        int64_t sizes[GRAPH_RANK_MAX]) {
    int32_t missing = perm->rank - lower_rank(l, tensor);
    for (int32_t i = 0; i < perm->rank; i++)
        sizes[perm->axes[i]] = i < missing ? 1 : lower_size(l, tensor, i - missing);
}

static int32_t untransposed_constant(struct lower *l, const struct perm *perm, int32_t tensor) {
    int64_t sizes[GRAPH_RANK_MAX];
    const struct tensor *t = lower_tensor(l, tensor);
    if (tensor_elements(t) == 1)
        return tensor;
    untranspose(l, perm, tensor, sizes);
    return lower_add_weight(l, lower_name(l, t->name, "_transposed"), t->dtype, perm->rank, sizes);
}

static void rewrite(struct lower *l, const struct region *r, int32_t op) {
    int64_t sizes[GRAPH_RANK_MAX];
    uint32_t data_inputs = lower_is(l, op, ONNX, "Split") ? 1 : lower_op(l, op)->input_count;
    for (uint32_t i = 0; i < data_inputs; i++) {
        int32_t t = lower_in(l, op, i), before = lower_producer(l, t);
        if (t >= 0 && lower_is_constant(l, t))
            lower_set_input(l, op, i, untransposed_constant(l, &r->perm, t));
        else if (lower_is(l, before, ONNX, "Transpose"))
            lower_set_input(l, op, i, lower_in(l, before, 0));
    }
    if (lower_is(l, op, ONNX, "Split") || lower_is(l, op, ONNX, "Concat")) {
        int64_t axis = op_int(lower_op(l, op), "axis", 0);
        axis += axis < 0 ? r->perm.rank : 0;
        lower_set_int(l, op, "axis", r->perm.axes[axis]);
    }
    for (uint32_t k = 0; k < lower_op(l, op)->output_count; k++) {
        untranspose(l, &r->perm, lower_out(l, op, k), sizes);
        graph_set_shape(l->graph, lower_out(l, op, k), r->perm.rank, sizes);
    }
}

static bool move_transpose_behind(struct lower *l, int32_t op) {
    struct region r = {.count = 0};
    struct perm own;
    int32_t in = lower_in(l, op, 0);
    if (in < 0 || !read_perm(l, op, &own) || !grow(l, &r, in) || r.count == 0 ||
        r.perm.rank != own.rank || !is_closed(l, &r, op))
        return false;
    for (uint32_t i = 0; i < r.count; i++)
        if (lower_is(l, r.ops[i], ONNX, "Split") || lower_is(l, r.ops[i], ONNX, "Concat")) {
            int64_t axis = op_int(lower_op(l, r.ops[i]), "axis", 0);
            if (axis < -r.perm.rank || axis >= r.perm.rank)
                return false;
        }
    for (uint32_t i = 0; i < r.count; i++)
        rewrite(l, &r, r.ops[i]);
    struct perm both = {.rank = own.rank};
    for (int32_t i = 0; i < own.rank; i++)
        both.axes[i] = r.perm.axes[own.axes[i]];
    lower_drop_attribute(l, op, "perm");
    graph_set_ints(l->graph, op, "perm", (uint32_t)both.rank, both.axes);
    return true;
}

const struct lower_rule lower_transpose_rules[] = {
    {"transpose-none",                      "Transpose that changes nothing", "Transpose", drop_no_transpose},
    {"transpose-twice",                          "two transposes in a row become one", "Transpose", merge_transposes},
    {"transpose-later",                                     "a transpose moves to its partner behind elementwise work", "Transpose",
     move_transpose_behind},
    {0}
};
