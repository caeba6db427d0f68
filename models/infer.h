/* Shapes and element types of every tensor of a graph, by the operators' own definitions
 * (ONNX operator documentation up to opset 21; ONNX Runtime's com.microsoft and
 * com.microsoft.nchwc operators as it registers them).
 *
 * What follows from the inputs wins over what the file declares: exporters leave stale value_info
 * behind. Symbolic dimensions stay symbols; bind them with graph_bind_symbol() before to have
 * sizes. Small constants are folded (Shape, Gather, Concat, arithmetic, ...), so the shape
 * arithmetic that exporters write is resolved; folded values are stored in tensor.values.
 */
#ifndef ASSAY_MODELS_INFER_H
#define ASSAY_MODELS_INFER_H

#include "core/graph.h"

/* The graph must be in topological order (graph_sort). Operators without a row leave their outputs
 * as declared. ERR_INPUT names the operator, its type and its input shapes when they contradict
 * each other. Work is bounded: constants of at most 4096 elements are folded, loop bodies are
 * walked a few times. All memory comes from the graph's arena. */
int infer_shapes(struct graph *graph, struct err *err);

/* Forgets shapes, types and folded values of all tensors that operators of the graph and its
 * subgraphs write: to be called before infer_shapes() when an input was given another size. */
void infer_forget(struct graph *graph);

/* True when there is a row for the operator: domain "" is ai.onnx. */
bool infer_is_known(const char *domain, const char *type);

/* Walks the rows: 0, 1, ... until it returns false. */
bool infer_known_at(uint32_t index, const char **domain, const char **type);

#endif
