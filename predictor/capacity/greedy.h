/* A first packing, quickly: the load that is worth most for its price, again and again. */
#ifndef ASSAY_PREDICTOR_CAPACITY_GREEDY_H
#define ASSAY_PREDICTOR_CAPACITY_GREEDY_H

#include "predictor/capacity/pattern_lp.h"

/* False when the limits leave pods without a node, which says nothing of other packings. type_of
 * each node and the pods it holds (kind_count each) live in the arena. */
bool pack_greedily(struct arena *arena, const struct packing_problem *problem, uint32_t *node_count,
                   const uint32_t **type_of, const uint32_t **pods);

#endif
