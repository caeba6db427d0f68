/* The CSV that Triton's perf_analyzer writes with -f: a line per concurrency or request rate, its
 * times in microseconds. Columns by
 * https://github.com/triton-inference-server/perf_analyzer/blob/main/docs/measurements_metrics.md
 *
 * A line becomes a row "request" (its median, or else its average) with the percentiles as
 * attributes, and a row per part of a request ("Server Queue").
 */
#ifndef ASSAY_COLLECTORS_FOREIGN_PERF_ANALYZER_H
#define ASSAY_COLLECTORS_FOREIGN_PERF_ANALYZER_H

#include "collectors/foreign/foreign.h"

/* Experimental: no file of the tool was at hand. outcome->events are the lines below the header. */
extern const struct foreign_format foreign_perf_analyzer;

#endif
