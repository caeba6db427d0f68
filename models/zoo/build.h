/* What every architecture is built with: names, weights, constants, nodes with known shapes.
 * layers.h and attention.h stand on this.
 *
 * Operators stand in the file in the order of the calls that made them. C does not order the
 * arguments of one call, so an argument list holds at most one call that adds an operator.
 *
 * A value is the index of its tensor. Every function returns the value it made; shapes are
 * computed on the way, so an architecture asks zoo_dim() instead of doing its own book-keeping.
 * A shape that cannot be (an image smaller than its kernel) sets builder->problem and building
 * goes on with size 1, so architectures need no error handling.
 */
#ifndef ASSAY_MODELS_ZOO_BUILD_H
#define ASSAY_MODELS_ZOO_BUILD_H

#include "models/zoo/zoo.h"

struct zoo_scope {
    const char *ops;     /* "/layer1.0": before operator names */
    const char *weights; /* "layer1.0.": before weight names */
};

enum { ZOO_SCOPE_DEPTH = 8 };

struct zoo_builder {
    struct graph *graph;
    struct zoo_options options; /* defaults filled in */
    struct zoo_weight *weights; /* by tensor index */
    uint32_t weight_capacity;
    const char **bases; /* by operator index: its name before it was made unique */
    uint32_t base_count, base_capacity;
    uint64_t parameters;
    struct zoo_scope scopes[ZOO_SCOPE_DEPTH];
    int depth;
    const char *problem; /* NULL, or the first thing that cannot be, in words */
};

/* Lists in place: ZOO_LIST(a, b) is "2, (int32_t[]){a, b}"; ZOO_SHAPE the same for sizes. */
#define ZOO_LIST(...)                                                                              \
    (uint32_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)), (int32_t[]) {                  \
        __VA_ARGS__                                                                                \
    }
#define ZOO_SHAPE(...)                                                                             \
    (int32_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]) {                   \
        __VA_ARGS__                                                                                \
    }

/* Notes why the options do not fit the architecture; the first reason stays. */
void zoo_impossible(struct zoo_builder *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Names inside stand under this one; printf format. */
void zoo_enter(struct zoo_builder *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void zoo_leave(struct zoo_builder *b);

int32_t zoo_rank(const struct zoo_builder *b, int32_t x);
int64_t zoo_dim(const struct zoo_builder *b, int32_t x, int32_t axis); /* axis < 0: from the end */
/* Copies the sizes, GRAPH_RANK_MAX at most; returns the rank. */
int32_t zoo_sizes(const struct zoo_builder *b, int32_t x, int64_t *sizes);

int32_t zoo_input(struct zoo_builder *b, const char *name, enum dtype dtype, int32_t rank,
                  const int64_t *sizes);
void zoo_output(struct zoo_builder *b, int32_t x, const char *name); /* renames x */

/* A trained tensor, drawn with this mean and standard deviation; counts as parameters. */
int32_t zoo_weight(struct zoo_builder *b, const char *name, float mean, float deviation,
                   int32_t rank, const int64_t *sizes);
/* A stored tensor that was not trained: running statistics, masks to fill. */
int32_t zoo_buffer(struct zoo_builder *b, const char *name, float mean, float deviation,
                   int32_t rank, const int64_t *sizes);
/* A stored tensor of any type whose numbers are drawn in that type, rounded and cut off. */
int32_t zoo_stored(struct zoo_builder *b, const char *name, enum dtype dtype, float mean,
                   float deviation, int32_t rank, const int64_t *sizes);
/* A stored tensor that holds one number throughout: scales, zero points. */
int32_t zoo_number(struct zoo_builder *b, const char *name, enum dtype dtype, double value,
                   int32_t rank, const int64_t *sizes);
/* A stored float tensor with computed values (copied), not trained. */
int32_t zoo_table(struct zoo_builder *b, const char *name, const double *values, int32_t rank,
                  const int64_t *sizes);

/* Constant operators. */
int32_t zoo_int_constant(struct zoo_builder *b, int32_t rank, const int64_t *sizes,
                         const int64_t *values);
int32_t zoo_ints(struct zoo_builder *b, int32_t count, const int64_t *values); /* 1-D */
int32_t zoo_scalar(struct zoo_builder *b, double value);                       /* float32 */

/* Adds an operator of ai.onnx named by the scope, `name` (may be NULL) and its type; attributes
 * go to graph->ops[the result]. */
int32_t zoo_op(struct zoo_builder *b, const char *name, const char *type, uint32_t input_count,
               const int32_t *inputs);
/* Gives the newest operator one more output. */
int32_t zoo_result(struct zoo_builder *b, enum dtype dtype, int32_t rank, const int64_t *sizes);
/* zoo_op and zoo_result with the dtype of the first input. */
int32_t zoo_simple(struct zoo_builder *b, const char *type, uint32_t input_count,
                   const int32_t *inputs, int32_t rank, const int64_t *sizes);
/* One input, output of the same shape. */
int32_t zoo_unary(struct zoo_builder *b, const char *type, int32_t x);

#endif
