/* What disturbed a process between two moments, from the kernel's books: its context switches and
 * page faults, time stolen by the hypervisor, throttling by the control group's quota, the load
 * average and the frequency of the CPU it ran on. What the kernel does not say stays 0.
 */
#ifndef ASSAY_COLLECTORS_DISTURBANCE_H
#define ASSAY_COLLECTORS_DISTURBANCE_H

#include "base/err.h"
#include "core/run.h"

#include <stdint.h>
#include <sys/types.h>

struct disturbance_snapshot {
    uint64_t voluntary_switches, involuntary_switches; /* all threads of the process */
    uint64_t minor_faults, major_faults;
    uint64_t steal_ticks, all_ticks; /* of all CPUs since boot */
    uint64_t throttled_ns;           /* of the control group of the caller */
    uint64_t frequency_khz;          /* of the CPU the process was on; 0: not readable */
    double load_average;             /* 1 minute */
};

/* pid 0 is the calling process, whose ended threads are then counted too. Fails with
 * ERR_ENVIRONMENT when there is no such process. About 0.1 ms; allocates nothing lasting. */
int disturbance_snapshot(struct disturbance_snapshot *snapshot, pid_t pid, struct err *err);
/* The same of a tree of /proc and /sys files under `root`; pid must not be 0. */
int disturbance_snapshot_at(const char *root, struct disturbance_snapshot *snapshot, pid_t pid,
                            struct err *err);

void disturbance_between(const struct disturbance_snapshot *before,
                         const struct disturbance_snapshot *after, struct disturbance *out);

#endif
