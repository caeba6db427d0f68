/* What came and what ran, over time: arrivals as the replicas that they keep busy, the replicas of
 * each policy, and where requests waited. */
#ifndef ASSAY_REPORTS_SIMULATION_FIGURE_H
#define ASSAY_REPORTS_SIMULATION_FIGURE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "core/simulation.h"

/* Appends an SVG document. ERR_INPUT when no policy decided anything; else fails as gnuplot_run. */
int simulation_picture(struct arena *arena, const struct simulation *const *simulations,
                       uint32_t count, struct strbuf *svg, struct err *err);

#endif
