/* Values of small constants, computed where shapes may depend on them: what moves elements.
 *
 * An element may be the size of a symbolic dimension; moving keeps it, computing loses it. */
#include "models/infer_ops.h"

#include <math.h>
#include <string.h>

static struct element known_int(int64_t value) {
    return (struct element){{value}, GRAPH_NO_SYMBOL, true};
}

void fold_copy(struct infer *run) {
    const struct constant *x = infer_constant(run, 0);
    struct constant *y = x ? infer_fold_output(run, 0) : NULL;
    if (!y || y->count != x->count || y->floating != x->floating)
        return;
    for (uint32_t i = 0; i < y->count; i++)
        y->elements[i] = x->elements[i];
}

void fold_shape(struct infer *run) {
    struct shape x = infer_in(run, 0);
    struct constant *y = x.rank >= 0 ? infer_fold_output(run, 0) : NULL;
    int64_t start = op_int(run->op, "start", 0);
    start = start < 0 ? start + x.rank : start;
    start = start < 0 ? 0 : start;
    for (uint32_t i = 0; y && i < y->count && start + i < x.rank; i++) {
        struct dim dim = x.dims[start + i];
        y->elements[i] =
            dim_known(dim) ? known_int(dim.size) : (struct element){{0}, dim.symbol, false};
    }
}

void fold_size(struct infer *run) {
    struct shape x = infer_in(run, 0);
    int64_t elements = shape_elements(&x);
    struct constant *y = elements >= 0 ? infer_fold_output(run, 0) : NULL;
    if (y)
        y->elements[0] = known_int(elements);
}

static void fill_from_tensor(struct constant *y, const struct tensor *tensor) {
    const struct tensor_values *v = tensor->values;
    if (!v || v->count == 0 || (y->floating ? !v->floats : !v->ints))
        return;
    for (uint32_t i = 0; i < y->count; i++) {
        uint64_t from = v->count == 1 ? 0 : i; /* one value fills all */
        if (from >= v->count)
            return;
        y->elements[i].known = true;
        if (y->floating)
            y->elements[i].f = v->floats[from];
        else
            y->elements[i].i = v->ints[from];
    }
}

static const struct tensor *value_attribute(const struct infer *run) {
    const struct attribute *a = op_attribute(run->op, "value");
    bool usable = a && a->kind == ATTRIBUTE_TENSOR && a->tensor >= 0 &&
                  (uint32_t)a->tensor < run->graph->tensor_count;
    return usable ? &run->graph->tensors[a->tensor] : NULL;
}

/* The other forms of Constant: numbers in attributes. */
static void fill_from_attributes(const struct infer *run, struct constant *y) {
    const struct attribute *one = op_attribute(run->op, "value_int");
    const struct attribute *many = op_attribute(run->op, "value_ints");
    const struct attribute *real = op_attribute(run->op, "value_float");
    const struct attribute *reals = op_attribute(run->op, "value_floats");
    for (uint32_t i = 0; i < y->count; i++) {
        struct element *e = &y->elements[i];
        e->known = true;
        if (one && one->kind == ATTRIBUTE_INT)
            e->i = one->i;
        else if (many && many->kind == ATTRIBUTE_INTS && i < many->count)
            e->i = many->ints[i];
        else if (real && real->kind == ATTRIBUTE_FLOAT)
            e->f = (double)real->f;
        else if (reals && reals->kind == ATTRIBUTE_FLOATS && i < reals->count)
            e->f = (double)reals->floats[i];
        else
            e->known = false;
    }
}

void fold_constant(struct infer *run) {
    const struct tensor *out = op_output(run->graph, run->op, 0), *value = value_attribute(run);
    if (!out || out->values || (value && !value->values))
        return;
    struct constant *y = infer_fold_output(run, 0);
    if (y && value)
        fill_from_tensor(y, value);
    else if (y)
        fill_from_attributes(run, y);
}

void fold_fill(struct infer *run) {
    const struct tensor *value = value_attribute(run);
    struct constant *y = infer_fold_output(run, 0);
    if (!y)
        return;
    if (value) {
        fill_from_tensor(y, value);
        return;
    }
    for (uint32_t i = 0; i < y->count; i++) {
        y->elements[i].known = true;
        y->elements[i].f = 0;
    }
}

void fold_range(struct infer *run) {
    const struct constant *start = infer_constant(run, 0), *delta = infer_constant(run, 2);
    if (!start || !delta || start->count != 1 || delta->count != 1 || !start->elements[0].known ||
        !delta->elements[0].known)
        return;
    struct constant *y = infer_fold_output(run, 0);
    if (!y || y->floating != start->floating || y->floating != delta->floating)
        return;
    for (uint32_t i = 0; i < y->count; i++) {
        struct element *e = &y->elements[i];
        int64_t step;
        e->known = true;
        if (y->floating)
            e->f = start->elements[0].f + i * delta->elements[0].f;
        else
            e->known = !__builtin_mul_overflow(delta->elements[0].i, (int64_t)i, &step) &&
                       !__builtin_add_overflow(start->elements[0].i, step, &e->i);
    }
}

static bool fits_int(double value) {
    return value >= -0x1p62 && value <= 0x1p62;
}

void fold_cast(struct infer *run) {
    const struct constant *x = infer_constant(run, 0);
    struct constant *y = x ? infer_fold_output(run, 0) : NULL;
    if (!y || y->count != x->count)
        return;
    bool to_bool = op_output(run->graph, run->op, 0)->dtype == DTYPE_BOOL;
    for (uint32_t i = 0; i < y->count; i++) {
        const struct element *from = &x->elements[i];
        struct element *to = &y->elements[i];
        to->symbol = y->floating || to_bool ? GRAPH_NO_SYMBOL : from->symbol;
        to->known = from->known && (!x->floating || y->floating || fits_int(from->f));
        if (!to->known)
            continue;
        if (y->floating)
            to->f = x->floating ? from->f : (double)from->i;
        else
            to->i = x->floating ? (int64_t)from->f : from->i;
        if (to_bool)
            to->i = x->floating ? from->f != 0 : from->i != 0;
    }
}

