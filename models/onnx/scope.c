#include "models/onnx/reading.h"

const char *scope_text(const struct scope *scope, struct wire_text text) {
    return text.length ? arena_strndup(scope->reading->arena, text.bytes, text.length) : "";
}

int32_t scope_anonymous(struct scope *scope) {
    return graph_add_tensor(scope->graph, "", DTYPE_UNDEFINED);
}

const struct call *scope_call(const struct scope *scope) {
    while (scope && !scope->call)
        scope = scope->outer;
    return scope ? scope->call : NULL;
}

static void copy_shape(struct scope *scope, const struct tensor *from, struct tensor *to) {
    const struct graph *parent = scope->graph->parent;
    to->rank = from->rank;
    to->dims =
        from->rank > 0 ? ARENA_ARRAY(scope->reading->arena, (size_t)from->rank, struct dim) : NULL;
    for (int32_t i = 0; i < from->rank; i++) {
        to->dims[i] = from->dims[i];
        if (from->dims[i].symbol != GRAPH_NO_SYMBOL)
            to->dims[i].symbol =
                scope_symbol(scope, wire_text_of(parent->symbols[from->dims[i].symbol]));
    }
}

/* A tensor of an enclosing graph, known here by the name it has there. */
static int32_t add_outer(struct scope *scope, struct wire_text name, int32_t outer) {
    int32_t index = scope_anonymous(scope);
    struct tensor *tensor = &scope->graph->tensors[index];
    tensor->name = scope->graph->parent->tensors[outer].name;
    tensor->flags = TENSOR_OUTER;
    tensor->outer = outer;
    const struct tensor *from = &scope->graph->parent->tensors[outer];
    tensor->dtype = from->dtype;
    tensor->values = from->values;
    copy_shape(scope, from, tensor);
    names_add(scope->names, name, index);
    return index;
}

int32_t scope_find(struct scope *scope, struct wire_text name) {
    const int32_t *own = names_find(scope->names, name);
    if (own)
        return *own;
    int32_t outer = scope->outer ? scope_find(scope->outer, name) : GRAPH_NONE;
    return outer == GRAPH_NONE ? GRAPH_NONE : add_outer(scope, name, outer);
}

/* A name that no tensor of the graph has: the call's prefix, and the tensor's number when that is
 * taken. Numbers are tried that belong to this tensor alone, so that many calls of one name do not
 * try each other's. */
static const char *unique_name(struct scope *scope, struct wire_text name, int32_t index) {
    struct arena *arena = scope->reading->arena;
    char *plain = arena_printf(arena, "%s%.*s", scope->call->prefix, (int)name.length, name.bytes);
    char *text = plain;
    for (unsigned i = 0; names_find(&scope->graph_names->tensors, wire_text_of(text)); i++)
        text = i ? arena_printf(arena, "%s#%d.%u", plain, index, i)
                 : arena_printf(arena, "%s#%d", plain, index);
    return text;
}

int32_t scope_declare(struct scope *scope, struct wire_text name) {
    int32_t index = scope_anonymous(scope);
    struct tensor *tensor = &scope->graph->tensors[index];
    tensor->name = scope->call ? unique_name(scope, name, index) : scope_text(scope, name);
    names_add(scope->names, name, index);
    if (scope->call)
        names_add(&scope->graph_names->tensors, wire_text_of(tensor->name), index);
    return index;
}

int32_t scope_symbol(struct scope *scope, struct wire_text name) {
    struct names *symbols = &scope->graph_names->symbols;
    const int32_t *known = names_find(symbols, name);
    if (known)
        return *known;
    struct graph *graph = scope->graph;
    const char **symbol =
        ARENA_PUSH(graph->arena, graph->symbols, graph->symbol_count, graph->symbol_capacity);
    *symbol = scope_text(scope, name);
    int32_t index = (int32_t)graph->symbol_count - 1;
    names_add(symbols, name, index);
    return index;
}
