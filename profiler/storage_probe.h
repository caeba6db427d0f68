/* How fast files are read: from the storage itself and out of the page cache, as a runtime reads a
 * model, in pieces of 4 MiB one after the other. */
#ifndef ASSAY_PROFILER_STORAGE_PROBE_H
#define ASSAY_PROFILER_STORAGE_PROBE_H

#include "base/err.h"

#include <stddef.h>

struct read_rate {
    double bytes_per_s;
    double low, high; /* slowest and fastest of the rounds */
};

struct storage_rates {
    struct read_rate cold, warm;
};

/* Writes a file of `bytes` into `folder`, reads it some times, removes it. ERR_ENVIRONMENT when
 * there is no room, or when the file cannot be put out of the page cache: a folder in memory. */
int storage_probe(const char *folder, size_t bytes, struct storage_rates *out, struct err *err);

#endif
