/* How many samples a percentile needs before it may be stated: the early stopping rule of MLPerf's
 * load generator (mlcommons/inference, loadgen/early_stopping). With n queries of which t are over
 * the target, the percentile p holds with 99 % confidence when P(Binomial(n, 1 - p) <= t) <= 1 %.
 */
#ifndef ASSAY_PREDICTOR_SIMULATION_SAMPLE_RULE_H
#define ASSAY_PREDICTOR_SIMULATION_SAMPLE_RULE_H

#include <stdint.h>

/* The smallest n for `over` samples above; 0 < q < 1. 44 for q 0.9 and none over, 662 for q 0.99
 * and one over. */
uint64_t sample_rule_count(double q, uint32_t over);

/* What must be there before a percentile is printed: room for one sample above it. */
uint64_t sample_rule_least(double q);

#endif
