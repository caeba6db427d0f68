/* How long one replica works on one batch: the mean by batch size, spread by a distribution of
 * mean 1 and a squared coefficient of variation (scv = variance / mean^2).
 *
 * deterministic: scv 0. erlang: scv 1/k, the nearest k. log-normal: any scv. exponential: scv 1.
 * hyperexponential: scv above 1, two branches with balanced means (Tijms, A First Course in
 * Stochastic Models, appendix B).
 */
#ifndef ASSAY_PREDICTOR_SIMULATION_SERVICE_TIME_H
#define ASSAY_PREDICTOR_SIMULATION_SERVICE_TIME_H

#include "base/err.h"
#include "base/rng.h"

#include <stdint.h>

struct service_shape {
    const char *name, *help;
    /* The parameter that `draw` takes for this scv; negative when the shape cannot have it. */
    double (*parameter)(double scv);
    double (*draw)(struct rng *rng, double parameter);
    /* The largest scv at which the wait in an M/G/c queue may be interpolated between M/D/c and
     * M/M/c: within 4 % of simulation (docs/queueing.md). */
    double interpolated_to;
};

/* Row i, NULL at the end; the first is the default. */
const struct service_shape *service_shape_at(uint32_t i);

/* NULL: none of that name. */
const struct service_shape *service_shape_by_name(const char *name);

struct service_time {
    const double *batch_ns; /* [n - 1]: mean of a batch of n */
    uint32_t batch_max;     /* 1: no batching */
    const struct service_shape *shape;
    double parameter;
    double scv;
};

/* ERR_USAGE when the shape cannot have this scv. */
int service_time_init(struct service_time *service, const double *batch_ns, uint32_t batch_max,
                      const struct service_shape *shape, double scv, struct err *err);

static inline double service_time_draw(const struct service_time *service, struct rng *rng,
                                       uint32_t batch) {
    double mean = service->batch_ns[batch - 1];
    return service->shape->draw ? mean * service->shape->draw(rng, service->parameter) : mean;
}

#endif
