/* A fleet of replicas simulated request by request: what went in and what came out. */
#ifndef ASSAY_CORE_SIMULATION_H
#define ASSAY_CORE_SIMULATION_H

#include "core/plan.h"
#include "core/service.h"

#include <stdbool.h>
#include <stdint.h>

/* A percentile of the response time with its 95 % interval; NaN where it cannot be told. */
struct simulated_time {
    double value_ns, low_ns, high_ns;
};

/* The fleet at one decision of its policy. */
struct fleet_moment {
    double at_ns;               /* since the first arrival */
    double arrivals_per_second; /* since the decision before */
    uint32_t ready, starting;   /* replicas, after the decision */
    uint32_t waiting;           /* requests that no replica has begun */
    double utilisation;         /* of the ready replicas since the decision before */
};

struct simulated {
    uint64_t requests; /* arrived */
    uint64_t failed;   /* lost with the replica that served them */
    double span_ns;    /* from the first arrival to the last */
    double replica_hours;
    double slo_attainment; /* share answered within the deadline; NaN without one */
    struct simulated_time mean, p50, p99;
    uint64_t counted; /* responses behind the percentiles */
    double utilisation;
    double replicas_mean;
    uint32_t replicas_max;
    uint64_t cold_starts, failures;
    double batch_mean; /* requests served together */
    const struct fleet_moment *moments;
    uint32_t moment_count;
};

/* The answer to a question: one policy under one load. */
struct simulation {
    struct service service;
    const char *policy; /* "assay"; "none": the fleet stays as it is */
    enum routing routing;
    double deadline_ns;
    struct simulated result;          /* at the predicted service time */
    bool uncertain;                   /* the service time has an interval: the next two differ */
    struct simulated quicker, slower; /* at its low and at its high end */
};

#endif
