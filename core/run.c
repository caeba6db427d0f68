#include "core/run.h"

#include <stddef.h>

static const struct metric_info infos[METRIC_BUILTIN_COUNT] = {
    [METRIC_WALL_NS] = {"wall_ns",         "ns",    "wall time"                              },
    [METRIC_CPU_NS] = {"cpu_ns",          "ns",    "CPU time of all threads"                },
    [METRIC_PEAK_BYTES] = {"peak_bytes",      "bytes", "largest resident set of a fresh process"},
    [METRIC_RESIDENT_BYTES] = {"resident_bytes",  "bytes", "resident set after the steady runs"     },
    [METRIC_LIBRARY_LOAD_NS] = {"library_load_ns", "ns",    "loading the runtime's library"          },
    [METRIC_LOAD_NS] = {"load_ns",         "ns",    "session creation"                       },
    [METRIC_FIRST_RUN_NS] = {"first_run_ns",    "ns",    "first inference"                        },
    [METRIC_BASELINE_BYTES] = {"baseline_bytes",  "bytes", "resident set before the session"        },
    [METRIC_LOADED_BYTES] = {"loaded_bytes",    "bytes", "largest resident set after the load"    },
};

const struct metric_info *metric_info(enum metric metric) {
    return (unsigned)metric < METRIC_BUILTIN_COUNT ? &infos[metric] : NULL;
}
