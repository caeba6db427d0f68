/* What the assay policy runs now, given the requests of the intervals that have passed: its
 * decisions are replayed from the first of them, so nothing has to be remembered but the counts. */
#ifndef ASSAY_PREDICTOR_SIMULATION_OUTLOOK_H
#define ASSAY_PREDICTOR_SIMULATION_OUTLOOK_H

#include "base/err.h"
#include "predictor/simulation/policy.h"

#include <stdint.h>

struct outlook {
    uint32_t replicas;
    double rate_per_second;      /* expected one lead time ahead */
    double rate_high_per_second; /* not passed then with 90 % probability */
};

/* counts[0 .. count - 1]: requests per interval, the oldest first; NaN: not known. At least one
 * must be known (ERR_INPUT). As policy_assay's open otherwise. */
int outlook_replay(const struct policy_config *config, const double *counts, uint32_t count,
                   struct outlook *outlook, struct err *err);

#endif
