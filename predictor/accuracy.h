/* How good the predictions are, judged on models that the fit has not seen. */
#ifndef ASSAY_PREDICTOR_ACCURACY_H
#define ASSAY_PREDICTOR_ACCURACY_H

#include "core/accuracy.h"
#include "predictor/fit.h"

/* Leaves out every run of the same model (by hash or name), fits on the rest, predicts. `judged`
 * (per run; NULL: all) says which runs are predicted; the others are only learnt from. `progress`
 * may be NULL; it is told the share done. `estimator` NULL: the default. */
int accuracy_leave_one_model_out(struct arena *arena, const struct training *training,
                                 const bool *judged, const struct estimator *estimator,
                                 void (*progress)(void *context, double done), void *context,
                                 struct accuracy *out, struct err *err);

/* Fits on all of `learnt` and predicts the runs of `judged`, other models of the same place. */
int accuracy_of_others(struct arena *arena, const struct training *learnt,
                       const struct training *judged, const struct estimator *estimator,
                       struct accuracy *out, struct err *err);

struct error_summary error_summary_of(struct arena *arena, const struct estimate *predicted,
                                      const double *measured, uint32_t count);

#endif
