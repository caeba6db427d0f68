/* How good the predictions on this machine are: every stored model in turn predicted by a fit that
 * has not seen it. */
#ifndef ASSAY_JOBS_ACCURACY_H
#define ASSAY_JOBS_ACCURACY_H

#include "core/scaling.h"
#include "jobs/fit.h"
#include "predictor/accuracy.h"

struct progress;

struct accuracy_report {
    struct training training;
    struct accuracy accuracy;
    struct judged_slowdown *slowdowns; /* of runs beside replicas; they are in nothing else here */
    uint32_t slowdown_count;
};

/* Without `from` each model is judged by a fit on the others. With it ("calibrate") one fit learns
 * from the runs of that purpose alone and judges all the rest. `only` (may be NULL) restricts what
 * is judged, and without `from` what is learnt from, to models of these names. `estimator` NULL: the
 * default. */
int job_accuracy(struct arena *arena, struct db *db, const struct place *place, const char *from,
                 const char *const *only, uint32_t only_count, const struct estimator *estimator,
                 struct progress *progress, struct accuracy_report *out, struct err *err);

#endif
