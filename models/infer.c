#include "models/infer.h"

#include "base/strbuf.h"
#include "models/infer_ops.h"

#include <stdlib.h>
#include <string.h>

enum { SUBGRAPH_DEPTH_MAX = 64 };

static const struct infer_row *const families[] = {
    infer_elementwise_rows,   infer_matmul_rows,    infer_conv_rows,      infer_pool_rows,
    infer_normalization_rows, infer_reduction_rows, infer_layout_rows,    infer_slice_rows,
    infer_gather_rows,        infer_resize_rows,    infer_generator_rows, infer_recurrent_rows,
    infer_control_rows,       infer_sequence_rows,  infer_attention_rows, infer_quantization_rows,
    infer_signal_rows,        infer_loss_rows,      infer_nchwc_rows,
};
enum { FAMILY_COUNT = sizeof families / sizeof *families };

/* ---- rows ------------------------------------------------------------------------------------ */

/* The row with the highest `since` that the opset has reached. */
static const struct infer_row *find_row(const char *domain, const char *type, int64_t opset) {
    const struct infer_row *best = NULL;
    for (int f = 0; f < FAMILY_COUNT; f++)
        for (const struct infer_row *row = families[f]; row->type; row++)
            if (strcmp(row->type, type) == 0 && strcmp(row->domain, domain) == 0 &&
                row->since <= opset && (!best || row->since > best->since))
                best = row;
    return best;
}

static const char *plain_domain(const char *domain) {
    return strcmp(domain, "ai.onnx") == 0 ? ONNX : domain;
}

bool infer_is_known(const char *domain, const char *type) {
    return find_row(plain_domain(domain), type, INT64_MAX) != NULL;
}

bool infer_known_at(uint32_t index, const char **domain, const char **type) {
    for (int f = 0; f < FAMILY_COUNT; f++)
        for (const struct infer_row *row = families[f]; row->type; row++)
            if (index-- == 0) {
                *domain = row->domain;
                *type = row->type;
                return true;
            }
    return false;
}

/* ---- reading the operator -------------------------------------------------------------------- */

bool infer_has(const struct infer *run, uint32_t input) {
    return input < run->op->input_count && run->op->inputs[input] != GRAPH_NONE;
}

static struct shape shape_of(const struct tensor *tensor) {
    struct shape shape = infer_shape_of_rank(tensor->rank);
    for (int32_t i = 0; i < shape.rank; i++)
        shape.dims[i] = tensor->dims[i];
    return shape;
}

struct shape infer_in(const struct infer *run, uint32_t input) {
    if (!infer_has(run, input))
        return infer_shape_of_rank(GRAPH_RANK_UNKNOWN);
    return shape_of(&run->graph->tensors[run->op->inputs[input]]);
}

enum dtype infer_dtype(const struct infer *run, uint32_t input) {
    const struct tensor *tensor = op_input(run->graph, run->op, input);
    return tensor ? tensor->dtype : DTYPE_UNDEFINED;
}

static struct constant *constant_of_values(struct arena *arena,
                                           const struct tensor_values *values) {
    struct constant *constant = ARENA_NEW(arena, struct constant);
    constant->count = (uint32_t)values->count;
    constant->floating = values->floats != NULL;
    constant->elements = ARENA_ARRAY(arena, values->count, struct element);
    for (uint32_t i = 0; i < constant->count; i++) {
        struct element *e = &constant->elements[i];
        *e = (struct element){.symbol = GRAPH_NO_SYMBOL, .known = true};
        if (constant->floating)
            e->f = values->floats[i];
        else
            e->i = values->ints[i];
    }
    return constant;
}

static struct constant *constant_of(const struct infer *run, uint32_t input) {
    if (!infer_has(run, input))
        return NULL;
    int32_t t = run->op->inputs[input];
    const struct tensor *tensor = &run->graph->tensors[t];
    if (!run->constants[t] && tensor->values && tensor->values->count <= INFER_FOLD_ELEMENTS &&
        (tensor->values->ints || tensor->values->floats))
        run->constants[t] = constant_of_values(run->graph->arena, tensor->values);
    return run->constants[t];
}

