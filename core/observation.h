/* What one operator cost once: the currency between the database and the predictor. */
#ifndef ASSAY_CORE_OBSERVATION_H
#define ASSAY_CORE_OBSERVATION_H

#include "core/features.h"

#include <stdint.h>

struct observation {
    struct features features; /* of the lowered operator with its shapes */
    double wall_ns;           /* median, measuring cost subtracted */
    double cpu_ns;
    double spread; /* robust standard deviation / median of the repeats */
    int64_t run;   /* database id: the evidence */
    int32_t op;    /* index in that run's lowered graph */
    int32_t model; /* groups observations of one model, for leave-one-model-out */
    uint32_t threads;
};

#endif
