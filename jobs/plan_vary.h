/* How sensitive a plan is: the same question with one thing changed. */
#ifndef ASSAY_JOBS_PLAN_VARY_H
#define ASSAY_JOBS_PLAN_VARY_H

#include "jobs/plan.h"

/* `text` is "rate=500,1000,2000"; what may stand before the sign is a row of plan_vary_at. A value
 * without a plan has its reason. ERR_USAGE on what is no row or no value. */
int plan_vary(struct arena *arena, const struct planned *planned, const char *text,
              struct plan_variation *variation, struct err *err);

/* Row i of what can be varied; NULL at the end. */
const char *plan_vary_at(uint32_t i, const char **help);

#endif
