/* What of a lowered graph memory and start-up depend on. */
#ifndef ASSAY_CORE_FOOTPRINT_H
#define ASSAY_CORE_FOOTPRINT_H

#include "core/flat.h"

struct footprint {
    double operators;            /* of the lowered graph, subgraphs included */
    double file_bytes;           /* of the model file without external data */
    double blocked_weight_bytes; /* weights of NCHWc convolutions */
    double matmul_weight_bytes;  /* weights of matrix products, packed by the runtime */
    double other_weight_bytes;
    double largest_weight_bytes;
    double activation_bytes;       /* peak of live tensors over the execution order */
    double total_activation_bytes; /* sum of all tensors that operators write */
    double weight_tensors;
};

/* `graph` is lowered, with static shapes. Data-dependent sizes count as their known part. */
void footprint_of(const struct graph *graph, const struct flat_graph *flat, uint64_t file_bytes,
                  struct footprint *out);

#endif
