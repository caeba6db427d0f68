/* What load is expected when: CSV, a line for each change: the time, as in a trace, and the
 * requests per second from then until the next line.
 *
 *     2026-11-25 08:00:00,12.5
 *     2026-11-25 12:00:00,40
 *
 * Times in seconds count from where the trace begins. */
#ifndef ASSAY_JOBS_SCHEDULE_H
#define ASSAY_JOBS_SCHEDULE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

/* counts[i]: the requests expected in the i-th interval since began_ns; NaN before the first line.
 * ERR_INPUT names file and line. */
int schedule_read(struct arena *arena, const char *path, int64_t began_ns, double interval_ns,
                  uint64_t intervals, const double **counts, struct err *err);

#endif
