/* Which runs are left out together when a whole family of models is. */
#ifndef ASSAY_JOBS_FAMILIES_H
#define ASSAY_JOBS_FAMILIES_H

#include "base/arena.h"
#include "base/err.h"
#include "core/observation.h"

struct family_pattern {
    const char *name, *pattern; /* of model names, as of files: * ? [...] */
};

/* "NAME=PATTERN"; ERR_USAGE when it is not that. */
int family_pattern_parse(struct arena *arena, const char *text, struct family_pattern *out,
                         struct err *err);

/* A name for every run: by the first pattern that fits its model's name, else the recipe of a
 * random network ("random/encoder"), else the family of an architecture of the zoo, else that of
 * the models of others which do alike work (predictor/alike.h). */
const char *const *families_of(struct arena *arena, const struct training *training,
                               const struct family_pattern *patterns, uint32_t pattern_count);

#endif
