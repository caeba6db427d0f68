/* What is predicted of a model as a whole besides its operators' time: memory and start-up. Each
 * quantity is a row: terms of the footprint with non-negative rates learned from runs. Peak memory
 * is the larger of two such sums, while loading and while running. */
#ifndef ASSAY_PREDICTOR_QUANTITY_H
#define ASSAY_PREDICTOR_QUANTITY_H

#include "base/arena.h"
#include "core/accuracy.h"
#include "core/estimate.h"
#include "core/observation.h"
#include "core/prediction.h"
#include "core/quantity.h"

#include <stdbool.h>

enum { QUANTITY_TERMS_MAX = 16 };

struct quantity_fit {
    double rates[QUANTITY_TERMS_MAX];
    uint32_t runs; /* 0: nothing measured */
    /* Deviation of log(measured / fitted) with the model left out: a constant and one that goes
     * with the share of the value that is known less well (activations). */
    double log_spread, log_spread_doubtful;
    /* Multiply the deviation until 90 % of the runs left out lie in the interval, and until 99 %
     * lie below the upper bound. */
    double interval_scale, upper_scale;
};

/* Of the run; NaN or 0 when it was not measured. */
double quantity_measured(enum quantity quantity, const struct observed_run *run);

/* NULL past the last. */
const char *quantity_term(enum quantity quantity, int term);

int quantity_fit(struct arena *arena, enum quantity quantity, const struct training *training,
                 const bool *skip, struct quantity_fit *out, struct err *err);
/* `latency_ns` is the model's predicted (or measured) steady time, a term of the first run. */
struct estimate quantity_estimate(enum quantity quantity, const struct quantity_fit *fit,
                                  const struct footprint *footprint, double latency_ns);
/* The term that makes up most of the estimate. */
struct largest_term quantity_largest_term(enum quantity quantity, const struct quantity_fit *fit,
                                          const struct footprint *footprint, double latency_ns);
/* The value not passed with the confidence, 0.5 to 1. */
struct upper_bound quantity_upper(enum quantity quantity, const struct quantity_fit *fit,
                                  const struct footprint *footprint, double latency_ns,
                                  double confidence);

#endif
