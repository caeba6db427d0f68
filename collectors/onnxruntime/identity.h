/* Which operator of the lowered graph is the one that the runtime just ran?
 *
 * Most names are the same in every process. Those that the optimiser makes up are not
 * ("ReorderOutput_token_292" is another operator the next time), and an operator without a name is
 * reported as "<type>_<number>". So a name counts only when type and output shapes agree too; else
 * the operator is the first one of that type and those shapes that nobody has claimed. Within a
 * process names are stable: each is looked into once, in the first run, and remembered.
 */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_IDENTITY_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_IDENTITY_H

#include "base/arena.h"
#include "collectors/onnxruntime/hook.h"
#include "collectors/request.h"

#include <stdbool.h>
#include <stdint.h>

struct identity {
    const struct request_op *ops; /* borrowed */
    uint32_t op_count;
    bool *claimed;  /* by operator */
    uint64_t *keys; /* of names seen, open addressing; 0: free */
    int32_t *found; /* by slot: the operator, or GRAPH_NONE */
    uint32_t mask, seen;
    uint32_t unknown; /* names of operators that the lowered graph does not have */
};

void identity_init(struct identity *identity, struct arena *arena, const struct request_op *ops,
                   uint32_t op_count);

/* The operator of an event, or GRAPH_NONE: the event is none of an operator, or it is not known.
 * `depth` is how many events are open around it; equal names at other depths are others. */
int32_t identity_find(struct identity *identity, const struct hook_event *event, uint32_t depth);

/* Type and output shapes in a number; 0 when a shape is not known. */
uint64_t identity_of_op(const struct graph *graph, const struct op *op);

#endif
