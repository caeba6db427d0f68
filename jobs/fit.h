/* Learning from what is stored. */
#ifndef ASSAY_JOBS_FIT_H
#define ASSAY_JOBS_FIT_H

#include "core/machine.h"
#include "jobs/subject.h"
#include "jobs/training.h"
#include "predictor/fit.h"

struct db;

/* Whose observations: this machine, a runtime and a thread count. */
struct place {
    struct machine machine;
    const char *runtime, *runtime_version;
    uint32_t threads;
};

/* This machine and the collector's runtime; where the runtime is not installed, that of the newest
 * run stored for this machine. */
int place_here(struct arena *arena, struct db *db, const char *collector, uint32_t threads,
               struct place *out, struct err *err);

/* The same, of a subject that has found it out already. */
int place_of_subject(struct arena *arena, struct db *db, const struct subject *subject,
                     struct place *out, struct err *err);

struct fitted {
    struct fit fit;
    int64_t id;               /* 0: not stored */
    struct training training; /* empty when the fit came from the database */
    uint32_t newer_runs;      /* runs stored after the fit was made */
};

/* Fits all observations of the place and stores the result, unless the newest stored fit is the
 * same: then that one is returned. ERR_INPUT with a hint when there are none. */
int job_fit(struct arena *arena, struct db *db, const struct place *place, struct fitted *out,
            struct err *err);

/* The newest stored fit of the place, else one made on the spot. With a model to leave out (hash
 * or name) always one made on the spot, without its runs; it is not stored. */
int fit_for(struct arena *arena, struct db *db, const struct place *place,
            const char *except_sha256, const char *except_name, struct fitted *out,
            struct err *err);

#endif
