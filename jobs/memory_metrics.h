/* What was seen of memory, as metrics of a stored run and of its operators, and back.
 *
 * Of the run: "memory.peak.weights" for each moment and part, with ".pss" where pages are shared,
 * "memory.high_water" and some more. Of operators: "memory.live" and others. One value each.
 */
#ifndef ASSAY_JOBS_MEMORY_METRICS_H
#define ASSAY_JOBS_MEMORY_METRICS_H

#include "core/memory_use.h"
#include "db/run.h"

enum { MEMORY_RUN_METRICS = 2 * MEMORY_MOMENTS * MEMORY_PARTS + 8, MEMORY_OP_METRICS = 8 };

/* Append to `metrics`, which has room for as many more as the constants say. */
void memory_run_metrics(struct arena *arena, const struct memory_use *use,
                        struct stored_metric *metrics, uint32_t *count);
void memory_op_metrics(const struct memory_use_step *step, uint32_t place,
                       struct stored_metric *metrics, uint32_t *count);

/* NULL: the run was stored without. `run` was read with its operators; lives in the arena. */
const struct memory_use *memory_of_run(struct arena *arena, const struct stored_run *run);

#endif