/* ---- moving elements: an output position says which input position it comes from --------------
 */

/* Position of element i in a shape, axis by axis. */
static void position(int64_t i, const struct shape *shape, int64_t at[GRAPH_RANK_MAX]) {
    for (int32_t k = shape->rank - 1; k >= 0; k--) {
        int64_t size = shape->dims[k].size > 0 ? shape->dims[k].size : 1;
        at[k] = i % size;
        i /= size;
    }
}

static int64_t index_of(const int64_t at[GRAPH_RANK_MAX], const struct shape *shape) {
    int64_t index = 0;
    for (int32_t k = 0; k < shape->rank; k++)
        index = index * shape->dims[k].size + at[k];
    return index;
}

static struct shape output_shape(const struct infer *run, uint32_t output) {
    return shape_into(op_output(run->graph, run->op, output), run->graph, run->graph);
}

/* Output, and input 0 with all sizes known; NULL when there is nothing to move. */
static struct constant *start_move(struct infer *run, const struct constant **x, struct shape *from,
                                   struct shape *to) {
    *x = infer_constant(run, 0);
    *from = infer_in(run, 0);
    if (!*x || shape_elements(from) != (int64_t)(*x)->count)
        return NULL;
    struct constant *y = infer_fold_output(run, 0);
    if (!y || y->floating != (*x)->floating)
        return NULL;
    *to = output_shape(run, 0);
    return y;
}

void fold_transpose(struct infer *run) {
    const struct constant *x;
    struct shape from, to;
    struct int_list perm;
    enum list_state state = infer_ints(run, "perm", -1, &perm);
    struct constant *y = start_move(run, &x, &from, &to);
    for (uint32_t i = 0; y && i < y->count; i++) {
        int64_t at[GRAPH_RANK_MAX] = {0}, source[GRAPH_RANK_MAX] = {0};
        position(i, &to, at);
        for (int32_t k = 0; k < to.rank; k++)
            source[state == LIST_KNOWN ? perm.values[k] : to.rank - 1 - k] = at[k];
        y->elements[i] = x->elements[index_of(source, &from)];
    }
}

/* Expand repeats axes of size 1, Tile whole axes: both are the position modulo the input's size. */
void fold_expand(struct infer *run) {
    const struct constant *x;
    struct shape from, to;
    struct constant *y = start_move(run, &x, &from, &to);
    for (uint32_t i = 0; y && x->count && i < y->count; i++) {
        int64_t at[GRAPH_RANK_MAX] = {0}, source[GRAPH_RANK_MAX] = {0};
        position(i, &to, at);
        for (int32_t k = 0; k < from.rank; k++)
            source[k] = at[k + to.rank - from.rank] % from.dims[k].size;
        y->elements[i] = x->elements[index_of(source, &from)];
    }
}

void fold_gather(struct infer *run) {
    const struct constant *x, *indices = infer_constant(run, 1);
    struct shape from, to, picks = infer_in(run, 1);
    int64_t axis = op_int(run->op, "axis", 0);
    if (!indices || indices->floating || shape_elements(&picks) != (int64_t)indices->count)
        return;
    struct constant *y = start_move(run, &x, &from, &to);
    axis += axis < 0 ? from.rank : 0;
    for (uint32_t i = 0; y && i < y->count; i++) {
        int64_t at[GRAPH_RANK_MAX] = {0}, source[GRAPH_RANK_MAX] = {0};
        position(i, &to, at);
        const struct element *pick = &indices->elements[index_of(at + axis, &picks)];
        int64_t index = pick->i < 0 ? pick->i + from.dims[axis].size : pick->i;
        if (!pick->known || index < 0 || index >= from.dims[axis].size)
            continue;
        for (int32_t k = 0; k < from.rank; k++)
            source[k] = k < axis ? at[k] : k == axis ? index : at[k - 1 + picks.rank];
        y->elements[i] = x->elements[index_of(source, &from)];
    }
}

/* Shape vectors have one axis, so only that is folded. A part that is not known leaves a gap. */
void fold_concat(struct infer *run) {
    struct constant *y = infer_fold_output(run, 0);
    uint32_t to = 0;
    if (!y || output_shape(run, 0).rank != 1)
        return;
    for (uint32_t i = 0; i < run->op->input_count; i++) {
        const struct constant *x = infer_constant(run, i);
        struct shape part = infer_in(run, i);
        for (int64_t k = 0; k < shape_elements(&part) && to < y->count; k++, to++)
            if (x && k < x->count && x->floating == y->floating)
                y->elements[to] = x->elements[k];
    }
}

void fold_nonzero(struct infer *run) {
    const struct constant *x = infer_constant(run, 0);
    struct shape from = infer_in(run, 0);
    struct constant *y = x ? infer_fold_output(run, 0) : NULL;
    if (!y || from.rank < 1 || y->count % (uint32_t)from.rank != 0)
        return;
    uint32_t found = 0, each = y->count / (uint32_t)from.rank;
    for (uint32_t i = 0; i < x->count && found < each; i++) {
        int64_t at[GRAPH_RANK_MAX] = {0};
        if (!(x->floating ? x->elements[i].f != 0 : x->elements[i].i != 0))
            continue;
        position(i, &from, at);
        for (int32_t k = 0; k < from.rank; k++)
            y->elements[(uint32_t)k * each + found] = known_int(at[k]);
        found++;
    }
}
