/* Rules of operators that give the same elements other axes. */
#include "models/onnx/batch.h"

static const struct tensor *input_of(const struct batch_step *step, uint32_t i) {
    return op_input(step->proof->graph, step->op, i);
}

static const struct tensor *first_output(const struct batch_step *step) {
    return op_output(step->proof->graph, step->op, 0);
}

/* ---- Reshape --------------------------------------------------------------------------------- */

/* How an axis of the result could hold the batch. */
struct place {
    int32_t axis;
    int64_t outer, inner;
};

/* What a target says about one of its elements. */
struct target {
    const struct tensor_values *values; /* NULL: a SIZE tensor without known values */
    uint64_t carries;
    bool zero_copies;      /* 0 stands for the size of the input's axis */
    struct batch_state in; /* of the tensor that is reshaped */
};

/* Elements before the batch in memory order must stay as many: that is all a reshape keeps. */
static bool can_hold(const struct tensor *out, int32_t axis, int64_t before, int64_t batch,
                     struct place *place) {
    int64_t prefix = 1;
    for (int32_t i = 0; i < axis; i++)
        prefix *= out->dims[i].size;
    int64_t size = out->dims[axis].size;
    if (prefix == 0 || before % prefix != 0 || size == 0)
        return false;
    place->axis = axis;
    place->outer = before / prefix;
    if (place->outer > size || size % (place->outer * batch) != 0)
        return false;
    place->inner = size / (place->outer * batch);
    return true;
}

static bool copies(const struct target *target, int32_t axis) {
    return target->zero_copies && target->values && target->values->ints[axis] == 0;
}

static bool is_open(const struct target *target, int32_t axis) {
    return target->carries >> axis & 1 || copies(target, axis) ||
           (target->values && target->values->ints[axis] == -1);
}

/* Whether an axis that copies its size would copy the batch as it is placed. */
static bool suits_copy(const struct target *target, const struct place *place) {
    return !copies(target, place->axis) ||
           (place->axis == target->in.axis && place->outer == target->in.outer &&
            place->inner == target->in.inner);
}

/* Any place that can hold the batch is a right one; later rules see whether the network agrees. An
 * axis of its own comes first, then one whose size the target leaves open. */
static uint32_t rank_places(const struct tensor *out, const struct target *target, int64_t before,
                            int64_t batch, struct place ranked[static GRAPH_RANK_MAX]) {
    int worths[GRAPH_RANK_MAX];
    uint32_t count = 0;
    for (int32_t axis = 0; axis < out->rank; axis++) {
        struct place place;
        if (!can_hold(out, axis, before, batch, &place) || !suits_copy(target, &place))
            continue;
        int worth = 2 * (place.outer == 1 && place.inner == 1) + is_open(target, axis);
        uint32_t at = count++;
        for (; at > 0 && worths[at - 1] < worth; at--) {
            worths[at] = worths[at - 1];
            ranked[at] = ranked[at - 1];
        }
        worths[at] = worth;
        ranked[at] = place;
    }
    return count;
}

/* Makes the target say the new size at the chosen axis, and the old sizes elsewhere. */
static int settle_target(struct batch_step *step, const struct target *target,
                         const struct place *place) {
    for (int32_t axis = 0; axis < first_output(step)->rank; axis++) {
        bool here = axis == place->axis;
        if (!here && target->carries >> axis & 1)
            return batch_refuse(step, "puts the batch into axis %d", axis);
        if (!here && copies(target, axis) && axis == target->in.axis)
            return batch_refuse(step, "copies the size of axis %d", axis);
        if (!here || is_open(target, axis))
            continue;
        int code =
            batch_edit(step, 1, (uint32_t)axis, place->outer * step->proof->to * place->inner);
        if (code)
            return code;
    }
    return 0;
}

/* Of sizes a reshape makes a vector or a scalar of the same elements. */
static int keep_sizes(struct batch_step *step) {
    for (uint32_t i = 1; i < step->op->input_count; i++)
        if (batch_input(step, i).kind != BATCH_FREE)
            return batch_refuse(step, "computes with the size of the batch");
    batch_output(step, 0, batch_input(step, 0));
    return 0;
}

static int reshape(struct batch_step *step) {
    struct batch_state in = batch_input(step, 0), shape = batch_input(step, 1);
    const struct tensor *from = input_of(step, 0), *to = input_of(step, 1);
    if (in.kind == BATCH_SIZE)
        return keep_sizes(step);
    if (!to || !first_output(step))
        return batch_refuse(step, "has its target in an attribute");
    if (in.kind != BATCH_AXIS || shape.kind == BATCH_AXIS)
        return batch_refuse(step, "gives a constant the size of the batch");
    struct target target = {to->values, shape.kind == BATCH_SIZE ? shape.carries : 0,
                            !op_int(step->op, "allowzero", 0), in};
    if (target.values &&
        (!target.values->ints || target.values->count != (uint64_t)first_output(step)->rank))
        return batch_refuse(step, "has a target that does not fit");
    if (!target.values && shape.kind == BATCH_FREE)
        return batch_refuse(step, "has a target that is not known");
    int64_t before = in.outer;
    for (int32_t i = 0; i < in.axis; i++)
        before *= from->dims[i].size;
    struct place places[GRAPH_RANK_MAX];
    uint32_t count = rank_places(first_output(step), &target, before, step->proof->from, places);
    if (count == 0)
        return batch_refuse(step, "mixes the batch with other axes");
    struct place place = places[batch_choose(step, count)];
    int code = settle_target(step, &target, &place);
    if (code)
        return code;
    batch_output(
        step, 0,
        (struct batch_state){
            .kind = BATCH_AXIS, .axis = place.axis, .outer = place.outer, .inner = place.inner});
    return 0;
}

