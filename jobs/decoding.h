/* What follows for a decoder from the latency of a run: tokens per second, and its cache. */
#ifndef ASSAY_JOBS_DECODING_H
#define ASSAY_JOBS_DECODING_H

#include "core/prediction.h"
#include "jobs/subject.h"

/* tokens 0 when the model is no decoder. The cache as measured is left open: refused. */
void decoding_of(const struct subject *subject, const struct estimate *latency_ns,
                 struct decoding *out);

#endif
