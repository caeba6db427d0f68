/* The tree of a recording as a picture: a box per node, as wide as its total time, children below
 * their parent; colours tell operators, calls, kernels, copies and named ranges apart. */
#ifndef ASSAY_REPORTS_RECORDING_FIGURE_H
#define ASSAY_REPORTS_RECORDING_FIGURE_H

#include "base/strbuf.h"
#include "core/recording.h"
#include "reports/figure.h"

/* The picture for a page, so many pixels wide (at most 1200), and in *alt what it shows; the caller
 * ends the figure. Needs nodes. ERR_INPUT when there are none. */
int recording_figure(struct arena *arena, const struct recording *recording, int width,
                     struct figure *figure, const char **alt, struct err *err);

/* An SVG document of its own. Fails as recording_figure and gnuplot_run. */
int recording_picture(struct arena *arena, const struct recording *recording, struct strbuf *svg,
                      struct err *err);

/* "root;child;leaf MICROSECONDS" per node with own time: what programs that draw flame graphs read.
 * Semicolons and line ends inside names are replaced. */
void recording_folded(struct arena *arena, const struct recording *recording, struct strbuf *out);

#endif
