/* Response times in the order in which they were given, and what may be said of them.
 *
 * Percentiles are exact to single precision. Their intervals come from batch means: the recording
 * is cut into 30 pieces of equal count, and the percentile of each is a sample (Law, Simulation
 * Modeling and Analysis, ch. 9). When the true arrival rate is known, the rate that the piece
 * happened to see is a control variate: near saturation a rate 0.05 % off moves the mean by 1 %.
 */
#ifndef ASSAY_PREDICTOR_SIMULATION_RECORDER_H
#define ASSAY_PREDICTOR_SIMULATION_RECORDER_H

#include "core/simulation.h"

#include <stdint.h>

enum { RECORDER_MARK = 256 }; /* responses between two notes of the time */

struct recorder {
    float *responses_ns;
    double *marks_ns; /* when response 0, RECORDER_MARK, 2 RECORDER_MARK ... was given */
    uint64_t count, capacity;
    double sum_ns;
};

void recorder_init(struct recorder *recorder);
void recorder_done(struct recorder *recorder);
void recorder_grow(struct recorder *recorder);

static inline void recorder_add(struct recorder *recorder, double response_ns, double now_ns) {
    if (recorder->count == recorder->capacity)
        recorder_grow(recorder);
    if (recorder->count % RECORDER_MARK == 0)
        recorder->marks_ns[recorder->count / RECORDER_MARK] = now_ns;
    recorder->responses_ns[recorder->count++] = (float)response_ns;
    recorder->sum_ns += response_ns;
}

/* The smallest value that at least the share q of the responses [from, to) does not pass. */
double recorder_quantile(const struct recorder *recorder, uint64_t from, uint64_t to, double q);

/* Without the first `skip` responses. `rate_per_second` is the true rate of a stationary
 * simulation; NaN: not stationary, and no interval is given. */
struct simulated_time recorder_mean(const struct recorder *recorder, uint64_t skip,
                                    double rate_per_second);
/* NaN when the sample is too small for it (predictor/simulation/sample_rule.h). */
struct simulated_time recorder_percentile(const struct recorder *recorder, uint64_t skip, double q,
                                          double rate_per_second);

#endif
