/* Views and cuts: a Reshape and the views behind it become one Reshape; slices that share out
 * an axis become one Split. */
#include "models/lower_rules.h"

#include <stdlib.h>
#include <string.h>

static bool is_view(const struct lower *l, int32_t op) {
    return lower_is(l, op, ONNX, "Reshape") || lower_is(l, op, ONNX, "Squeeze") ||
           lower_is(l, op, ONNX, "Unsqueeze");
}

static bool fuse_views(struct lower *l, int32_t op) {
    int32_t first = lower_producer(l, lower_in(l, op, 0));
    if (!is_view(l, op) || !lower_is(l, first, ONNX, "Reshape") ||
        lower_use_count(l, lower_in(l, op, 0)) != 1)
        return false;
    const struct tensor *out = lower_tensor(l, lower_out(l, op, 0));
    int64_t sizes[GRAPH_RANK_MAX];
    if (!tensor_is_static(out))
        return false;
    for (int32_t i = 0; i < out->rank; i++)
        sizes[i] = out->dims[i].size;
    int32_t shape =
        lower_add_ints(l, lower_name(l, out->name, "_shape"), (uint32_t)out->rank, sizes);
    int32_t in = lower_in(l, first, 0);
    lower_set_inputs(l, op, 2, (int32_t[]){in, shape});
    lower_retype(l, op, ONNX, "Reshape");
    lower_drop_attribute(l, op, "axes");
    lower_drop_attribute(l, op, "allowzero");
    if (lower_same_shape(l, in, lower_out(l, op, 0)))
        lower_bypass(l, op);
    return true;
}

/* ---- slices ---------------------------------------------------------------------------------- */

/* What has more readers is left as it is: each part asks about all. */
enum { PARTS_MAX = 64, READERS_LOOKED_AT = 128 };

struct part {
    int32_t op;
    int64_t start, end;
};

static bool single_int(const struct lower *l, int32_t op, const char *attribute, uint32_t input,
                       int64_t *value) {
    const struct attribute *a = op_attribute(&l->graph->ops[op], attribute);
    int32_t t = lower_in(l, op, input);
    if (a && a->kind == ATTRIBUTE_INTS && a->count == 1) {
        *value = a->ints[0];
        return true;
    }
    const struct tensor_values *v = t < 0 ? NULL : l->graph->tensors[t].values;
    if (!v || !v->ints || v->count != 1)
        return false;
    *value = v->ints[0];
    return true;
}

static int64_t clamp(int64_t value, int64_t size) {
    value = value < 0 ? value + size : value;
    return value < 0 ? 0 : value > size ? size : value;
}

/* Gather with one constant number. */
static bool read_gathered(const struct lower *l, int32_t op, int64_t *axis, struct part *part) {
    int32_t indices = lower_in(l, op, 1);
    const struct tensor_values *v = indices < 0 ? NULL : l->graph->tensors[indices].values;
    int64_t rank = lower_rank(l, lower_in(l, op, 0));
    if (!lower_is(l, op, ONNX, "Gather") || !v || !v->ints || v->count != 1 ||
        lower_rank(l, indices) != 0)
        return false;
    *axis = op_int(&l->graph->ops[op], "axis", 0);
    *axis += *axis < 0 ? rank : 0;
    int64_t size = lower_size(l, lower_in(l, op, 0), (int32_t)*axis);
    int64_t start = v->ints[0] < 0 ? v->ints[0] + size : v->ints[0];
    if (start < 0 || start >= size)
        return false;
    *part = (struct part){op, start, start + 1};
    return true;
}

/* A slice of one axis with step 1. */
static bool read_sliced(const struct lower *l, int32_t op, int64_t *axis, struct part *part) {
    int64_t step = 1, rank = lower_rank(l, lower_in(l, op, 0));
    *axis = 0;
    *part = (struct part){.op = op};
    if (!lower_is(l, op, ONNX, "Slice") || !single_int(l, op, "starts", 1, &part->start) ||
        !single_int(l, op, "ends", 2, &part->end))
        return false;
    if (!single_int(l, op, "axes", 3, axis) && lower_in(l, op, 3) >= 0)
        return false;
    if (lower_in(l, op, 4) >= 0 && (!single_int(l, op, "steps", 4, &step) || step != 1))
        return false;
    *axis += *axis < 0 ? rank : 0;
    int64_t size = lower_size(l, lower_in(l, op, 0), (int32_t)*axis);
    part->start = clamp(part->start, size);
    part->end = clamp(part->end, size);
    return size > 0 && part->end > part->start;
}

