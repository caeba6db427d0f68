/* Rows with the same inputs in the same fold, made one: networks repeat their operators, and what
 * was seen ten times in one network is no better known than that network. Inside predictor/. */
#ifndef ASSAY_PREDICTOR_RESIDUAL_MERGE_H
#define ASSAY_PREDICTOR_RESIDUAL_MERGE_H

#include "predictor/residual.h"

/* merged_of[r]: the index of the merged row that row r went into. */
struct residual_rows residual_merge(struct arena *arena, const struct residual_rows *rows,
                                    uint32_t *merged_of);

#endif
