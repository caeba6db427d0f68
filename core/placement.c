#include "core/placement.h"

#include <stdlib.h>
#include <string.h>

struct planning {
    const struct graph *graph;
    struct placement *out;
    uint32_t *uses;  /* per tensor: readers still to come; of the owner, for those it stands for */
    uint32_t *shape; /* per tensor: the same number where memory may be taken over */
    /* Released owners: per shape the newest, GRAPH_NONE: none; per owner the one before. */
    int32_t *newest, *older;
};

/* ---- what operators may do ------------------------------------------------------------------- */

static const char *const views[] = {"Reshape",   "Flatten",  "Squeeze",
                                    "Unsqueeze", "Identity", "Dropout"};

/* Operators whose output may lie over the named inputs. */
static const struct overwrite {
    const char *type;
    int32_t inputs[2];
} overwrites[] = {
    {"Conv",            {3, -1}},
    {"FusedConv",       {3, -1}},
    {"Relu",            {0, -1}},
    {"LeakyRelu",       {0, -1}},
    {"Elu",             {0, -1}},
    {"Selu",            {0, -1}},
    {"Celu",            {0, -1}},
    {"Sigmoid",         {0, -1}},
    {"HardSigmoid",     {0, -1}},
    {"Tanh",            {0, -1}},
    {"Softplus",        {0, -1}},
    {"Softsign",        {0, -1}},
    {"ThresholdedRelu", {0, -1}},
    {"Softmax",         {0, -1}},
    {"LogSoftmax",      {0, -1}},
    {"Clip",            {0, -1}},
    {"Cast",            {0, -1}},
};

static bool is_view(const struct op *op) {
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (strcmp(op->type, views[i]) == 0)
            return true;
    return false;
}

static const struct overwrite *overwrite_of(const struct op *op) {
    for (size_t i = 0; i < sizeof overwrites / sizeof *overwrites; i++)
        if (strcmp(op->type, overwrites[i].type) == 0)
            return &overwrites[i];
    return NULL;
}

/* ---- readers ---------------------------------------------------------------------------------
 */

static void count_outer(const struct graph *inner, const struct graph *outer, uint32_t *uses);

/* What the operator's subgraphs read of the graph around them. */
static void count_captured(const struct op *op, const struct graph *outer, uint32_t *uses) {
    for (uint32_t i = 0; i < op->attribute_count; i++)
        if (op->attributes[i].kind == ATTRIBUTE_GRAPH)
            count_outer(op->attributes[i].graph, outer, uses);
}

static void count_outer(const struct graph *inner, const struct graph *outer, uint32_t *uses) {
    for (uint32_t t = 0; inner->parent == outer && t < inner->tensor_count; t++)
        if (inner->tensors[t].flags & TENSOR_OUTER)
            uses[inner->tensors[t].outer] += 1;
}

/* Tensors that a subgraph reads stay for the whole run: how often it runs is not known here. */
static void count_uses(struct planning *p) {
    const struct graph *graph = p->graph;
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        for (uint32_t k = 0; k < op->input_count; k++)
            if (op->inputs[k] != GRAPH_NONE)
                p->uses[op->inputs[k]]++;
        count_captured(op, graph, p->uses);
    }
    for (uint32_t k = 0; k < graph->output_count; k++)
        p->uses[graph->outputs[k]]++;
}

/* ---- places ---------------------------------------------------------------------------------- */

/* A tensor and what sorts it: tensors of one shape stand together. */
struct shaped {
    uint64_t hash;
    uint32_t index;
    const struct tensor *tensor;
    uint64_t bytes, eight_bytes; /* of all elements, and of eight */
};

static struct shaped shaped_of(const struct tensor *tensor, uint32_t index) {
    struct shaped s = {.index = index,
                       .tensor = tensor_is_static(tensor) ? tensor : NULL,
                       .bytes = tensor_bytes(tensor),
                       .eight_bytes = dtype_bytes(tensor->dtype, 8)};
    s.hash = s.bytes ^ s.eight_bytes << 56;
    for (int32_t d = 0; s.tensor && d < tensor->rank; d++)
        s.hash = (s.hash ^ (uint64_t)tensor->dims[d].size) * 0xff51afd7ed558ccdu;
    return s;
}

static int by_size(const struct tensor *a, const struct tensor *b) {
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    for (int32_t d = 0; d < a->rank; d++)
        if (a->dims[d].size != b->dims[d].size)
            return a->dims[d].size < b->dims[d].size ? -1 : 1;
    return 0;
}

/* What is not known is equal to nothing. */
static int by_shape(const void *a, const void *b) {
    const struct shaped *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (!x->tensor != !y->tensor)
        return x->tensor ? -1 : 1;
    if (!x->tensor)
        return (x->index > y->index) - (x->index < y->index);
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    if (x->eight_bytes != y->eight_bytes)
        return x->eight_bytes < y->eight_bytes ? -1 : 1;
    return by_size(x->tensor, y->tensor);
}

