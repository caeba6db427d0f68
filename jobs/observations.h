/* What a fit of this place learns from, to be carried elsewhere. */
#ifndef ASSAY_JOBS_OBSERVATIONS_H
#define ASSAY_JOBS_OBSERVATIONS_H

#include "jobs/fit.h"

/* All observations of the place. `networks` other than 0 thins the runs of calibrations out to
 * about as many, evenly, and keeps those beyond that a rare kernel class needs. ERR_INPUT when
 * there are none. */
int job_observations(struct arena *arena, struct db *db, const struct place *place,
                     uint32_t networks, struct training *out, struct err *err);

/* A fit of what `assay observations` wrote; it is not stored. */
int job_fit_file(struct arena *arena, const char *path, struct fitted *out, struct err *err);

#endif
