/* What measuring one operator costs here: calibrated once per machine, runtime version, thread
 * count and number of events, on a model of some hundred tiny operators, and remembered. */
#ifndef ASSAY_JOBS_HOOK_COST_H
#define ASSAY_JOBS_HOOK_COST_H

#include "jobs/subject.h"
#include "profiler/overhead.h"

struct db;

/* source OVERHEAD_NONE when the calibration was too disturbed to be believed; then a profile takes
 * the cost from its own model. */
int hook_cost(struct arena *arena, struct db *db, const struct subject *subject,
              struct overhead *cost, struct err *err);

#endif
