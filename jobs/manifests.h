/* Writes the Kubernetes manifests of a plan into a folder. */
#ifndef ASSAY_JOBS_MANIFESTS_H
#define ASSAY_JOBS_MANIFESTS_H

#include "jobs/plan.h"
#include "reports/manifest.h"

struct manifests_written {
    const char *const *paths; /* each with the folder before it */
    uint32_t count;
    const char *const *notes; /* for people */
    uint32_t note_count;
};

/* Each file appears whole or not at all. A file of the same name that lacks manifest_mark is not
 * touched and refuses the call before anything is written (ERR_INPUT); files with the mark that
 * belong to another choice of autoscaler are removed. The plan must be of a model (ERR_USAGE) and
 * have an answer. */
int job_manifests(struct arena *arena, const struct planned *planned,
                  const struct manifest_settings *settings, const char *folder,
                  struct manifests_written *out, struct err *err);

/* What the manifests say of a plan; everything is borrowed or lives in the arena. */
void manifest_input_of(struct arena *arena, const struct planned *planned,
                       struct manifest_input *out);

#endif
