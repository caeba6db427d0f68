/* Does a network compute the same for every sample when its batch grows? Proven operator by
 * operator, never guessed.
 *
 * Every tensor has a state. FREE: it depends neither on the inputs nor on their batch. AXIS: its
 * slices along one axis belong to the samples, each as the network would have computed it alone;
 * the axis may hold the batch among other factors, as [outer x batch x inner] (a Reshape of
 * [batch, 197, 768] to [batch * 197, 768] has outer 1, inner 197). SIZE: small integers computed
 * from a shape, some of them multiples of the batch. An operator's rule (batch_rules.c,
 * batch_reshape.c, batch_layout.c) derives the states of its outputs from those of its inputs, or
 * refuses. Where a constant spells the batch out, as in the target of a Reshape, the rule asks for
 * an edit.
 *
 * Private to models/onnx/batch*.c and rebatch.c.
 */
#ifndef ASSAY_MODELS_ONNX_BATCH_H
#define ASSAY_MODELS_ONNX_BATCH_H

#include "core/graph.h"

enum batch_kind { BATCH_FREE, BATCH_AXIS, BATCH_SIZE };

enum { BATCH_SIZE_ELEMENTS = 64 };

struct batch_state {
    enum batch_kind kind;
    int32_t axis;         /* AXIS */
    int64_t outer, inner; /* AXIS: size of the axis = outer * batch * inner */
    uint64_t carries;     /* SIZE: bit i says that element i is a multiple of the batch */
};

/* Input `input` of operator `op` becomes a constant of these values (1-D int64); or, with `spread`,
 * itself expanded to these sizes. */
struct batch_edit {
    int32_t op;
    uint32_t input, count;
    bool spread;
    int64_t *values;
};

/* An operator whose output could hold the batch in several ways, all right as far as it goes; the
 * operators after it decide. */
struct batch_choice {
    int32_t op;
    uint32_t taken, count;
    uint32_t edit_count; /* before it */
};

struct batch_proof {
    struct arena *arena;
    const struct graph *graph; /* shapes and small constants inferred, at batch `from` */
    int64_t from, to;
    struct batch_state *states; /* per tensor */
    struct batch_edit *edits;
    uint32_t edit_count, edit_capacity;
    struct batch_choice *choices; /* open ones, in the order of operators */
    uint32_t choice_count, choice_capacity;
    struct err *err;
};

/* Every input of rank 1 or more has the batch, of size `from`, in its first axis. ERR_INPUT names
 * the operator that could not be proven. */
int batch_prove(struct arena *arena, const struct graph *graph, int64_t from, int64_t to,
                struct batch_proof *proof, struct err *err);

/* ---- for the rules ---- */

/* One operator under proof. */
struct batch_step {
    struct batch_proof *proof;
    const struct op *op;
    int32_t index; /* of op */
    int64_t opset;
    const struct batch_rule *rule;
};

struct batch_rule {
    const char *type; /* of domain "" */
    int (*prove)(struct batch_step *step);
    int param;
    bool takes_sizes; /* works on SIZE tensors too; else they are refused before */
};

/* Each ends with type NULL. */
extern const struct batch_rule batch_plain_rules[], batch_reshape_rules[], batch_layout_rules[];

struct batch_state batch_input(const struct batch_step *step, uint32_t i); /* FREE when omitted */
void batch_output(struct batch_step *step, uint32_t i, struct batch_state state);
void batch_all_outputs(struct batch_step *step, struct batch_state state);
int batch_refuse(struct batch_step *step, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Refuses unless all inputs but the first are FREE. */
int batch_only_first(struct batch_step *step);
/* Values of a FREE integer input: NULL when it is omitted, not FREE or not known. */
const struct tensor_values *batch_constant(const struct batch_step *step, uint32_t i);
/* An axis counted from the end when negative; -1 when it is out of range. */
int32_t batch_axis(int64_t axis, int32_t rank);
/* Which of `count` ways, best first, is tried this time. */
uint32_t batch_choose(struct batch_step *step, uint32_t count);
/* Input `i` has no batch and size 1 where `like` has it: it is repeated for every sample. */
int batch_spread(struct batch_step *step, uint32_t i, struct batch_state like);
/* Element `element` of constant input `i` becomes `value`. */
int batch_edit(struct batch_step *step, uint32_t i, uint32_t element, int64_t value);

#endif
