/* The phases of a cold start as a run measured them. */
#ifndef ASSAY_JOBS_MEASURED_START_H
#define ASSAY_JOBS_MEASURED_START_H

#include "base/arena.h"
#include "core/cold_start.h"
#include "core/run.h"

/* `cold`: what was measured of the fresh processes, by metric; NULL or count 0: not measured. A
 * run that does not tell the parts of session creation has it as a whole; one that tells nothing
 * has no phases. `evidence` is borrowed. */
void measured_start(struct arena *arena, const struct summary *const cold[METRIC_BUILTIN_COUNT],
                    const char *evidence, struct cold_start *out);

#endif
