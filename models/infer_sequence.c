/* Sequences and optionals. The graph's nouns describe tensors only, so what is known of the
 * elements of a sequence stands beside them while the graph is walked. */
#include "models/infer_ops.h"

static const struct sequence *sequence_in(const struct infer *run, uint32_t input) {
    return infer_has(run, input) ? run->sequences[run->op->inputs[input]] : NULL;
}

static void put_sequence(struct infer *run, uint32_t output, const struct sequence *sequence) {
    if (output >= run->op->output_count || run->op->outputs[output] == GRAPH_NONE || !sequence)
        return;
    struct sequence *copy = ARENA_NEW(run->graph->arena, struct sequence);
    *copy = *sequence;
    run->sequences[run->op->outputs[output]] = copy;
}

static void put_element(struct infer *run, const struct sequence *sequence) {
    if (sequence && sequence->nested)
        return;
    if (sequence)
        infer_put(run, 0, sequence->dtype, &sequence->shape);
}

/* One more element: the shape common to all. */
static void add_element(struct sequence *s, enum dtype dtype, const struct shape *shape) {
    s->shape = s->length == 0 ? *shape : shape_merge(&s->shape, shape);
    s->dtype = dtype ? dtype : s->dtype;
    if (s->length >= 0)
        s->length++;
}

static int infer_sequence_empty(struct infer *run) {
    int64_t dtype = op_int(run->op, "dtype", DTYPE_FLOAT32);
    struct sequence s = {.dtype = dtype_info((enum dtype)dtype) ? (enum dtype)dtype : 0,
                         .shape = infer_shape_of_rank(GRAPH_RANK_UNKNOWN)};
    put_sequence(run, 0, &s);
    return 0;
}

static int infer_sequence_construct(struct infer *run) {
    struct sequence s = {.shape = infer_shape_of_rank(GRAPH_RANK_UNKNOWN)};
    for (uint32_t i = 0; i < run->op->input_count; i++) {
        struct shape x = infer_in(run, i);
        add_element(&s, infer_dtype(run, i), &x);
    }
    put_sequence(run, 0, &s);
    return 0;
}

static int infer_sequence_insert(struct infer *run) {
    const struct sequence *from = sequence_in(run, 0);
    struct shape x = infer_in(run, 1);
    if (from) {
        struct sequence s = *from;
        add_element(&s, infer_dtype(run, 1), &x);
        put_sequence(run, 0, &s);
    }
    return 0;
}

static int infer_sequence_erase(struct infer *run) {
    const struct sequence *from = sequence_in(run, 0);
    if (from) {
        struct sequence s = *from;
        s.length = from->length > 0 ? from->length - 1 : -1;
        put_sequence(run, 0, &s);
    }
    return 0;
}

static int infer_sequence_at(struct infer *run) {
    put_element(run, sequence_in(run, 0));
    return 0;
}

static int infer_sequence_length(struct infer *run) {
    infer_put_scalar(run, 0, DTYPE_INT64);
    return 0;
}

static void fold_sequence_length(struct infer *run) {
    const struct sequence *s = sequence_in(run, 0);
    struct constant *y = s && s->length >= 0 ? infer_fold_output(run, 0) : NULL;
    if (y)
        y->elements[0] = (struct element){{s->length}, GRAPH_NO_SYMBOL, true};
}

/* new_axis 1: stacked on a new axis; else joined on an existing one. */
static int infer_concat_from_sequence(struct infer *run) {
    const struct sequence *s = sequence_in(run, 0);
    if (!s)
        return 0;
    struct shape x = s->shape, y = {.rank = 0};
    bool stack = op_int(run->op, "new_axis", 0) != 0;
    int32_t axis = 0;
    struct dim length = infer_dim(s->length);
    infer_put(run, 0, s->dtype, NULL);
    if (x.rank < 0 || x.rank >= GRAPH_RANK_MAX)
        return 0;
    if (infer_axis(run, op_int(run->op, "axis", 0), x.rank + stack, &axis))
        return -(int)run->err->code;
    for (int32_t i = 0; i < x.rank + stack; i++)
        shape_append(&y, stack       ? (i == axis ? length : x.dims[i - (i > axis)])
                         : i == axis ? dim_mul(run, x.dims[i], length)
                                     : x.dims[i]);
    infer_put(run, 0, s->dtype, &y);
    return 0;
}

