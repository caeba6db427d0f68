#include "core/placement.h"

#include <string.h>

struct planning {
    const struct graph *graph;
    struct placement *out;
    uint64_t *bytes; /* per tensor: most that differ in shape differ in this too */
    uint32_t *uses;  /* per tensor: readers still to come; of the owner, for those it stands for */
    int32_t *free;   /* released owners, the newest last */
    uint32_t free_count;
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

static bool same_shape(const struct tensor *a, const struct tensor *b) {
    if (a->rank != b->rank || dtype_bytes(a->dtype, 8) != dtype_bytes(b->dtype, 8) ||
        !tensor_is_static(a) || !tensor_is_static(b))
        return false;
    for (int32_t d = 0; d < a->rank; d++)
        if (a->dims[d].size != b->dims[d].size)
            return false;
    return true;
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
            same_shape(&p->graph->tensors[op->inputs[input]], &p->graph->tensors[output]))
            return owner;
    }
    return GRAPH_NONE;
}

static int32_t taken_over(struct planning *p, int32_t output) {
    for (uint32_t i = p->free_count; i-- > 0;) {
        int32_t owner = p->free[i];
        if (p->bytes[owner] != p->bytes[output] ||
            !same_shape(&p->graph->tensors[owner], &p->graph->tensors[output]))
            continue;
        memmove(&p->free[i], &p->free[i + 1], (p->free_count - i - 1) * sizeof *p->free);
        p->free_count--;
        return owner;
    }
    return GRAPH_NONE;
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
    p->free[p->free_count++] = owner;
}

/* Memory is given back behind its last reader: without one it stays, but may be taken over. */
static void leave_unread(struct planning *p, int32_t owner) {
    p->free[p->free_count++] = owner;
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
        if (output != GRAPH_NONE && p->out->owner[output] == output && p->uses[output] == 0)
            leave_unread(p, output);
    }
}

void placement_of(struct arena *arena, const struct graph *graph, struct placement *out) {
    uint32_t n = graph->tensor_count;
    out->owner = ARENA_ARRAY(arena, n, int32_t);
    out->released = ARENA_ARRAY(arena, n, uint32_t);
    struct planning p = {.graph = graph,
                         .out = out,
                         .bytes = ARENA_ARRAY(arena, n, uint64_t),
                         .uses = ARENA_ARRAY(arena, n, uint32_t),
                         .free = ARENA_ARRAY(arena, n, int32_t)};
    for (uint32_t t = 0; t < n; t++) {
        p.bytes[t] = tensor_bytes(&graph->tensors[t]);
        out->owner[t] = GRAPH_NONE;
        out->released[t] = PLACEMENT_KEPT;
    }
    count_uses(&p);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        for (uint32_t k = 0; k < graph->ops[i].output_count; k++)
            if (graph->ops[i].outputs[k] != GRAPH_NONE)
                place_output(&p, &graph->ops[i], k);
        finish_operator(&p, i);
    }
}
