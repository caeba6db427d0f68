#include "jobs/inspect.h"

#include "base/ordered.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "core/features.h"
#include "core/flat.h"
#include "models/infer.h"
#include "models/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int dim_binding_parse(struct arena *arena, const char *text, struct dim_binding *out,
                      struct err *err) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return err_set(err, ERR_USAGE, "'%s' is not of the form name=size, such as batch=8", text);
    out->symbol = arena_strndup(arena, text, (size_t)(equals - text));
    if (unit_parse_integer(equals + 1, &out->size, err) < 0)
        return err_prefix(err, "%s", out->symbol);
    if (out->size < 1 || out->size > INT32_MAX)
        return err_set(err, ERR_USAGE, "%s: %" PRId64 " is not between 1 and %d", out->symbol,
                       out->size, INT32_MAX);
    return 0;
}

static const char *symbols_of(struct arena *arena, const struct graph *graph) {
    struct strbuf text;
    strbuf_init(&text);
    for (uint32_t i = 0; i < graph->symbol_count; i++)
        strbuf_printf(&text, "%s%s", i ? ", " : "", graph->symbols[i]);
    const char *kept = arena_strdup(arena, text.text);
    strbuf_done(&text);
    return kept;
}

static int bind_dims(struct arena *arena, struct graph *graph, const struct dim_binding *dims,
                     uint32_t count, struct err *err) {
    for (uint32_t i = 0; i < count; i++) {
        if (graph_bind_symbol(graph, dims[i].symbol, dims[i].size) > 0)
            continue;
        err_set(err, ERR_INPUT, "the model has no symbolic dimension '%s'", dims[i].symbol);
        if (graph->symbol_count)
            return err_hint(err, "it has: %s", symbols_of(arena, graph));
        return err_hint(err, "all its dimensions are fixed");
    }
    return 0;
}

/* ---- operators ----------------------------------------------------------------------------- */

static int by_type(const void *a, const void *b) {
    const struct op_type_count *x = a, *y = b;
    return strcmp(x->type, y->type);
}

static int by_count(const void *a, const void *b) {
    const struct op_type_count *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : by_type(a, b);
}

static struct op_type_count count_one(struct arena *arena, const struct flat_op *flat) {
    const struct op *op = flat->op;
    const char *type = *op->domain ? arena_printf(arena, "%s.%s", op->domain, op->type) : op->type;
    return (struct op_type_count){type, 1, op_flops(flat->graph, op),
                                  infer_is_known(op->domain, op->type)};
}

/* Sorts by type and adds up neighbours. */
static void count_types(struct arena *arena, const struct flat_graph *flat,
                        struct inspection *out) {
    struct op_type_count *all = ARENA_ARRAY(arena, flat->count + 1, struct op_type_count);
    for (uint32_t i = 0; i < flat->count; i++)
        all[i] = count_one(arena, &flat->ops[i]);
    qsort(all, flat->count, sizeof *all, by_type);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < flat->count; i++) {
        out->flops += all[i].flops;
        if (kept && strcmp(all[kept - 1].type, all[i].type) == 0) {
            all[kept - 1].count++;
            all[kept - 1].flops += all[i].flops;
        } else {
            all[kept++] = all[i];
        }
    }
    qsort(all, kept, sizeof *all, by_count);
    out->types = all;
    out->type_count = kept;
}

static uint64_t count_unknown(const struct flat_graph *flat) {
    uint64_t unknown = 0;
    for (uint32_t i = 0; i < flat->count; i++) {
        const struct flat_op *at = &flat->ops[i];
        for (uint32_t k = 0; k < at->op->output_count; k++) {
            const struct tensor *tensor = op_output(at->graph, at->op, k);
            unknown += tensor && *tensor->name && !tensor_is_static(tensor);
        }
    }
    return unknown;
}

