/* A graph as the payload of a REPLY_GRAPH frame, and back. The workers write it: from a core graph,
 * or from what the runtime shows (onnxruntime/capture.h).
 *
 *     text name | i64 ir version | u32 opsets: text domain, i64 version
 *     u32 tensors: text name | u32 dtype | u32 flags | u32 rank, or all ones: i64 size and text
 *         symbol each | u32 kind of values: 0 none, 1 i64, 2 f64, then u32 count and they
 *     u32 inputs: u32 tensor | u32 outputs: u32 tensor
 *     u32 operators: text name, type, domain | inputs and outputs as above, all ones for none |
 *         u32 attributes
 */
#ifndef ASSAY_COLLECTORS_LOWERED_H
#define ASSAY_COLLECTORS_LOWERED_H

#include "base/err.h"
#include "collectors/frame.h"
#include "core/graph.h"

/* The graph lives in the arena, lowered is set. ERR_BUG when the frame is damaged. */
int lowered_read(struct arena *arena, struct frame_cursor *in, struct graph **lowered,
                 struct err *err);

/* Shapes, types and operators alone: neither values nor attributes nor subgraphs. */
void lowered_write(const struct graph *graph, struct strbuf *out);

#endif
