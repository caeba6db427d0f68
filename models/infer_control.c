/* If, Loop, Scan: what their bodies say, as far as it holds for every way through them. */
#include "models/infer.h"
#include "models/infer_ops.h"

enum { LOOP_PASSES = 3 };

static struct graph *subgraph(const struct infer *run, const char *name) {
    const struct attribute *a = op_attribute(run->op, name);
    return a && a->kind == ATTRIBUTE_GRAPH ? a->graph : NULL;
}

static const struct tensor *body_output(const struct graph *body, uint32_t i) {
    return i < body->output_count && body->outputs[i] >= 0 ? &body->tensors[body->outputs[i]]
                                                           : NULL;
}

static struct sequence *body_sequence(const struct infer *body, uint32_t i) {
    return body_output(body->graph, i) ? body->sequences[body->graph->outputs[i]] : NULL;
}

/* ---- If -------------------------------------------------------------------------------------- */

struct branch {
    struct graph *graph;
    struct infer run;
    bool valid; /* its body is free of contradictions */
};

static void put_branch(struct infer *run, const struct branch *branch) {
    for (uint32_t k = 0; k < run->op->output_count; k++) {
        const struct tensor *t = body_output(branch->graph, k);
        if (!t || run->op->outputs[k] == GRAPH_NONE)
            continue;
        struct shape y = shape_into(t, branch->graph, run->graph);
        infer_put(run, k, t->dtype, &y);
        run->sequences[run->op->outputs[k]] = body_sequence(&branch->run, k);
    }
}

static void put_merged(struct infer *run, const struct branch *a, const struct branch *b) {
    for (uint32_t k = 0; k < run->op->output_count; k++) {
        const struct tensor *ta = body_output(a->graph, k), *tb = body_output(b->graph, k);
        if (!ta || !tb)
            continue;
        struct shape ya = shape_into(ta, a->graph, run->graph);
        struct shape yb = shape_into(tb, b->graph, run->graph), y = shape_merge(&ya, &yb);
        infer_put(run, k, ta->dtype ? ta->dtype : tb->dtype, &y);
        const struct sequence *sa = body_sequence(&a->run, k), *sb = body_sequence(&b->run, k);
        if (!sa || !sb || run->op->outputs[k] == GRAPH_NONE)
            continue;
        struct sequence *s = ARENA_NEW(run->graph->arena, struct sequence);
        *s = *sa;
        s->shape = shape_merge(&sa->shape, &sb->shape);
        s->length = sa->length == sb->length ? sa->length : -1;
        run->sequences[run->op->outputs[k]] = s;
    }
}

static void walk_branch(struct infer *run, struct branch *branch, struct err *err) {
    branch->valid = infer_subgraph(run, branch->graph, err, &branch->run) == 0;
}

/* The branch that is not taken may contradict itself: exporters guard Squeeze that way. */
static int infer_if(struct infer *run) {
    struct branch then_branch = {.graph = subgraph(run, "then_branch")};
    struct branch else_branch = {.graph = subgraph(run, "else_branch")};
    struct err then_err = {0}, else_err = {0};
    int64_t condition;
    if (!then_branch.graph || !else_branch.graph)
        return infer_fail(run, "then_branch or else_branch is missing");
    walk_branch(run, &then_branch, &then_err);
    walk_branch(run, &else_branch, &else_err);
    if (infer_scalar(run, 0, &condition)) {
        const struct branch *taken = condition ? &then_branch : &else_branch;
        if (!taken->valid)
            return err_set(run->err, (condition ? then_err : else_err).code, "%s",
                           (condition ? then_err : else_err).message);
        put_branch(run, taken);
    } else if (then_branch.valid && else_branch.valid) {
        put_merged(run, &then_branch, &else_branch);
    } else if (then_branch.valid || else_branch.valid) {
        put_branch(run, then_branch.valid ? &then_branch : &else_branch);
    } else {
        return err_set(run->err, then_err.code, "%s", then_err.message);
    }
    return 0;
}

/* ---- Loop and Scan share ----------------------------------------------------------------------
 */

