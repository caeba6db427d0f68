/* Rules of operators that join, cut and pick, and of those that make shapes or are told shapes. */
#include "models/onnx/batch.h"

#include <limits.h>
#include <string.h>

static const struct tensor *input_of(const struct batch_step *step, uint32_t i) {
    return op_input(step->proof->graph, step->op, i);
}

static const struct tensor *first_output(const struct batch_step *step) {
    return op_output(step->proof->graph, step->op, 0);
}

static struct batch_state sizes_of(uint64_t carries) {
    return (struct batch_state){.kind = BATCH_SIZE, .carries = carries};
}

/* ---- Concat, Split, Slice, Pad --------------------------------------------------------------- */

static int concat_sizes(struct batch_step *step) {
    uint64_t carries = 0;
    int64_t at = 0;
    for (uint32_t i = 0; i < step->op->input_count; i++) {
        const struct tensor *tensor = input_of(step, i);
        int64_t count = tensor ? tensor_elements(tensor) : 0;
        struct batch_state state = batch_input(step, i);
        if (state.kind == BATCH_AXIS || at + count > BATCH_SIZE_ELEMENTS)
            return batch_refuse(step, "computes with the size of the batch");
        if (state.kind == BATCH_SIZE && count > 0)
            carries |= state.carries << at;
        at += count;
    }
    batch_output(step, 0, sizes_of(carries));
    return 0;
}

/* What has no batch is the same for every sample, a class token for example, and is repeated. */
static int concat(struct batch_step *step) {
    struct batch_state found = {.kind = BATCH_FREE};
    for (uint32_t i = 0; i < step->op->input_count; i++) {
        struct batch_state state = batch_input(step, i);
        if (state.kind == BATCH_SIZE)
            return concat_sizes(step);
        if (state.kind == BATCH_FREE)
            continue;
        bool differs =
            found.axis != state.axis || found.outer != state.outer || found.inner != state.inner;
        if (found.kind == BATCH_AXIS && differs)
            return batch_refuse(step, "joins tensors that have the batch in different axes");
        found = state;
    }
    for (uint32_t i = 0; i < step->op->input_count; i++)
        if (batch_input(step, i).kind == BATCH_FREE && batch_spread(step, i, found))
            return -ERR_INPUT;
    int32_t axis = batch_axis(op_int(step->op, "axis", 1), input_of(step, 0)->rank);
    if (axis == found.axis)
        return batch_refuse(step, "works along the batch");
    batch_output(step, 0, found);
    return 0;
}

static int split(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    if (batch_only_first(step))
        return -ERR_INPUT;
    if (batch_axis(op_int(step->op, "axis", 0), input_of(step, 0)->rank) == state.axis)
        return batch_refuse(step, "works along the batch");
    batch_all_outputs(step, state);
    return 0;
}

/* starts, ends, axes and steps: attributes before operator set 10, inputs after. */
struct slices {
    const int64_t *starts, *ends, *axes, *steps;
    uint64_t count;
};

static const int64_t *slice_part(const struct batch_step *step, const char *name, uint32_t i,
                                 uint64_t *count) {
    const struct attribute *attribute = op_attribute(step->op, name);
    const struct tensor_values *values = batch_constant(step, i);
    *count = 0;
    if (attribute && attribute->kind == ATTRIBUTE_INTS) {
        *count = attribute->count;
        return attribute->ints;
    }
    if (values)
        *count = values->count;
    return values ? values->ints : NULL;
}

static bool read_slices(const struct batch_step *step, struct slices *s) {
    uint64_t ends, axes, steps;
    s->starts = slice_part(step, "starts", 1, &s->count);
    s->ends = slice_part(step, "ends", 2, &ends);
    s->axes = slice_part(step, "axes", 3, &axes);
    s->steps = slice_part(step, "steps", 4, &steps);
    return s->starts && s->ends && ends == s->count && (!s->axes || axes == s->count) &&
           (!s->steps || steps == s->count) && (s->axes || !input_of(step, 3)) &&
           (s->steps || !input_of(step, 4));
}

static int slice_sizes(struct batch_step *step, const struct slices *s) {
    int64_t size = tensor_elements(input_of(step, 0)), start, count;
    const struct tensor *out = first_output(step);
    if (s->count != 1 || (s->steps && s->steps[0] != 1) || !out)
        return batch_refuse(step, "computes with the size of the batch");
    start = s->starts[0] < 0 ? s->starts[0] + size : s->starts[0];
    count = tensor_elements(out);
    if (start < 0 || count < 0 || start + count > size || count >= BATCH_SIZE_ELEMENTS)
        return batch_refuse(step, "computes with the size of the batch");
    batch_output(step, 0,
                 sizes_of(batch_input(step, 0).carries >> start & ((UINT64_C(1) << count) - 1)));
    return 0;
}

