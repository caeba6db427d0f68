/* Pods of many kinds onto nodes that can be had in any number, or up to a limit, at least cost.
 *
 * Column generation over what a node can hold gives a bound and whole answers; whole numbers of
 * nodes make the bound tighter, until both meet (predictor/capacity/pattern_lp.h, count_bound.h).
 * The answer says whether they met: then nothing is cheaper. Without prices: the fewest nodes.
 */
#ifndef ASSAY_PREDICTOR_CAPACITY_PODS_H
#define ASSAY_PREDICTOR_CAPACITY_PODS_H

#include "base/arena.h"
#include "base/err.h"
#include "core/packing.h"

enum { PODS_KINDS_MAX = 2000, PODS_COUNT_MAX = 100000, PODS_TYPES_MAX = 1000 };

/* ERR_FINDING naming pod and resource when a pod fits no type, or the limits are too low for all;
 * ERR_USAGE when some types have a price and others have none, or names stand twice. Stops looking
 * for something cheaper after `seconds`; the result lives in the arena. */
int pods_pack(struct arena *arena, const struct node_type *types, uint32_t type_count,
              const struct pod_kind *kinds, uint32_t kind_count, double seconds,
              struct pod_packing *packing, struct err *err);

#endif
