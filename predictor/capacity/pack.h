/* Identical replicas onto nodes that can be had in any number, as cheap as possible: exact, an
 * integer covering knapsack solved by dynamic programming over the number of replicas. Equal cost:
 * fewer nodes, then the type given first. Without prices: the fewest nodes. */
#ifndef ASSAY_PREDICTOR_CAPACITY_PACK_H
#define ASSAY_PREDICTOR_CAPACITY_PACK_H

#include "base/arena.h"
#include "base/err.h"
#include "core/plan.h"

enum { PACK_REPLICAS_MAX = 1000000, PACK_PODS_DEFAULT = 110 };

struct replica_size {
    double cpus;
    double memory_bytes;
    uint32_t per_node_most; /* at most so many on one node; 0: as many as fit */
};

struct packing {
    const struct node_share *nodes; /* in the order the types were given, those that are used */
    uint32_t node_count;
    double usd_per_hour;            /* NaN when no type has a price */
    double cpu_waste, memory_waste; /* shares of what is paid for that no replica uses */
};

/* "cpus=8,memory=32GiB", and optionally price=USD-per-hour, name=, reserve=, pods=. */
int node_type_parse(struct arena *arena, const char *text, struct node_type *type, struct err *err);

/* ERR_USAGE when some types have a price and others have none, or two have the same name. */
int node_types_check(const struct node_type *types, uint32_t count, struct err *err);

/* How many replicas a node of that type holds; `short_of` (may be NULL) gets what runs out first:
 * "CPU", "memory" or "pods". */
uint64_t node_holds(const struct node_type *type, const struct replica_size *replica,
                    const char **short_of);

/* ERR_FINDING naming the resource when the replica fits no type, or when there are too many;
 * ERR_USAGE when some types have a price and others have none, or two have the same name. The
 * result lives in the arena. */
int pack_replicas(struct arena *arena, const struct node_type *types, uint32_t type_count,
                  const struct replica_size *replica, uint64_t replicas, struct packing *packing,
                  struct err *err);

#endif