static void set_body_input(struct graph *body, uint32_t i, enum dtype dtype,
                           const struct shape *shape) {
    if (i >= body->input_count)
        return;
    struct tensor *t = &body->tensors[body->inputs[i]];
    if (dtype != DTYPE_UNDEFINED)
        t->dtype = dtype;
    t->rank = shape->rank;
    t->dims = shape->rank > 0 ? ARENA_ARRAY(body->arena, (size_t)shape->rank, struct dim) : NULL;
    for (int32_t k = 0; k < shape->rank; k++)
        t->dims[k] = shape->dims[k];
}

static struct shape input_in(const struct infer *run, uint32_t input, struct graph *body) {
    const struct tensor *t = op_input(run->graph, run->op, input);
    return t ? shape_into(t, run->graph, body) : infer_shape_of_rank(GRAPH_RANK_UNKNOWN);
}

static bool shapes_equal(const struct shape *a, const struct shape *b) {
    if (a->rank != b->rank)
        return false;
    for (int32_t i = 0; i < a->rank; i++)
        if (!dim_same(a->dims[i], b->dims[i]) &&
            (dim_known(a->dims[i]) || a->dims[i].symbol != GRAPH_NO_SYMBOL))
            return false;
    return true;
}

/* What a loop carries from one turn to the next must have a shape that holds for all turns: the
 * common part of what goes in and what comes out. Returns true when something had to be given up.
 */
static bool widen_states(struct graph *body, struct shape *states, uint32_t count,
                         uint32_t first_output) {
    bool changed = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct tensor *t = body_output(body, first_output + i);
        if (!t)
            continue;
        struct shape out = shape_into(t, body, body), common = shape_merge(&states[i], &out);
        if (states[i].rank < 0)
            continue;
        changed = changed || !shapes_equal(&states[i], &common);
        states[i] = common;
    }
    return changed;
}

/* Walks the body until the carried shapes hold. `first_input` is the body input of state 0. */
static int walk_body(struct infer *run, struct graph *body, struct shape *states, uint32_t count,
                     uint32_t first_op_input, uint32_t first_input, uint32_t first_output,
                     struct infer *inner) {
    for (int pass = 0; pass < LOOP_PASSES; pass++) {
        for (uint32_t i = 0; i < count; i++)
            set_body_input(body, first_input + i, infer_dtype(run, first_op_input + i), &states[i]);
        if (infer_subgraph(run, body, run->err, inner))
            return -(int)run->err->code;
        if (!widen_states(body, states, count, first_output))
            return 0;
        infer_forget(body);
    }
    /* not settled: nothing is known of what is carried */
    for (uint32_t i = 0; i < count; i++) {
        states[i] = infer_shape_of_rank(GRAPH_RANK_UNKNOWN);
        set_body_input(body, first_input + i, infer_dtype(run, first_op_input + i), &states[i]);
    }
    return infer_subgraph(run, body, run->err, inner);
}

static struct shape *read_states(struct infer *run, struct graph *body, uint32_t first,
                                 uint32_t count) {
    struct shape *states = ARENA_ARRAY(run->graph->arena, count, struct shape);
    for (uint32_t i = 0; i < count; i++)
        states[i] = input_in(run, first + i, body);
    return states;
}

static void put_states(struct infer *run, const struct graph *body, const struct shape *states,
                       uint32_t count, uint32_t first_output) {
    for (uint32_t i = 0; i < count; i++) {
        const struct tensor *t = body_output(body, first_output + i);
        struct shape y = states[i];
        for (int32_t k = 0; k < y.rank; k++)
            y.dims[k] = dim_into(y.dims[k], body, run->graph);
        infer_put(run, i, t ? t->dtype : DTYPE_UNDEFINED, &y);
    }
}

/* ---- Loop ------------------------------------------------------------------------------------ */

