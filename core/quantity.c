#include "core/quantity.h"

static const struct {
    const char *name, *title;
} infos[] = {
    [QUANTITY_PEAK_BYTES] = {"peak_memory_bytes",     "peak memory"    },
    [QUANTITY_RESIDENT_BYTES] = {"resident_memory_bytes", "resident memory"},
    [QUANTITY_LOAD_NS] = {"load_time_ns",          "load time"      },
    [QUANTITY_FIRST_RUN_NS] = {"first_run_ns",          "first inference"},
};

_Static_assert(sizeof infos / sizeof *infos == QUANTITY_COUNT, "a row for each quantity");

const char *quantity_name(enum quantity quantity) {
    return infos[quantity].name;
}

const char *quantity_title(enum quantity quantity) {
    return infos[quantity].title;
}
