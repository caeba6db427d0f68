/* What a memory pass saw, as it goes from the worker to the program. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_MEMORY_FRAME_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_MEMORY_FRAME_H

#include "base/err.h"
#include "collectors/frame.h"
#include "core/memory_use.h"

void memory_frame_put(struct strbuf *out, const struct memory_use *use);
/* Lives in the arena. ERR_BUG when the frame is damaged, or names an operator that is none of the
 * `op_count`. */
int memory_frame_get(struct frame_cursor *in, struct arena *arena, uint32_t op_count,
                     struct memory_use *use, struct err *err);

#endif
