#include "core/quantity.h"

#include <stddef.h>

static const struct {
    const char *name, *title, *phase;
} infos[] = {
    [QUANTITY_PEAK_BYTES] = {"peak_memory_bytes",     "peak memory",     NULL           },
    [QUANTITY_RESIDENT_BYTES] = {"resident_memory_bytes", "resident memory", NULL           },
    [QUANTITY_LOAD_NS] = {"load_time_ns",          "load time",       "load"         },
    [QUANTITY_FIRST_RUN_NS] = {"first_run_ns",          "first inference", "first_run"    },
    [QUANTITY_PROCESS_START_NS] = {"process_start_ns",      "process start",   "process_start"},
    [QUANTITY_LIBRARY_LOAD_NS] = {"library_load_ns",       "runtime library", "library_load" },
    [QUANTITY_FILE_READ_NS] = {"file_read_ns",          "file read",       "file_read"    },
    [QUANTITY_PARSE_NS] = {"parse_ns",              "parse",           "parse"        },
    [QUANTITY_OPTIMISE_NS] = {"optimise_ns",           "optimise",        "optimise"     },
    [QUANTITY_REORDER_NS] = {"reorder_ns",            "reorder filters", "reorder"      },
    [QUANTITY_PREPACK_NS] = {"prepack_ns",            "prepack",         "prepack"      },
};

_Static_assert(sizeof infos / sizeof *infos == QUANTITY_COUNT, "a row for each quantity");

const char *quantity_name(enum quantity quantity) {
    return infos[quantity].name;
}

const char *quantity_title(enum quantity quantity) {
    return infos[quantity].title;
}

const char *quantity_phase(enum quantity quantity) {
    return infos[quantity].phase;
}
