/* A decoder works in two phases, which cost different things: prefill takes a whole prompt at once,
 * decode one token after the other. A profile that names neither size measures both. */
#ifndef ASSAY_JOBS_DECODER_PHASES_H
#define ASSAY_JOBS_DECODER_PHASES_H

#include "jobs/subject.h"

enum { DECODER_PHASES_MAX = 2, PREFILL_TOKENS = 128 };

struct decoder_phase {
    const char *name; /* "prefill"; "" when there is one, as asked for */
    struct subject_request request;
};

/* One phase for what is no decoder, or when tokens or past are given; else a prompt of
 * PREFILL_TOKENS, and one token behind it. Fails when the file cannot be opened. */
int decoder_phases(struct arena *arena, const struct subject_request *request,
                   struct decoder_phase phases[static DECODER_PHASES_MAX], uint32_t *count,
                   struct err *err);

#endif
