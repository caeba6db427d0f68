/* What `perf script` prints of a perf.data file.
 *
 * Samples of a clock (cpu-clock, task-clock) become spans of their period: the thread ran for so
 * long before the moment, and stood in that stack. They are no calls: a node's time is the sum of
 * periods below it, its count the number of samples. Samples of other events have no time; they
 * become rows by symbol, with how many samples and events. Probes whose entry and return are both
 * there (perf probe's NAME and NAME__return, syscalls' sys_enter and sys_exit) become spans of
 * calls; other tracepoints are rows that count them.
 */
#ifndef ASSAY_COLLECTORS_FOREIGN_PERF_SCRIPT_H
#define ASSAY_COLLECTORS_FOREIGN_PERF_SCRIPT_H

#include "collectors/foreign/foreign.h"

extern const struct foreign_format foreign_perf_script;

#endif
