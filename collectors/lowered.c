#include "collectors/lowered.h"

#include <string.h>

enum { DEPTH_MAX = 64, NO_TENSOR = UINT32_MAX };

static struct graph *read_graph(struct arena *arena, struct frame_cursor *in, struct graph *parent,
                                int depth);

/* ---- tensors ----------------------------------------------------------------------------------
 */

static void read_values(struct arena *arena, struct frame_cursor *in, struct tensor *tensor) {
    uint32_t kind = frame_get_u32(in);
    if (kind == 0)
        return;
    uint32_t count = frame_get_count(in, sizeof(int64_t));
    struct tensor_values *values = ARENA_NEW(arena, struct tensor_values);
    values->count = count;
    void *data = arena_array(arena, count, sizeof(int64_t));
    frame_get(in, data, count * sizeof(int64_t)); /* f64 is as wide */
    if (kind == 1)
        values->ints = data;
    else
        values->floats = data;
    tensor->values = values;
}

static void read_dims(struct arena *arena, struct frame_cursor *in, struct graph *graph,
                      int32_t index) {
    uint32_t rank = frame_get_u32(in);
    if (rank == UINT32_MAX || rank > GRAPH_RANK_MAX) {
        in->failed |= rank != UINT32_MAX;
        graph->tensors[index].rank = GRAPH_RANK_UNKNOWN;
        return;
    }
    struct dim *dims = ARENA_ARRAY(arena, rank, struct dim);
    for (uint32_t i = 0; i < rank; i++) {
        dims[i].size = frame_get_i64(in);
        const char *symbol = frame_get_text(in, arena);
        dims[i].symbol = symbol ? graph_symbol(graph, symbol) : GRAPH_NO_SYMBOL;
        if (dims[i].size < 0)
            dims[i].size = GRAPH_DIM_UNKNOWN;
    }
    graph->tensors[index].rank = (int32_t)rank;
    graph->tensors[index].dims = dims;
}

/* A tensor of an enclosing graph; added to those in between that do not use it themselves. */
static int32_t find_outer(struct graph *graph, const char *name) {
    if (!graph)
        return GRAPH_NONE;
    int32_t found = graph_find_tensor(graph, name);
    if (found != GRAPH_NONE || !graph->parent)
        return found;
    int32_t above = find_outer(graph->parent, name);
    if (above == GRAPH_NONE)
        return GRAPH_NONE;
    found = graph_add_tensor(graph, name, graph->parent->tensors[above].dtype);
    struct tensor *tensor = &graph->tensors[found];
    tensor->rank = graph->parent->tensors[above].rank;
    tensor->dims = graph->parent->tensors[above].dims;
    tensor->flags = TENSOR_OUTER;
    tensor->outer = above;
    return found;
}

static void read_tensor(struct arena *arena, struct frame_cursor *in, struct graph *graph) {
    const char *name = frame_get_text(in, arena);
    uint32_t dtype = frame_get_u32(in);
    int32_t index = graph_add_tensor(graph, name ? name : "",
                                     dtype < DTYPE_COUNT ? (enum dtype)dtype : DTYPE_UNDEFINED);
    graph->tensors[index].flags = frame_get_u32(in);
    read_dims(arena, in, graph, index);
    read_values(arena, in, &graph->tensors[index]);
    if (graph->tensors[index].flags & TENSOR_OUTER)
        graph->tensors[index].outer = find_outer(graph->parent, name);
}

/* A list of tensor numbers, GRAPH_NONE for an omitted one. */
static int32_t *read_numbers(struct arena *arena, struct frame_cursor *in,
                             const struct graph *graph, uint32_t *count) {
    *count = frame_get_count(in, sizeof(uint32_t));
    int32_t *numbers = ARENA_ARRAY(arena, *count, int32_t);
    for (uint32_t i = 0; i < *count; i++) {
        uint32_t number = frame_get_u32(in);
        if (number != NO_TENSOR && number >= graph->tensor_count)
            in->failed = true;
        numbers[i] = number < graph->tensor_count ? (int32_t)number : GRAPH_NONE;
    }
    return numbers;
}