static bool read_part(const struct lower *l, int32_t op, int64_t *axis, struct part *part) {
    return read_sliced(l, op, axis, part) || read_gathered(l, op, axis, part);
}

static int by_start(const void *a, const void *b) {
    const struct part *pa = a, *pb = b;
    return (pa->start > pb->start) - (pa->start < pb->start);
}

/* All slices of the tensor along the axis, in order; 0 when they do not cover it exactly. */
static uint32_t collect_parts(const struct lower *l, int32_t tensor, int64_t axis,
                              struct part parts[PARTS_MAX]) {
    uint32_t count = 0;
    if (l->use_counts[tensor] > READERS_LOOKED_AT)
        return 0;
    for (const struct use *u = l->uses[tensor]; u; u = u->next) {
        int64_t other;
        if (u->slot != 0 || !read_part(l, u->op, &other, &parts[count]) || other != axis)
            continue;
        if (lower_is_output(l, lower_out(l, u->op, 0)) || ++count == PARTS_MAX)
            return 0;
    }
    qsort(parts, count, sizeof *parts, by_start);
    int64_t covered = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (parts[i].start != covered)
            return 0;
        covered = parts[i].end;
    }
    return covered == lower_size(l, tensor, (int32_t)axis) ? count : 0;
}

/* What Gather took away is still there behind a Split: a Squeeze removes it. */
static int32_t add_squeezed(struct lower *l, int32_t gathered, int64_t axis) {
    const struct tensor *t = lower_tensor(l, gathered);
    int64_t sizes[GRAPH_RANK_MAX];
    for (int32_t i = 0; i <= t->rank; i++)
        sizes[i] = i < axis ? t->dims[i].size : i == axis ? 1 : t->dims[i - 1].size;
    int32_t part =
        lower_add_tensor(l, lower_name(l, t->name, "_part"), t->dtype, t->rank + 1, sizes);
    int32_t op = lower_add_op(l, lower_name(l, lower_tensor(l, gathered)->name, "_Squeeze"),
                              "Squeeze", ONNX);
    int32_t axes =
        lower_add_ints(l, lower_name(l, lower_tensor(l, gathered)->name, "_axes"), 1, &axis);
    lower_set_inputs(l, op, 2, (int32_t[]){part, axes});
    graph_set_outputs(l->graph, op, 1, &gathered);
    return part;
}

static bool split_slices(struct lower *l, int32_t op) {
    struct part parts[PARTS_MAX];
    int64_t axis, sizes[PARTS_MAX];
    int32_t outputs[PARTS_MAX], tensor = lower_in(l, op, 0);
    if (tensor < 0 || lower_tensor(l, tensor)->flags & TENSOR_OUTER ||
        !read_part(l, op, &axis, &parts[0]))
        return false;
    uint32_t count = collect_parts(l, tensor, axis, parts);
    if (count < 2)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        sizes[i] = parts[i].end - parts[i].start;
        outputs[i] = lower_out(l, parts[i].op, 0);
        bool gathered = lower_is(l, parts[i].op, ONNX, "Gather");
        lower_kill(l, parts[i].op);
        if (gathered)
            outputs[i] = add_squeezed(l, outputs[i], axis);
    }
    const char *name = lower_op(l, op)->name;
    int32_t split = lower_add_op(l, name, "Split", ONNX);
    int32_t list = lower_add_ints(l, lower_name(l, name, "_split"), count, sizes);
    graph_set_int(l->graph, split, "axis", axis);
    lower_set_inputs(l, split, 2, (int32_t[]){tensor, list});
    graph_set_outputs(l->graph, split, count, outputs);
    return true;
}

const struct lower_rule lower_reshape_rules[] = {
    {"views",  "Reshape and a view behind it become one",        NULL,    fuse_views  },
    {"slices", "slices that share out an axis become one Split", "Slice", split_slices},
    {NULL,     NULL,                                             NULL,    NULL        },
};

const struct lower_rule lower_split_rules[] = {
    {"gathers", "rows taken one by one become one Split", "Gather", split_slices},
    {NULL,      NULL,                                     NULL,     NULL        },
};
