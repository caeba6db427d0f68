/* An If whose condition is known is opened: the operators of the branch that is taken stand in its
 * place. */
#include "models/lower_rules.h"

struct opening {
    struct lower *l;
    const struct graph *branch;
    const char *prefix; /* of names */
    int32_t *map;       /* per tensor of the branch: its index outside */
};

static int32_t copy_tensor(struct opening *o, const struct tensor *from) {
    struct lower *l = o->l;
    int64_t sizes[GRAPH_RANK_MAX];
    for (int32_t i = 0; i < from->rank; i++)
        sizes[i] = from->dims[i].size;
    int32_t t = lower_add_tensor(l, arena_printf(l->arena, "%s/%s", o->prefix, from->name),
                                 from->dtype, from->rank, sizes);
    struct tensor *to = lower_tensor(l, t);
    to->flags = from->flags & ~(uint32_t)(TENSOR_INPUT | TENSOR_OUTPUT | TENSOR_OUTER);
    to->values = from->values;
    to->external = from->external;
    to->file_offset = from->file_offset;
    for (int32_t i = 0; i < from->rank; i++)
        if (from->dims[i].symbol != GRAPH_NO_SYMBOL)
            to->dims[i].symbol = graph_symbol(l->graph, o->branch->symbols[from->dims[i].symbol]);
    return t;
}

/* What the branch returns is what the If wrote. */
static void map_outputs(struct opening *o, const struct op *op) {
    for (uint32_t k = 0; k < o->branch->output_count && k < op->output_count; k++) {
        int32_t inner = o->branch->outputs[k];
        if (op->outputs[k] >= 0 && o->branch->tensors[inner].producer >= 0 &&
            o->map[inner] == GRAPH_NONE)
            o->map[inner] = op->outputs[k];
    }
}

static int32_t mapped(struct opening *o, int32_t inner) {
    if (inner < 0)
        return GRAPH_NONE;
    const struct tensor *t = &o->branch->tensors[inner];
    if (o->map[inner] == GRAPH_NONE)
        o->map[inner] = t->flags & TENSOR_OUTER ? t->outer : copy_tensor(o, t);
    return o->map[inner];
}

/* A subgraph inside the branch now stands in the graph outside. */
static struct graph *adopt(struct opening *o, const struct graph *nested) {
    struct graph *copy = lower_copy_graph(o->l->arena, nested);
    copy->parent = o->l->graph;
    for (uint32_t t = 0; t < copy->tensor_count; t++)
        if (copy->tensors[t].flags & TENSOR_OUTER) {
            copy->tensors[t].outer = mapped(o, copy->tensors[t].outer);
            o->l->captured[copy->tensors[t].outer] = true;
        }
    return copy;
}

static void copy_attributes(struct opening *o, int32_t op, const struct op *from) {
    struct op *to = lower_op(o->l, op);
    to->attributes = arena_grow(o->l->arena, from->attributes, from->attribute_count,
                                from->attribute_count, sizeof *to->attributes);
    to->attribute_count = from->attribute_count;
    for (uint32_t a = 0; a < from->attribute_count; a++) {
        if (from->attributes[a].kind == ATTRIBUTE_TENSOR)
            to->attributes[a].tensor = mapped(o, from->attributes[a].tensor);
        if (from->attributes[a].kind == ATTRIBUTE_GRAPH)
            to->attributes[a].graph = adopt(o, from->attributes[a].graph);
    }
}

static void copy_op(struct opening *o, const struct op *from) {
    struct lower *l = o->l;
    int32_t op = lower_add_op(l, arena_printf(l->arena, "%s/%s", o->prefix, from->name), from->type,
                              from->domain);
    int32_t *inputs = ARENA_ARRAY(l->arena, from->input_count, int32_t);
    int32_t *outputs = ARENA_ARRAY(l->arena, from->output_count, int32_t);
    for (uint32_t i = 0; i < from->input_count; i++)
        inputs[i] = mapped(o, from->inputs[i]);
    for (uint32_t i = 0; i < from->output_count; i++)
        outputs[i] = mapped(o, from->outputs[i]);
    lower_set_inputs(l, op, from->input_count, inputs);
    graph_set_outputs(l->graph, op, from->output_count, outputs);
    copy_attributes(o, op, from);
}

/* What the branch hands through unchanged, or returns twice. */
static void copy_rest(struct opening *o, const struct op *op) {
    for (uint32_t k = 0; k < o->branch->output_count && k < op->output_count; k++) {
        int32_t from = mapped(o, o->branch->outputs[k]);
        if (op->outputs[k] < 0 || from == op->outputs[k])
            continue;
        int32_t identity = lower_add_op(o->l, o->prefix, "Identity", ONNX);
        lower_set_inputs(o->l, identity, 1, &from);
        graph_set_outputs(o->l->graph, identity, 1, &op->outputs[k]);
    }
}

bool lower_open_if(struct lower *l, int32_t op) {
    double condition;
    if (!lower_scalar(l, lower_in(l, op, 0), &condition))
        return false;
    const struct attribute *a =
        op_attribute(lower_op(l, op), condition != 0 ? "then_branch" : "else_branch");
    if (!a || a->kind != ATTRIBUTE_GRAPH)
        return false;
    const struct op copy = *lower_op(l, op);
    struct opening o = {.l = l, .branch = a->graph, .prefix = copy.name};
    o.map = ARENA_ARRAY(l->arena, a->graph->tensor_count, int32_t);
    for (uint32_t t = 0; t < a->graph->tensor_count; t++)
        o.map[t] = GRAPH_NONE;
    lower_kill(l, op);
    map_outputs(&o, &copy);
    for (uint32_t i = 0; i < o.branch->op_count; i++)
        copy_op(&o, &o.branch->ops[i]);
    copy_rest(&o, &copy);
    return true;
}
