/* Which memory each activation lives in, as ONNX Runtime plans it for one thread of execution:
 * views share their input's, some operators write over an input that nobody needs any more, and a
 * tensor takes over a released one of the same shape.
 */
#ifndef ASSAY_CORE_PLACEMENT_H
#define ASSAY_CORE_PLACEMENT_H

#include "core/graph.h"

enum { PLACEMENT_KEPT = UINT32_MAX - 1 };

struct placement {
    /* Per tensor of the graph: the tensor that owns its memory, itself perhaps; GRAPH_NONE for
     * inputs, weights and views of them, which no operator allocates. */
    int32_t *owner;
    /* Per owner: the operator after which its memory is free; PLACEMENT_KEPT: never in a run. */
    uint32_t *released;
};

void placement_of(struct arena *arena, const struct graph *graph, struct placement *out);

#endif
