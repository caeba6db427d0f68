/* Constraints in the forms people already have:
 *
 * A file of Triton Model Analyzer (YAML): `constraints:` of tags with min and max, for all models
 * or under profile_models.MODEL, with the shorthands latency_budget and min_throughput and with
 * `objectives`. Its units: ms, infer/s, MB (10^6 bytes), %, W. Keys of it that say how to profile
 * are left out and named in a note.
 *
 * A text of llm-optimizer: "latency:p99<50ms;throughput>200;memory<2GiB;cost<1.5"; metric, a
 * statistic (mean, median, pN; mean when left out), <, <=, > or >=, and a number with its unit.
 */
#ifndef ASSAY_JOBS_CONSTRAINTS_H
#define ASSAY_JOBS_CONSTRAINTS_H

#include "base/arena.h"
#include "base/err.h"
#include "core/constraint.h"
#include "core/plan.h"

#include <stddef.h>

struct constraints {
    const struct constraint *items;
    uint32_t count;
    const struct objective *objectives;
    uint32_t objective_count;
    const char *note; /* keys that were left out; NULL: none */
};

/* `given` is the name of a file, or a text when it holds < or >. `model` chooses among
 * profile_models; NULL takes the only one. All of it lives in the arena. ERR_INPUT with
 * FILE:LINE:COLUMN for a file, ERR_USAGE for a text. */
int constraints_read(struct arena *arena, const char *given, const char *model,
                     struct constraints *constraints, struct err *err);
int constraints_parse_text(struct arena *arena, const char *text, struct constraints *constraints,
                           struct err *err);
int constraints_parse_yaml(struct arena *arena, const char *text, size_t size, const char *name,
                           const char *model, struct constraints *constraints, struct err *err);

/* Upper limits of latency percentiles are targets of a plan: adds them to those there are. */
void constraints_add_targets(struct arena *arena, const struct constraints *constraints,
                             const struct slo **targets, uint32_t *target_count);

#endif
