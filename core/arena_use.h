/* The memory that activations take in ONNX Runtime's arena: the first run places tensor by tensor,
 * the later ones put all of a run's tensors into one block whose layout the first has shown. */
#ifndef ASSAY_CORE_ARENA_USE_H
#define ASSAY_CORE_ARENA_USE_H

#include "core/graph.h"

struct arena_use {
    double first_run_bytes; /* pages written by the first run */
    double steady_bytes;    /* by loading, the first run and some more */
    double block_bytes;     /* the one block of later runs */
    double written_bytes;   /* sum of all that operators allocate in a run */
};

/* `graph` is lowered, with static shapes; data-dependent sizes count as 0. Subgraphs are not looked
 * into: a subgraph is a graph of its own. */
void arena_use_of(const struct graph *graph, struct arena_use *out);

/* The most that `steady_bytes` is in three orders of operators. Where several ReorderOutput make
 * tensors plain again, the runtime's order differs each time that a model is loaded: branches are
 * worked through one by one, or together, or anything between. */
double arena_use_most(const struct graph *graph, const struct arena_use *use);

#define ARENA_ELSEWHERE UINT64_MAX

/* Per tensor of the graph: where it begins in the block of later runs, views where what they show
 * begins; ARENA_ELSEWHERE: not in the block. Lives in the arena. */
const uint64_t *arena_layout_of(struct arena *arena, const struct graph *graph);

/* The first run, operator by operator. */
struct arena_step {
    double live_bytes; /* held while it runs: tensors still needed, its outputs, its workspace */
    double held_bytes; /* pages written by its end */
};

/* `steps`: one per operator. */
void arena_use_steps(const struct graph *graph, struct arena_use *out, struct arena_step *steps);

#endif
