/* GraphProto, in passes: what has a name first, then the nodes that use it. */
#include "models/onnx/fields.h"
#include "models/onnx/reading.h"
#include "models/onnx/tensor.h"

typedef int (*visit)(struct scope *scope, struct wire message);

static int for_each(struct scope *scope, struct wire body, uint32_t field, const char *what,
                    visit each) {
    struct wire_field found;
    int more;
    while ((more = wire_next_of(&body, field, what, &found)) > 0) {
        int code = each(scope, wire_inside(&body, &found));
        if (code)
            return code;
    }
    return more;
}

/* ---- what has a name ------------------------------------------------------------------------- */

static int declare_initializer(struct scope *scope, const struct onnx_tensor *stored) {
    struct wire at = stored->body;
    if (stored->name.length == 0)
        return err_set(at.err, ERR_INPUT, "offset %llu: an initializer without a name",
                       (unsigned long long)at.at);
    if (names_find(scope->names, stored->name))
        return err_set(at.err, ERR_INPUT, "offset %llu: two initializers are named '%.*s'",
                       (unsigned long long)at.at, WIRE_SHOWN(stored->name));
    int32_t tensor = scope_declare(scope, stored->name);
    scope->graph->tensors[tensor].flags |= TENSOR_INITIALIZER;
    return onnx_tensor_describe(stored, scope->graph, tensor);
}

static int read_initializer(struct scope *scope, struct wire body) {
    struct onnx_tensor stored;
    int code = onnx_tensor_read(body, &stored);
    return code ? code : declare_initializer(scope, &stored);
}

static int read_sparse_initializer(struct scope *scope, struct wire body) {
    struct onnx_tensor stored;
    int code = onnx_sparse_tensor_read(body, &stored);
    return code ? code : declare_initializer(scope, &stored);
}

/* An input with an initializer has a default (or, before IR version 4, is merely listed): it need
 * not be fed, so it is no input. */
static int read_input(struct scope *scope, struct wire body) {
    struct value value;
    int code = reading_value(body, &value);
    if (code)
        return code;
    if (value.name.length == 0)
        return err_set(body.err, ERR_INPUT, "offset %llu: a graph input without a name",
                       (unsigned long long)body.at);
    const int32_t *known = names_find(scope->names, value.name);
    if (known && scope->graph->tensors[*known].flags & TENSOR_INITIALIZER)
        return 0;
    if (known)
        return err_set(body.err, ERR_INPUT, "offset %llu: two graph inputs are named '%.*s'",
                       (unsigned long long)body.at, WIRE_SHOWN(value.name));
    int32_t tensor = scope_declare(scope, value.name);
    scope->graph->tensors[tensor].flags |= TENSOR_INPUT;
    return reading_type(scope, &value, tensor);
}

/* Entries for values that nobody has are stale, and harmless. */
static int read_value_info(struct scope *scope, struct wire body) {
    struct value value;
    int code = reading_value(body, &value);
    const int32_t *tensor = code ? NULL : names_find(scope->names, value.name);
    return tensor ? reading_type(scope, &value, *tensor) : code;
}

static int read_output(struct scope *scope, struct wire body) {
    struct value value;
    int code = reading_value(body, &value);
    if (code)
        return code;
    int32_t tensor = scope_find(scope, value.name);
    if (tensor == GRAPH_NONE)
        return err_set(body.err, ERR_INPUT,
                       "offset %llu: graph output '%.*s' is written by no operator",
                       (unsigned long long)body.at, WIRE_SHOWN(value.name));
    scope->graph->tensors[tensor].flags |= TENSOR_OUTPUT;
    scope->graph->outputs[scope->graph->output_count++] = tensor;
    return reading_type(scope, &value, tensor);
}

static int read_outputs(struct scope *scope, struct wire body) {
    uint32_t count = 0;
    static const struct wire_row row = {ONNX_GRAPH_OUTPUT, WIRE_TO_COUNT, "GraphProto.output", 0,
                                        NULL};
    int code = wire_read(body, &row, 1, &count);
    if (code)
        return code;
    scope->graph->outputs = ARENA_ARRAY(scope->graph->arena, count, int32_t);
    return for_each(scope, body, ONNX_GRAPH_OUTPUT, "GraphProto.output", read_output);
}

