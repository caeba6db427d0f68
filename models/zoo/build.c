#include "models/zoo/build.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- names ----------------------------------------------------------------------------------- */

void zoo_enter(struct zoo_builder *b, const char *format, ...) {
    struct arena *arena = b->graph->arena;
    const struct zoo_scope *outer = &b->scopes[b->depth++];
    va_list args;
    va_start(args, format);
    const char *name = arena_vprintf(arena, format, args);
    va_end(args);
    b->scopes[b->depth] = (struct zoo_scope){arena_printf(arena, "%s/%s", outer->ops, name),
                                             arena_printf(arena, "%s%s.", outer->weights, name)};
}

void zoo_leave(struct zoo_builder *b) {
    b->depth--;
}

/* "/layer1.0/Relu", and "/layer1.0/Relu_1" when that is taken. */
static const char *op_name(struct zoo_builder *b, const char *name, const char *type) {
    struct arena *arena = b->graph->arena;
    const char *scope = b->scopes[b->depth].ops;
    const char *base = name ? arena_printf(arena, "%s/%s/%s", scope, name, type)
                            : arena_printf(arena, "%s/%s", scope, type);
    uint32_t taken = 0;
    for (uint32_t i = 0; i < b->base_count; i++)
        taken += strcmp(b->bases[i], base) == 0;
    *ARENA_PUSH(arena, b->bases, b->base_count, b->base_capacity) = base;
    return taken ? arena_printf(arena, "%s_%u", base, taken) : base;
}