static int slice(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    struct slices s;
    if (batch_only_first(step))
        return -ERR_INPUT;
    if (!read_slices(step, &s))
        return batch_refuse(step, "has bounds that are not known");
    if (state.kind == BATCH_SIZE)
        return slice_sizes(step, &s);
    int32_t rank = input_of(step, 0)->rank;
    for (uint64_t i = 0; i < s.count; i++) {
        int32_t axis = batch_axis(s.axes ? s.axes[i] : (int64_t)i, rank);
        bool whole = s.starts[i] == 0 && s.ends[i] >= INT_MAX && (!s.steps || s.steps[i] == 1);
        if (axis < 0 || (axis == state.axis && !whole))
            return batch_refuse(step, "cuts the batch");
    }
    batch_output(step, 0, state);
    return 0;
}

static int pad(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    const struct attribute *attribute = op_attribute(step->op, "pads");
    const struct tensor_values *values = batch_constant(step, 1);
    int32_t rank = input_of(step, 0)->rank;
    if (batch_only_first(step))
        return -ERR_INPUT;
    const int64_t *pads = attribute && attribute->kind == ATTRIBUTE_INTS ? attribute->ints
                          : values                                       ? values->ints
                                                                         : NULL;
    uint64_t count = attribute ? attribute->count : values ? values->count : 0;
    if (!pads || count != 2 * (uint64_t)rank || input_of(step, 3))
        return batch_refuse(step, "has pads that are not known");
    if (pads[state.axis] != 0 || pads[state.axis + rank] != 0)
        return batch_refuse(step, "pads the batch");
    batch_output(step, 0, state);
    return 0;
}

/* ---- Gather ---------------------------------------------------------------------------------- */

static int gather_sizes(struct batch_step *step) {
    const struct tensor_values *indices = batch_constant(step, 1);
    int64_t size = tensor_elements(input_of(step, 0));
    uint64_t carries = 0;
    if (!indices || indices->count > BATCH_SIZE_ELEMENTS)
        return batch_refuse(step, "picks sizes that are not known");
    for (uint64_t i = 0; i < indices->count; i++) {
        int64_t index = indices->ints[i] < 0 ? indices->ints[i] + size : indices->ints[i];
        if (index < 0 || index >= size)
            return batch_refuse(step, "has an index out of range");
        carries |= (batch_input(step, 0).carries >> index & 1) << i;
    }
    batch_output(step, 0, sizes_of(carries));
    return 0;
}

static int gather(struct batch_step *step) {
    struct batch_state data = batch_input(step, 0), indices = batch_input(step, 1);
    if (indices.kind == BATCH_SIZE || !input_of(step, 0) || !input_of(step, 1))
        return batch_refuse(step, "computes with the size of the batch");
    if (data.kind == BATCH_SIZE)
        return gather_sizes(step);
    if (data.kind == BATCH_AXIS && indices.kind == BATCH_AXIS)
        return batch_refuse(step, "picks from the batch by the batch");
    int32_t axis = batch_axis(op_int(step->op, "axis", 0), input_of(step, 0)->rank);
    if (axis < 0 || (data.kind == BATCH_AXIS && data.axis == axis))
        return batch_refuse(step, "picks samples out of the batch");
    struct batch_state out = data.kind == BATCH_AXIS ? data : indices;
    if (indices.kind == BATCH_AXIS)
        out.axis += axis;
    else if (data.axis > axis)
        out.axis += input_of(step, 1)->rank - 1;
    batch_output(step, 0, out);
    return 0;
}

static int gather_elements(struct batch_step *step) {
    struct batch_state data = batch_input(step, 0), indices = batch_input(step, 1);
    int32_t axis = batch_axis(op_int(step->op, "axis", 0), input_of(step, 0)->rank);
    if (data.kind != BATCH_AXIS || indices.kind != BATCH_AXIS || data.axis != indices.axis ||
        data.outer != indices.outer || data.inner != indices.inner || axis == data.axis)
        return batch_refuse(step, "picks from the batch by the batch");
    batch_output(step, 0, data);
    return 0;
}

/* ---- shapes and what is made from them ------------------------------------------------------- */

static int shape_of(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    if (batch_only_first(step))
        return -ERR_INPUT;
    int32_t rank = input_of(step, 0)->rank;
    int64_t start = op_int(step->op, "start", 0);
    if (state.kind == BATCH_SIZE)
        return 0; /* a vector's length does not change */
    start = start < 0 ? start + rank : start;
    int64_t bit = state.axis - (start < 0 ? 0 : start);
    const struct tensor *out = first_output(step);
    bool inside = bit >= 0 && out && bit < tensor_elements(out);
    batch_output(step, 0, sizes_of(inside ? UINT64_C(1) << bit : 0));
    return 0;
}

/* A constant spread over a shape: the same for every sample. */
static int constant_of_shape(struct batch_step *step) {
    uint64_t carries = batch_input(step, 0).carries;
    int32_t axis = 0;
    if (carries == 0 || (carries & (carries - 1)) != 0)
        return batch_refuse(step, "has the batch in more than one axis");
    while (!(carries >> axis & 1))
        axis++;
    const struct tensor *out = first_output(step);
    if (!out || axis >= out->rank || out->dims[axis].size % step->proof->from)
        return batch_refuse(step, "has a shape that does not follow its batch");
    batch_output(step, 0,
                 (struct batch_state){.kind = BATCH_AXIS,
                                      .axis = axis,
                                      .outer = 1,
                                      .inner = out->dims[axis].size / step->proof->from});
    return 0;
}

