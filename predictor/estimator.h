/* Ways to estimate what operators cost: what the physics is and who learns what it leaves
 * unexplained. One is the default; the others, baselines among them, are there to be compared
 * (`assay accuracy --estimators`). */
#ifndef ASSAY_PREDICTOR_ESTIMATOR_H
#define ASSAY_PREDICTOR_ESTIMATOR_H

#include "predictor/residual.h"

enum physics {
    PHYSICS_RATES,    /* learnt rates on the physical terms */
    PHYSICS_ROOFLINE, /* one peak of arithmetic, one of memory, nothing per class */
    PHYSICS_NONE,     /* the mean of the class: all is left to the learner */
};

struct estimator {
    const char *name, *help;
    enum physics physics;
    const struct residual_learner *learner;
};

#define DEFAULT_ESTIMATOR "gaussian-process"

extern const struct estimator estimators[]; /* ends with a NULL name */
const struct estimator *estimator_default(void);
const struct estimator *estimator_by_name(const char *name); /* NULL: none of that name */

#endif
