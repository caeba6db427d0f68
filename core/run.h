/* A run: one model under one set of conditions, what was measured and how disturbed it was. */
#ifndef ASSAY_CORE_RUN_H
#define ASSAY_CORE_RUN_H

#include "core/dtype.h"

#include <stdint.h>

struct dim_binding {
    const char *symbol;
    int64_t size;
};

/* What a latency depends on besides model and machine. */
struct conditions {
    const char *runtime;         /* "onnxruntime" */
    const char *runtime_version; /* "1.30.0" */
    uint32_t threads;            /* intra-op */
    int64_t batch;               /* leading dimension; 0: as the file has it */
    uint32_t dim_count;
    const struct dim_binding *dims; /* symbolic dimensions as bound, sorted by symbol */
    uint32_t replicas;              /* copies that run side by side; 0 and 1: it is alone */
};

static inline uint32_t conditions_replicas(const struct conditions *conditions) {
    return conditions->replicas > 1 ? conditions->replicas : 1;
}

/* What can be measured; a row each in core/run.c with name and unit. Counters opened by name get
 * metrics METRIC_COUNTER_FIRST + i, named by the run's counter list. */
enum metric {
    METRIC_WALL_NS,
    METRIC_CPU_NS,
    METRIC_PEAK_BYTES,      /* VmHWM of a fresh process */
    METRIC_RESIDENT_BYTES,  /* VmRSS after the steady runs of that process */
    METRIC_LIBRARY_LOAD_NS, /* dlopen of the runtime and its environment */
    METRIC_LOAD_NS,         /* session creation */
    METRIC_FIRST_RUN_NS,
    METRIC_BASELINE_BYTES,   /* VmRSS before the session is made, runtime loaded */
    METRIC_LOADED_BYTES,     /* VmHWM after session creation */
    METRIC_PROCESS_START_NS, /* from exec to the first line of the worker */
    METRIC_LIBRARY_BYTES,    /* size of the runtime's library file */
    METRIC_FILE_READ_NS,     /* the model file once more, out of the page cache */
    /* Parts of session creation, by what the runtime tells of itself. */
    METRIC_READ_PARSE_NS, /* the file read, parsed and made a graph */
    METRIC_OPTIMISE_NS,   /* graph rewritten, but for the filters; operators assigned */
    METRIC_REORDER_NS,    /* filters made anew for blocked convolutions */
    METRIC_PREPACK_NS,    /* weights made tensors, kernels created, matrices packed */
    METRIC_CACHE_BYTES,   /* what a decoder's cache of keys and values takes */
    METRIC_BUILTIN_COUNT,
    METRIC_COUNTER_FIRST = 32,
    METRIC_COUNTER_MAX = 8, /* counted at once */
    /* Which part of a run's time each counter really counted, 0 to 1: of runs only. */
    METRIC_RUNNING_FIRST = METRIC_COUNTER_FIRST + METRIC_COUNTER_MAX,
    METRIC_EVENTS_MAX = 32 /* counted in turns, set after set */
};

struct metric_info {
    const char *name; /* "wall_ns" */
    const char *unit; /* "ns", "bytes", "1" */
    const char *help;
};

const struct metric_info *metric_info(enum metric metric); /* NULL for counters */

enum { SAMPLE_OF_RUN = -1 };

/* One reading. Fixed size; the hot path writes it into a preallocated ring. */
struct sample {
    int32_t op;      /* index into the lowered graph's operators, or SAMPLE_OF_RUN */
    uint16_t metric; /* enum metric */
    uint16_t phase;  /* enum run_phase */
    uint32_t repeat; /* which repetition */
    double value;
};

enum run_phase {
    PHASE_PLAIN,    /* steady state, no hooks */
    PHASE_PROFILED, /* steady state, hooks on every operator */
    PHASE_COLD,     /* process start, load, first inference */
};

/* Many readings of one thing, told in five numbers. The interval is 90 %. */
struct summary {
    double median, low, high;
    double spread; /* robust standard deviation / median */
    uint32_t count;
};

/* What disturbed a run, between two readings of the kernel's books. */
struct disturbance {
    uint64_t voluntary_switches, involuntary_switches;
    uint64_t minor_faults, major_faults;
    double steal_fraction;  /* of all CPU time of the machine; 0 to 1 */
    double throttled_ns;    /* cgroup quota */
    double load_average;    /* 1 minute, at the end */
    double frequency_ratio; /* lowest / highest CPU frequency seen; 0: not readable */
};

/* Who receives samples. The profiler writes, the database or a test reads. */
struct sink {
    void (*put)(void *context, const struct sample *sample);
    void *context;
};

#endif
