#include "predictor/design.h"

#include <math.h>

enum { FIRST_TRIES = 3 };
static const double error_before = 0.5; /* of an arm that was never predicted */
static const double error_floor = 0.03; /* noise: below it there is nothing to learn */
static const double memory = 0.8;       /* share of the old error that stays */

void design_init(struct design *design, struct arena *arena, uint32_t count, uint64_t seed) {
    *design = (struct design){ARENA_ARRAY(arena, count, struct design_arm), count, {{0}}};
    rng_init(&design->rng, seed);
    for (uint32_t i = 0; i < count; i++)
        design->arms[i] = (struct design_arm){.name = "", .weight = 1, .error = error_before};
}

static double seconds_per_try(const struct design_arm *arm) {
    return arm->tried && arm->seconds > 0 ? arm->seconds / arm->tried : 1;
}

/* Arms that were tried less than their share of the first pass come first. */
static double urgency(const struct design_arm *arm) {
    if (arm->tried < FIRST_TRIES * arm->weight)
        return 1e6 * arm->weight / (1 + arm->tried);
    return arm->weight * (arm->error + error_floor) / sqrt(seconds_per_try(arm));
}

uint32_t design_next(struct design *design) {
    double total = 0;
    for (uint32_t i = 0; i < design->count; i++)
        total += urgency(&design->arms[i]);
    double drawn = rng_uniform(&design->rng) * total;
    for (uint32_t i = 0; i < design->count; i++) {
        drawn -= urgency(&design->arms[i]);
        if (drawn < 0)
            return i;
    }
    return design->count - 1;
}

void design_learn(struct design *design, uint32_t index, double log_error, double seconds) {
    struct design_arm *arm = &design->arms[index];
    arm->tried++;
    arm->seconds += seconds;
    if (isfinite(log_error))
        arm->error = sqrt(memory * arm->error * arm->error + (1 - memory) * log_error * log_error);
}

double design_uncertainty(const struct design *design) {
    double squares = 0, weight = 0;
    for (uint32_t i = 0; i < design->count; i++) {
        squares += design->arms[i].weight * design->arms[i].error * design->arms[i].error;
        weight += design->arms[i].weight;
    }
    return weight > 0 ? sqrt(squares / weight) : 0;
}