static void read_ends(struct arena *arena, struct frame_cursor *in, struct graph *graph) {
    uint32_t count;
    int32_t *numbers = read_numbers(arena, in, graph, &count);
    for (uint32_t i = 0; i < count; i++)
        if (numbers[i] != GRAPH_NONE)
            graph_add_input(graph, numbers[i]);
    numbers = read_numbers(arena, in, graph, &count);
    for (uint32_t i = 0; i < count; i++)
        if (numbers[i] != GRAPH_NONE)
            graph_add_output(graph, numbers[i]);
}

/* ---- operators --------------------------------------------------------------------------------
 */

static void read_ints(struct arena *arena, struct frame_cursor *in, struct attribute *attribute) {
    attribute->count = frame_get_count(in, sizeof(int64_t));
    int64_t *ints = ARENA_ARRAY(arena, attribute->count, int64_t);
    frame_get(in, ints, attribute->count * sizeof *ints);
    attribute->ints = ints;
}

static void read_floats(struct arena *arena, struct frame_cursor *in, struct attribute *attribute) {
    attribute->count = frame_get_count(in, sizeof(double));
    float *floats = ARENA_ARRAY(arena, attribute->count, float);
    for (uint32_t i = 0; i < attribute->count; i++)
        floats[i] = (float)frame_get_f64(in);
    attribute->floats = floats;
}

static void read_strings(struct arena *arena, struct frame_cursor *in,
                         struct attribute *attribute) {
    attribute->count = frame_get_count(in, sizeof(uint32_t));
    const char **strings = ARENA_ARRAY(arena, attribute->count, const char *);
    for (uint32_t i = 0; i < attribute->count; i++)
        strings[i] = frame_get_text(in, arena);
    attribute->strings = strings;
}

static void read_attribute(struct arena *arena, struct frame_cursor *in, struct graph *graph,
                           int32_t op, int depth) {
    const char *name = frame_get_text(in, arena);
    uint32_t kind = frame_get_u32(in);
    if (kind > ATTRIBUTE_OTHER) {
        in->failed = true;
        return;
    }
    struct attribute *attribute =
        graph_add_attribute(graph, op, name ? name : "", (enum attribute_kind)kind);
    if (kind == ATTRIBUTE_INT) {
        attribute->i = frame_get_i64(in);
    } else if (kind == ATTRIBUTE_FLOAT) {
        attribute->f = (float)frame_get_f64(in);
    } else if (kind == ATTRIBUTE_STRING) {
        const char *text = frame_get_text(in, arena);
        attribute->s = text ? text : "";
    } else if (kind == ATTRIBUTE_INTS) {
        read_ints(arena, in, attribute);
    } else if (kind == ATTRIBUTE_FLOATS) {
        read_floats(arena, in, attribute);
    } else if (kind == ATTRIBUTE_STRINGS) {
        read_strings(arena, in, attribute);
    } else if (kind == ATTRIBUTE_TENSOR) {
        uint32_t number = frame_get_u32(in);
        in->failed |= number >= graph->tensor_count;
        attribute->tensor = in->failed ? GRAPH_NONE : (int32_t)number;
    } else if (kind == ATTRIBUTE_GRAPH) {
        attribute->graph = read_graph(arena, in, graph, depth + 1);
    }
}

static void read_op(struct arena *arena, struct frame_cursor *in, struct graph *graph, int depth) {
    const char *name = frame_get_text(in, arena);
    const char *type = frame_get_text(in, arena);
    const char *domain = frame_get_text(in, arena);
    int32_t op = graph_add_op(graph, name ? name : "", type ? type : "", domain ? domain : "");
    uint32_t count;
    int32_t *numbers = read_numbers(arena, in, graph, &count);
    graph_set_inputs(graph, op, count, numbers);
    numbers = read_numbers(arena, in, graph, &count);
    graph_set_outputs(graph, op, count, numbers);
    for (uint32_t i = 0; i < count; i++)
        if (numbers[i] != GRAPH_NONE)
            graph->tensors[numbers[i]].producer = op;
    uint32_t attributes = frame_get_count(in, 8);
    for (uint32_t i = 0; i < attributes && !in->failed; i++)
        read_attribute(arena, in, graph, op, depth);
}