/* Weights keep number 0: nothing is ever put in their place. */
static void number_shapes(struct arena *arena, struct planning *p) {
    uint32_t n = p->graph->tensor_count, count = 0, shape = 0;
    struct shaped *order = ARENA_ARRAY(arena, n, struct shaped);
    for (uint32_t t = 0; t < n; t++)
        if (!(p->graph->tensors[t].flags & TENSOR_INITIALIZER))
            order[count++] = shaped_of(&p->graph->tensors[t], t);
    qsort(order, count, sizeof *order, by_shape);
    for (uint32_t i = 0; i < count; i++) {
        shape += i == 0 || by_shape(&order[i - 1], &order[i]) != 0;
        p->shape[order[i].index] = shape;
    }
}

static int32_t owner_of_input(const struct planning *p, const struct op *op, uint32_t i) {
    return i < op->input_count && op->inputs[i] != GRAPH_NONE ? p->out->owner[op->inputs[i]]
                                                              : GRAPH_NONE;
}

static int32_t overwritten(const struct planning *p, const struct op *op, int32_t output) {
    const struct overwrite *row = overwrite_of(op);
    for (int k = 0; row && k < 2; k++) {
        int32_t input = row->inputs[k];
        int32_t owner = input < 0 ? GRAPH_NONE : owner_of_input(p, op, (uint32_t)input);
        if (owner != GRAPH_NONE && p->uses[owner] == 1 &&
            p->shape[op->inputs[input]] == p->shape[output])
            return owner;
    }
    return GRAPH_NONE;
}

static int32_t taken_over(struct planning *p, int32_t output) {
    int32_t *newest = &p->newest[p->shape[output]], owner = *newest;
    if (owner != GRAPH_NONE)
        *newest = p->older[owner];
    return owner;
}

static void offer(struct planning *p, int32_t owner) {
    int32_t *newest = &p->newest[p->shape[owner]];
    p->older[owner] = *newest;
    *newest = owner;
}

static void place_output(struct planning *p, const struct op *op, uint32_t k) {
    int32_t output = op->outputs[k];
    int32_t owner = output;
    bool leaves = (p->graph->tensors[output].flags & TENSOR_OUTPUT) != 0;
    if (!leaves && k == 0 && is_view(op)) {
        owner = owner_of_input(p, op, 0);
    } else if (!leaves) {
        int32_t other = k == 0 ? overwritten(p, op, output) : GRAPH_NONE;
        if (other == GRAPH_NONE)
            other = taken_over(p, output);
        owner = other == GRAPH_NONE ? output : other;
    }
    p->out->owner[output] = owner;
    if (owner != GRAPH_NONE && owner != output)
        p->uses[owner] += p->uses[output];
}

static void release(struct planning *p, int32_t owner, uint32_t op) {
    p->out->released[owner] = op;
    offer(p, owner);
}

static void finish_operator(struct planning *p, uint32_t i) {
    const struct op *op = &p->graph->ops[i];
    for (uint32_t k = 0; k < op->input_count; k++) {
        int32_t owner = owner_of_input(p, op, k);
        if (owner != GRAPH_NONE && --p->uses[owner] == 0)
            release(p, owner, i);
    }
    for (uint32_t k = 0; k < op->output_count; k++) {
        int32_t output = op->outputs[k];
        /* Memory is given back behind its last reader: without one it stays, but may be taken
         * over. */
        if (output != GRAPH_NONE && p->out->owner[output] == output && p->uses[output] == 0)
            offer(p, output);
    }
}

void placement_of(struct arena *arena, const struct graph *graph, struct placement *out) {
    uint32_t n = graph->tensor_count;
    out->owner = ARENA_ARRAY(arena, n, int32_t);
    out->released = ARENA_ARRAY(arena, n, uint32_t);
    struct planning p = {.graph = graph,
                         .out = out,
                         .uses = ARENA_ARRAY(arena, n, uint32_t),
                         .shape = ARENA_ARRAY(arena, n, uint32_t),
                         .newest = ARENA_ARRAY(arena, n + 1u, int32_t),
                         .older = ARENA_ARRAY(arena, n, int32_t)};
    number_shapes(arena, &p);
    for (uint32_t t = 0; t < n; t++) {
        out->owner[t] = p.newest[t] = GRAPH_NONE;
        out->released[t] = PLACEMENT_KEPT;
    }
    p.newest[n] = GRAPH_NONE;
    count_uses(&p);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        for (uint32_t k = 0; k < graph->ops[i].output_count; k++)
            if (graph->ops[i].outputs[k] != GRAPH_NONE)
                place_output(&p, &graph->ops[i], k);
        finish_operator(&p, i);
    }
}
