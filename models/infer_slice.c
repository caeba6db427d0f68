/* Operators that cut or widen along axes: Slice, Split, Pad. */
#include "models/infer_ops.h"

#include <string.h>

typedef __int128 wide;

static wide clamp(wide value, wide low, wide high) {
    return value < low ? low : value > high ? high : value;
}

/* Elements that start:end:step takes of `size` (numpy's rules). */
static int64_t slice_size(int64_t size, int64_t start, int64_t end, int64_t step) {
    wide from = start < 0 ? (wide)start + size : start, to = end < 0 ? (wide)end + size : end;
    if (step > 0) {
        from = clamp(from, 0, size);
        to = clamp(to, 0, size);
        return to <= from ? 0 : (int64_t)((to - from + step - 1) / step);
    }
    from = clamp(from, -1, (wide)size - 1);
    to = clamp(to, -1, (wide)size - 1);
    return from <= to ? 0 : (int64_t)((from - to - step - 1) / -(wide)step);
}

struct slice_lists {
    struct int_list starts, ends, axes, steps;
    enum list_state known, has_axes, has_steps;
};

static struct slice_lists read_slice(const struct infer *run) {
    struct slice_lists l;
    l.known = infer_ints(run, "starts", 1, &l.starts);
    enum list_state ends = infer_ints(run, "ends", 2, &l.ends);
    if (ends != LIST_KNOWN || l.starts.count != l.ends.count)
        l.known = LIST_UNKNOWN;
    l.has_axes = infer_ints(run, "axes", 3, &l.axes);
    l.has_steps = infer_ints(run, NULL, 4, &l.steps);
    if (l.has_axes == LIST_KNOWN && l.known == LIST_KNOWN && l.axes.count != l.starts.count)
        l.known = LIST_UNKNOWN;
    return l;
}

static struct dim slice_dim(const struct slice_lists *l, uint32_t i, struct dim in) {
    int64_t step = 1;
    if (l->has_steps == LIST_KNOWN && i < l->steps.count)
        step = l->steps.values[i];
    if (l->has_steps == LIST_UNKNOWN || l->known != LIST_KNOWN || step == 0)
        return infer_unknown_dim;
    int64_t start = l->starts.values[i], end = l->ends.values[i];
    if (step == 1 && start == 0 && end >= INT32_MAX)
        return in; /* "all of it", whatever the size */
    if (dim_known(in))
        return infer_dim(slice_size(in.size, start, end, step));
    return infer_unknown_dim;
}

static int infer_slice(struct infer *run) {
    struct shape x = infer_in(run, 0);
    struct slice_lists l = read_slice(run);
    infer_put(run, 0, infer_dtype(run, 0), NULL);
    if (x.rank < 0)
        return 0;
    if (l.has_axes == LIST_UNKNOWN || (l.has_axes == LIST_ABSENT && l.known != LIST_KNOWN)) {
        struct shape y = infer_shape_of_rank(x.rank);
        infer_put(run, 0, infer_dtype(run, 0), &y);
        return 0;
    }
    uint32_t count = l.has_axes == LIST_KNOWN ? l.axes.count : l.starts.count;
    for (uint32_t i = 0; i < count; i++) {
        int32_t axis = 0;
        if (infer_axis(run, l.has_axes == LIST_KNOWN ? l.axes.values[i] : (int64_t)i, x.rank,
                       &axis))
            return -(int)run->err->code;
        x.dims[axis] = slice_dim(&l, i, x.dims[axis]);
    }
    infer_put(run, 0, infer_dtype(run, 0), &x);
    return 0;
}

/* Start and step along one axis of a slice whose lists are known. */
static void slice_start(const struct slice_lists *l, uint32_t i, int64_t size, int64_t *start,
                        int64_t *step) {
    *step = l->has_steps == LIST_KNOWN && i < l->steps.count ? l->steps.values[i] : 1;
    wide from = l->starts.values[i] < 0 ? (wide)l->starts.values[i] + size : l->starts.values[i];
    *start = (int64_t)clamp(from, 0, *step > 0 ? size : size - 1);
}

/* Along one axis: pads are sometimes written as pairs, turned over and cut. */
void fold_slice(struct infer *run) {
    const struct constant *x = infer_constant(run, 0);
    struct shape shape = infer_in(run, 0);
    struct slice_lists l = read_slice(run);
    int64_t start, step, inner = 1;
    int32_t axis = 0;
    if (!x || shape_elements(&shape) != (int64_t)x->count || l.known != LIST_KNOWN ||
        l.has_steps == LIST_UNKNOWN || l.starts.count != 1 || l.has_axes == LIST_UNKNOWN ||
        infer_axis(run, l.has_axes == LIST_KNOWN ? l.axes.values[0] : 0, shape.rank, &axis))
        return;
    struct constant *y = infer_fold_output(run, 0);
    if (!y)
        return;
    for (int32_t k = axis + 1; k < shape.rank; k++)
        inner *= shape.dims[k].size;
    int64_t size = shape.dims[axis].size;
    int64_t kept = op_output(run->graph, run->op, 0)->dims[axis].size;
    slice_start(&l, 0, size, &start, &step);
    for (int64_t i = 0; i < (int64_t)y->count && kept > 0; i++) {
        int64_t outer = i / inner / kept, from = start + i / inner % kept * step;
        int64_t at = (outer * size + from) * inner + i % inner;
        if (from >= 0 && from < size && at < (int64_t)x->count)
            y->elements[i] = x->elements[at];
    }
}

