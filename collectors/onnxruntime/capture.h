/* A graph as the runtime shows it, written down as a REPLY_GRAPH frame. Worker side; the other end
 * is lowered.h.
 *
 * The frame, of a graph and recursively of each subgraph (text and counts as in frame.h):
 *
 *   text name | i64 ir_version
 *   count opsets  { text domain | i64 version }
 *   count tensors { text name | u32 dtype | u32 flags | u32 rank (UINT32_MAX: not known)
 *                   | rank of { i64 size | text symbol or absent } | values }
 *   count inputs  { u32 tensor }
 *   count outputs { u32 tensor }
 *   count ops     { text name | text type | text domain | count { u32 tensor or UINT32_MAX }
 *                   (inputs) | the same (outputs) | count attributes { text name | u32 kind | .. }
 * } values: u32 0 (none), 1 (integers) or 2 (floats) | count { i64 or f64 } attribute, by enum
 * attribute_kind: i64 | f64 | text | count { i64 } | count { f64 } | count { text } | u32 tensor |
 * graph | nothing
 */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_CAPTURE_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_CAPTURE_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "collectors/onnxruntime/api.h"

/* Appends the graph and those inside it. */
int capture_graph(const struct api *api, struct arena *arena, const struct ort_graph *graph,
                  struct strbuf *out, struct err *err);

#endif
