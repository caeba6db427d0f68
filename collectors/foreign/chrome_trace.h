/* The walk that Kineto's traces and ONNX Runtime's profiles share: a JSON array of events, bare or
 * as "traceEvents" of an object; complete events, pairs of begin and end, names of tracks,
 * counters. */
#ifndef ASSAY_COLLECTORS_FOREIGN_CHROME_TRACE_H
#define ASSAY_COLLECTORS_FOREIGN_CHROME_TRACE_H

#include "collectors/foreign/chrome_event.h"
#include "collectors/foreign/foreign.h"

/* What a source writes into its events. */
struct chrome_dialect {
    /* Kind, name, category and correlation of a span that is complete; the rest is filled. */
    void (*describe)(const struct chrome_event *event, struct span *span);
    /* Whether the array may stand alone, and inside an object. */
    bool bare, object;
};

int chrome_trace_read(const struct chrome_dialect *dialect, const struct foreign_request *request,
                      struct inflated *in, struct span_sink *sink, struct foreign_outcome *out,
                      struct err *err);

#endif
