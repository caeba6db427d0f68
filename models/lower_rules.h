/* What the lowering rules share. Private to models/lower*.c.
 *
 * A rule looks at one operator that has a first output and what stands around it, rewrites the
 * graph where it matches, and says whether it did. Operators are changed in place or marked dead;
 * order is restored between stages. Tensors are never removed, so their indices stay.
 */
#ifndef ASSAY_MODELS_LOWER_RULES_H
#define ASSAY_MODELS_LOWER_RULES_H

#include "models/lower.h"
#include "models/onnx/names.h"

#define ONNX      ""
#define MICROSOFT "com.microsoft"
#define NCHWC     "com.microsoft.nchwc"

/* One input slot that reads a tensor. */
struct use {
    int32_t op;
    uint32_t slot;
    struct use *next, **link; /* what points here */
};

struct lower {
    struct arena *arena;
    struct graph *graph;
    const struct lower_target *target;
    struct err *err;
    struct names names; /* of tensors */
    /* Who reads what, in an arena of its own: made anew when operators are put in order. */
    struct arena index;
    struct use **uses;    /* per tensor, the newest first */
    uint32_t *use_counts; /* per tensor */
    bool *captured;       /* per tensor: a subgraph reads it */
    struct use ***reads;  /* per op and input slot: NULL where nothing is read */
    bool *dead;           /* per op */
    uint32_t use_capacity, op_capacity;
};

struct lower_rule {
    const char *name;
    const char *what; /* for people */
    const char *type; /* of the ai.onnx operator it begins at; NULL: any operator */
    bool (*apply)(struct lower *l, int32_t op);
};

/* Stages, each a table that ends with an empty row, walked to a fixed point one after another. */
extern const struct lower_rule lower_cleaning_rules[], lower_conv_rules[], lower_matmul_rules[],
    lower_reshape_rules[], lower_split_rules[], lower_pattern_rules[], lower_activation_rules[],
    lower_fusion_rules[], lower_quantised_rules[], lower_dynamic_rules[];

/* A cleaning rule in a file of its own. */
bool lower_open_if(struct lower *l, int32_t op);

/* Who reads what of the graph as it is; no operator is dead. Forgets what was known before. */
void lower_index_uses(struct lower *l);

/* Walks over the sorted graph, each once. */
void lower_move_transposes(struct lower *l);
void lower_part_dequantisers(struct lower *l);
void lower_to_nhwc(struct lower *l);  /* convolutions on eight bits */
void lower_to_nchwc(struct lower *l); /* nothing when the target has no blocks */

/* The lists of a copy may be changed; names, shapes, values are shared. */
struct graph *lower_copy_graph(struct arena *arena, const struct graph *from);

/* ---- looking --------------------------------------------------------------------------------- */

struct op *lower_op(struct lower *l, int32_t op);
struct tensor *lower_tensor(struct lower *l, int32_t tensor);
bool lower_is(const struct lower *l, int32_t op, const char *domain, const char *type);
/* The tensor of input or output i; GRAPH_NONE when omitted. */
int32_t lower_in(const struct lower *l, int32_t op, uint32_t i);
int32_t lower_out(const struct lower *l, int32_t op, uint32_t i);
/* The operator that writes a tensor; GRAPH_NONE for inputs and weights. */
int32_t lower_producer(const struct lower *l, int32_t tensor);
/* The producer when it is of that type, and nobody else reads the tensor; else GRAPH_NONE. */
int32_t lower_only_producer(const struct lower *l, int32_t tensor, const char *domain,
                            const char *type);
bool lower_is_output(const struct lower *l, int32_t tensor);     /* of the graph, or captured */
uint32_t lower_use_count(const struct lower *l, int32_t tensor); /* outputs and captures count */
/* The only operator that reads a tensor; GRAPH_NONE when there are more, or it is an output. */
int32_t lower_sole_reader(const struct lower *l, int32_t tensor);
bool lower_is_constant(const struct lower *l, int32_t tensor); /* known when the model is loaded */
bool lower_scalar(const struct lower *l, int32_t tensor, double *value);   /* of one element */
bool lower_scalar_is(const struct lower *l, int32_t tensor, double value); /* within 0.1 % */
bool lower_same_shape(const struct lower *l, int32_t a, int32_t b);
int64_t lower_size(const struct lower *l, int32_t tensor, int32_t axis); /* -1: no such axis */
int32_t lower_rank(const struct lower *l, int32_t tensor);
bool lower_is_float(const struct lower *l, int32_t tensor); /* float32 */
/* Of two inputs the one that is not `tensor`. */
int32_t lower_other_input(const struct lower *l, int32_t op, int32_t tensor);

/* ---- changing -------------------------------------------------------------------------------- */

void lower_kill(struct lower *l, int32_t op);
void lower_set_input(struct lower *l, int32_t op, uint32_t slot, int32_t tensor);
void lower_set_inputs(struct lower *l, int32_t op, uint32_t count, const int32_t *tensors);
/* All readers of `from` read `to` instead. */
void lower_redirect(struct lower *l, int32_t from, int32_t to);
/* The operator writes `tensor` as output 0 from now on. */
void lower_set_output(struct lower *l, int32_t op, int32_t tensor);
void lower_retype(struct lower *l, int32_t op, const char *domain, const char *type);
/* Takes the operator out: its input 0 stands for its output 0. False when both are fixed. */
bool lower_bypass(struct lower *l, int32_t op);
int32_t lower_add_op(struct lower *l, const char *name, const char *type, const char *domain);
int32_t lower_add_tensor(struct lower *l, const char *name, enum dtype dtype, int32_t rank,
                         const int64_t *sizes);
int32_t lower_add_weight(struct lower *l, const char *name, enum dtype dtype, int32_t rank,
                         const int64_t *sizes);
/* A constant vector of integers. */
int32_t lower_add_ints(struct lower *l, const char *name, uint32_t count, const int64_t *values);
void lower_set_int(struct lower *l, int32_t op, const char *name, int64_t value);
void lower_set_string(struct lower *l, int32_t op, const char *name, const char *value);
void lower_drop_attribute(struct lower *l, int32_t op, const char *name);
const char *lower_name(struct lower *l, const char *base, const char *suffix);

#endif
