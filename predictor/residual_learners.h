/* The rows of residual_learners, and the baseline that is none. Inside predictor/. */
#ifndef ASSAY_PREDICTOR_RESIDUAL_LEARNERS_H
#define ASSAY_PREDICTOR_RESIDUAL_LEARNERS_H

#include "predictor/residual.h"

extern const struct residual_learner residual_none;       /* residual.c */
extern const struct residual_learner residual_gaussian;   /* residual_gaussian.c */
extern const struct residual_learner residual_neighbours; /* residual_neighbours.c */
extern const struct residual_learner residual_trees;      /* residual_trees.c */
extern const struct residual_learner residual_trees_bare; /* the same, believed everywhere */

#endif
