#include "core/folding.h"

#include "base/ordered.h"
#include "core/op_kind.h"

#include <math.h>
#include <string.h>

struct walk {
    const struct graph *graph;
    int32_t *same; /* per tensor: the first that is equal to it; GRAPH_NONE: not constant */
    struct ordered folded;
};

/* An operator that is computed. Its inputs, as far as they are equal, say what it works on. */
struct work {
    struct ordered_node by_work;
    const struct walk *walk;
    const struct op *op;
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

static int order_of(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

static int by_ints(const int64_t *a, const int64_t *b, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (a[i] != b[i])
            return order_of(a[i], b[i]);
    return 0;
}

/* Values of other kinds are equal to none. */
static int by_value(const struct attribute *a, const struct attribute *b) {
    int order = strcmp(a->name, b->name);
    order = order ? order : order_of(a->kind, b->kind);
    order = order ? order : order_of(a->count, b->count);
    if (order)
        return order;
    switch (a->kind) {
    case ATTRIBUTE_INT:
        return order_of(a->i, b->i);
    case ATTRIBUTE_FLOAT:
        return memcmp(&a->f, &b->f, sizeof a->f);
    case ATTRIBUTE_STRING:
        return strcmp(a->s, b->s);
    case ATTRIBUTE_INTS:
        return by_ints(a->ints, b->ints, a->count);
    default:
        return order_of((int64_t)(uintptr_t)a, (int64_t)(uintptr_t)b);
    }
}

static int32_t same_input(const struct walk *w, const struct op *op, uint32_t k) {
    return op->inputs[k] == GRAPH_NONE ? GRAPH_NONE : w->same[op->inputs[k]];
}

static int by_counts(const struct op *a, const struct op *b) {
    int order = order_of(a->input_count, b->input_count);
    order = order ? order : order_of(a->output_count, b->output_count);
    return order ? order : order_of(a->attribute_count, b->attribute_count);
}

static int by_work(const struct ordered_node *x, const struct ordered_node *y) {
    const struct walk *w = ((const struct work *)x)->walk;
    const struct op *a = ((const struct work *)x)->op, *b = ((const struct work *)y)->op;
    int order = by_counts(a, b);
    order = order ? order : strcmp(a->type, b->type);
    order = order ? order : strcmp(a->domain, b->domain);
    for (uint32_t k = 0; !order && k < a->input_count; k++)
        order = order_of(same_input(w, a, k), same_input(w, b, k));
    for (uint32_t i = 0; !order && i < a->attribute_count; i++)
        order = by_value(&a->attributes[i], &b->attributes[i]);
    return order;
}

/* Which does the same; NULL: none, and `op` is it for those that come. */
static const struct op *earlier(struct walk *w, struct arena *scratch, const struct op *op) {
    const struct work key = {.walk = w, .op = op};
    struct work *found = (struct work *)ordered_at_least(&w->folded, &key.by_work);
    if (found && by_work(&found->by_work, &key.by_work) == 0)
        return found->op;
    found = ARENA_NEW(scratch, struct work);
    *found = key;
    ordered_add(&w->folded, &found->by_work);
    return NULL;
}

static void fold(struct walk *w, struct arena *scratch, const struct op *op, struct folding *out) {
    bool renamed = strcmp(op->type, "Identity") == 0; /* taken out, not computed */
    const struct op *equal = renamed ? NULL : earlier(w, scratch, op);
    for (uint32_t k = 0; k < op->output_count; k++) {
        int32_t tensor = op->outputs[k];
        if (tensor == GRAPH_NONE)
            continue;
        w->same[tensor] = renamed ? same_input(w, op, 0) : equal ? equal->outputs[k] : tensor;
        double bytes = renamed || equal ? 0 : (double)tensor_bytes(&w->graph->tensors[tensor]);
        out->bytes += bytes;
        out->largest_bytes = fmax(out->largest_bytes, bytes);
    }
}

struct folding folding_of(const struct graph *graph) {
    struct folding out = {0};
    struct arena scratch;
    arena_init(&scratch);
    struct walk w = {
        graph, ARENA_ARRAY(&scratch, graph->tensor_count + 1u, int32_t), {NULL, by_work}
    };
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        w.same[t] = graph->tensors[t].flags & (TENSOR_INITIALIZER | TENSOR_CONSTANT) ? (int32_t)t
                                                                                     : GRAPH_NONE;
    for (uint32_t i = 0; i < graph->op_count; i++)
        if (is_constant(&w, &graph->ops[i]))
            fold(&w, &scratch, &graph->ops[i], &out);
    arena_done(&scratch);
    return out;
}
