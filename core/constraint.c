#include "core/constraint.h"

#include <assert.h>
#include <stddef.h>

static const struct constraint_metric_info metrics[] = {
    [METRIC_LATENCY] = {"latency",                 "ns",         true,  false},
    [METRIC_QUEUE] = {"queue",                   "ns",         true,  false},
    [METRIC_COMPUTE] = {"compute",                 "ns",         true,  false},
    [METRIC_TRANSFER] = {"transfer",                "ns",         true,  false},
    [METRIC_TIME_TO_FIRST] = {"time_to_first_token",     "ns",         true,  false},
    [METRIC_INTER_TOKEN] = {"inter_token_latency",     "ns",         true,  false},
    [METRIC_THROUGHPUT] = {"throughput",              "requests/s", false, true },
    [METRIC_TOKENS_PER_SECOND] = {"output_token_throughput", "tokens/s",   false, true },
    [METRIC_MEMORY] = {"memory",                  "bytes",      false, false},
    [METRIC_MEMORY_FREE] = {"memory_free",             "bytes",      false, true },
    [METRIC_GPU_MEMORY] = {"gpu_memory",              "bytes",      false, false},
    [METRIC_GPU_MEMORY_FREE] = {"gpu_memory_free",         "bytes",      false, true },
    [METRIC_GPU_UTILISATION] = {"gpu_utilisation",         "",           false, true },
    [METRIC_GPU_POWER] = {"gpu_power",               "W",          false, false},
    [METRIC_UTILISATION] = {"utilisation",             "",           false, true },
    [METRIC_REPLICAS] = {"replicas",                "",           false, false},
    [METRIC_NODES] = {"nodes",                   "",           false, false},
    [METRIC_COST] = {"cost",                    "USD/h",      false, false},
};

static_assert(sizeof metrics / sizeof *metrics == METRIC_COUNT, "a row for each metric");

const struct constraint_metric_info *constraint_metric_info(enum constraint_metric metric) {
    return &metrics[metric];
}
