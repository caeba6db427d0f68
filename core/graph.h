/* The graph of a model: tensors, and operators in topological order. Flat arrays and indices; all
 * of it lives in the arena the graph was made in. Weights are described, never held: only small
 * constants that shapes depend on carry their values.
 *
 * The same noun serves the file's graph ("as written") and the lowered one ("as executed"): the
 * second has the operators of the runtime, such as com.microsoft.nchwc Conv.
 */
#ifndef ASSAY_CORE_GRAPH_H
#define ASSAY_CORE_GRAPH_H

#include "base/arena.h"
#include "base/err.h"
#include "base/ordered.h"
#include "core/dtype.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    GRAPH_RANK_UNKNOWN = -1,
    GRAPH_RANK_MAX = 32,
    GRAPH_DIM_UNKNOWN = -1,
    GRAPH_NO_SYMBOL = -1,
    GRAPH_NONE = -1, /* an index of nothing: an omitted optional input, a tensor nobody writes */
};

struct dim {
    int64_t size;   /* >= 0, or GRAPH_DIM_UNKNOWN */
    int32_t symbol; /* index into graph.symbols, or GRAPH_NO_SYMBOL; kept when size is bound */
};

enum tensor_flags {
    TENSOR_INPUT = 1 << 0,       /* a graph input the caller must feed */
    TENSOR_OUTPUT = 1 << 1,      /* a graph output */
    TENSOR_INITIALIZER = 1 << 2, /* stored in the model, inside it or as external data */
    TENSOR_CONSTANT = 1 << 3,    /* output of a Constant operator */
    TENSOR_EXTERNAL = 1 << 4,    /* an initializer kept in another file */
    TENSOR_OUTER = 1 << 5,       /* in a subgraph: a tensor of an enclosing graph */
    TENSOR_SPARSE = 1 << 6,      /* a sparse initializer */
};

/* Values of a small constant tensor, element order as in ONNX. Integers, booleans included, stand
 * in `ints`; floating types in `floats`; the other pointer is NULL. */
struct tensor_values {
    uint64_t count;
    const int64_t *ints;
    const double *floats;
};

struct external_data {
    const char *location; /* as written in the model; checked to stay inside the model's folder */
    uint64_t offset_bytes, length_bytes;
};

struct tensor {
    const char *name;
    enum dtype dtype;
    uint32_t flags;                       /* enum tensor_flags */
    int32_t rank;                         /* or GRAPH_RANK_UNKNOWN */
    struct dim *dims;                     /* rank of them */
    int32_t producer;                     /* op index, or GRAPH_NONE */
    int32_t outer;                        /* TENSOR_OUTER: its index in graph.parent */
    const struct tensor_values *values;   /* NULL: not known, or too large to keep */
    const struct external_data *external; /* NULL unless TENSOR_EXTERNAL */
    uint64_t file_offset;                 /* raw data inside the model file; 0: not raw */
};

enum attribute_kind {
    ATTRIBUTE_INT,
    ATTRIBUTE_FLOAT,
    ATTRIBUTE_STRING,
    ATTRIBUTE_INTS,
    ATTRIBUTE_FLOATS,
    ATTRIBUTE_STRINGS,
    ATTRIBUTE_TENSOR, /* a constant: index of a tensor of this graph */
    ATTRIBUTE_GRAPH,  /* a subgraph */
    ATTRIBUTE_OTHER,  /* sparse tensors, types, lists of graphs: noted, not kept */
};

struct graph;

struct attribute {
    const char *name;
    enum attribute_kind kind;
    uint32_t count; /* of ints, floats or strings */
    union {
        int64_t i;
        float f;
        const char *s; /* NUL-terminated; bytes after a NUL are not kept */
        const int64_t *ints;
        const float *floats;
        const char *const *strings;
        int32_t tensor;
        struct graph *graph;
    };
};

struct op {
    const char *name;   /* unique or empty, as in the file */
    const char *type;   /* "Conv" */
    const char *domain; /* "" is ai.onnx */
    int32_t *inputs;    /* tensor indices, GRAPH_NONE for an omitted one */
    int32_t *outputs;
    uint32_t input_count, output_count;
    struct attribute *attributes;
    uint32_t attribute_count;
};

struct opset {
    const char *domain; /* "" is ai.onnx */
    int64_t version;
};

struct graph {
    struct arena *arena; /* where all of it lives */
    const char *name;
    const char *producer; /* "pytorch 2.4.0"; "" when not said */
    int64_t ir_version;
    struct graph *parent; /* of a subgraph; else NULL */
    struct opset *opsets;
    struct tensor *tensors;
    struct op *ops;            /* in topological order */
    const char **symbols;      /* names of symbolic dimensions */
    int32_t *inputs, *outputs; /* tensor indices; inputs lists only what must be fed */
    uint32_t opset_count, tensor_count, op_count, symbol_count, input_count, output_count;
    uint32_t opset_capacity, tensor_capacity, op_capacity, symbol_capacity;
    uint32_t input_capacity, output_capacity;
    struct ordered symbols_by_name; /* as many of the symbols as graph_symbol() has seen */
    uint32_t symbols_placed;
    bool lowered; /* the operators are the runtime's */
};

