/* Discrete events: requests arrive, find a replica, wait, are served alone or in batches; replicas
 * start, fail and go as a policy decides. Everything hangs on the seed: the same input gives the
 * same answer. About four million requests per second on one core without a policy.
 *
 * The fleet begins with all its replicas ready and nobody waiting. A replica that is taken away
 * finishes what it has; one that fails loses what it was serving, its queue goes to the others, and
 * a new one starts in its place. With no replica ready requests wait in one queue for the first.
 */
#ifndef ASSAY_PREDICTOR_SIMULATION_SIMULATION_H
#define ASSAY_PREDICTOR_SIMULATION_SIMULATION_H

#include "core/simulation.h"
#include "predictor/simulation/arrivals.h"
#include "predictor/simulation/policy.h"
#include "predictor/simulation/service_time.h"

struct progress;
struct recorder;

struct simulation_config {
    struct arrivals arrivals;
    uint64_t requests_most; /* of a Poisson process; a recording may be shorter */
    uint64_t warm_up;       /* first responses that are not counted */
    struct service_time service;
    double service_factor; /* true over predicted service time; 1 */
    double delay_ns;       /* an idle replica waits so long for a full batch */
    enum routing routing;
    uint32_t replicas; /* at the start */
    double cold_start_ns;
    double failures_per_replica_hour;
    double deadline_ns; /* NaN: none */
    const struct policy *policy;
    struct policy_config policy_config;
    bool keep_moments; /* for a picture */
    uint64_t seed;
};

/* The result's arrays live in the arena. ERR_USAGE when the numbers make no sense, ERR_FINDING when
 * more requests wait than memory is allowed for. */
int simulate(struct arena *arena, const struct simulation_config *config, struct progress *progress,
             struct simulated *result, struct err *err);

/* The responses themselves, without a policy: nothing else is summed up. The recorder is the
 * caller's, whatever is returned. */
int simulate_recorded(const struct simulation_config *config, struct recorder *recorder,
                      struct err *err);

#endif