const struct constant *infer_constant(const struct infer *run, uint32_t input) {
    return constant_of(run, input);
}

bool infer_scalar(const struct infer *run, uint32_t input, int64_t *value) {
    const struct constant *c = infer_constant(run, input);
    if (!c || c->count < 1 || c->floating || !c->elements[0].known)
        return false;
    *value = c->elements[0].i;
    return true;
}

static bool all_known(const struct constant *constant) {
    for (uint32_t i = 0; i < constant->count; i++)
        if (!constant->elements[i].known)
            return false;
    return true;
}

/* Made once: any number of operators may ask for the same one. */
static const int64_t *list_of(const struct infer *run, struct constant *constant) {
    if (constant->list || !all_known(constant))
        return constant->list;
    int64_t *values = ARENA_ARRAY(run->graph->arena, constant->count, int64_t);
    for (uint32_t i = 0; i < constant->count; i++)
        values[i] = constant->elements[i].i;
    return constant->list = values;
}

static enum list_state list_of_constant(const struct infer *run, struct constant *constant,
                                        struct int_list *list) {
    const int64_t *values = constant && !constant->floating ? list_of(run, constant) : NULL;
    if (!values)
        return LIST_UNKNOWN;
    *list = (struct int_list){constant->count, values};
    return LIST_KNOWN;
}

enum list_state infer_ints(const struct infer *run, const char *attribute, int input,
                           struct int_list *list) {
    *list = (struct int_list){0, NULL};
    const struct attribute *a = attribute ? op_attribute(run->op, attribute) : NULL;
    if (a && a->kind == ATTRIBUTE_INTS) {
        *list = (struct int_list){a->count, a->ints};
        return LIST_KNOWN;
    }
    if (a && a->kind == ATTRIBUTE_INT) {
        *list = (struct int_list){1, &a->i};
        return LIST_KNOWN;
    }
    if (input < 0 || !infer_has(run, (uint32_t)input))
        return LIST_ABSENT;
    const struct tensor *tensor = op_input(run->graph, run->op, (uint32_t)input);
    if (tensor->rank == 1 && tensor->dims[0].size == 0)
        return LIST_KNOWN;
    return list_of_constant(run, constant_of(run, (uint32_t)input), list);
}

int infer_axis(struct infer *run, int64_t axis, int32_t rank, int32_t *result) {
    if (axis < -(int64_t)rank || axis >= rank)
        return infer_fail(run, "axis %lld is outside of rank %d", (long long)axis, rank);
    *result = (int32_t)(axis < 0 ? axis + rank : axis);
    return 0;
}

int infer_axes(struct infer *run, const struct int_list *axes, int32_t rank,
               bool marked[GRAPH_RANK_MAX]) {
    memset(marked, 0, GRAPH_RANK_MAX * sizeof *marked);
    for (uint32_t i = 0; i < axes->count; i++) {
        int32_t axis = 0;
        if (infer_axis(run, axes->values[i], rank, &axis))
            return -(int)run->err->code;
        marked[axis] = true;
    }
    return 0;
}

int infer_need_rank(struct infer *run, uint32_t input, int32_t rank) {
    const struct tensor *tensor = op_input(run->graph, run->op, input);
    if (tensor && tensor->rank >= 0 && tensor->rank != rank)
        return infer_fail(run, "input %u must have rank %d", input, rank);
    return 0;
}

/* ---- writing the outputs --------------------------------------------------------------------- */

static void describe_inputs(const struct infer *run, struct strbuf *text) {
    for (uint32_t i = 0; i < run->op->input_count && i < 8; i++) {
        const struct tensor *tensor = op_input(run->graph, run->op, i);
        strbuf_printf(text, "%s%s", i ? ", " : "",
                      tensor ? tensor_shape_text(run->graph->arena, run->graph, tensor) : "-");
    }
    if (run->op->input_count > 8)
        strbuf_puts(text, ", ...");
}