/* ---- weights by type ----------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b) {
    const struct weight_type *x = a, *y = b;
    return x->bytes != y->bytes ? (x->bytes < y->bytes) - (x->bytes > y->bytes)
                                : (int)x->dtype - (int)y->dtype;
}

static void count_weights(struct arena *arena, const struct graph *graph, struct inspection *out) {
    struct weight_type *types = ARENA_ARRAY(arena, DTYPE_COUNT, struct weight_type);
    for (uint32_t t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (!(tensor->flags & TENSOR_INITIALIZER))
            continue;
        int64_t elements = tensor_elements(tensor);
        struct weight_type *type = &types[tensor->dtype];
        type->dtype = tensor->dtype;
        type->tensors++;
        type->parameters += elements > 0 ? (uint64_t)elements : 0;
        type->bytes += tensor_bytes(tensor);
    }
    for (uint32_t i = 0; i < DTYPE_COUNT; i++)
        if (types[i].tensors)
            types[out->weight_count++] = types[i];
    qsort(types, out->weight_count, sizeof *types, by_bytes);
    out->weights = types;
}

/* ---- external weights ---------------------------------------------------------------------- */

struct file_list {
    struct external_file *items; /* as they are met */
    uint32_t count, capacity;
    struct ordered by_location;
};

struct file_place {
    struct ordered_node by_location;
    const char *location;
    uint32_t index;
};

static int by_location(const struct ordered_node *a, const struct ordered_node *b) {
    return strcmp(((const struct file_place *)a)->location,
                  ((const struct file_place *)b)->location);
}

static struct external_file *file_of(struct arena *arena, struct file_list *files,
                                     const char *location) {
    const struct file_place key = {.location = location, .index = files->count};
    struct file_place *known =
        (struct file_place *)ordered_at_least(&files->by_location, &key.by_location);
    if (known && strcmp(known->location, location) == 0)
        return &files->items[known->index];
    known = ARENA_NEW(arena, struct file_place);
    *known = key;
    ordered_add(&files->by_location, &known->by_location);
    struct external_file *file = ARENA_PUSH(arena, files->items, files->count, files->capacity);
    file->location = location;
    return file;
}

static void count_graph(struct arena *arena, const struct graph *graph, struct file_list *files,
                        uint32_t *graphs) {
    (*graphs)++;
    for (uint32_t i = 0; i < graph->tensor_count; i++) {
        if (!(graph->tensors[i].flags & TENSOR_EXTERNAL) || !graph->tensors[i].external)
            continue;
        struct external_file *file = file_of(arena, files, graph->tensors[i].external->location);
        file->tensors++;
        file->bytes += tensor_bytes(&graph->tensors[i]);
    }
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t k = 0; k < graph->ops[i].attribute_count; k++)
            if (graph->ops[i].attributes[k].kind == ATTRIBUTE_GRAPH)
                count_graph(arena, graph->ops[i].attributes[k].graph, files, graphs);
}

static void look_for_files(struct arena *arena, const char *path, struct inspection *out) {
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path) + 1 : 0;
    for (uint32_t i = 0; i < out->file_count; i++) {
        const char *file = arena_printf(arena, "%.*s%s", folder, path, out->files[i].location);
        out->files[i].exists = access(file, F_OK) == 0;
    }
}

int inspect(struct arena *arena, const char *path, const char *name, const struct dim_binding *dims,
            uint32_t dim_count, struct inspection *out, struct err *err) {
    *out = (struct inspection){0};
    if (model_read(arena, path, name, &out->model, err) < 0)
        return -(int)err->code;
    struct graph *graph = out->model.graph;
    struct flat_graph flat;
    if (bind_dims(arena, graph, dims, dim_count, err) < 0 || infer_shapes(graph, err) < 0 ||
        flat_graph_build(arena, graph, &flat, err) < 0)
        return err_prefix(err, "%s", path);
    struct file_list files = {
        .by_location = {NULL, by_location}
    };
    count_graph(arena, graph, &files, &out->graphs);
    out->files = files.items;
    out->file_count = files.count;
    out->nodes = graph_op_count(graph);
    out->parameters = graph_parameters(graph);
    out->weight_bytes = graph_weight_bytes(graph);
    out->unknown_shapes = count_unknown(&flat);
    count_types(arena, &flat, out);
    count_weights(arena, graph, out);
    look_for_files(arena, path, out);
    return 0;
}
