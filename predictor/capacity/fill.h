/* Pods into nodes that are given: a search by exchange. Each step empties a few nodes and fills
 * them again from what they held and what is left over, one knapsack after the other, with the
 * worth of pods shaken a little; what leaves less over stays. Finding nothing proves nothing. */
#ifndef ASSAY_PREDICTOR_CAPACITY_FILL_H
#define ASSAY_PREDICTOR_CAPACITY_FILL_H

#include "predictor/capacity/pattern_lp.h"

/* counts[t]: nodes of type t. worth: of one pod of each kind, above 0. pods: kind_count for each
 * node, nodes by type; written when true is returned. The same input gives the same answer unless
 * the time runs out. */
bool fill_nodes(const struct packing_problem *problem, const uint32_t *counts, const double *worth,
                uint64_t steps, double deadline_s, uint32_t *pods);

#endif
