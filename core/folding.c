#include "core/folding.h"

#include "core/op_kind.h"

#include <math.h>
#include <string.h>

struct walk {
    const struct graph *graph;
    int32_t *same; /* per tensor: the first that is equal to it; GRAPH_NONE: not constant */
    const struct op **folded;
    uint32_t folded_count;
};

/* Random numbers differ each time, and what bodies do is not looked into. DequantizeLinear is left
 * for what makes operators of eight bits of it (skip_dequantize_linear in constant_folding.cc). */
static bool may_be_folded(const struct op *op) {
    const struct op_kind *kind = op_kind_find(op->domain, op->type);
    return kind && kind->family != FAMILY_CONTROL && op->input_count > 0 && op->output_count > 0 &&
           strncmp(op->type, "Random", 6) != 0 && strcmp(op->type, "DequantizeLinear") != 0 &&
           strcmp(op->type, "Bernoulli") != 0 && strcmp(op->type, "Multinomial") != 0;
}

static bool is_constant(const struct walk *w, const struct op *op) {
    if (!may_be_folded(op))
        return false;
    for (uint32_t k = 0; k < op->input_count; k++)
        if (op->inputs[k] != GRAPH_NONE && w->same[op->inputs[k]] == GRAPH_NONE)
            return false;
    return true;
}

static bool same_value(const struct attribute *a, const struct attribute *b) {
    if (a->kind != b->kind || a->count != b->count || strcmp(a->name, b->name) != 0)
        return false;
    switch (a->kind) {
    case ATTRIBUTE_INT:
        return a->i == b->i;
    case ATTRIBUTE_FLOAT:
        return memcmp(&a->f, &b->f, sizeof a->f) == 0;
    case ATTRIBUTE_STRING:
        return strcmp(a->s, b->s) == 0;
    case ATTRIBUTE_INTS:
        return memcmp(a->ints, b->ints, a->count * sizeof *a->ints) == 0;
    default:
        return false;
    }
}

static int32_t same_input(const struct walk *w, const struct op *op, uint32_t k) {
    return op->inputs[k] == GRAPH_NONE ? GRAPH_NONE : w->same[op->inputs[k]];
}

static bool same_work(const struct walk *w, const struct op *a, const struct op *b) {
    if (a->input_count != b->input_count || a->output_count != b->output_count ||
        a->attribute_count != b->attribute_count || strcmp(a->type, b->type) != 0 ||
        strcmp(a->domain, b->domain) != 0)
        return false;
    for (uint32_t k = 0; k < a->input_count; k++)
        if (same_input(w, a, k) != same_input(w, b, k))
            return false;
    for (uint32_t i = 0; i < a->attribute_count; i++)
        if (!same_value(&a->attributes[i], &b->attributes[i]))
            return false;
    return true;
}

static const struct op *earlier(const struct walk *w, const struct op *op) {
    for (uint32_t i = 0; i < w->folded_count; i++)
        if (same_work(w, w->folded[i], op))
            return w->folded[i];
    return NULL;
}

static void fold(struct walk *w, const struct op *op, struct folding *out) {
    bool renamed = strcmp(op->type, "Identity") == 0; /* taken out, not computed */
    const struct op *equal = renamed ? NULL : earlier(w, op);
    for (uint32_t k = 0; k < op->output_count; k++) {
        int32_t tensor = op->outputs[k];
        if (tensor == GRAPH_NONE)
            continue;
        w->same[tensor] = renamed ? same_input(w, op, 0) : equal ? equal->outputs[k] : tensor;
        double bytes = renamed || equal ? 0 : (double)tensor_bytes(&w->graph->tensors[tensor]);
        out->bytes += bytes;
        out->largest_bytes = fmax(out->largest_bytes, bytes);
    }
    if (!renamed && !equal)
        w->folded[w->folded_count++] = op;
}

struct folding folding_of(const struct graph *graph) {
    struct folding out = {0};
    struct arena scratch;
    arena_init(&scratch);
    struct walk w = {graph, ARENA_ARRAY(&scratch, graph->tensor_count + 1u, int32_t),
                     ARENA_ARRAY(&scratch, graph->op_count + 1u, const struct op *), 0};
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        w.same[t] = graph->tensors[t].flags & (TENSOR_INITIALIZER | TENSOR_CONSTANT) ? (int32_t)t
                                                                                     : GRAPH_NONE;
    for (uint32_t i = 0; i < graph->op_count; i++)
        if (is_constant(&w, &graph->ops[i]))
            fold(&w, &graph->ops[i], &out);
    arena_done(&scratch);
    return out;
}
