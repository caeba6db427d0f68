/* The operators of a lowered graph as one list, subgraphs opened: what is measured, predicted and
 * listed. Samples and predictions name an operator by its place in this list. */
#ifndef ASSAY_CORE_FLAT_H
#define ASSAY_CORE_FLAT_H

#include "core/graph.h"

struct flat_op {
    const struct graph *graph; /* that the operator stands in */
    const struct op *op;
    const char *path;   /* "If_0/then_branch/Conv_3": the name, prefixed by the operators around it;
                           an operator without a name is called by type and place, "Conv#12" */
    int32_t enclosing;  /* flat index of the If, Loop or Scan it stands in; GRAPH_NONE at the top */
    const char *branch; /* "then_branch", "else_branch", "body"; "" at the top */
};

struct flat_graph {
    struct flat_op *ops; /* an operator before those of its subgraphs, then the next operator */
    uint32_t count;
};

/* Fails with ERR_INPUT when subgraphs nest deeper than 64. */
int flat_graph_build(struct arena *arena, const struct graph *graph, struct flat_graph *flat,
                     struct err *err);

#endif
