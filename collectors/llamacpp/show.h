/* ggml's nodes as a core graph: operators of the domain "ggml" in the order they are computed,
 * shapes outermost first. Tensors that no node makes are weights when their names end as weights'
 * do, else inputs: what a batch sets, and the cache. */
#ifndef ASSAY_COLLECTORS_LLAMACPP_SHOW_H
#define ASSAY_COLLECTORS_LLAMACPP_SHOW_H

#include "collectors/llamacpp/api.h"
#include "core/graph.h"

struct shown;

struct show {
    const struct llama_api *api;
    struct graph *graph;
    struct shown *tensors; /* in the order they were seen */
    uint32_t count, capacity;
    double cache_bytes; /* of the tensors that hold keys, values or states */
};

void show_init(struct show *show, struct arena *arena, const struct llama_api *api);
/* Adds a node; for nodes.show. */
void show_node(void *show, const struct ggml_tensor *node);
/* Makes what nobody reads an output. Once, at the end. */
void show_end(struct show *show);

#endif
