/* The network that tells how fast the machine is (profiler/reference.h): an architecture of the
 * zoo, always with the same weights. */
#ifndef ASSAY_JOBS_REFERENCE_NETWORK_H
#define ASSAY_JOBS_REFERENCE_NETWORK_H

#include "profiler/reference.h"

/* Builds it and starts it under the collector with so many intra-op threads. A collector that runs
 * no networks of ours has none, which is not an error. Whoever calls this calls
 * reference_close(). */
int reference_network_open(struct arena *arena, const struct collector *collector, uint32_t threads,
                           struct reference *out, struct err *err);

#endif
