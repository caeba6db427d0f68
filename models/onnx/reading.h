/* Inside the ONNX reader: what its parts share while one model is read. Nobody else includes this.
 *
 * A graph is read in passes over its message, because names are used before they are declared: the
 * initializers, the inputs and what the nodes write are declared first, then nodes are read. A
 * scope is where a name is looked up: a graph's own names, then (in a subgraph) those of the graphs
 * around it. The body of a model-local function has a scope of its own over the graph it is
 * expanded into.
 */
#ifndef ASSAY_MODELS_ONNX_READING_H
#define ASSAY_MODELS_ONNX_READING_H

#include "core/graph.h"
#include "models/onnx/names.h"
#include "models/onnx/wire.h"

enum { READING_DEPTH_MAX = 32 }; /* of subgraphs and function calls within one another */

struct function {
    struct wire body;
    struct wire_text name, domain, overload;
};

struct reading {
    struct arena *arena;
    struct err *err;
    int64_t ir_version;
    struct function *functions;
    uint32_t function_count, function_capacity;
    struct names function_names; /* "domain:name:overload" -> functions[] */
    uint64_t expansion_left;     /* bytes of function bodies that calls may still expand to */
};

/* Names that are one per graph, however many functions are expanded into it. */
struct graph_names {
    struct names tensors, symbols, ops;
};

struct call;

struct scope {
    struct reading *reading;
    struct graph *graph;
    struct graph_names *graph_names;
    struct names *names;     /* tensors by the name they have here */
    struct scope *outer;     /* of a subgraph: the scope its operator stands in; else NULL */
    const struct call *call; /* the expanded call whose body this is; NULL outside of functions */
    int depth;
};

/* A call of a local function. */
struct call {
    const struct function *function;
    struct wire node;    /* the calling NodeProto, for its attributes */
    struct scope *scope; /* of the caller */
    const char *prefix;  /* for names of what the body declares: "call/" */
};

/* NodeProto without its repeated parts. */
struct node {
    struct wire body;
    struct wire_text name, type, domain, overload;
    uint32_t input_count, output_count, attribute_count;
};

/* ---- graph.c ---- */

/* Reads GraphProto `body` into scope->graph, which is new and empty. */
int reading_graph(struct scope *scope, struct wire body);
/* Reads `body` as a subgraph of the operator that is being read in `scope`. */
int reading_subgraph(struct scope *scope, struct wire body, struct graph **out);

/* ---- node.c ---- */

int reading_node_header(struct reading *reading, struct wire body, struct node *node);
/* Declares what the node writes, so that others may use it before it is read. */
int reading_declare_outputs(struct scope *scope, struct wire body);
/* Adds the operator, or expands the call of a local function. */
int reading_node(struct scope *scope, struct wire body);
/* Indices of the node's inputs or outputs (field NODE_INPUT or NODE_OUTPUT). */
int reading_operands(struct scope *scope, const struct node *node, uint32_t field,
                     int32_t *tensors);

/* ---- attribute.c ---- */

/* Reads the node's attributes into operator `op` of scope->graph, whose outputs are set. */
int reading_attributes(struct scope *scope, const struct node *node, int32_t op);

/* ---- function.c ---- */

int reading_functions(struct reading *reading, struct wire model);
/* The local function a node calls, or NULL. */
const struct function *reading_callee(const struct reading *reading, const struct node *node);
int reading_call(struct scope *scope, const struct function *function, const struct node *node);
/* Takes `bytes` from what calls may expand to; bounds what a small file can make of itself. */
int reading_charge(struct reading *reading, uint64_t bytes);

/* ---- value.c ---- */

struct value {
    struct wire_text name;
    struct wire type; /* TypeProto; type.file is NULL when absent */
};

int reading_value(struct wire body, struct value *value);
/* Sets element type and shape of a tensor from TypeProto; keeps what the tensor knows already. */
int reading_type(struct scope *scope, const struct value *value, int32_t tensor);

/* ---- scope.c ---- */

/* GRAPH_NONE when no scope has it. Adds what is found in an outer graph as TENSOR_OUTER. */
int32_t scope_find(struct scope *scope, struct wire_text name);
/* A new tensor known in this scope by that name, which is new here. Inside a function body it gets
 * a name of its own in the graph. */
int32_t scope_declare(struct scope *scope, struct wire_text name);
int32_t scope_symbol(struct scope *scope, struct wire_text name);
/* A tensor without a name: the value of an attribute. */
int32_t scope_anonymous(struct scope *scope);
/* The function call around a scope, or NULL. */
const struct call *scope_call(const struct scope *scope);
const char *scope_text(const struct scope *scope, struct wire_text text);

#endif
