/* Lowering by our own rules: the operators that ONNX Runtime's CPU optimiser (1.30, level "all")
 * would make of a model, for when the runtime itself cannot be asked. Rules are rows; what they
 * reach compared with the runtime's own result stands in docs/lowering.md.
 */
#ifndef ASSAY_MODELS_LOWER_H
#define ASSAY_MODELS_LOWER_H

#include "core/graph.h"

struct lower_target {
    int64_t block; /* channels per block of the NCHWc layout: 8, 16 (AVX-512), or 0: not used */
};

/* `model` must be inferred (infer_shapes) with static shapes; it is not changed. The result has
 * `lowered` set, inferred shapes, and weights that are described only: fused ones have neither
 * values nor external data. It lives in the arena, and borrows names and values from `model`.
 * ERR_INPUT when the model contradicts itself. */
int lower_by_rules(struct arena *arena, const struct graph *model,
                   const struct lower_target *target, struct graph **lowered, struct err *err);

/* Walks the rules in the order in which they are applied; false behind the last. */
bool lower_rule_at(uint32_t index, const char **name, const char **what);

#endif
