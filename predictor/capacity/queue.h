/* The response time of n replicas under Poisson arrivals, by the best method that holds:
 *
 * exact: one request at a time, always the same service time; one M/D/1 queue per replica (random
 *     routing), or M/D/n (central).
 * interpolated: one request at a time, varying service time; the wait's percentiles lie between
 *     those of M/D/n and M/M/n in proportion to the scv (Tijms 2003, ch. 9), the response is the
 *     wait convolved with the service time. Used where it was measured to be within 4 % of
 *     simulation: scv up to 0.5, up to 1 for Erlang's distribution (docs/queueing.md).
 * simulated: everything else: batching, routing that looks at the queues, wide distributions.
 */
#ifndef ASSAY_PREDICTOR_CAPACITY_QUEUE_H
#define ASSAY_PREDICTOR_CAPACITY_QUEUE_H

#include "base/arena.h"
#include "base/err.h"
#include "core/plan.h"
#include "core/simulation.h"
#include "predictor/simulation/service_time.h"

#include <stdint.h>

struct queue_load {
    double rate_per_second; /* above 0 */
    struct service_time service;
    double delay_ns; /* an idle replica waits so long for a full batch */
    enum routing routing;
    uint64_t seed; /* of simulations */
};

struct queue {
    const struct queue_load *load;
    uint64_t replicas;
    enum queue_method method;
    void *state; /* of the method; in the arena */
};

/* Replicas kept busy at full batches: with fewer, or exactly so many, there is no steady state. */
double queue_offered(const struct queue_load *load);

enum queue_method queue_method_of(const struct queue_load *load);

/* For more replicas than are kept busy. `requests` of a simulation: more of them tell closer. The
 * load must outlive the queue. ERR_FINDING when there are too many replicas for the method. */
int queue_open(struct queue *queue, struct arena *arena, const struct queue_load *load,
               uint64_t replicas, uint64_t requests, struct err *err);
void queue_close(struct queue *queue); /* after a failed open too */

/* The response that the share p does not pass, 0 < p < 1. Without a simulation low = high. */
struct simulated_time queue_response(const struct queue *queue, double p);
double queue_mean_response(const struct queue *queue);
/* Whether the share p stays within the target; a simulation must show it with its interval. */
bool queue_meets(const struct queue *queue, double p, double target_ns);

/* So many replicas simulated request by request, whatever the method: the proof of a plan. */
int queue_simulate(const struct queue_load *load, uint64_t replicas, uint64_t requests,
                   const double *percentiles, uint32_t percentile_count,
                   struct simulated_time *responses, struct err *err);

#endif