static int flatten(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    const struct tensor *in = input_of(step, 0);
    int64_t axis = op_int(step->op, "axis", 1);
    if (batch_only_first(step))
        return -ERR_INPUT;
    int32_t split = (int32_t)(axis < 0 ? axis + in->rank : axis);
    int32_t first = state.axis < split ? 0 : split, last = state.axis < split ? split : in->rank;
    if (split < 0 || split > in->rank)
        return batch_refuse(step, "has an axis out of range");
    for (int32_t i = first; i < last; i++) {
        if (i < state.axis)
            state.outer *= in->dims[i].size;
        else if (i > state.axis)
            state.inner *= in->dims[i].size;
    }
    state.axis = state.axis < split ? 0 : 1;
    batch_output(step, 0, state);
    return 0;
}

/* ---- axes that come and go ------------------------------------------------------------------- */

/* From the attribute, before operator set 13, or from input 1; *axes is NULL without either. */
static bool read_axes(const struct batch_step *step, const int64_t **axes, uint64_t *count) {
    const struct attribute *attribute = op_attribute(step->op, "axes");
    const struct tensor_values *values = batch_constant(step, 1);
    *axes = NULL;
    *count = 0;
    if (attribute && attribute->kind == ATTRIBUTE_INTS) {
        *axes = attribute->ints;
        *count = attribute->count;
    } else if (values) {
        *axes = values->ints;
        *count = values->count;
    }
    return *axes || !input_of(step, 1);
}

static int mark_axes(struct batch_step *step, int32_t rank, bool marks[static GRAPH_RANK_MAX]) {
    const int64_t *axes;
    uint64_t count;
    if (!read_axes(step, &axes, &count) || !axes)
        return batch_refuse(step, "does not say which axes");
    for (uint64_t i = 0; i < count; i++) {
        int32_t axis = batch_axis(axes[i], rank);
        if (axis < 0)
            return batch_refuse(step, "has an axis out of range");
        marks[axis] = true;
    }
    return 0;
}

static int squeeze(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    bool gone[GRAPH_RANK_MAX] = {false};
    if (state.kind == BATCH_SIZE)
        return keep_sizes(step);
    if (state.kind != BATCH_AXIS || mark_axes(step, input_of(step, 0)->rank, gone))
        return batch_refuse(step, "computes with the size of the batch");
    if (gone[state.axis])
        return batch_refuse(step, "removes the batch axis");
    int32_t before = 0;
    for (int32_t i = 0; i < state.axis; i++)
        before += gone[i];
    state.axis -= before;
    batch_output(step, 0, state);
    return 0;
}

static int unsqueeze(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    bool added[GRAPH_RANK_MAX] = {false};
    if (state.kind == BATCH_SIZE)
        return keep_sizes(step);
    const struct tensor *out = first_output(step);
    if (state.kind != BATCH_AXIS || !out || mark_axes(step, out->rank, added))
        return batch_refuse(step, "computes with the size of the batch");
    for (int32_t i = 0, old = 0; i < out->rank; i++)
        if (!added[i] && old++ == state.axis) {
            state.axis = i;
            break;
        }
    batch_output(step, 0, state);
    return 0;
}

static int transpose(struct batch_step *step) {
    struct batch_state state = batch_input(step, 0);
    const struct attribute *perm = op_attribute(step->op, "perm");
    if (batch_only_first(step))
        return -ERR_INPUT;
    int32_t rank = input_of(step, 0)->rank, axis = -1;
    for (int32_t i = 0; i < rank; i++)
        if (perm && perm->kind == ATTRIBUTE_INTS && perm->count == (uint32_t)rank
                ? perm->ints[i] == state.axis
                : rank - 1 - i == state.axis)
            axis = i;
    if (axis < 0)
        return batch_refuse(step, "has a permutation that does not fit");
    state.axis = axis;
    batch_output(step, 0, state);
    return 0;
}

const struct batch_rule batch_reshape_rules[] = {
    {"Flatten",   flatten,   0, false},
    {"Reshape",   reshape,   0, true },
    {"Squeeze",   squeeze,   0, true },
    {"Transpose", transpose, 0, false},
    {"Unsqueeze", unsqueeze, 0, true },
    {NULL,        NULL,      0, false},
};
