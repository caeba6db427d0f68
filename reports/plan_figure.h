/* The configurations of a plan as a picture: what they cost against how quick they are, with the
 * front that none beats in both, and replicas over the rate where a curve was made. */
#ifndef ASSAY_REPORTS_PLAN_FIGURE_H
#define ASSAY_REPORTS_PLAN_FIGURE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "core/plan.h"

/* Appends an SVG document. ERR_INPUT when there is no plan; else fails as gnuplot_run. */
int plan_picture(struct arena *arena, const struct plan *plan, struct strbuf *svg, struct err *err);

#endif
