/* How fast the machine is just now, told by a network: the same one every time, in a process of its
 * own, run between the batches of what is measured.
 *
 * The probe of speed_probe.h stays in registers and feels the clock. What other programs take of
 * caches and memory only work feels that needs them too, and the same kernels feel most of what
 * slows a model down: over a quarter of an hour models moved with two small networks beside them
 * (correlation 0.82 and 0.87) more than with the probe (docs/accuracy.md).
 */
#ifndef ASSAY_PROFILER_REFERENCE_H
#define ASSAY_PROFILER_REFERENCE_H

#include "collectors/collector.h"
#include "profiler/protocol.h"

struct reference {
    const struct collector *collector;
    struct collect_session *session; /* NULL: there is none, or it has ended */
    uint32_t threads;
    uint64_t run_ns; /* about how long a run takes */
};

/* Starts and warms it up. `config` has no hooks and no counters; it need not outlive this. */
int reference_open(struct reference *reference, struct arena *arena,
                   const struct collector *collector, const struct collect_config *config,
                   struct err *err);

/* Nanoseconds of a run, ten milliseconds of runs in all and some before that do not count: CPU time
 * at one thread, wall time at more; the mean without the worst, since a model too takes what the
 * speed is on average. NaN when there is none. One that fails has ended, which is no reason to give
 * up what is measured. */
double reference_read(struct reference *reference);

/* The median of many readings, four seconds in all: what a measurement begun now would see. The
 * longer one looks, the better the next seconds are known (docs/accuracy.md). `progress` may be
 * NULL. */
double reference_read_long(struct reference *reference, const struct progress_sink *progress);

void reference_close(struct reference *reference);

#endif