struct graph *graph_new(struct arena *arena, const char *name);

/* Appends; returns the index. Names are copied into the arena. Dims are zeroed until set. */
int32_t graph_add_tensor(struct graph *graph, const char *name, enum dtype dtype);
/* Sets rank and sizes; symbols become GRAPH_NO_SYMBOL. A size may be GRAPH_DIM_UNKNOWN. */
void graph_set_shape(struct graph *graph, int32_t tensor, int32_t rank, const int64_t *sizes);
int32_t graph_add_op(struct graph *graph, const char *name, const char *type, const char *domain);
/* The lists are copied. */
void graph_set_inputs(struct graph *graph, int32_t op, uint32_t count, const int32_t *tensors);
void graph_set_outputs(struct graph *graph, int32_t op, uint32_t count, const int32_t *tensors);
struct attribute *graph_add_attribute(struct graph *graph, int32_t op, const char *name,
                                      enum attribute_kind kind);
void graph_set_int(struct graph *graph, int32_t op, const char *name, int64_t value);
void graph_set_float(struct graph *graph, int32_t op, const char *name, float value);
void graph_set_string(struct graph *graph, int32_t op, const char *name, const char *value);
void graph_set_ints(struct graph *graph, int32_t op, const char *name, uint32_t count,
                    const int64_t *values);
void graph_add_opset(struct graph *graph, const char *domain, int64_t version);
/* Marks a tensor as graph input or output and appends it to the list. */
void graph_add_input(struct graph *graph, int32_t tensor);
void graph_add_output(struct graph *graph, int32_t tensor);
int32_t graph_symbol(struct graph *graph, const char *name); /* finds or adds */

/* Linear search: for tests and small graphs; readers keep a hash of their own. */
int32_t graph_find_tensor(const struct graph *graph, const char *name);

int64_t graph_opset_version(const struct graph *graph, const char *domain); /* 0: not imported */

const struct attribute *op_attribute(const struct op *op, const char *name); /* NULL: absent */
int64_t op_int(const struct op *op, const char *name, int64_t absent);
float op_float(const struct op *op, const char *name, float absent);
const char *op_string(const struct op *op, const char *name, const char *absent);
bool op_is(const struct op *op, const char *domain, const char *type); /* "" is ai.onnx */
/* The tensor of input i, or NULL when it is omitted or there is no such input. */
const struct tensor *op_input(const struct graph *graph, const struct op *op, uint32_t i);
const struct tensor *op_output(const struct graph *graph, const struct op *op, uint32_t i);

/* True when the rank and every size are known. */
bool tensor_is_static(const struct tensor *tensor);
/* Product of the sizes; -1 when not static or above 2^62. A scalar has 1. */
int64_t tensor_elements(const struct tensor *tensor);
/* The last axis is 0 from the end; 1 where there is none. The rank is known. */
int64_t tensor_size_from_end(const struct tensor *tensor, int32_t i);
/* Bytes of the elements, 0 when not known. */
uint64_t tensor_bytes(const struct tensor *tensor);
/* "1x3x224x224", "batchx3x?x?", "scalar", "?" (rank not known). Lives in the arena. */
const char *tensor_shape_text(struct arena *arena, const struct graph *graph,
                              const struct tensor *tensor);

/* Gives symbol `name` a size in every tensor of the graph and its subgraphs. Returns how many
 * dimensions were bound; 0 means that no tensor has that symbol. */
uint32_t graph_bind_symbol(struct graph *graph, const char *name, int64_t size);
/* The same for all symbols: `size_of` is asked for each and says -1 where it stays free. */
void graph_bind_symbols(struct graph *graph, int64_t (*size_of)(const void *context, const char *),
                        const void *context);

/* Elements of all initializers of the graph and its subgraphs: "parameters". Counts each tensor
 * once; Constant operators are not counted. */
uint64_t graph_parameters(const struct graph *graph); /* as much as fits, when they claim more */
uint64_t graph_weight_bytes(const struct graph *graph);
/* Operators, tensors of the graph and its subgraphs. */
uint64_t graph_op_count(const struct graph *graph);
uint64_t graph_tensor_count(const struct graph *graph);

/* Puts the operators into topological order (stable) and sets tensor.producer. Fails with
 * ERR_INPUT naming an operator of a cycle, or a tensor written twice. */
int graph_sort(struct graph *graph, struct err *err);

#endif
