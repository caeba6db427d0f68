/* Runs of the database as the predictor's observations. */
#ifndef ASSAY_JOBS_TRAINING_H
#define ASSAY_JOBS_TRAINING_H

#include "base/arena.h"
#include "core/observation.h"
#include "core/run.h"

struct db;

/* The run metrics that say how fast the machine was. */
#define SPEED_PROBE_METRIC "vector_speed_probe_ns"
#define REFERENCE_METRIC   "reference_network_ns"
/* What the optimiser computes of the file ahead, and the largest result: of the model, but stored
 * with the run. */
#define FOLDED_METRIC         "folded_bytes"
#define FOLDED_LARGEST_METRIC "folded_largest_bytes"
/* Of a run beside replicas: what it took in between, while they halted. */
#define ALONE_WALL_METRIC "alone_wall_ns"
#define ALONE_CPU_METRIC  "alone_cpu_ns"
/* And how many CPUs it was allowed: with fewer than all of them need, replicas take turns. */
#define CPUS_METRIC "cpus_allowed"

struct training_filter {
    const char *machine; /* fingerprint */
    const char *runtime, *runtime_version;
    uint32_t threads;
    /* The model not to learn from (hash and name, either may be NULL): so that a measured model
     * can be predicted as if it were new. */
    const char *except_sha256, *except_name;
    struct feature_target target; /* of the machine */
};

/* Observations say how slow the machine was (struct yardsticks); load times are corrected.
 * Every run that fits the filter; several runs of one model count each. Lives in the arena. */
int training_load(struct arena *arena, struct db *db, const struct training_filter *filter,
                  struct training *out, struct err *err);

#endif
