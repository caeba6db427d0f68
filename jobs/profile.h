/* Running a model and keeping what was seen. */
#ifndef ASSAY_JOBS_PROFILE_H
#define ASSAY_JOBS_PROFILE_H

#include "core/prediction.h"
#include "jobs/lowering.h"
#include "jobs/subject.h"
#include "profiler/measure.h"
#include "profiler/protocol.h"

struct db;
struct progress;

struct profile_request {
    struct subject_request subject;
    struct protocol protocol;
    const char *purpose; /* "profile" */
    bool memory;         /* look into memory too, in one more process, where that is possible */
    /* Groups of counters by name; their events are counted besides those of the subject. */
    const char *const *groups;
    uint32_t group_count;
};

struct profiled {
    struct prediction measured; /* every tier is "measured" */
    struct measured details;
    struct lowering lowering;
    const struct memory_use *memory; /* NULL: not looked into */
    struct err memory_refused;       /* why, when it was wanted */
    double measuring_ns;             /* that loading and running the model took */
    int64_t run_id;                  /* valid once job_profile returned 0: the run is on the disk */
};

int job_profile(struct arena *arena, struct db *db, const struct profile_request *request,
                struct progress *progress, struct profiled *out, struct err *err);

#endif
