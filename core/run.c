#include "core/run.h"

#include <stddef.h>

static const struct metric_info infos[METRIC_BUILTIN_COUNT] = {
    [METRIC_WALL_NS] = {"wall_ns",          "ns",    "wall time"                                        },
    [METRIC_CPU_NS] = {"cpu_ns",           "ns",    "CPU time of all threads"                          },
    [METRIC_PEAK_BYTES] = {"peak_bytes",       "bytes", "largest resident set of a fresh process"          },
    [METRIC_RESIDENT_BYTES] = {"resident_bytes",   "bytes", "resident set after the steady runs"               },
    [METRIC_LIBRARY_LOAD_NS] = {"library_load_ns",  "ns",    "loading the runtime's library"                    },
    [METRIC_LOAD_NS] = {"load_ns",          "ns",    "session creation"                                 },
    [METRIC_FIRST_RUN_NS] = {"first_run_ns",     "ns",    "first inference"                                  },
    [METRIC_BASELINE_BYTES] = {"baseline_bytes",   "bytes", "resident set before the session"                  },
    [METRIC_LOADED_BYTES] = {"loaded_bytes",     "bytes", "largest resident set after the load"              },
    [METRIC_PROCESS_START_NS] = {"process_start_ns", "ns",    "starting the process"                             },
    [METRIC_LIBRARY_BYTES] = {"library_bytes",    "bytes", "size of the runtime's library"                    },
    [METRIC_FILE_READ_NS] = {"file_read_ns",     "ns",    "reading the model file out of the page cache"     },
    [METRIC_READ_PARSE_NS] = {"read_parse_ns",    "ns",    "session creation: reading and parsing"            },
    [METRIC_OPTIMISE_NS] = {"optimise_ns",      "ns",    "session creation: optimising the graph"           },
    [METRIC_REORDER_NS] = {"reorder_ns",       "ns",    "session creation: reordering filters"             },
    [METRIC_CACHE_BYTES] = {"cache_bytes",      "bytes", "cache of keys and values"                         },
    [METRIC_PREPACK_NS] = {"prepack_ns",       "ns",    "session creation: making kernels, packing weights"},
};

const struct metric_info *metric_info(enum metric metric) {
    return (unsigned)metric < METRIC_BUILTIN_COUNT ? &infos[metric] : NULL;
}
