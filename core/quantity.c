#include "core/quantity.h"

static const struct {
    const char *name, *title;
} infos[] = {
    [QUANTITY_PEAK_BYTES] = {"peak_memory_bytes",     "peak memory"    },
    [QUANTITY_RESIDENT_BYTES] = {"resident_memory_bytes", "resident memory"},
    [QUANTITY_LOAD_NS] = {"load_time_ns",          "load time"      },
    [QUANTITY_FIRST_RUN_NS] = {"first_run_ns",          "first inference"},
    [QUANTITY_PROCESS_START_NS] = {"process_start_ns",      "process start"  },
    [QUANTITY_LIBRARY_LOAD_NS] = {"library_load_ns",       "runtime library"},
    [QUANTITY_FILE_READ_NS] = {"file_read_ns",          "file read"      },
    [QUANTITY_PARSE_NS] = {"parse_ns",              "parse"          },
    [QUANTITY_OPTIMISE_NS] = {"optimise_ns",           "optimise"       },
    [QUANTITY_REORDER_NS] = {"reorder_ns",            "reorder filters"},
    [QUANTITY_PREPACK_NS] = {"prepack_ns",            "prepack"        },
};

_Static_assert(sizeof infos / sizeof *infos == QUANTITY_COUNT, "a row for each quantity");

const char *quantity_name(enum quantity quantity) {
    return infos[quantity].name;
}

const char *quantity_title(enum quantity quantity) {
    return infos[quantity].title;
}
