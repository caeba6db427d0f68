#include "predictor/simulation/arrivals.h"

#include <math.h>

void arrival_source_init(struct arrival_source *source, const struct arrivals *arrivals,
                         uint64_t most) {
    *source = (struct arrival_source){.arrivals = arrivals, .most = most};
    if (arrivals->recorded_ns && arrivals->recorded_count < most)
        source->most = arrivals->recorded_count;
}

/* Thinning (Lewis and Shedler 1979): candidates at the highest rate, kept in proportion. */
static double next_diurnal(struct arrival_source *source, struct rng *rng) {
    const struct arrivals *arrivals = source->arrivals;
    double highest = 1 + arrivals->swing, at = source->last_ns, share;
    do {
        at += rng_exponential(rng) * 1e9 / (arrivals->rate_per_second * highest);
        share = 1 - arrivals->swing * cos(2 * M_PI * at / arrivals->period_ns);
    } while (rng_uniform(rng) * highest > share);
    return at;
}

double arrival_next(struct arrival_source *source, struct rng *rng) {
    const struct arrivals *arrivals = source->arrivals;
    if (source->given == source->most)
        return INFINITY;
    uint64_t index = source->given++;
    if (arrivals->recorded_ns)
        source->last_ns = arrivals->recorded_ns[index];
    else if (arrivals->swing > 0)
        source->last_ns = next_diurnal(source, rng);
    else
        source->last_ns += rng_exponential(rng) * 1e9 / arrivals->rate_per_second;
    return source->last_ns;
}
