/* What ONNX Runtime's kernels take of the arena besides their outputs, at one thread. */
#ifndef ASSAY_CORE_WORKSPACE_H
#define ASSAY_CORE_WORKSPACE_H

#include "core/graph.h"

enum { WORKSPACE_BLOCKS = 8 };

/* Blocks that live while the operator runs, in the order in which they are taken. */
struct workspace {
    uint64_t bytes[WORKSPACE_BLOCKS];
    uint32_t count;
};

/* `graph` is lowered, with static shapes. */
void workspace_of(const struct graph *graph, const struct op *op, struct workspace *out);

uint64_t workspace_bytes(const struct workspace *workspace);

/* Of the arena, for as long as the model is loaded: ConvTranspose alone keeps what it has made of
 * its filter there (its PrePack in conv_transpose.cc takes it without reserving). 0: nothing. */
uint64_t workspace_kept_bytes(const struct graph *graph, const struct op *op);

#endif
