/* Looking at the graph that is lowered, and changing it. */
#include "models/lower_rules.h"

#include <math.h>
#include <string.h>

/* ---- looking --------------------------------------------------------------------------------- */

struct op *lower_op(struct lower *l, int32_t op) {
    return &l->graph->ops[op];
}

struct tensor *lower_tensor(struct lower *l, int32_t tensor) {
    return &l->graph->tensors[tensor];
}

bool lower_is(const struct lower *l, int32_t op, const char *domain, const char *type) {
    return op >= 0 && !l->dead[op] && op_is(&l->graph->ops[op], domain, type);
}

int32_t lower_in(const struct lower *l, int32_t op, uint32_t i) {
    return i < l->graph->ops[op].input_count ? l->graph->ops[op].inputs[i] : GRAPH_NONE;
}

int32_t lower_out(const struct lower *l, int32_t op, uint32_t i) {
    return i < l->graph->ops[op].output_count ? l->graph->ops[op].outputs[i] : GRAPH_NONE;
}

int32_t lower_producer(const struct lower *l, int32_t tensor) {
    return tensor < 0 ? GRAPH_NONE : l->graph->tensors[tensor].producer;
}

int32_t lower_only_producer(const struct lower *l, int32_t tensor, const char *domain,
                            const char *type) {
    int32_t op = lower_producer(l, tensor);
    return lower_is(l, op, domain, type) && lower_use_count(l, tensor) == 1 ? op : GRAPH_NONE;
}

bool lower_is_output(const struct lower *l, int32_t tensor) {
    return tensor >= 0 && (l->graph->tensors[tensor].flags & TENSOR_OUTPUT || l->captured[tensor]);
}

uint32_t lower_use_count(const struct lower *l, int32_t tensor) {
    return lower_is_output(l, tensor) + (tensor < 0 ? 0 : l->use_counts[tensor]);
}

int32_t lower_sole_reader(const struct lower *l, int32_t tensor) {
    if (tensor < 0 || lower_is_output(l, tensor) || !l->uses[tensor] || l->uses[tensor]->next)
        return GRAPH_NONE;
    return l->uses[tensor]->op;
}

bool lower_is_constant(const struct lower *l, int32_t tensor) {
    const struct graph *graph = l->graph;
    while (tensor >= 0 && graph->tensors[tensor].flags & TENSOR_OUTER && graph->parent) {
        tensor = graph->tensors[tensor].outer; /* constant outside, constant inside */
        graph = graph->parent;
    }
    return tensor >= 0 && graph->tensors[tensor].flags & (TENSOR_INITIALIZER | TENSOR_CONSTANT);
}

bool lower_scalar(const struct lower *l, int32_t tensor, double *value) {
    const struct tensor_values *v = tensor < 0 ? NULL : l->graph->tensors[tensor].values;
    if (!v || v->count != 1 || !lower_is_constant(l, tensor))
        return false;
    *value = v->floats ? v->floats[0] : (double)v->ints[0];
    return true;
}

bool lower_scalar_is(const struct lower *l, int32_t tensor, double value) {
    double found;
    return lower_scalar(l, tensor, &found) && fabs(found - value) <= 1e-3 * fabs(value);
}

bool lower_same_shape(const struct lower *l, int32_t a, int32_t b) {
    const struct tensor *ta = &l->graph->tensors[a], *tb = &l->graph->tensors[b];
    if (ta->rank != tb->rank || ta->rank < 0)
        return false;
    for (int32_t i = 0; i < ta->rank; i++)
        if (ta->dims[i].size != tb->dims[i].size || ta->dims[i].size < 0)
            return false;
    return true;
}

int64_t lower_size(const struct lower *l, int32_t tensor, int32_t axis) {
    if (tensor < 0)
        return -1;
    const struct tensor *t = &l->graph->tensors[tensor];
    axis = axis < 0 ? axis + t->rank : axis;
    return axis >= 0 && axis < t->rank ? t->dims[axis].size : -1;
}

int32_t lower_rank(const struct lower *l, int32_t tensor) {
    return tensor < 0 ? GRAPH_RANK_UNKNOWN : l->graph->tensors[tensor].rank;
}

bool lower_is_float(const struct lower *l, int32_t tensor) {
    return tensor >= 0 && l->graph->tensors[tensor].dtype == DTYPE_FLOAT32;
}

