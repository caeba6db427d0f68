/* A model at several batches, thread counts and numbers of replicas, without running it. */
#ifndef ASSAY_JOBS_SCALE_H
#define ASSAY_JOBS_SCALE_H

#include "core/scaling.h"
#include "jobs/lowering.h"
#include "jobs/subject.h"

struct db;

struct scale_request {
    struct subject_request subject; /* its batch and threads are not looked at */
    enum lowering_source lowering;
    bool refuse_roofline;
    double memory_confidence;
    const int64_t *batches;
    const int64_t *threads, *replicas;
    uint32_t batch_count, thread_count, replica_count;
    uint32_t cpus; /* of a node to plan for; 0: of this machine */
};

/* Threads that were calibrated are answered by their own fit; others by that of the nearest thread
 * count and the law of threads (predictor/thread_law.h). A batch that cannot be proven, or more
 * threads than CPUs, is a refused row and not a failure. Nothing is stored but lowered graphs. */
int job_scale(struct arena *arena, struct db *db, const struct scale_request *request,
              struct scaling *out, struct err *err);

#endif
