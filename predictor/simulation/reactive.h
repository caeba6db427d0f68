/* The horizontal pod autoscaler's controller between a metric and a number of replicas
 * (Kubernetes, "Horizontal Pod Autoscaling", algorithm details): desired = ceil(current * metric /
 * target), nothing inside the tolerance, at most the double or four more in fifteen seconds on the
 * way up, and on the way down the highest recommendation of the stabilisation window. */
#ifndef ASSAY_PREDICTOR_SIMULATION_REACTIVE_H
#define ASSAY_PREDICTOR_SIMULATION_REACTIVE_H

#include "base/arena.h"

#include <stdint.h>

struct recommendation {
    double at_ns;
    uint32_t replicas;
};

struct reactive {
    double stabilisation_ns;
    double scale_up_period_ns;
    struct recommendation *kept; /* of the window; a ring */
    uint32_t capacity, first, count;
    double period_began_ns;
    uint32_t period_replicas; /* when the scale-up period began */
};

void reactive_init(struct reactive *reactive, struct arena *arena, double stabilisation_ns,
                   double interval_ns);

/* `wanted` replicas by the metric, where `current` are ready or starting. */
uint32_t reactive_decide(struct reactive *reactive, double now_ns, uint32_t current,
                         uint32_t wanted);

#endif
