/* Accuracy as one picture: predicted against measured latency, and errors by kernel class. */
#ifndef ASSAY_REPORTS_ACCURACY_FIGURE_H
#define ASSAY_REPORTS_ACCURACY_FIGURE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "core/accuracy.h"

/* Appends an SVG document. ERR_INPUT when no run has both numbers; else fails as gnuplot_run. */
int accuracy_picture(struct arena *arena, const struct accuracy *accuracy, struct strbuf *svg,
                     struct err *err);

#endif
