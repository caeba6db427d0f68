/* How good the predictions are, judged on models that the fit has not seen. */
#ifndef ASSAY_PREDICTOR_ACCURACY_H
#define ASSAY_PREDICTOR_ACCURACY_H

#include "core/accuracy.h"
#include "predictor/fit.h"

/* How to judge. */
struct leaving_out {
    const char *const *families; /* per run: who is left out together; NULL: each model alone */
    const bool *judged;          /* per run; NULL: all. The others are only learnt from */
    const struct estimator *estimator; /* NULL: the default */
    uint32_t at_most; /* models or families left out, evenly spaced among them; 0: all */
    void (*progress)(void *context, double done); /* NULL: none; told the share done */
    void *context;
};

/* Leaves out every run of the same model (by hash or name) or family, fits on the rest, predicts.
 */
int accuracy_leave_out(struct arena *arena, const struct training *training,
                       const struct leaving_out *how, struct accuracy *out, struct err *err);

/* Fits on all of `learnt` and predicts the runs of `judged`, other models of the same place. */
int accuracy_of_others(struct arena *arena, const struct training *learnt,
                       const struct training *judged, const struct estimator *estimator,
                       struct accuracy *out, struct err *err);

/* The same with a fit of `learnt` that was made before. */
void accuracy_of_fit(struct arena *arena, const struct fit *fit, const struct training *learnt,
                     const struct training *judged, struct accuracy *out);

struct error_summary error_summary_of(struct arena *arena, const struct estimate *predicted,
                                      const double *measured, uint32_t count);

#endif
