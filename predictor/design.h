/* Which experiment to make next: arms are kinds of experiments (recipes of random networks), and
 * the arm whose results the present fit predicts worst, per second that they cost, is drawn most
 * often. Every arm is tried some times first. */
#ifndef ASSAY_PREDICTOR_DESIGN_H
#define ASSAY_PREDICTOR_DESIGN_H

#include "base/arena.h"
#include "base/rng.h"

#include <stdint.h>

struct design_arm {
    const char *name;
    double weight; /* prior: how much it matters, 1 is usual */
    uint32_t tried;
    double seconds; /* spent on it */
    double error;   /* recent root mean square of log(measured / predicted); decays */
};

struct design {
    struct design_arm *arms;
    uint32_t count;
    struct rng rng;
};

void design_init(struct design *design, struct arena *arena, uint32_t count, uint64_t seed);
/* The index of the arm to try next. */
uint32_t design_next(struct design *design);
/* What trying it gave; `log_error` NaN: nothing was predicted. */
void design_learn(struct design *design, uint32_t arm, double log_error, double seconds);
/* Root mean square of the arms' errors, by weight: how unsure predictions still are. */
double design_uncertainty(const struct design *design);

#endif
