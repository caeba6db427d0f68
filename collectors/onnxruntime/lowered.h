/* The other end of capture.h: a REPLY_GRAPH frame becomes a core graph. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_LOWERED_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_LOWERED_H

#include "base/err.h"
#include "collectors/frame.h"
#include "core/graph.h"

/* The graph lives in the arena, lowered is set. ERR_BUG when the frame is damaged. */
int lowered_read(struct arena *arena, struct frame_cursor *in, struct graph **lowered,
                 struct err *err);

#endif
