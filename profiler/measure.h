/* Measures a model through a collector: plain and hooked processes, warm-up, batches that take
 * turns, and an end when the median is known well enough or the budget is spent.
 *
 * The plain processes come one after the other, each freshly started: each gives its cold numbers
 * and its memory. A hooked process lives beside them, and plain and hooked batches alternate,
 * because a machine's speed drifts by several per cent within minutes.
 *
 * Replicas beside the measured process (profiler/neighbours.h) run during all batches but those
 * that are made to know what it takes alone, in the same minute.
 *
 * More events than the hardware counts at once are cut into sets (counters_sets): the hooked
 * processes take the sets in turn, and there are at least as many of them as sets.
 *
 * At one thread the runs during which other programs held the CPU are set aside, if enough remain:
 * their wall time says something about those programs. The disturbance is reported all the same.
 */
#ifndef ASSAY_PROFILER_MEASURE_H
#define ASSAY_PROFILER_MEASURE_H

#include "base/arena.h"
#include "base/err.h"
#include "collectors/collector.h"
#include "core/run.h"
#include "profiler/overhead.h"
#include "profiler/protocol.h"
#include "profiler/summarise.h"
#include "profiler/warnings.h"

enum stop_reason {
    STOP_STEADY,  /* the target was reached */
    STOP_REPEATS, /* max_repeats */
    STOP_BUDGET,  /* time */
};

/* One operator of the lowered graph. All NaN with count 0 when it never ran (an untaken branch). */
struct measured_op {
    struct summary wall_raw_ns, cpu_raw_ns; /* between start and stop, measuring cost included */
    struct summary wall_ns, cpu_ns;         /* measuring cost subtracted, never below 1 ns */
    /* As the names in measured.events; what measuring counts subtracted, if it is known. */
    const struct summary *events;
};

struct measured {
    uint32_t threads;
    uint32_t replicas; /* side by side; 1: it was alone */
    uint32_t cpus;     /* that this process may use */
    double target;     /* of the protocol */

    struct summary wall_ns, cpu_ns;                   /* plain: the latency */
    struct summary alone_wall_ns, alone_cpu_ns;       /* plain, while the other replicas halted */
    struct summary profiled_wall_ns, profiled_cpu_ns; /* the same run, hooked */
    struct summary brackets_wall_ns, brackets_cpu_ns; /* sum of raw operators of a hooked run */
    /* The undisturbed tenth of the same: plain runs, and sums of raw operators. */
    struct fastest fastest_wall_ns, fastest_cpu_ns;
    struct fastest fastest_brackets_wall_ns, fastest_brackets_cpu_ns;
    struct overhead overhead;
    double operators_wall_ns, operators_cpu_ns; /* sum of corrected operators' medians */
    double calls_per_run;                       /* operators executed in a hooked run, median */

    struct measured_op *ops; /* by place in the flat graph; NULL without hooks */
    uint32_t op_count;
    const struct flat_graph *hooked; /* borrowed from the config: what they are; may be NULL */
    const char *const *events;       /* borrowed from the config */
    struct summary *run_events;      /* per run: of the hooked one, or of the plain without hooks */
    uint32_t event_count;
    uint32_t event_sets;               /* that they were counted in, one after the other; 0: none */
    double *event_running;             /* part of the time that each was counted; NaN: not known */
    const char *const *missing_events; /* "cycles: not supported here" */
    uint32_t missing_event_count;

    /* Over the plain processes. */
    struct summary library_load_ns, load_ns, first_run_ns;
    struct summary baseline_bytes, loaded_bytes, peak_bytes, resident_bytes;
    struct summary process_start_ns, library_bytes, file_read_ns, cache_bytes;
    struct summary read_parse_ns, optimise_ns, reorder_ns, prepack_ns; /* parts of load_ns */

    struct disturbance disturbance;     /* of the kept runs; switches and faults added up */
    double running_ns;                  /* that these took, of all processes */
    uint32_t plain_runs, profiled_runs; /* kept, those set aside (readings.h) left out */
    uint32_t all_runs;                  /* plain ones with those set aside */
    uint32_t processes;
    double process_medians[PROTOCOL_PROCESSES_MAX]; /* wall time, plain */
    uint32_t outliers;                              /* among the plain runs */
    struct two_groups groups;                       /* of the plain runs */
    double drift;                                   /* last third over first third, minus 1 */
    struct summary speed_probe_ns; /* a fixed piece of work, timed between batches */
    struct summary reference_ns;   /* a run of the reference network, between batches too */
    enum stop_reason stop;

    const struct warning *warnings;
    uint32_t warning_count;
};

/* Time beside the other replicas over the time alone: CPU time where each has a CPU of its own,
 * which other programs disturb less, else wall time. NaN when there were no replicas. */
double measured_slowdown(const struct measured *measured);

/* `config` says what is hooked; without `hooked` only plain processes run. Everything in `out`
 * lives in the arena. `progress` may be NULL. When a process fails the others are ended and the
 * collector's error is passed on. */
int profile_measure(struct arena *arena, const struct collector *collector,
                    const struct collect_config *config, const struct protocol *protocol,
                    struct measured *out, const struct progress_sink *progress, struct err *err);

#endif
