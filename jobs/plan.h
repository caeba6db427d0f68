/* From a model and a load to replicas and nodes. */
#ifndef ASSAY_JOBS_PLAN_H
#define ASSAY_JOBS_PLAN_H

#include "core/plan.h"
#include "jobs/predict.h"

struct plan_request {
    struct predict_request predict; /* subject.model_path NULL: service_ns is given instead */
    double service_ns;
    double rate_per_second;
    const char *targets; /* "p99=50ms" */
    enum routing routing;
    const char *const *nodes; /* "cpus=8,memory=32GiB,price=0.38" each */
    uint32_t node_count;
};

struct planned {
    struct plan plan;
    struct predicted predicted; /* of the model; zeroed without one */
};

/* ERR_FINDING when the plan's answer is that there is none: out->plan then holds the reason. `db`
 * may be NULL without a model. */
int job_plan(struct arena *arena, struct db *db, const struct plan_request *request,
             struct planned *out, struct err *err);

#endif
