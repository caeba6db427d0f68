/* Boosted regression trees: squared error with weights, by XGBoost's C API where it was linked
 * (Chen and Guestrin, KDD 2016). One thread and no sampling: equal rows give equal trees. Inside
 * predictor/. */
#ifndef ASSAY_PREDICTOR_BOOSTING_H
#define ASSAY_PREDICTOR_BOOSTING_H

#include "predictor/forest.h"

struct boosting_rows {
    const float *inputs, *targets, *weights; /* count x dims, row after row */
    uint32_t count, dims;
};

struct boosting_settings {
    uint32_t depth, rounds;
    double rate;      /* of what a tree found, this much is added */
    double leaf_rows; /* weight that a leaf must have at least */
};

/* ERR_ENVIRONMENT when this program was built without XGBoost. */
int boosting_available(struct err *err);
int boosting_train(struct arena *arena, const struct boosting_rows *rows,
                   const struct boosting_settings *settings, struct forest *out, struct err *err);

#endif
