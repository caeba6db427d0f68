/* An unknown machine becomes a calibrated one: random networks are measured until the time is
 * spent, what is predicted worst is measured most. */
#ifndef ASSAY_JOBS_CALIBRATE_H
#define ASSAY_JOBS_CALIBRATE_H

#include "jobs/fit.h"
#include "predictor/design.h"

#include <stdbool.h>
#include <stdint.h>

struct progress;

struct calibrate_request {
    const char *collector;
    uint32_t threads;
    uint64_t budget_ns;
    uint64_t seed;
    const char *const *recipes; /* names of those to take; none given: all */
    uint32_t recipe_count;
};

struct calibrated {
    struct place place;
    struct fitted fitted;
    struct design design;      /* the recipes: tries, seconds, errors */
    uint32_t networks, failed; /* measured now; given up */
    uint32_t together;         /* of these once more, beside replicas */
    const char *last_failure;  /* "" when none */
    uint32_t networks_before;  /* stored by earlier calibrations of this place */
    const char *const *unseen; /* operator types that no run here has executed, sorted */
    uint32_t unseen_count;
    /* What the reference network took beside the networks: the middle, and between which bounds it
     * was beside eight of ten; NaN without one. */
    double reference_ns, reference_low_ns, reference_high_ns;
    const char *no_reference; /* why there was none; NULL: there was */
    double measuring_share;   /* of the time, spent in loading and running networks */
    double seconds;
};

/* The machine's speed changed by more while it was measured than neighbours' ordinary comings and
 * goings change it: somebody else has used it. */
bool calibrated_is_disturbed(const struct calibrated *done);

/* Every network is stored when it is measured: an interrupted calibration goes on where it was,
 * with seeds not used before. Ends with a stored fit. */
int job_calibrate(struct arena *arena, struct db *db, const struct calibrate_request *request,
                  struct progress *progress, struct calibrated *out, struct err *err);

#endif