/* Turns that are certain: the trip count, when no condition can end the loop before. */
static int64_t trip_count(const struct infer *run, const struct infer *body) {
    int64_t trips, condition = 1;
    if (!infer_scalar(run, 0, &trips) || trips < 0)
        return GRAPH_DIM_UNKNOWN;
    if (infer_has(run, 1) && !infer_scalar(run, 1, &condition))
        return GRAPH_DIM_UNKNOWN;
    if (!condition)
        return 0;
    const struct tensor *again = body_output(body->graph, 0);
    const struct tensor_values *v = again ? again->values : NULL;
    return v && v->count == 1 && v->ints && v->ints[0] ? trips : GRAPH_DIM_UNKNOWN;
}

/* Inside the body the condition holds, or the body would not run. */
static const int64_t one = 1;
static const struct tensor_values always_true = {.count = 1, .ints = &one};

/* M, condition, states... -> states..., collected outputs... Body: iteration, condition, states...
 * -> condition, states..., one part of each collected output. */
static int infer_loop(struct infer *run) {
    struct graph *body = subgraph(run, "body");
    if (!body)
        return infer_fail(run, "the body is missing");
    struct shape scalar = {.rank = 0};
    struct infer inner;
    uint32_t states = run->op->input_count > 2 ? run->op->input_count - 2 : 0;
    if (states > run->op->output_count)
        return infer_fail(run, "more states than outputs");
    struct shape *carried = read_states(run, body, 2, states);
    set_body_input(body, 0, DTYPE_INT64, &scalar);
    set_body_input(body, 1, DTYPE_BOOL, &scalar);
    if (body->input_count > 1)
        body->tensors[body->inputs[1]].values = &always_true;
    if (walk_body(run, body, carried, states, 2, 2, 1, &inner))
        return -(int)run->err->code;
    put_states(run, body, carried, states, 1);
    for (uint32_t k = states; k < run->op->output_count; k++) {
        const struct tensor *t = body_output(body, 1 + k);
        if (!t)
            continue;
        struct shape part = shape_into(t, body, run->graph), y = {.rank = 1};
        y.dims[0] = infer_dim(trip_count(run, &inner));
        for (int32_t i = 0; i < part.rank; i++)
            shape_append(&y, part.dims[i]);
        infer_put(run, k, t->dtype, part.rank < 0 ? NULL : &y);
    }
    return 0;
}

/* ---- Scan ------------------------------------------------------------------------------------ */

static int64_t list_at(const struct infer *run, const char *name, uint32_t i) {
    struct int_list list;
    infer_ints(run, name, -1, &list);
    return i < list.count ? list.values[i] : 0;
}

/* A slice of a scanned input goes into the body: its axis is gone. */
static int scan_input(struct infer *run, struct graph *body, uint32_t input, uint32_t i,
                      uint32_t states, struct dim *length) {
    struct shape x = infer_in(run, input), part = {.rank = 0};
    int32_t axis = 0;
    if (x.rank < 0)
        return 0;
    if (infer_axis(run, list_at(run, "scan_input_axes", i), x.rank, &axis))
        return -(int)run->err->code;
    if (dim_differ(*length, x.dims[axis]))
        return infer_fail(run, "the scanned inputs differ in length");
    *length = dim_either(*length, x.dims[axis]);
    for (int32_t k = 0; k < x.rank; k++)
        if (k != axis)
            shape_append(&part, dim_into(x.dims[k], run->graph, body));
    set_body_input(body, states + i, infer_dtype(run, input), &part);
    return 0;
}

static int scan_output(struct infer *run, const struct graph *body, uint32_t output, uint32_t i,
                       struct dim length) {
    const struct tensor *t = body_output(body, output);
    struct shape part = t ? shape_into(t, body, run->graph) : infer_shape_of_rank(-1);
    struct shape y = {.rank = 0};
    int32_t axis = 0;
    if (part.rank < 0 || part.rank >= GRAPH_RANK_MAX)
        return 0;
    if (infer_axis(run, list_at(run, "scan_output_axes", i), part.rank + 1, &axis))
        return -(int)run->err->code;
    for (int32_t k = 0; k <= part.rank; k++)
        shape_append(&y, k == axis ? length : part.dims[k - (k > axis)]);
    infer_put(run, output, t->dtype, &y);
    return 0;
}

