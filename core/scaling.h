/* How a model's latency and throughput follow the batch, the threads and the replicas beside it. */
#ifndef ASSAY_CORE_SCALING_H
#define ASSAY_CORE_SCALING_H

#include "core/estimate.h"
#include "core/prediction.h"

#include <stdbool.h>
#include <stdint.h>

/* One configuration. Refused: `why` says so and every number is NaN; what a refusal holds for, one
 * thread count or batch whatever the others, is left 0 in these. */
struct scale_row {
    int64_t batch;
    uint32_t threads, replicas;
    struct estimate latency_ns;     /* of one replica beside the others, for a whole batch */
    struct estimate slowdown;       /* against the same replica alone: 1 or more */
    struct estimate per_second;     /* inferences (samples) of one replica */
    struct estimate per_second_all; /* of all */
    struct estimate peak_memory_bytes;
    struct upper_bound peak_memory_upper; /* of one replica */
    double memory_share;                  /* of the time, waiting for memory; 0 to 1 */
    const char *why;                      /* NULL: answered */
};

struct scaling {
    const char *model, *machine, *runtime, *runtime_version;
    uint32_t cpus; /* that may be used */
    struct scale_row *rows;
    uint32_t row_count, answered;
    int32_t best_throughput, best_latency; /* rows; -1 when none is answered */
    const char **warnings;
    uint32_t warning_count;
};

/* A run beside replicas, held against what a fit without its model says. */
struct judged_slowdown {
    int64_t id;
    const char *model_name;
    uint32_t replicas;
    struct estimate predicted;
    double measured;
};

#endif
