/* How good the predictions on this machine are: every stored model in turn predicted by a fit that
 * has not seen it. */
#ifndef ASSAY_JOBS_ACCURACY_H
#define ASSAY_JOBS_ACCURACY_H

#include "jobs/fit.h"
#include "predictor/accuracy.h"
#include "predictor/estimator.h"

struct progress;

/* Without `from` each model is judged by a fit on the others. With it ("calibrate") one fit learns
 * from the runs of that purpose alone and judges all the rest. `names` restrict what is judged, and
 * without `from` what is learnt from, to models of these names; none: all. */
struct accuracy_choice {
    const char *from;
    const char *const *names;
    uint32_t name_count;
};

/* `estimator` NULL: the default. */
int job_accuracy(struct arena *arena, struct db *db, const struct place *place,
                 const struct accuracy_choice *choice, const struct estimator *estimator,
                 struct progress *progress, struct accuracy *out, struct err *err);

/* All estimators on the same data, the least error of latencies first; those that were not built
 * last. */
int job_compare_estimators(struct arena *arena, struct db *db, const struct place *place,
                           const struct accuracy_choice *choice, struct progress *progress,
                           struct estimator_ranking *out, struct err *err);

#endif