/* Inputs are the first tensors after the initializers, in order. */
static void list_inputs(struct graph *graph) {
    graph->inputs = ARENA_ARRAY(graph->arena, graph->tensor_count, int32_t);
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        if (graph->tensors[t].flags & TENSOR_INPUT)
            graph->inputs[graph->input_count++] = (int32_t)t;
}

static int read_name(struct scope *scope, struct wire body) {
    struct wire_text name = {0};
    static const struct wire_row row = {ONNX_GRAPH_NAME, WIRE_TO_NAME, "GraphProto.name", 0, NULL};
    int code = wire_read(body, &row, 1, &name);
    scope->graph->name = scope_text(scope, name);
    return code;
}

/* ---- after the nodes ------------------------------------------------------------------------- */

static bool is_given(const struct tensor *tensor) {
    return tensor->producer != GRAPH_NONE ||
           tensor->flags & (TENSOR_INPUT | TENSOR_INITIALIZER | TENSOR_OUTER);
}

/* The output of a function whose body does not write it is the one way to get here. */
static int check_written(struct scope *scope) {
    const struct graph *graph = scope->graph;
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t k = 0; k < graph->ops[i].input_count; k++) {
            const struct tensor *tensor = op_input(graph, &graph->ops[i], k);
            if (tensor && !is_given(tensor))
                return err_set(scope->reading->err, ERR_INPUT,
                               "operator %s '%s' reads '%.100s', which no operator writes",
                               graph->ops[i].type, graph->ops[i].name, tensor->name);
        }
    for (uint32_t i = 0; i < graph->output_count; i++)
        if (!is_given(&graph->tensors[graph->outputs[i]]))
            return err_set(scope->reading->err, ERR_INPUT,
                           "graph output '%.100s' is written by no operator",
                           graph->tensors[graph->outputs[i]].name);
    return 0;
}

int reading_graph(struct scope *scope, struct wire body) {
    static const struct {
        uint32_t field;
        const char *what;
        visit each;
    } declarations[] = {
        {ONNX_GRAPH_INITIALIZER,        "GraphProto.initializer",        read_initializer       },
        {ONNX_GRAPH_SPARSE_INITIALIZER, "GraphProto.sparse_initializer", read_sparse_initializer},
        {ONNX_GRAPH_INPUT,              "GraphProto.input",              read_input             },
        {ONNX_GRAPH_NODE,               "GraphProto.node",               reading_declare_outputs},
        {ONNX_GRAPH_VALUE_INFO,         "GraphProto.value_info",         read_value_info        },
    };
    int code = read_name(scope, body);
    for (size_t i = 0; i < sizeof declarations / sizeof *declarations && !code; i++)
        code = for_each(scope, body, declarations[i].field, declarations[i].what,
                        declarations[i].each);
    if (code)
        return code;
    list_inputs(scope->graph);
    if ((code = read_outputs(scope, body)) ||
        (code = for_each(scope, body, ONNX_GRAPH_NODE, "GraphProto.node", reading_node)) ||
        (code = graph_sort(scope->graph, scope->reading->err)))
        return code;
    return check_written(scope);
}

int reading_subgraph(struct scope *scope, struct wire body, struct graph **out) {
    struct reading *reading = scope->reading;
    if (scope->depth == READING_DEPTH_MAX)
        return err_set(reading->err, ERR_INPUT,
                       "offset %llu: subgraphs and functions nest deeper than %d",
                       (unsigned long long)body.at, READING_DEPTH_MAX);
    struct graph *graph = graph_new(reading->arena, "");
    graph->parent = scope->graph;
    graph->producer = scope->graph->producer;
    graph->ir_version = scope->graph->ir_version;
    graph->lowered = scope->graph->lowered;
    struct graph_names names = {
        {.arena = reading->arena}, {.arena = reading->arena}, {.arena = reading->arena}};
    struct scope inner = {reading, graph, &names, &names.tensors, scope, NULL, scope->depth + 1};
    int code = reading_graph(&inner, body);
    *out = graph;
    return code;
}
