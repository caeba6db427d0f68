/* A packing for people: a sentence, and tables that any format of base/table.h can print. */
#ifndef ASSAY_REPORTS_PACK_TEXT_H
#define ASSAY_REPORTS_PACK_TEXT_H

#include "base/arena.h"
#include "base/table.h"
#include "core/packing.h"

/* The cost, and whether nothing is cheaper. */
const char *pack_sentence(struct arena *arena, const struct pod_packing *packing);
/* A row for each type of node. */
void pack_nodes_table(struct arena *arena, const struct pod_packing *packing, struct table *table);
/* What goes where: a row for each load. */
void pack_loads_table(struct arena *arena, const struct pod_packing *packing,
                      const struct pod_kind *kinds, uint32_t kind_count, struct table *table);

/* Share of the cost that is above the bound; 0 when it is proven. */
double pack_gap(const struct pod_packing *packing);
/* Of all spot nodes together, on average. */
double pack_interruptions(const struct pod_packing *packing);
/* Nodes of the type of load i, 0 when an earlier load has the same type. */
uint64_t pack_nodes_of(const struct pod_packing *packing, uint32_t i);

#endif
