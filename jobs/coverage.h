/* What the runs of a place have seen of the operators that assay knows. */
#ifndef ASSAY_JOBS_COVERAGE_H
#define ASSAY_JOBS_COVERAGE_H

#include "jobs/fit.h"

/* Operator types with a row in core/op_kind.c that no run has executed, in the order of the table,
 * each once. Lives in the arena. */
int coverage_unseen(struct arena *arena, struct db *db, const struct place *place,
                    const char *const **unseen, uint32_t *count, struct err *err);

/* Stores the most FLOP/s that products reached, for each element type, among the machine's peaks.
 */
int coverage_put_peaks(struct arena *arena, struct db *db, const struct place *place,
                       struct err *err);

#endif
