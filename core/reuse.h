/* How far from the processor operators find their data: each inference touches the same memory in
 * the same order, so between two uses of a place so many bytes were touched and so much time has
 * passed. What was touched within a core's own cache is near; the rest is "far", and the older it
 * is the more of it has left the cache that all processors share.
 */
#ifndef ASSAY_CORE_REUSE_H
#define ASSAY_CORE_REUSE_H

#include "core/graph.h"

/* Ages as a share of an inference; see reuse_age(). */
enum { REUSE_AGES = 5 };

/* Of one operator: far bytes by the time since their last use. */
struct reuse {
    double weights[REUSE_AGES];
    double data[REUSE_AGES]; /* activations, read or written */
    double call; /* 0 to 1: what of its own code and books is far when an inference has passed */
};

/* The middle of the class of ages, 0 to 1. */
double reuse_age(int age);

/* What part of data is far when so many bytes have been touched since its last use. */
double reuse_far_share(double distance_bytes, double cache_bytes);

double reuse_bytes(const double ages[static REUSE_AGES]);

/* One for each operator of the graph, which is lowered, with static shapes; subgraphs are graphs of
 * their own. `cache_bytes`: of a core's own caches. `graphs`: how many of a model are looked at,
 * which share what may be spent on them. Lives in the arena. */
const struct reuse *reuse_of(struct arena *arena, const struct graph *graph, double cache_bytes,
                             uint32_t graphs);

#endif
