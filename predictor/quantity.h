/* What is predicted of a model as a whole besides its operators' time: memory and start-up. Each
 * quantity is a row: terms of the footprint, non-negative rates learned from runs. */
#ifndef ASSAY_PREDICTOR_QUANTITY_H
#define ASSAY_PREDICTOR_QUANTITY_H

#include "base/arena.h"
#include "core/estimate.h"
#include "core/observation.h"
#include "core/prediction.h"
#include "core/quantity.h"

#include <stdbool.h>

enum { QUANTITY_TERMS_MAX = 8 };

struct quantity_fit {
    double rates[QUANTITY_TERMS_MAX];
    uint32_t runs;      /* 0: nothing measured */
    double log_spread;  /* of log(measured / fitted) with the model left out */
    double log_highest; /* largest such log ratio: how far too low it has been */
};

/* NULL past the last. */
const char *quantity_term(enum quantity quantity, int term);

int quantity_fit(struct arena *arena, enum quantity quantity, const struct training *training,
                 const bool *skip, struct quantity_fit *out, struct err *err);
/* `latency_ns` is the model's predicted (or measured) steady time, a term of the first run. */
struct estimate quantity_estimate(enum quantity quantity, const struct quantity_fit *fit,
                                  const struct footprint *footprint, double latency_ns);
/* The value not passed with the confidence, 0.5 to 1. */
struct upper_bound quantity_upper(enum quantity quantity, const struct quantity_fit *fit,
                                  const struct footprint *footprint, double latency_ns,
                                  double confidence);

#endif
