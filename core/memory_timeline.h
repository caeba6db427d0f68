/* What is held while each operator runs, in the order of execution: the runtime's first run played
 * through (core/arena_use.h), after loading. */
#ifndef ASSAY_CORE_MEMORY_TIMELINE_H
#define ASSAY_CORE_MEMORY_TIMELINE_H

#include "core/footprint.h"

#include <stdbool.h>

/* Owners of the peak that are no operator. */
#define MEMORY_OWNER_LOADING "loading the model"
#define MEMORY_OWNER_LATER   "later runs"

struct memory_step {
    const char *name, *type; /* of the operator; path in the lowered graph, borrowed */
    double live_bytes;       /* tensors that are needed now or later, and the kernel's workspace */
    double arena_bytes;      /* written by the end of the operator: never given back */
    /* Measured only. */
    double allocated_bytes, freed_bytes; /* through the runtime's allocator; freed by the next */
    double reserved_bytes;               /* that the arena has of the system */
    double other_bytes;                  /* taken besides the allocator */
    double faults;                       /* pages that were not there yet */
};

struct memory_timeline {
    bool measured;             /* seen in a run (core/memory_use.h), not played through */
    struct memory_step *steps; /* operators of the outermost graph */
    uint32_t step_count;       /* 0: none was made */
    double weight_bytes;       /* held through all of it */
    double feed_bytes;
    double loading_bytes; /* the most while the session was made */
    double later_bytes;   /* of the arena after later runs, whose layout is another */
    uint32_t live_peak;   /* step with the most live bytes */
    uint32_t arena_peak;  /* the last step that made the arena grow */
    /* Of the peak: MEMORY_OWNER_LOADING, MEMORY_OWNER_LATER (the block of all activations beside
     * what the first run left), or the operator of arena_peak. */
    const char *owner;
    double peak_bytes; /* without what a process takes of itself */
};

/* `graph` is lowered, with static shapes; subgraphs are one operator. */
void memory_timeline_of(struct arena *arena, const struct graph *graph,
                        const struct flat_graph *flat, const struct footprint *footprint,
                        struct memory_timeline *out);

/* Weights, inputs and arena at a step. */
double memory_timeline_held(const struct memory_timeline *timeline, uint32_t step);

#endif
