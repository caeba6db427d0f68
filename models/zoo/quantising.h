/* Inside models/zoo/quantise*.c: the network that is read, the one that is made, and what each
 * value of the one has become in the other. */
#ifndef ASSAY_MODELS_ZOO_QUANTISING_H
#define ASSAY_MODELS_ZOO_QUANTISING_H

#include "models/zoo/quantise.h"

/* Where uniform values of deviation 1 end: the root of 3. Weights are drawn so; see zoo_weight. */
#define UNIFORM_END 1.7320508f

/* A tensor of the old graph. */
struct quantised_value {
    int32_t plain;       /* the new tensor of floating point; GRAPH_NONE: not made */
    int32_t integers;    /* the new tensor of eight bits; GRAPH_NONE: not made */
    int32_t scale, zero; /* of the integers */
    float low, high;     /* range that the values are in */
    uint32_t readers;
    int32_t sole_reader; /* an operator that reads it, the only one when there is one reader */
};

struct quantising {
    struct zoo_builder *b;          /* of the new graph */
    const struct zoo_builder *from; /* of the old one */
    const struct graph *old;
    struct quantised_value *values; /* by old tensor */
};

/* How an operator takes part, by its type. */
enum quantised_role {
    ROLE_PLAIN,     /* stays in floating point */
    ROLE_PRODUCT,   /* has weights or a second matrix */
    ROLE_ADDITION,  /* two operands */
    ROLE_JOIN,      /* Concat */
    ROLE_TABLE,     /* one operand; the result has a scale of its own */
    ROLE_VIEW,      /* moves or selects values: the scale stays */
    ROLE_RECTIFIER, /* Relu and Clip: part of the operator before */
};

struct quantised_kind {
    const char *type;
    enum quantised_role role;
    const char *integer_type; /* the operator on eight bits; NULL: QDQ form only, or the same */
    const char *domain;       /* of integer_type */
};

const struct quantised_kind *quantised_kind(const struct op *op); /* NULL: ROLE_PLAIN */

/* Range of a tensor; that behind its rectifier when it has one. */
void quantise_ranges(struct quantising *q);

/* The same operator on other inputs, with one result of the new graph for each of the old. */
int32_t quantise_copy_op(struct quantising *q, const struct op *op, const int32_t *inputs);
/* Copies the attributes of an operator of the old graph to one of the new. */
void quantise_copy_attributes(struct quantising *q, const struct op *op, int32_t to);
/* The value in floating point; made now when it is not yet there. GRAPH_NONE stays. */
int32_t quantise_plain(struct quantising *q, int32_t old);
int32_t quantise_sizes(const struct quantising *q, int32_t old, int64_t *sizes); /* the rank */
/* One more output of the newest operator, of the shape of a tensor of the old graph. */
int32_t quantise_result(struct quantising *q, int32_t old, enum dtype dtype);
bool quantise_is_weight(const struct quantising *q, int32_t old); /* stored, floating point */
enum dtype quantise_activation_type(const struct quantising *q);
/* Adds an operator named "<base>_<type>"; results come by zoo_result. */
int32_t quantise_add_op(struct quantising *q, const char *base, const char *type,
                        const char *domain, uint32_t count, const int32_t *inputs);

/* Up to a fifth less, by the name: no two trained tensors have the same range, and the runtime
 * joins what has the same scale. */
float quantise_vary(const char *name, float range);

/* A weight of the old graph in eight bits. */
struct quantised_weight {
    int32_t integers, scale, zero;
    float step;          /* scale, or the largest of them */
    const double *steps; /* per channel; NULL: one for all */
    int32_t axis;
};
/* `axis`: of the output channels, used when they have scales of their own; `type` int8 or uint8. */
struct quantised_weight quantise_weight(struct quantising *q, int32_t old, int32_t axis,
                                        bool per_channel, enum dtype type);
/* A bias in steps of `step`. */
int32_t quantise_bias(struct quantising *q, int32_t old, float step);

/* Each walks the operators once. */
void quantise_to_qdq(struct quantising *q, const struct op *op);
void quantise_to_operators(struct quantising *q, const struct op *op);
void quantise_to_dynamic(struct quantising *q, const struct op *op);
void quantise_to_half(struct quantising *q, const struct op *op);

#endif