/* ---- Split ----------------------------------------------------------------------------------- */

/* Equal parts; the last one is smaller when they do not divide (opset 18). */
static struct dim equal_part(struct dim size, uint32_t parts, uint32_t i) {
    if (!dim_known(size))
        return parts == 1 ? size : infer_unknown_dim;
    int64_t part = dim_div_up(size, parts).size, from;
    if (__builtin_mul_overflow(part, (int64_t)i, &from) || from >= size.size)
        return infer_dim(0);
    return infer_dim(size.size - from < part ? size.size - from : part);
}

static int check_split(struct infer *run, const struct int_list *parts, struct dim size) {
    wide sum = 0;
    if (parts->count != run->op->output_count)
        return infer_fail(run, "%u sizes for %u outputs", parts->count, run->op->output_count);
    for (uint32_t i = 0; i < parts->count; i++)
        sum += parts->values[i];
    if (dim_known(size) && sum != size.size)
        return infer_fail(run, "the parts do not sum up to %lld", (long long)size.size);
    return 0;
}

static int infer_split(struct infer *run) {
    struct shape x = infer_in(run, 0), y = x;
    struct int_list parts;
    enum list_state state = infer_ints(run, "split", 1, &parts);
    int32_t axis = 0;
    if (x.rank >= 0 && infer_axis(run, op_int(run->op, "axis", 0), x.rank, &axis))
        return -(int)run->err->code;
    if (state == LIST_KNOWN && parts.count == 0)
        state = LIST_ABSENT;
    if (x.rank >= 0 && state == LIST_KNOWN && check_split(run, &parts, x.dims[axis]))
        return -(int)run->err->code;
    for (uint32_t i = 0; i < run->op->output_count; i++) {
        if (x.rank > 0)
            y.dims[axis] = state == LIST_KNOWN ? infer_dim(parts.values[i])
                           : state == LIST_ABSENT
                               ? equal_part(x.dims[axis], run->op->output_count, i)
                               : infer_unknown_dim;
        infer_put(run, i, infer_dtype(run, 0), &y);
    }
    return 0;
}

void fold_split(struct infer *run) {
    const struct constant *x = infer_constant(run, 0);
    struct shape shape = infer_in(run, 0);
    uint32_t from = 0;
    if (!x || shape.rank != 1)
        return;
    for (uint32_t k = 0; k < run->op->output_count; k++) {
        struct constant *y = infer_fold_output(run, k);
        if (!y)
            return;
        for (uint32_t i = 0; i < y->count && from < x->count; i++)
            y->elements[i] = x->elements[from++];
    }
}

/* ---- Pad ------------------------------------------------------------------------------------- */

/* Axis of the i-th of `count` pads: the list of axes is input 3 (opset 18), else all of them. */
static int pad_axis(struct infer *run, const struct int_list *axes, enum list_state state,
                    uint32_t i, int32_t rank, int32_t *axis) {
    return infer_axis(run, state == LIST_KNOWN ? axes->values[i] : (int64_t)i, rank, axis);
}

static int infer_pad(struct infer *run) {
    struct shape x = infer_in(run, 0), y = infer_shape_of_rank(x.rank);
    struct int_list pads, axes;
    enum list_state state = infer_ints(run, "pads", 1, &pads);
    if (state == LIST_ABSENT)
        state = infer_ints(run, "paddings", -1, &pads); /* opset 1 */
    enum list_state has_axes = infer_ints(run, NULL, 3, &axes);
    infer_put(run, 0, infer_dtype(run, 0), &y);
    if (x.rank < 0 || state != LIST_KNOWN || has_axes == LIST_UNKNOWN)
        return 0;
    uint32_t count = has_axes == LIST_KNOWN ? axes.count : (uint32_t)x.rank;
    if (pads.count != 2 * count)
        return infer_fail(run, "%u pads for %u axes", pads.count, count);
    y = x;
    for (uint32_t i = 0; i < count; i++) {
        int32_t axis = 0;
        if (pad_axis(run, &axes, has_axes, i, x.rank, &axis))
            return -(int)run->err->code;
        wide both = (wide)pads.values[i] + pads.values[i + count];
        wide size = (wide)x.dims[axis].size + both;
        if (dim_known(x.dims[axis]) && size < 0)
            return infer_fail(run, "the pads remove more than axis %d has", axis);
        run->overflow = run->overflow || size > (wide)1 << 62;
        if (!run->overflow && both != 0)
            y.dims[axis] = dim_known(x.dims[axis]) ? infer_dim((int64_t)size) : infer_unknown_dim;
    }
    infer_put(run, 0, infer_dtype(run, 0), &y);
    return 0;
}

const struct infer_row infer_slice_rows[] = {
    {ONNX,      "Slice", infer_slice, fold_slice, 0, 0},
    {ONNX,      "Split", infer_split, fold_split, 0, 0},
    {ONNX,      "Pad",   infer_pad,   NULL,       0, 0},
    {MICROSOFT, "Pad",   infer_pad,   NULL,       0, 0},
    {NULL,      NULL,    NULL,        NULL,       0, 0},
};