static void read_head(struct arena *arena, struct frame_cursor *in, struct graph *graph) {
    graph->ir_version = frame_get_i64(in);
    uint32_t opsets = frame_get_count(in, 12);
    for (uint32_t i = 0; i < opsets; i++) {
        const char *domain = frame_get_text(in, arena);
        graph_add_opset(graph, domain && strcmp(domain, "ai.onnx") != 0 ? domain : "",
                        frame_get_i64(in));
    }
}

static struct graph *read_graph(struct arena *arena, struct frame_cursor *in, struct graph *parent,
                                int depth) {
    const char *name = frame_get_text(in, arena);
    struct graph *graph = graph_new(arena, name ? name : "");
    graph->parent = parent;
    graph->lowered = true;
    if (depth > DEPTH_MAX) {
        in->failed = true;
        return graph;
    }
    read_head(arena, in, graph);
    uint32_t tensors = frame_get_count(in, 16);
    for (uint32_t i = 0; i < tensors && !in->failed; i++)
        read_tensor(arena, in, graph);
    read_ends(arena, in, graph);
    uint32_t ops = frame_get_count(in, 16);
    for (uint32_t i = 0; i < ops && !in->failed; i++)
        read_op(arena, in, graph, depth);
    return graph;
}

int lowered_read(struct arena *arena, struct frame_cursor *in, struct graph **lowered,
                 struct err *err) {
    *lowered = read_graph(arena, in, NULL, 0);
    if (in->failed || in->left)
        return err_set(err, ERR_BUG, "the worker sent a damaged graph");
    /* Loading may add operators behind those that read them: a second DequantizeLinear for what two
     * operators read. */
    return graph_sort(*lowered, err);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static void write_tensor(const struct graph *graph, const struct tensor *tensor,
                         struct strbuf *out) {
    bool known = tensor->rank != GRAPH_RANK_UNKNOWN;
    frame_put_text(out, tensor->name);
    frame_put_u32(out, tensor->dtype);
    frame_put_u32(out, tensor->flags);
    frame_put_u32(out, known ? (uint32_t)tensor->rank : UINT32_MAX);
    for (int32_t i = 0; known && i < tensor->rank; i++) {
        const struct dim *dim = &tensor->dims[i];
        frame_put_i64(out, dim->size);
        frame_put_text(out, dim->symbol == GRAPH_NO_SYMBOL ? NULL : graph->symbols[dim->symbol]);
    }
    frame_put_u32(out, 0);
}

static void write_numbers(uint32_t count, const int32_t *numbers, struct strbuf *out) {
    frame_put_u32(out, count);
    for (uint32_t i = 0; i < count; i++)
        frame_put_u32(out, (uint32_t)numbers[i]); /* GRAPH_NONE is NO_TENSOR */
}

static void write_op(const struct op *op, struct strbuf *out) {
    frame_put_text(out, op->name);
    frame_put_text(out, op->type);
    frame_put_text(out, op->domain);
    write_numbers(op->input_count, op->inputs, out);
    write_numbers(op->output_count, op->outputs, out);
    frame_put_u32(out, 0);
}

void lowered_write(const struct graph *graph, struct strbuf *out) {
    frame_put_text(out, graph->name);
    frame_put_i64(out, graph->ir_version);
    frame_put_u32(out, graph->opset_count);
    for (uint32_t i = 0; i < graph->opset_count; i++) {
        frame_put_text(out, graph->opsets[i].domain);
        frame_put_i64(out, graph->opsets[i].version);
    }
    frame_put_u32(out, graph->tensor_count);
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        write_tensor(graph, &graph->tensors[i], out);
    write_numbers(graph->input_count, graph->inputs, out);
    write_numbers(graph->output_count, graph->outputs, out);
    frame_put_u32(out, graph->op_count);
    for (uint32_t i = 0; i < graph->op_count; i++)
        write_op(&graph->ops[i], out);
}