int32_t lower_other_input(const struct lower *l, int32_t op, int32_t tensor) {
    return lower_in(l, op, 0) == tensor ? lower_in(l, op, 1) : lower_in(l, op, 0);
}

/* ---- uses ------------------------------------------------------------------------------------ */

static void link_use(struct lower *l, int32_t op, uint32_t slot, int32_t tensor) {
    if (tensor < 0)
        return;
    struct use *use = ARENA_NEW(&l->index, struct use);
    *use = (struct use){op, slot, l->uses[tensor], &l->uses[tensor]};
    if (use->next)
        use->next->link = &use->next;
    l->uses[tensor] = l->reads[op][slot] = use;
    l->use_counts[tensor]++;
}

static void unlink_use(struct lower *l, int32_t op, uint32_t slot, int32_t tensor) {
    struct use *use = tensor < 0 ? NULL : l->reads[op][slot];
    if (!use)
        return;
    *use->link = use->next;
    if (use->next)
        use->next->link = use->link;
    l->reads[op][slot] = NULL;
    l->use_counts[tensor]--;
}

static void link_inputs(struct lower *l, int32_t op) {
    const struct op *o = &l->graph->ops[op];
    l->reads[op] = ARENA_ARRAY(&l->index, o->input_count, struct use *);
    for (uint32_t k = 0; k < o->input_count; k++)
        link_use(l, op, k, o->inputs[k]);
}

static void unlink_inputs(struct lower *l, int32_t op) {
    const struct op *o = &l->graph->ops[op];
    for (uint32_t k = 0; k < o->input_count; k++)
        unlink_use(l, op, k, o->inputs[k]);
}

static void mark_captured(struct lower *l, const struct op *op) {
    for (uint32_t a = 0; a < op->attribute_count; a++) {
        if (op->attributes[a].kind != ATTRIBUTE_GRAPH)
            continue;
        const struct graph *inner = op->attributes[a].graph;
        for (uint32_t t = 0; t < inner->tensor_count; t++)
            if (inner->tensors[t].flags & TENSOR_OUTER)
                l->captured[inner->tensors[t].outer] = true;
    }
}

void lower_index_uses(struct lower *l) {
    const struct graph *graph = l->graph;
    arena_done(&l->index);
    l->use_capacity = graph->tensor_count + 64;
    l->op_capacity = graph->op_count + 64;
    l->uses = ARENA_ARRAY(&l->index, l->use_capacity, struct use *);
    l->use_counts = ARENA_ARRAY(&l->index, l->use_capacity, uint32_t);
    l->captured = ARENA_ARRAY(&l->index, l->use_capacity, bool);
    l->reads = ARENA_ARRAY(&l->index, l->op_capacity, struct use **);
    l->dead = ARENA_ARRAY(&l->index, l->op_capacity, bool);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        mark_captured(l, &graph->ops[i]);
        link_inputs(l, (int32_t)i);
    }
}

/* The first use of a tensor points to its place in `uses`, which moves. */
static void room_for_tensor(struct lower *l) {
    if (l->graph->tensor_count < l->use_capacity)
        return;
    uint32_t old = l->use_capacity, wanted = 2 * old + 64;
    l->uses = arena_grow(&l->index, l->uses, old, wanted, sizeof *l->uses);
    l->use_counts = arena_grow(&l->index, l->use_counts, old, wanted, sizeof *l->use_counts);
    l->captured = arena_grow(&l->index, l->captured, old, wanted, sizeof *l->captured);
    l->use_capacity = wanted;
    for (uint32_t t = 0; t < old; t++)
        if (l->uses[t])
            l->uses[t]->link = &l->uses[t];
}

static void room_for_op(struct lower *l) {
    if (l->graph->op_count <= l->op_capacity)
        return;
    uint32_t old = l->op_capacity, wanted = 2 * old + 64;
    l->reads = arena_grow(&l->index, l->reads, old, wanted, sizeof *l->reads);
    l->dead = arena_grow(&l->index, l->dead, old, wanted, sizeof *l->dead);
    l->op_capacity = wanted;
}

/* ---- changing -------------------------------------------------------------------------------- */

void lower_kill(struct lower *l, int32_t op) {
    const struct op *o = &l->graph->ops[op];
    unlink_inputs(l, op);
    for (uint32_t i = 0; i < o->output_count; i++)
        if (o->outputs[i] >= 0 && l->graph->tensors[o->outputs[i]].producer == op)
            l->graph->tensors[o->outputs[i]].producer = GRAPH_NONE;
    l->dead[op] = true;
}