int infer_fail(struct infer *run, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *what = arena_vprintf(run->graph->arena, format, args);
    va_end(args);
    struct strbuf shapes;
    strbuf_init(&shapes);
    describe_inputs(run, &shapes);
    const char *output = run->op->output_count && run->op->outputs[0] != GRAPH_NONE
                             ? run->graph->tensors[run->op->outputs[0]].name
                             : "";
    err_set(run->err, ERR_INPUT, "operator %s '%s' with inputs %.300s: %s", run->op->type,
            *run->op->name ? run->op->name : output, shapes.text, what);
    strbuf_done(&shapes);
    return err_hint(run->err, "the model contradicts itself; check the sizes given for its inputs "
                              "and whether the file was exported or edited correctly");
}

/* More elements than any memory has; whether one of the sizes is 0 does not matter. */
static bool is_too_large(const struct shape *shape) {
    double product = 1;
    for (int32_t i = 0; i < shape->rank; i++)
        product *= shape->dims[i].size > 0 ? (double)shape->dims[i].size : 1;
    return product > 0x1p62;
}

void infer_put(struct infer *run, uint32_t output, enum dtype dtype, const struct shape *shape) {
    if (output >= run->op->output_count || run->op->outputs[output] == GRAPH_NONE)
        return;
    struct tensor *tensor = &run->graph->tensors[run->op->outputs[output]];
    if (dtype != DTYPE_UNDEFINED)
        tensor->dtype = dtype;
    if (!shape || shape->rank < 0)
        return;
    run->overflow = run->overflow || is_too_large(shape);
    struct shape merged = *shape;
    if (tensor->rank == shape->rank)
        for (int32_t i = 0; i < shape->rank; i++)
            if (!dim_known(merged.dims[i]) && merged.dims[i].symbol == GRAPH_NO_SYMBOL)
                merged.dims[i] = tensor->dims[i];
    tensor->dims =
        shape->rank ? ARENA_ARRAY(run->graph->arena, (size_t)shape->rank, struct dim) : NULL;
    tensor->rank = shape->rank;
    for (int32_t i = 0; i < shape->rank; i++)
        tensor->dims[i] = merged.dims[i];
}

void infer_put_like(struct infer *run, uint32_t output, uint32_t input) {
    struct shape shape = infer_in(run, input);
    infer_put(run, output, infer_dtype(run, input), &shape);
}

void infer_put_scalar(struct infer *run, uint32_t output, enum dtype dtype) {
    infer_put(run, output, dtype, &(struct shape){.rank = 0});
}

/* Types whose values are folded: integers as they are, floats in their own precision. Arithmetic
 * on shapes is never done in half precision. */
static bool can_fold(enum dtype dtype) {
    return (dtype >= DTYPE_FLOAT32 && dtype <= DTYPE_INT64) || dtype == DTYPE_BOOL ||
           (dtype >= DTYPE_FLOAT64 && dtype <= DTYPE_UINT64);
}

static bool is_floating(enum dtype dtype) {
    return dtype == DTYPE_FLOAT32 || dtype == DTYPE_FLOAT64;
}

struct constant *infer_fold_output(struct infer *run, uint32_t output) {
    const struct tensor *tensor = op_output(run->graph, run->op, output);
    int64_t elements = tensor ? tensor_elements(tensor) : -1;
    if (elements < 0 || elements > INFER_FOLD_ELEMENTS || !can_fold(tensor->dtype) ||
        elements > run->limits->fold_elements)
        return NULL;
    run->limits->fold_elements -= elements + 1;
    struct constant *constant = ARENA_NEW(run->graph->arena, struct constant);
    constant->count = (uint32_t)elements;
    constant->floating = is_floating(tensor->dtype);
    constant->elements = ARENA_ARRAY(run->graph->arena, (size_t)elements, struct element);
    for (int64_t i = 0; i < elements; i++)
        constant->elements[i].symbol = GRAPH_NO_SYMBOL;
    run->constants[run->op->outputs[output]] = constant;
    return constant;
}

static void round_to_single(struct constant *constant) {
    for (uint32_t i = 0; i < constant->count; i++)
        constant->elements[i].f = (double)(float)constant->elements[i].f;
}

