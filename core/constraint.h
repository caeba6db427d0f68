/* What a plan must keep to, as people write it for other tools (jobs/constraints.h reads it): one
 * metric, one side, one number in SI units. */
#ifndef ASSAY_CORE_CONSTRAINT_H
#define ASSAY_CORE_CONSTRAINT_H

#include <stdbool.h>
#include <stdint.h>

enum constraint_metric {
    METRIC_LATENCY,       /* ns, of a whole request */
    METRIC_QUEUE,         /* ns, waiting for a replica */
    METRIC_COMPUTE,       /* ns, of the model alone */
    METRIC_TRANSFER,      /* ns, moving inputs and outputs */
    METRIC_TIME_TO_FIRST, /* ns, to the first token */
    METRIC_INTER_TOKEN,   /* ns, between tokens */
    METRIC_THROUGHPUT,    /* requests per second */
    METRIC_TOKENS_PER_SECOND,
    METRIC_MEMORY,          /* bytes, of all replicas: what runs on CPUs */
    METRIC_MEMORY_FREE,     /* bytes, of the nodes */
    METRIC_GPU_MEMORY,      /* bytes */
    METRIC_GPU_MEMORY_FREE, /* bytes */
    METRIC_GPU_UTILISATION, /* 0 to 1 */
    METRIC_GPU_POWER,       /* W */
    METRIC_UTILISATION,     /* 0 to 1, of the replicas */
    METRIC_REPLICAS,
    METRIC_NODES,
    METRIC_COST, /* USD per hour */
    METRIC_COUNT
};

/* percentile of a constraint whose metric has one */
#define CONSTRAINT_MEAN 0.0

struct constraint {
    enum constraint_metric metric;
    double percentile;  /* 0 < p < 100, or CONSTRAINT_MEAN */
    bool is_max;        /* at most `value`, else at least */
    bool is_strict;     /* written with < or >: `value` itself does not do */
    double value;       /* in the unit of the metric */
    const char *text;   /* as it was written: "perf_latency_p99: {max: 100}" */
    const char *source; /* FILE:LINE:COLUMN, or "--constraints" */
};

/* What is to be as large (or small) as possible, and how much that counts against the others. */
struct objective {
    enum constraint_metric metric;
    double percentile;
    bool is_max; /* more is better */
    double weight;
    const char *text;
};

struct constraint_metric_info {
    const char *name; /* "latency" */
    const char *unit; /* "ns", "bytes", "requests/s", "USD/h", "" */
    bool has_percentile;
    bool more_is_better;
};

const struct constraint_metric_info *constraint_metric_info(enum constraint_metric metric);

#endif
