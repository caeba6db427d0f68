/* Pods of many kinds on nodes: what is asked for and the answer (predictor/capacity/pods.h). */
#ifndef ASSAY_CORE_PACKING_H
#define ASSAY_CORE_PACKING_H

#include "core/plan.h"

struct pod_kind {
    const char *name;
    uint32_t count; /* pods of it, at least one */
    double cpus;
    double memory_bytes;
    uint32_t gpus;
};

/* Nodes of a type that hold the same pods. */
struct filled_node {
    const struct node_type *type;
    uint32_t nodes;
    const uint32_t *pods; /* of each kind, on one node */
};

struct pod_packing {
    const struct filled_node *filled; /* types in the order given */
    uint32_t filled_count;
    uint64_t nodes;
    double cost;  /* USD per hour, or nodes when no type has a price */
    double bound; /* no packing costs less */
    bool priced;
    bool proven;                    /* cost and bound are equal */
    double cpu_waste, memory_waste; /* shares of what is paid for that no pod uses */
};

#endif
