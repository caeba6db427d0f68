/* When requests come: a Poisson process of constant or of daily changing rate, or a recording. */
#ifndef ASSAY_PREDICTOR_SIMULATION_ARRIVALS_H
#define ASSAY_PREDICTOR_SIMULATION_ARRIVALS_H

#include "base/rng.h"

#include <stdint.h>

struct arrivals {
    double rate_per_second; /* of the Poisson process; its mean over a period */
    /* Rate(t) = mean (1 + swing sin(2 pi t / period)), from its lowest point on; swing 0: constant,
     * at most 1. */
    double swing, period_ns;
    const double *recorded_ns; /* not NULL: these instead, ascending; the caller's */
    uint64_t recorded_count;
};

/* The source of one simulation. */
struct arrival_source {
    const struct arrivals *arrivals;
    uint64_t given, most;
    double last_ns;
};

void arrival_source_init(struct arrival_source *source, const struct arrivals *arrivals,
                         uint64_t most);
/* Nanoseconds since the start; INFINITY when there are no more. */
double arrival_next(struct arrival_source *source, struct rng *rng);

#endif
