/* What of a lowered graph memory and start-up depend on: ONNX Runtime's loading and running played
 * through with the sizes of tensors alone (docs/memory.md tells how that was observed). */
#ifndef ASSAY_CORE_FOOTPRINT_H
#define ASSAY_CORE_FOOTPRINT_H

#include "core/flat.h"
#include "core/folding.h"

struct footprint {
    double operators;      /* of the lowered graph, subgraphs included */
    double operator_kinds; /* of these, that differ in type or domain */
    double file_bytes;     /* of the model file without external data */
    double file_nodes;     /* operators of the model file; of the lowered graph until it is told */
    double external_bytes; /* weights outside the file */
    double weight_bytes;   /* of the lowered graph, each tensor once */
    double weight_tensors;
    double small_weight_bytes;     /* of these, in tensors that the heap holds among small blocks */
    double blocked_weight_bytes;   /* filters that loading reorders for NCHWc convolutions */
    double large_filter_bytes;     /* of these, in filters above 16 MiB */
    double packed_weight_bytes;    /* matrices that loading packs, once per operator */
    double large_matrix_bytes;     /* of these, in matrices above 8 MiB */
    double regrown_bytes;          /* copied while large tensors are read */
    double loading_bytes;          /* the most that is held at a time while the session is made */
    double folded_bytes;           /* computed while the model is optimised, once it is told */
    double folded_largest_bytes;   /* of one result */
    double resident_weight_bytes;  /* what is left of the weights when the session is made */
    double first_run_bytes;        /* of the arena, written by the first run */
    double arena_bytes;            /* of the arena, written by later runs too */
    double arena_most_bytes;       /* the same where operators stand in the worst of orders */
    double activation_bytes;       /* the block that holds the activations of one run */
    double total_activation_bytes; /* sum of all tensors that operators write */
    double feed_bytes;             /* inputs, given from outside */
};

/* `graph` is lowered, with static shapes. Data-dependent sizes count as their known part. */
void footprint_of(const struct graph *graph, const struct flat_graph *flat, uint64_t file_bytes,
                  struct footprint *out);

/* Tells what the graph as written has to compute while it is loaded. */
void footprint_fold(struct footprint *footprint, const struct folding *folding);

#endif
