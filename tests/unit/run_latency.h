/* What a fit says of a run of its training. */
#ifndef ASSAY_TESTS_RUN_LATENCY_H
#define ASSAY_TESTS_RUN_LATENCY_H

#include "predictor/fit.h"

static inline struct estimate latency_of_run(struct arena *arena, const struct fit *fit,
                                             const struct training *training, uint32_t run) {
    uint32_t count;
    const struct features *features = fit_features_of_run(arena, fit, training, run, &count);
    return fit_latency_of_features(fit, features, count);
}

#endif
