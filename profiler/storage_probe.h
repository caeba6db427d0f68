/* How fast files are read: from the storage itself and out of the page cache, as a runtime reads a
 * model, in pieces of 4 MiB one after the other. */
#ifndef ASSAY_PROFILER_STORAGE_PROBE_H
#define ASSAY_PROFILER_STORAGE_PROBE_H

#include "base/err.h"

#include <stddef.h>

/* A median, the least and the most of some rounds. */
struct probed {
    double value, low, high;
};

struct storage_rates {
    struct probed cold_bytes_per_s, warm_bytes_per_s; /* behind the first piece */
    struct probed cold_delay_ns; /* that the first piece takes longer than the rate says */
};

/* Writes a file of a little more than `bytes` into `folder`, reads it some times, removes it.
 * ERR_ENVIRONMENT when there is no room, or when the file cannot be put out of the page cache: a
 * folder in memory. */
int storage_probe(const char *folder, size_t bytes, struct storage_rates *out, struct err *err);

#endif
