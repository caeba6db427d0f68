/* The configurations that a plan may choose from: threads of a replica, requests it serves
 * together, replicas on a node, each with its predicted times. */
#ifndef ASSAY_JOBS_PLAN_OPTIONS_H
#define ASSAY_JOBS_PLAN_OPTIONS_H

#include "jobs/plan.h"

/* Fills plan->options for a model whose prediction is known; the targets and offers must be there.
 * What cannot be predicted is an option with a reason. */
int plan_options_of_model(struct arena *arena, struct db *db, const struct plan_request *request,
                          const struct prediction *prediction, struct plan *plan, struct err *err);

/* The same for times that are given. */
void plan_options_given(struct arena *arena, const struct plan_request *request, struct plan *plan);

#endif
