/* Throughput and latency over the batch, a line for each number of threads and replicas. */
#ifndef ASSAY_REPORTS_SCALE_FIGURE_H
#define ASSAY_REPORTS_SCALE_FIGURE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "core/scaling.h"

/* Appends an SVG document. ERR_INPUT when nothing was answered; else fails as gnuplot_run. */
int scale_picture(struct arena *arena, const struct scaling *scaling, struct strbuf *svg,
                  struct err *err);

#endif
