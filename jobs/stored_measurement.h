/* A stored run in the shape of a prediction, so that both can stand beside each other. */
#ifndef ASSAY_JOBS_STORED_MEASUREMENT_H
#define ASSAY_JOBS_STORED_MEASUREMENT_H

#include "core/prediction.h"
#include "db/run.h"

/* `run` was read with its operators. Everything is copied into the arena. */
void stored_measurement(struct arena *arena, const struct stored_run *run, struct prediction *out);

#endif
