/* From a model and a load to replicas and nodes. */
#ifndef ASSAY_JOBS_PLAN_H
#define ASSAY_JOBS_PLAN_H

#include "core/plan.h"
#include "jobs/service.h"

struct progress;

struct plan_request {
    struct service_request service;   /* its batch_max is not looked at */
    double memory_bytes;              /* of a replica whose times are given; 0: not known */
    const int64_t *threads, *batches; /* to choose from; none: what makes sense */
    uint32_t thread_count, batch_count;
    const char *distribution; /* of the service time */
    double scv;               /* NaN: the distribution's own */
    double delay_ns;
    double rate_per_second;
    double overhead_ns;  /* of a response outside replica and queue */
    const char *targets; /* "p99=50ms"; NULL: those of the constraints */
    enum routing routing;
    const char *const *nodes; /* "cpus=8,memory=32GiB,price=0.38" each */
    uint32_t node_count;
    const char *catalog_path;      /* more of them; NULL: none */
    const char *constraints;       /* a file or a text (jobs/constraints.h); NULL: none */
    struct plan_headroom headroom; /* its lead time is beside the cold start */
    uint64_t seed;
};

struct planned {
    struct plan plan;
    struct plan asked;            /* the question, with options that the planner has not touched */
    struct predicted predicted;   /* of the model; zeroed without one */
    const char *constraints_note; /* what of their file was left out; NULL: nothing */
    const char *constraints_unchecked; /* that a plan for CPUs cannot tell; NULL: none */
};

/* ERR_FINDING when the plan's answer is that there is none: out->plan then holds the reason. `db`
 * may be NULL without a model. */
int job_plan(struct arena *arena, struct db *db, const struct plan_request *request,
             struct progress *progress, struct planned *out, struct err *err);

#endif