/* A constant expanded to the batch is the same for every sample, if it had size 1 there. */
static int expand_constant(struct batch_step *step) {
    const struct tensor *data = input_of(step, 0), *out = first_output(step);
    uint64_t carries = batch_input(step, 1).carries;
    int32_t axis = 0, shape_rank = (int32_t)tensor_elements(input_of(step, 1));
    if (carries == 0 || (carries & (carries - 1)) != 0)
        return batch_refuse(step, "has the batch in more than one axis");
    while (!(carries >> axis & 1))
        axis++;
    axis += out->rank - shape_rank;
    int32_t own = axis - (out->rank - data->rank);
    if (axis < 0 || axis >= out->rank || (own >= 0 && data->dims[own].size != 1))
        return batch_refuse(step, "has a constant for each sample");
    batch_output(step, 0,
                 (struct batch_state){.kind = BATCH_AXIS,
                                      .axis = axis,
                                      .outer = 1,
                                      .inner = out->dims[axis].size / step->proof->from});
    return 0;
}

static int expand(struct batch_step *step) {
    struct batch_state data = batch_input(step, 0), shape = batch_input(step, 1);
    const struct tensor *in = input_of(step, 0), *to = input_of(step, 1);
    if (!first_output(step) || !in || !to || shape.kind == BATCH_AXIS || data.kind == BATCH_SIZE)
        return batch_refuse(step, "computes with the size of the batch");
    if (data.kind == BATCH_FREE)
        return expand_constant(step);
    int64_t shape_rank = tensor_elements(to);
    int64_t element = shape_rank - (in->rank - data.axis);
    data.axis += first_output(step)->rank - in->rank;
    batch_output(step, 0, data);
    if (element < 0)
        return 0;
    if (shape.kind == BATCH_SIZE)
        return shape.carries == UINT64_C(1) << element
                   ? 0
                   : batch_refuse(step, "has the batch in more than one axis");
    const struct tensor_values *values = batch_constant(step, 1);
    if (!values || element >= (int64_t)values->count)
        return batch_refuse(step, "has a shape that is not known");
    if (values->ints[element] == 1)
        return 0;
    return batch_edit(step, 1, (uint32_t)element, data.outer * step->proof->to * data.inner);
}

static int tile(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    const struct tensor_values *repeats = batch_constant(step, 1);
    if (!repeats || state.kind != BATCH_AXIS || (uint64_t)state.axis >= repeats->count ||
        repeats->ints[state.axis] != 1)
        return batch_refuse(step, "repeats the batch");
    batch_output(step, 0, state);
    return 0;
}

/* Sizes computed from the shape of what has the batch: only the first may be a multiple of it. */
static int resize_to_sizes(struct batch_step *step, struct batch_state state) {
    struct batch_state sizes = batch_input(step, 3);
    if (sizes.kind == BATCH_FREE)
        return batch_edit(step, 3, 0, state.outer * step->proof->to * state.inner);
    if (sizes.carries != 1)
        return batch_refuse(step, "has the batch among the sizes of other axes");
    return 0;
}

/* Sizes are in input 3 (scales in 2, or in 1 before operator set 11 and for Upsample). Axis 0 is
 * the batch. */
static int resize(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    for (uint32_t i = 1; i < step->op->input_count; i++)
        if (batch_input(step, i).kind == BATCH_AXIS ||
            (batch_input(step, i).kind == BATCH_SIZE && i != 3))
            return batch_refuse(step, "takes the batch in input %u", i);
    if (state.kind != BATCH_AXIS || state.axis != 0 || op_attribute(step->op, "axes") ||
        op_attribute(step->op, "scales"))
        return batch_refuse(step, "has the batch in another axis than 0");
    bool is_old = step->opset < 11 || strcmp(step->op->type, "Upsample") == 0;
    uint32_t at = is_old ? 1 : 2;
    const struct tensor *scales = input_of(step, at);
    batch_output(step, 0, state);
    if (!is_old && input_of(step, 3) && tensor_elements(input_of(step, 3)) > 0)
        return resize_to_sizes(step, state);
    if (!scales || !scales->values || !scales->values->floats || scales->values->count == 0 ||
        scales->values->floats[0] != 1)
        return batch_refuse(step, "resizes the batch, or has scales that are not known");
    return 0;
}

const struct batch_rule batch_layout_rules[] = {
    {"Concat",          concat,            0, true },
    {"ConstantOfShape", constant_of_shape, 0, true },
    {"Expand",          expand,            0, true },
    {"Gather",          gather,            0, true },
    {"GatherElements",  gather_elements,   0, false},
    {"Pad",             pad,               0, false},
    {"Resize",          resize,            0, true },
    {"Shape",           shape_of,          0, true },
    {"Slice",           slice,             0, true },
    {"Split",           split,             0, false},
    {"Tile",            tile,              0, false},
    {"Upsample",        resize,            0, false},
    {NULL,              NULL,              0, false},
};