/* Values that are known in full go into the graph. */
static void store_values(struct infer *run, int32_t t) {
    struct constant *c = run->constants[t];
    struct tensor *tensor = &run->graph->tensors[t];
    if (c && tensor->dtype == DTYPE_FLOAT32 && c->floating)
        round_to_single(c);
    if (!c || (int64_t)c->count != tensor_elements(tensor))
        return;
    for (uint32_t i = 0; i < c->count; i++)
        if (!c->elements[i].known)
            return;
    int64_t *ints = c->floating ? NULL : ARENA_ARRAY(run->graph->arena, c->count, int64_t);
    double *floats = c->floating ? ARENA_ARRAY(run->graph->arena, c->count, double) : NULL;
    for (uint32_t i = 0; i < c->count; i++) {
        if (floats)
            floats[i] = c->elements[i].f;
        else
            ints[i] = c->elements[i].i;
    }
    struct tensor_values *values = ARENA_NEW(run->graph->arena, struct tensor_values);
    *values = (struct tensor_values){c->count, ints, floats};
    tensor->values = values;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static const char *const row_domains[] = {ONNX, MICROSOFT, NCHWC, TRAINING};
enum { ROW_DOMAINS = sizeof row_domains / sizeof *row_domains };

/* Rows of graphs that the runtime lowered are found whatever the opsets say. */
static int64_t version_of(const struct graph *graph, const char *domain) {
    int64_t version = graph_opset_version(graph, domain);
    if (version == 0 && strcmp(domain, ONNX) == 0)
        version = graph_opset_version(graph, "ai.onnx");
    return version > 0 ? version : INT64_MAX;
}

/* Asked once: a file may import any number of domains. */
static void read_opsets(const struct graph *graph, struct infer_opset opsets[ROW_DOMAINS + 1]) {
    for (int d = 0; d < ROW_DOMAINS; d++)
        opsets[d] = (struct infer_opset){row_domains[d], version_of(graph, row_domains[d])};
    opsets[ROW_DOMAINS] = (struct infer_opset){NULL, INT64_MAX};
}

static int64_t opset_of(const struct infer *run, const char *domain) {
    const struct infer_opset *at = run->opsets;
    while (at->domain && strcmp(at->domain, domain) != 0)
        at++;
    return at->version;
}

static int infer_op(struct infer *run, uint32_t index) {
    run->op = &run->graph->ops[index];
    const char *domain = plain_domain(run->op->domain);
    run->opset = opset_of(run, domain);
    run->row = find_row(domain, run->op->type, run->opset);
    if (!run->row || run->limits->visits-- <= 0)
        return 0;
    run->overflow = false;
    if (run->row->infer(run))
        return -(int)run->err->code;
    if (run->overflow)
        return infer_fail(run, "a size of the output passes 2^62");
    if (run->row->fold)
        run->row->fold(run);
    for (uint32_t k = 0; k < run->op->output_count; k++)
        if (run->op->outputs[k] != GRAPH_NONE)
            store_values(run, run->op->outputs[k]);
    return 0;
}

static int infer_graph(struct infer *run) {
    for (uint32_t i = 0; i < run->graph->op_count; i++)
        if (infer_op(run, i))
            return -(int)run->err->code;
    return 0;
}

static void prepare(struct infer *run, struct graph *graph) {
    run->graph = graph;
    run->constants = ARENA_ARRAY(graph->arena, graph->tensor_count + 1u, struct constant *);
    run->sequences = ARENA_ARRAY(graph->arena, graph->tensor_count + 1u, struct sequence *);
}

int infer_shapes(struct graph *graph, struct err *err) {
    const uint64_t size = graph_op_count(graph) + graph_tensor_count(graph);
    struct infer_limits limits = {INT64_C(1) << 22, 8 * (int64_t)size + INT64_C(100000)};
    struct infer_opset opsets[ROW_DOMAINS + 1];
    read_opsets(graph, opsets);
    struct infer run = {.err = err, .limits = &limits, .opsets = opsets};
    prepare(&run, graph);
    return infer_graph(&run);
}

/* ---- subgraphs ------------------------------------------------------------------------------- */

struct dim dim_into(struct dim dim, const struct graph *from, struct graph *to) {
    if (dim.symbol != GRAPH_NO_SYMBOL && from != to)
        dim.symbol = graph_symbol(to, from->symbols[dim.symbol]);
    return dim;
}

struct shape shape_into(const struct tensor *tensor, const struct graph *from, struct graph *to) {
    struct shape shape = shape_of(tensor);
    for (int32_t i = 0; i < shape.rank; i++)
        shape.dims[i] = dim_into(shape.dims[i], from, to);
    return shape;
}

static bool has_symbols(const struct constant *constant) {
    for (uint32_t i = 0; i < constant->count; i++)
        if (constant->elements[i].symbol != GRAPH_NO_SYMBOL)
            return true;
    return false;
}

/* Where symbols have other numbers a copy, as far as the limits allow. */
static struct constant *constant_into(struct infer_limits *limits, struct constant *constant,
                                      const struct graph *from, struct graph *to) {
    if (!has_symbols(constant))
        return constant;
    if (constant->count > limits->fold_elements)
        return NULL;
    limits->fold_elements -= constant->count;
    struct constant *copy = ARENA_NEW(to->arena, struct constant);
    *copy = *constant;
    copy->elements = arena_grow(to->arena, constant->elements, constant->count, constant->count,
                                sizeof *copy->elements);
    for (uint32_t i = 0; i < copy->count; i++)
        copy->elements[i].symbol =
            dim_into((struct dim){0, copy->elements[i].symbol}, from, to).symbol;
    return copy;
}

static void take_from_outer(const struct infer *run, struct infer *inner, int32_t t) {
    struct tensor *tensor = &inner->graph->tensors[t];
    if (tensor->outer < 0 || (uint32_t)tensor->outer >= run->graph->tensor_count)
        return;
    const struct tensor *from = &run->graph->tensors[tensor->outer];
    struct shape shape = shape_into(from, run->graph, inner->graph);
    tensor->dtype = from->dtype;
    tensor->rank = shape.rank;
    tensor->dims =
        shape.rank > 0 ? ARENA_ARRAY(inner->graph->arena, (size_t)shape.rank, struct dim) : NULL;
    for (int32_t i = 0; i < shape.rank; i++)
        tensor->dims[i] = shape.dims[i];
    tensor->values = from->values;
    inner->sequences[t] = run->sequences[tensor->outer];
    if (run->constants[tensor->outer])
        inner->constants[t] =
            constant_into(run->limits, run->constants[tensor->outer], run->graph, inner->graph);
}

int infer_subgraph(struct infer *run, struct graph *graph, struct err *err, struct infer *inner) {
    *inner = (struct infer){.outer = run,
                            .limits = run->limits,
                            .opsets = run->opsets,
                            .err = err,
                            .depth = run->depth + 1};
    if (inner->depth > SUBGRAPH_DEPTH_MAX)
        return err_set(err, ERR_INPUT, "subgraphs nest deeper than %d", SUBGRAPH_DEPTH_MAX);
    prepare(inner, graph);
    run->limits->visits -= graph->tensor_count;
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        if (graph->tensors[t].flags & TENSOR_OUTER)
            take_from_outer(run, inner, (int32_t)t);
    return infer_graph(inner);
}

/* ---- forgetting ------------------------------------------------------------------------------ */

static void forget_tensor(struct tensor *tensor) {
    tensor->dtype = DTYPE_UNDEFINED;
    tensor->rank = GRAPH_RANK_UNKNOWN;
    tensor->dims = NULL;
    tensor->values = NULL;
}

void infer_forget(struct graph *graph) {
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        if (graph->tensors[t].flags & TENSOR_OUTER)
            forget_tensor(&graph->tensors[t]);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        bool constant = strcmp(op->type, "Constant") == 0;
        for (uint32_t k = 0; k < op->output_count && !constant; k++)
            if (op->outputs[k] != GRAPH_NONE)
                forget_tensor(&graph->tensors[op->outputs[k]]);
        for (uint32_t a = 0; a < op->attribute_count; a++)
            if (op->attributes[a].kind == ATTRIBUTE_GRAPH)
                infer_forget(op->attributes[a].graph);
    }
}