/* states..., scanned inputs... -> states..., collected outputs... */
static int infer_scan(struct infer *run) {
    struct graph *body = subgraph(run, "body");
    int64_t scanned = op_int(run->op, "num_scan_inputs", 0);
    if (!body || scanned < 0 || scanned > run->op->input_count)
        return infer_fail(run, "the body is missing or num_scan_inputs is wrong");
    uint32_t states = run->op->input_count - (uint32_t)scanned;
    if (states > run->op->output_count)
        return infer_fail(run, "more states than outputs");
    struct shape *carried = read_states(run, body, 0, states);
    struct dim length = infer_unknown_dim;
    struct infer inner;
    for (uint32_t i = 0; i < (uint32_t)scanned; i++)
        if (scan_input(run, body, states + i, i, states, &length))
            return -(int)run->err->code;
    if (walk_body(run, body, carried, states, 0, 0, 0, &inner))
        return -(int)run->err->code;
    put_states(run, body, carried, states, 0);
    for (uint32_t k = states; k < run->op->output_count; k++)
        if (scan_output(run, body, k, k - states, length))
            return -(int)run->err->code;
    return 0;
}

static struct shape with_batch(struct dim batch, const struct shape *part, const struct dim *seq) {
    struct shape y = infer_shape_of_rank(GRAPH_RANK_UNKNOWN);
    if (part->rank < 0)
        return y;
    y = infer_shape_1d(batch);
    if (seq)
        shape_append(&y, *seq);
    for (int32_t i = 0; i < part->rank; i++)
        shape_append(&y, part->dims[i]);
    return y;
}

/* Takes away the leading `count` axes. */
static struct shape without_leading(const struct shape *x, int32_t count) {
    struct shape part = infer_shape_of_rank(x->rank < count ? -1 : x->rank - count);
    for (int32_t i = 0; i < part.rank; i++)
        part.dims[i] = x->dims[i + count];
    return part;
}

/* Opset 8: sequence_lens, states..., scanned... Everything has a batch axis first, scanned tensors
 * the sequence axis second. */
static int infer_scan_8(struct infer *run) {
    struct graph *body = subgraph(run, "body");
    int64_t scanned = op_int(run->op, "num_scan_inputs", 0);
    if (!body || scanned < 1 || scanned + 1 > run->op->input_count)
        return infer_fail(run, "the body is missing or num_scan_inputs is wrong");
    uint32_t states = run->op->input_count - 1 - (uint32_t)scanned;
    struct shape x = infer_in(run, run->op->input_count - 1);
    struct dim batch = x.rank > 1 ? x.dims[0] : infer_unknown_dim;
    struct dim length = x.rank > 1 ? x.dims[1] : infer_unknown_dim;
    struct shape *carried = read_states(run, body, 1, states);
    struct infer inner;
    for (uint32_t i = 0; i < states; i++)
        carried[i] = without_leading(&carried[i], 1);
    for (uint32_t i = 0; i < (uint32_t)scanned; i++) {
        struct shape in = input_in(run, 1 + states + i, body), part = without_leading(&in, 2);
        set_body_input(body, states + i, infer_dtype(run, 1 + states + i), &part);
    }
    if (walk_body(run, body, carried, states, 1, 0, 0, &inner))
        return -(int)run->err->code;
    for (uint32_t k = 0; k < run->op->output_count; k++) {
        const struct tensor *t = body_output(body, k);
        if (!t)
            continue;
        struct shape part = shape_into(t, body, run->graph);
        struct shape y = with_batch(batch, &part, k < states ? NULL : &length);
        infer_put(run, k, t->dtype, &y);
    }
    return 0;
}

const struct infer_row infer_control_rows[] = {
    {ONNX, "If",   infer_if,     NULL, 0, 0},
    {ONNX, "Loop", infer_loop,   NULL, 0, 0},
    {ONNX, "Scan", infer_scan_8, NULL, 0, 0},
    {ONNX, "Scan", infer_scan,   NULL, 0, 9},
    {NULL, NULL,   NULL,         NULL, 0, 0},
};
