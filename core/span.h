/* What a program was seen doing: spans of time on tracks, and readings over time. Spans come from
 * a recording of ours (probes, hooks) or from another tool's trace; whoever reads them out of a
 * source puts them into a sink and keeps none.
 */
#ifndef ASSAY_CORE_SPAN_H
#define ASSAY_CORE_SPAN_H

#include "base/err.h"

#include <stdint.h>

/* What sort of work, for reports that compare sources. */
enum span_kind {
    SPAN_OPERATOR,   /* of a model, on the host: at::conv2d, Conv */
    SPAN_CALL,       /* into a runtime or driver: cudaLaunchKernel */
    SPAN_KERNEL,     /* on a device */
    SPAN_COPY,       /* between memories, on a device */
    SPAN_SET,        /* memory set, on a device */
    SPAN_ANNOTATION, /* a range that the user named */
    SPAN_OTHER,
    SPAN_SESSION, /* the profiler's own word on when it watched: counted, part of no tree */
    SPAN_KIND_COUNT
};

const char *span_kind_name(enum span_kind kind); /* "operator"; NULL: none of them */

/* One span. Texts are borrowed for the call that hands it over. Spans of a track nest or follow
 * one another; they come in any order. */
struct span {
    const char *name;
    const char *category; /* as the source writes it: "cpu_op"; NULL: it has none */
    enum span_kind kind;
    uint64_t track;                /* a thread or a queue of a device, numbered by the source */
    int64_t start_ns, duration_ns; /* on any clock, one for all spans; duration is not negative */
    const char
        *shapes; /* "1x3x224x224 64x3x7x7": inputs, "-" for what is no tensor; NULL: not said */
    const char *dtypes;   /* as the source writes them, one per shape; NULL: not said */
    uint64_t correlation; /* ties a call to the kernels it started; 0: none */
};

/* A line of somebody's table of operators: no moment, only what it cost. */
struct table_row {
    const char *name;       /* "gemm" */
    const char *device;     /* "NVIDIA A100-PCIE-40GB"; NULL: the table does not say */
    const char *shapes;     /* as in struct span; NULL */
    const char *dtypes;     /* NULL */
    const char *attributes; /* "m=128 n=4096 k=11008", sorted by key; NULL */
    uint64_t count;         /* executions behind the number; 0: not said */
    double time_ns; /* of one execution: median or mean, as the mapping says; NaN: not said */
    double low_ns, high_ns; /* smallest and largest seen; NaN: not said */
};

/* A reading at a moment: memory of the process, a thread's CPU time. */
struct track_sample {
    const char *metric; /* "pss_bytes" */
    const char *unit;   /* "bytes" */
    uint64_t track;     /* 0: the whole program */
    int64_t at_ns;      /* on the clock of the spans */
    double value;
};

enum track_kind { TRACK_THREAD, TRACK_QUEUE, TRACK_KIND_COUNT };

const char *track_kind_name(enum track_kind kind); /* "thread"; NULL: none of them */

/* Who receives them. A callback that returns other than 0 ends the reading with its error; a NULL
 * callback is not interested. */
struct span_sink {
    void *context;
    int (*span)(void *context, const struct span *span, struct err *err);
    int (*row)(void *context, const struct table_row *row, struct err *err);
    int (*sample)(void *context, const struct track_sample *sample, struct err *err);
    /* A track's name, at any time, at most once: "main", "stream 7". */
    int (*track)(void *context, uint64_t track, enum track_kind kind, const char *name,
                 struct err *err);
    /* Something said once about the whole: "device" = "NVIDIA A100", "program" = "python3". */
    int (*fact)(void *context, const char *key, const char *value, struct err *err);
};

#endif
