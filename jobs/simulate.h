/* A fleet of one model under a load, simulated, with what the uncertainty of its service time makes
 * of the answer. */
#ifndef ASSAY_JOBS_SIMULATE_H
#define ASSAY_JOBS_SIMULATE_H

#include "core/simulation.h"
#include "jobs/service.h"

struct progress;

struct simulate_request {
    struct service_request service;
    const char *shape; /* of the service time's distribution */
    double scv;        /* its squared coefficient of variation; NaN: of the shape */
    double delay_ns;   /* an idle replica waits so long for a full batch */
    enum routing routing;
    const char *trace_path; /* NULL: a Poisson process */
    double rate_per_second;
    double swing, period_ns;   /* of a daily rhythm; 0: none */
    double duration_ns;        /* of a Poisson process; 0: as `requests` says */
    uint64_t requests;         /* of a Poisson process, when there is no duration */
    double deadline_ns;        /* NaN: none */
    double attainment;         /* wanted by the assay policy */
    const char *policy;        /* "assay", "hpa", "keda", "static=12"; NULL: `initial` all along */
    const char *schedule_path; /* jobs/schedule.h, for the assay policy; NULL: none */
    double interval_ns, target_utilisation, stabilisation_ns, tolerance;
    uint32_t initial, replicas_min, replicas_max;
    double failures_per_replica_hour;
    uint64_t seed;
    bool keep_moments;
};

struct simulated_fleet {
    struct simulation simulation;
    struct predicted predicted;
    uint64_t disordered; /* lines of the trace that were out of order */
};

int job_simulate(struct arena *arena, struct db *db, const struct simulate_request *request,
                 struct progress *progress, struct simulated_fleet *out, struct err *err);

/* Row i of what --policy and --shape may be; NULL at the end. */
const char *simulate_policy_at(uint32_t i, const char **help);
const char *simulate_shape_at(uint32_t i, const char **help);

#endif
