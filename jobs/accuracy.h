/* How good the predictions on this machine are: every stored model in turn predicted by a fit that
 * has not seen it. */
#ifndef ASSAY_JOBS_ACCURACY_H
#define ASSAY_JOBS_ACCURACY_H

#include "jobs/fit.h"
#include "predictor/accuracy.h"

struct progress;

struct accuracy_report {
    struct training training;
    struct accuracy accuracy;
};

/* `only` (may be NULL) restricts what is learnt from and judged to models of these names. */
int job_accuracy(struct arena *arena, struct db *db, const struct place *place,
                 const char *const *only, uint32_t only_count, struct progress *progress,
                 struct accuracy_report *out, struct err *err);

#endif
