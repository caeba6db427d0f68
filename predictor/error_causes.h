/* Why a model was missed: the kernel classes that add most to its error, with a reason in words.
 * Inside predictor/: accuracy.c asks. */
#ifndef ASSAY_PREDICTOR_ERROR_CAUSES_H
#define ASSAY_PREDICTOR_ERROR_CAUSES_H

#include "core/accuracy.h"
#include "predictor/cost_model.h"

/* The operators of one run, what was said of each, and what each takes at the usual speed. */
struct judged_operators {
    const struct observation *observations;
    const struct estimate *predicted;
    const double *measured_ns;
    uint32_t count;
};

/* What the fit has learnt from. */
struct learnt_from {
    const struct cost_model *model;
    const struct training *training;
    const bool *skip; /* per run; NULL: none was left out */
};

/* Fills causes, sum_error and remark of `judged`, whose latencies are known already. */
void find_error_causes(struct arena *arena, const struct learnt_from *learnt,
                       const struct judged_operators *operators, const struct observed_run *run,
                       uint32_t threads, struct judged_run *judged);

#endif