/* Parts of a tensor along an axis: sizes by input 1, or single slices. */
static int infer_split_to_sequence(struct infer *run) {
    struct shape x = infer_in(run, 0);
    struct int_list sizes;
    enum list_state state = infer_ints(run, NULL, 1, &sizes);
    const struct tensor *split = op_input(run->graph, run->op, 1);
    struct sequence s = {.dtype = infer_dtype(run, 0), .shape = x, .length = -1};
    int32_t axis = 0;
    if (x.rank < 0)
        return 0;
    if (infer_axis(run, op_int(run->op, "axis", 0), x.rank, &axis))
        return -(int)run->err->code;
    struct dim whole = x.dims[axis];
    s.shape.dims[axis] = infer_unknown_dim;
    if (state == LIST_ABSENT) {
        s.length = whole.size;
        s.shape.dims[axis] = infer_dim(1);
        if (!op_int(run->op, "keepdims", 1)) {
            for (int32_t i = axis; i + 1 < x.rank; i++)
                s.shape.dims[i] = x.dims[i + 1];
            s.shape.rank--;
        }
    } else if (state == LIST_KNOWN && split->rank == 0 && sizes.count == 1) {
        if (sizes.values[0] < 1)
            return infer_fail(run, "parts of %lld", (long long)sizes.values[0]);
        s.length = dim_div_up(whole, sizes.values[0]).size;
        if (dim_known(whole) && whole.size % sizes.values[0] == 0)
            s.shape.dims[axis] = infer_dim(sizes.values[0]);
    } else if (state == LIST_KNOWN) {
        s.length = sizes.count;
        struct dim common = sizes.count ? infer_dim(sizes.values[0]) : infer_unknown_dim;
        for (uint32_t i = 1; i < sizes.count; i++)
            common = dim_merge(common, infer_dim(sizes.values[i]));
        s.shape.dims[axis] = common;
    }
    put_sequence(run, 0, &s);
    return 0;
}

static void set_body_element(struct graph *body, uint32_t i, enum dtype dtype,
                             const struct shape *shape) {
    if (i >= body->input_count)
        return;
    struct tensor *t = &body->tensors[body->inputs[i]];
    t->dtype = dtype ? dtype : t->dtype;
    t->rank = shape->rank;
    t->dims = shape->rank > 0 ? ARENA_ARRAY(body->arena, (size_t)shape->rank, struct dim) : NULL;
    for (int32_t k = 0; k < shape->rank; k++)
        t->dims[k] = dim_into(shape->dims[k], body->parent ? body->parent : body, body);
}

/* The body runs on each element; sequences among the further inputs are walked along. */
static int infer_sequence_map(struct infer *run) {
    const struct attribute *a = op_attribute(run->op, "body");
    const struct sequence *first = sequence_in(run, 0);
    if (!a || a->kind != ATTRIBUTE_GRAPH || a->graph->parent != run->graph)
        return 0;
    for (uint32_t i = 0; i < run->op->input_count; i++) {
        const struct sequence *s = sequence_in(run, i);
        struct shape x = s ? s->shape : infer_in(run, i);
        set_body_element(a->graph, i, s ? s->dtype : infer_dtype(run, i), &x);
    }
    struct infer inner;
    if (infer_subgraph(run, a->graph, run->err, &inner))
        return -(int)run->err->code;
    for (uint32_t k = 0; k < run->op->output_count && k < a->graph->output_count; k++) {
        const struct tensor *t = &a->graph->tensors[a->graph->outputs[k]];
        struct sequence s = {.dtype = t->dtype,
                             .length = first ? first->length : -1,
                             .shape = shape_into(t, a->graph, run->graph)};
        put_sequence(run, k, &s);
    }
    return 0;
}

/* An optional is treated as what it holds. */
static int infer_optional(struct infer *run) {
    infer_put_like(run, 0, 0);
    put_sequence(run, 0, sequence_in(run, 0));
    return 0;
}

static int infer_optional_has_element(struct infer *run) {
    infer_put_scalar(run, 0, DTYPE_BOOL);
    return 0;
}

const struct infer_row infer_sequence_rows[] = {
    {ONNX, "SequenceEmpty",      infer_sequence_empty,       NULL,                 0, 0},
    {ONNX, "SequenceConstruct",  infer_sequence_construct,   NULL,                 0, 0},
    {ONNX, "SequenceInsert",     infer_sequence_insert,      NULL,                 0, 0},
    {ONNX, "SequenceErase",      infer_sequence_erase,       NULL,                 0, 0},
    {ONNX, "SequenceAt",         infer_sequence_at,          NULL,                 0, 0},
    {ONNX, "SequenceLength",     infer_sequence_length,      fold_sequence_length, 0, 0},
    {ONNX, "SequenceMap",        infer_sequence_map,         NULL,                 0, 0},
    {ONNX, "ConcatFromSequence", infer_concat_from_sequence, NULL,                 0, 0},
    {ONNX, "SplitToSequence",    infer_split_to_sequence,    NULL,                 0, 0},
    {ONNX, "Optional",           infer_optional,             NULL,                 0, 0},
    {ONNX, "OptionalGetElement", infer_optional,             NULL,                 0, 0},
    {ONNX, "OptionalHasElement", infer_optional_has_element, NULL,                 0, 0},
    {NULL, NULL,                 NULL,                       NULL,                 0, 0},
};
