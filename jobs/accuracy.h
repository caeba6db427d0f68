/* How good the predictions on this machine are: every stored model in turn predicted by a fit that
 * has not seen it. */
#ifndef ASSAY_JOBS_ACCURACY_H
#define ASSAY_JOBS_ACCURACY_H

#include "core/scaling.h"
#include "jobs/families.h"
#include "jobs/fit.h"
#include "predictor/accuracy.h"

struct progress;

enum leave_out { LEAVE_OUT_MODEL, LEAVE_OUT_FAMILY };

struct accuracy_request {
    /* With it ("calibrate") one fit learns from the runs of that purpose alone and judges all the
     * rest; NULL: what is judged is left out of a fit on all others. */
    const char *from;
    const char *judge; /* purpose of the runs that are judged; NULL: all but calibrations, when
                          there are such */
    const char *const *only; /* restricts what is judged, and without `from` what is learnt from, to
                                models of these names */
    uint32_t only_count;     /* 0: all */
    enum leave_out leave_out;
    const struct family_pattern *patterns; /* jobs/families.h */
    uint32_t pattern_count;
    const struct estimator *estimator; /* NULL: the default */
    uint32_t at_most;                  /* models or families left out; 0: all */
};

struct accuracy_report {
    struct training training;
    struct accuracy accuracy;
    struct judged_slowdown *slowdowns; /* of runs beside replicas; they are in nothing else here */
    uint32_t slowdown_count;
};

int job_accuracy(struct arena *arena, struct db *db, const struct place *place,
                 const struct accuracy_request *request, struct progress *progress,
                 struct accuracy_report *out, struct err *err);

#endif
