#include "collectors/llamacpp/show.h"

#include "collectors/llamacpp/nodes.h"
#include "core/ggml_type.h"

#include <string.h>

/* A tensor of ggml's and its place in the graph. Later graphs of the same call may reuse its
 * address, so its name and shape must agree too. */
struct shown {
    const struct ggml_tensor *tensor;
    const char *name; /* as ggml has it */
    int32_t index;
    bool read;
};

void show_init(struct show *show, struct arena *arena, const struct llama_api *api) {
    *show = (struct show){.api = api, .graph = graph_new(arena, "llama.cpp")};
    show->graph->lowered = true;
    show->graph->ir_version = 8;
    graph_add_opset(show->graph, "", 17);
    graph_add_opset(show->graph, "ggml", 1);
}

/* ---- tensors ---------------------------------------------------------------------------------
 */

/* Outermost first, without leading ones; at least one dimension. */
static int32_t shape_of(const struct show *show, const struct ggml_tensor *tensor,
                        int64_t sizes[static GGML_DIMS]) {
    int32_t rank = GGML_DIMS;
    while (rank > 1 && tensor_size(&show->api->tensor, tensor, rank - 1) == 1)
        rank--;
    for (int32_t i = 0; i < rank; i++)
        sizes[i] = tensor_size(&show->api->tensor, tensor, rank - 1 - i);
    return rank;
}

static bool has_name(const struct graph *graph, const char *name) {
    return graph_find_tensor(graph, name) != GRAPH_NONE;
}

/* ggml gives names to several tensors: the second "norm" is "norm#2". */
static const char *unique_name(const struct show *show, const char *name) {
    struct graph *graph = show->graph;
    uint32_t times = 1;
    for (uint32_t i = 0; i < show->count; i++)
        times += strcmp(show->tensors[i].name, name) == 0;
    const char *unique = name[0] ? name : arena_printf(graph->arena, "unnamed#%u", times);
    while (has_name(graph, unique))
        unique = arena_printf(graph->arena, "%s#%u", name[0] ? name : "unnamed", ++times);
    return unique;
}

static int32_t add_tensor(struct show *show, const struct ggml_tensor *tensor) {
    struct graph *graph = show->graph;
    const char *name = show->api->ggml_get_name(tensor);
    int64_t sizes[GGML_DIMS];
    int32_t rank = shape_of(show, tensor, sizes);
    int32_t index = graph_add_tensor(graph, unique_name(show, name),
                                     ggml_type_dtype(tensor_type(&show->api->tensor, tensor)));
    graph_set_shape(graph, index, rank, sizes);
    *ARENA_PUSH(graph->arena, show->tensors, show->count, show->capacity) =
        (struct shown){tensor, arena_strdup(graph->arena, name), index, false};
    return index;
}

static bool has_shape(const struct show *show, const struct ggml_tensor *tensor, int32_t index) {
    int64_t sizes[GGML_DIMS];
    const struct tensor *known = &show->graph->tensors[index];
    if (shape_of(show, tensor, sizes) != known->rank)
        return false;
    for (int32_t i = 0; i < known->rank; i++)
        if (known->dims[i].size != sizes[i])
            return false;
    return true;
}

static struct shown *find(const struct show *show, const struct ggml_tensor *tensor) {
    for (uint32_t i = show->count; i-- > 0;) {
        struct shown *shown = &show->tensors[i];
        if (shown->tensor == tensor)
            return strcmp(shown->name, show->api->ggml_get_name(tensor)) == 0 &&
                           has_shape(show, tensor, shown->index)
                       ? shown
                       : NULL;
    }
    return NULL;
}

static bool ends_in(const char *name, const char *end) {
    size_t length = strlen(name), count = strlen(end);
    return length >= count && strcmp(name + length - count, end) == 0;
}

/* What no node makes. */
static void classify(struct show *show, const struct ggml_tensor *tensor, int32_t index) {
    const char *name = show->api->ggml_get_name(tensor);
    if (ends_in(name, ".weight") || ends_in(name, ".bias") || ends_in(name, ".scale"))
        show->graph->tensors[index].flags |= TENSOR_INITIALIZER;
    else
        graph_add_input(show->graph, index);
    if (strncmp(name, "cache_", 6) == 0)
        show->cache_bytes += (double)show->api->ggml_nbytes(tensor);
}

static int32_t source_index(struct show *show, const struct ggml_tensor *tensor) {
    struct shown *shown = find(show, tensor);
    if (!shown) {
        classify(show, tensor, add_tensor(show, tensor));
        shown = &show->tensors[show->count - 1];
    }
    shown->read = true;
    return shown->index;
}

/* ---- nodes -----------------------------------------------------------------------------------
 */

enum { SOURCES_MAX = 10 };

void show_node(void *context, const struct ggml_tensor *node) {
    struct show *show = context;
    struct graph *graph = show->graph;
    int32_t sources[SOURCES_MAX];
    uint32_t count = 0;
    const struct ggml_tensor *source;
    while (count < SOURCES_MAX &&
           (source = tensor_source(&show->api->tensor, node, (int)count)) != NULL)
        sources[count++] = source_index(show, source);
    int32_t made = add_tensor(show, node);
    int32_t op =
        graph_add_op(graph, graph->tensors[made].name, show->api->ggml_op_desc(node), "ggml");
    graph_set_inputs(graph, op, count, sources);
    graph_set_outputs(graph, op, 1, &made);
    graph->tensors[made].producer = op;
}

void show_end(struct show *show) {
    for (uint32_t i = 0; i < show->count; i++)
        if (!show->tensors[i].read)
            graph_add_output(show->graph, show->tensors[i].index);
}
