/* What of a graph as written is computed while it is loaded, once and for all: results that hang on
 * weights and constants alone. The runtime's optimiser computes each, equal ones once, and holds
 * them, those in between too, until it is through. */
#ifndef ASSAY_CORE_FOLDING_H
#define ASSAY_CORE_FOLDING_H

#include "core/graph.h"

struct folding {
    double bytes; /* of all results */
    double largest_bytes;
};

/* `graph` has static shapes; what is not known counts as nothing. Subgraphs are not looked into. */
struct folding folding_of(const struct graph *graph);

#endif
