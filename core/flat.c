#include "core/flat.h"

enum { DEPTH_MAX = 64 };

struct flattening {
    struct arena *arena;
    struct flat_graph *flat;
    uint32_t capacity;
    struct err *err;
};

static int add_graph(struct flattening *f, const struct graph *graph, int32_t enclosing,
                     const char *branch, int depth);

static const char *path_of(struct flattening *f, const struct graph *graph, uint32_t i,
                           int32_t enclosing, const char *branch) {
    const struct op *op = &graph->ops[i];
    const char *own = op->name[0] ? op->name : arena_printf(f->arena, "%s#%u", op->type, i);
    if (enclosing == GRAPH_NONE)
        return own;
    return arena_printf(f->arena, "%s/%s/%s", f->flat->ops[enclosing].path, branch, own);
}

static int add_subgraphs(struct flattening *f, const struct op *op, int32_t index, int depth) {
    for (uint32_t a = 0; a < op->attribute_count; a++) {
        const struct attribute *attribute = &op->attributes[a];
        if (attribute->kind != ATTRIBUTE_GRAPH)
            continue;
        int code = add_graph(f, attribute->graph, index, attribute->name, depth + 1);
        if (code)
            return code;
    }
    return 0;
}

static int add_graph(struct flattening *f, const struct graph *graph, int32_t enclosing,
                     const char *branch, int depth) {
    if (depth > DEPTH_MAX)
        return err_set(f->err, ERR_INPUT, "subgraphs nest deeper than %d", DEPTH_MAX);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const char *path = path_of(f, graph, i, enclosing, branch);
        int32_t index = (int32_t)f->flat->count;
        struct flat_op *flat = ARENA_PUSH(f->arena, f->flat->ops, f->flat->count, f->capacity);
        *flat = (struct flat_op){graph, &graph->ops[i], path, enclosing, branch};
        int code = add_subgraphs(f, &graph->ops[i], index, depth);
        if (code)
            return code;
    }
    return 0;
}

int flat_graph_build(struct arena *arena, const struct graph *graph, struct flat_graph *flat,
                     struct err *err) {
    *flat = (struct flat_graph){0};
    struct flattening f = {arena, flat, 0, err};
    return add_graph(&f, graph, GRAPH_NONE, "", 0);
}