void zoo_impossible(struct zoo_builder *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (!b->problem)
        b->problem = arena_vprintf(b->graph->arena, format, args);
    va_end(args);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

int32_t zoo_rank(const struct zoo_builder *b, int32_t x) {
    return b->graph->tensors[x].rank;
}

int64_t zoo_dim(const struct zoo_builder *b, int32_t x, int32_t axis) {
    const struct tensor *tensor = &b->graph->tensors[x];
    return tensor->dims[axis < 0 ? tensor->rank + axis : axis].size;
}

int32_t zoo_sizes(const struct zoo_builder *b, int32_t x, int64_t *sizes) {
    int32_t rank = zoo_rank(b, x);
    for (int32_t i = 0; i < rank; i++)
        sizes[i] = zoo_dim(b, x, i);
    return rank;
}

static void set_shape(struct zoo_builder *b, int32_t x, int32_t rank, const int64_t *sizes) {
    int64_t checked[GRAPH_RANK_MAX];
    for (int32_t i = 0; i < rank; i++) {
        checked[i] = sizes[i] > 0 ? sizes[i] : 1;
        if (sizes[i] <= 0)
            zoo_impossible(b, "%s would be empty", b->graph->tensors[x].name);
    }
    graph_set_shape(b->graph, x, rank, checked);
}

/* ---- tensors --------------------------------------------------------------------------------- */

static int32_t add_tensor(struct zoo_builder *b, const char *name, enum dtype dtype, int32_t rank,
                          const int64_t *sizes) {
    int32_t x = graph_add_tensor(b->graph, name, dtype);
    set_shape(b, x, rank, sizes);
    uint32_t count = (uint32_t)x;
    *ARENA_PUSH(b->graph->arena, b->weights, count, b->weight_capacity) = (struct zoo_weight){0};
    return x;
}

int32_t zoo_input(struct zoo_builder *b, const char *name, enum dtype dtype, int32_t rank,
                  const int64_t *sizes) {
    int32_t x = add_tensor(b, name, dtype, rank, sizes);
    graph_add_input(b->graph, x);
    return x;
}

void zoo_output(struct zoo_builder *b, int32_t x, const char *name) {
    b->graph->tensors[x].name = arena_strdup(b->graph->arena, name);
    graph_add_output(b->graph, x);
}

int32_t zoo_buffer(struct zoo_builder *b, const char *name, float mean, float deviation,
                   int32_t rank, const int64_t *sizes) {
    return zoo_stored(b, name, DTYPE_FLOAT32, mean, deviation, rank, sizes);
}

int32_t zoo_stored(struct zoo_builder *b, const char *name, enum dtype dtype, float mean,
                   float deviation, int32_t rank, const int64_t *sizes) {
    const char *full = arena_printf(b->graph->arena, "%s%s", b->scopes[b->depth].weights, name);
    int32_t x = add_tensor(b, full, dtype, rank, sizes);
    b->graph->tensors[x].flags |= TENSOR_INITIALIZER;
    b->weights[x] = (struct zoo_weight){mean, deviation};
    return x;
}

int32_t zoo_weight(struct zoo_builder *b, const char *name, float mean, float deviation,
                   int32_t rank, const int64_t *sizes) {
    int32_t x = zoo_buffer(b, name, mean, deviation, rank, sizes);
    b->parameters += (uint64_t)tensor_elements(&b->graph->tensors[x]);
    return x;
}

static const double *round_to_float(struct arena *arena, size_t count, const double *values) {
    double *rounded = ARENA_ARRAY(arena, count, double);
    for (size_t i = 0; i < count; i++)
        rounded[i] = (double)(float)values[i];
    return rounded;
}

static const struct tensor_values *keep_values(struct zoo_builder *b, int64_t count,
                                               const int64_t *ints, const double *floats) {
    struct arena *arena = b->graph->arena;
    size_t n = (size_t)count;
    struct tensor_values *values = ARENA_NEW(arena, struct tensor_values);
    values->count = (uint64_t)count;
    if (ints)
        values->ints = arena_grow(arena, ints, n, n, sizeof *ints);
    else
        values->floats = round_to_float(arena, n, floats);
    return values;
}

int32_t zoo_table(struct zoo_builder *b, const char *name, const double *values, int32_t rank,
                  const int64_t *sizes) {
    int32_t x = zoo_buffer(b, name, 0, 0, rank, sizes);
    struct tensor *tensor = &b->graph->tensors[x];
    tensor->values = keep_values(b, tensor_elements(tensor), NULL, values);
    return x;
}

int32_t zoo_number(struct zoo_builder *b, const char *name, enum dtype dtype, double value,
                   int32_t rank, const int64_t *sizes) {
    int32_t x = zoo_stored(b, name, dtype, (float)value, 0, rank, sizes);
    struct tensor *tensor = &b->graph->tensors[x];
    size_t count = (size_t)tensor_elements(tensor);
    int64_t *ints = ARENA_ARRAY(b->graph->arena, count, int64_t);
    double *floats = ARENA_ARRAY(b->graph->arena, count, double);
    for (size_t i = 0; i < count; i++) {
        ints[i] = (int64_t)value;
        floats[i] = value;
    }
    bool whole = dtype != DTYPE_FLOAT32;
    tensor->values = keep_values(b, (int64_t)count, whole ? ints : NULL, whole ? NULL : floats);
    return x;
}

/* ---- operators ------------------------------------------------------------------------------- */

int32_t zoo_op(struct zoo_builder *b, const char *name, const char *type, uint32_t input_count,
               const int32_t *inputs) {
    int32_t op = graph_add_op(b->graph, op_name(b, name, type), type, "");
    graph_set_inputs(b->graph, op, input_count, inputs);
    return op;
}

int32_t zoo_result(struct zoo_builder *b, enum dtype dtype, int32_t rank, const int64_t *sizes) {
    struct graph *graph = b->graph;
    int32_t op = (int32_t)graph->op_count - 1;
    uint32_t count = graph->ops[op].output_count;
    int32_t outputs[GRAPH_RANK_MAX];
    for (uint32_t i = 0; i < count; i++)
        outputs[i] = graph->ops[op].outputs[i];
    const char *name = arena_printf(graph->arena, "%s_output_%u", graph->ops[op].name, count);
    outputs[count] = add_tensor(b, name, dtype, rank, sizes);
    graph_set_outputs(graph, op, count + 1, outputs);
    return outputs[count];
}

int32_t zoo_simple(struct zoo_builder *b, const char *type, uint32_t input_count,
                   const int32_t *inputs, int32_t rank, const int64_t *sizes) {
    zoo_op(b, NULL, type, input_count, inputs);
    return zoo_result(b, b->graph->tensors[inputs[0]].dtype, rank, sizes);
}

int32_t zoo_unary(struct zoo_builder *b, const char *type, int32_t x) {
    int64_t sizes[GRAPH_RANK_MAX];
    int32_t rank = zoo_sizes(b, x, sizes);
    return zoo_simple(b, type, ZOO_LIST(x), rank, sizes);
}

/* ---- constants ------------------------------------------------------------------------------- */

static int32_t add_constant(struct zoo_builder *b, enum dtype dtype, int32_t rank,
                            const int64_t *sizes, const int64_t *ints, const double *floats) {
    int32_t op = zoo_op(b, NULL, "Constant", 0, NULL);
    int32_t x = zoo_result(b, dtype, rank, sizes);
    struct tensor *tensor = &b->graph->tensors[x];
    tensor->flags |= TENSOR_CONSTANT;
    tensor->values = keep_values(b, tensor_elements(tensor), ints, floats);
    graph_add_attribute(b->graph, op, "value", ATTRIBUTE_TENSOR)->tensor = x;
    return x;
}

int32_t zoo_int_constant(struct zoo_builder *b, int32_t rank, const int64_t *sizes,
                         const int64_t *values) {
    return add_constant(b, DTYPE_INT64, rank, sizes, values, NULL);
}

int32_t zoo_ints(struct zoo_builder *b, int32_t count, const int64_t *values) {
    return zoo_int_constant(b, ZOO_SHAPE(count), values);
}

int32_t zoo_scalar(struct zoo_builder *b, double value) {
    return add_constant(b, DTYPE_FLOAT32, 0, NULL, NULL, &value);
}