void lower_set_input(struct lower *l, int32_t op, uint32_t slot, int32_t tensor) {
    struct op *o = &l->graph->ops[op];
    unlink_use(l, op, slot, o->inputs[slot]);
    o->inputs[slot] = tensor;
    link_use(l, op, slot, tensor);
}

void lower_set_inputs(struct lower *l, int32_t op, uint32_t count, const int32_t *tensors) {
    unlink_inputs(l, op);
    graph_set_inputs(l->graph, op, count, tensors);
    link_inputs(l, op);
}

void lower_redirect(struct lower *l, int32_t from, int32_t to) {
    while (l->uses[from])
        lower_set_input(l, l->uses[from]->op, l->uses[from]->slot, to);
}

void lower_set_output(struct lower *l, int32_t op, int32_t tensor) {
    struct op *o = &l->graph->ops[op];
    if (l->graph->tensors[o->outputs[0]].producer == op)
        l->graph->tensors[o->outputs[0]].producer = GRAPH_NONE;
    o->outputs[0] = tensor;
    l->graph->tensors[tensor].producer = op;
}

void lower_retype(struct lower *l, int32_t op, const char *domain, const char *type) {
    l->graph->ops[op].domain = domain;
    l->graph->ops[op].type = type;
}

bool lower_bypass(struct lower *l, int32_t op) {
    int32_t in = lower_in(l, op, 0), out = lower_out(l, op, 0);
    if (in < 0 || out < 0)
        return false;
    if (!lower_is_output(l, out)) {
        lower_kill(l, op);
        lower_redirect(l, out, in);
        return true;
    }
    /* the output's name must stay: the producer of the input writes it, if nobody minds */
    int32_t producer = lower_producer(l, in);
    if (producer < 0 || lower_is_output(l, in) || lower_out(l, producer, 0) != in)
        return false;
    lower_kill(l, op);
    lower_redirect(l, in, out);
    lower_set_output(l, producer, out);
    return true;
}

int32_t lower_add_op(struct lower *l, const char *name, const char *type, const char *domain) {
    int32_t op = graph_add_op(l->graph, name, type, domain);
    room_for_op(l);
    l->dead[op] = false;
    return op;
}

int32_t lower_add_tensor(struct lower *l, const char *name, enum dtype dtype, int32_t rank,
                         const int64_t *sizes) {
    room_for_tensor(l);
    if (names_find(&l->names, wire_text_of(name))) /* the same rule applied here before */
        name = arena_printf(l->arena, "%s_%u", name, l->graph->tensor_count);
    int32_t t = graph_add_tensor(l->graph, name, dtype);
    names_add(&l->names, wire_text_of(l->graph->tensors[t].name), 0);
    graph_set_shape(l->graph, t, rank, sizes);
    return t;
}

int32_t lower_add_weight(struct lower *l, const char *name, enum dtype dtype, int32_t rank,
                         const int64_t *sizes) {
    int32_t t = lower_add_tensor(l, name, dtype, rank, sizes);
    l->graph->tensors[t].flags |= TENSOR_INITIALIZER;
    return t;
}

int32_t lower_add_ints(struct lower *l, const char *name, uint32_t count, const int64_t *values) {
    int64_t size = count;
    int32_t t = lower_add_weight(l, name, DTYPE_INT64, 1, &size);
    struct tensor_values *kept = ARENA_NEW(l->arena, struct tensor_values);
    kept->count = count;
    kept->ints = arena_grow(l->arena, values, count, count, sizeof *values);
    l->graph->tensors[t].values = kept;
    return t;
}

void lower_drop_attribute(struct lower *l, int32_t op, const char *name) {
    struct op *o = &l->graph->ops[op];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < o->attribute_count; i++)
        if (strcmp(o->attributes[i].name, name) != 0)
            o->attributes[kept++] = o->attributes[i];
    o->attribute_count = kept;
}

void lower_set_int(struct lower *l, int32_t op, const char *name, int64_t value) {
    lower_drop_attribute(l, op, name);
    graph_set_int(l->graph, op, name, value);
}

void lower_set_string(struct lower *l, int32_t op, const char *name, const char *value) {
    lower_drop_attribute(l, op, name);
    graph_set_string(l->graph, op, name, value);
}

const char *lower_name(struct lower *l, const char *base, const char *suffix) {
    return arena_printf(l->arena, "%s%s", base, suffix);
}
