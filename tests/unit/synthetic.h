/* Worlds whose laws are known: operators with drawn terms and times that follow from given rates,
 * in models with a quirk of their own, measured with noise. */
#ifndef ASSAY_TESTS_SYNTHETIC_H
#define ASSAY_TESTS_SYNTHETIC_H

#include "base/rng.h"
#include "core/observation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct world {
    struct arena *arena;
    struct rng rng;
    struct observation *observations;
    struct observed_run *runs;
    uint32_t observation_count, observation_capacity, run_count, run_capacity;
    double op_noise, model_noise; /* standard deviations of logarithms */
    double ratio;                 /* of a run to the sum of its operators */
    double factor;                /* of the present model's operators */
};

static inline void world_init(struct world *w, struct arena *arena, uint64_t seed) {
    *w = (struct world){.arena = arena, .op_noise = 0.03, .ratio = 1.1, .factor = 1};
    rng_init(&w->rng, seed);
}

static inline double world_between(struct world *w, double low, double high) {
    return low * pow(high / low, rng_uniform(&w->rng));
}

/* What the true machine takes. All three families have a call of 1 us. */
static inline double world_truth_ns(const struct features *f) {
    const double *t = f->terms;
    switch (f->family) {
    case FAMILY_MATMUL:
        return 1000 + 0.02 * t[1] + 0.3 * t[3] + 50 * t[7];
    case FAMILY_ELEMENTWISE:
        return 1000 + 0.4 * t[1] + 0.05 * t[2];
    default:
        return 1000 + 0.2 * t[1];
    }
}

static inline struct features world_features(struct world *w, enum kernel_family family,
                                             const char *key) {
    struct features f = {.family = family};
    snprintf(f.key, sizeof f.key, "%s", key);
    f.terms[0] = 1;
    if (family == FAMILY_MATMUL) {
        f.flops = f.terms[1] = world_between(w, 1e5, 1e8);
        f.bytes_weights = f.terms[3] = world_between(w, 1e3, 1e6);
        f.terms[7] = (double)rng_between(&w->rng, 1, 32);
    } else {
        f.flops = f.terms[1] = world_between(w, 1e3, 1e6);
        f.bytes_in = f.terms[2] = 4 * f.terms[1] * (1 + rng_uniform(&w->rng));
    }
    f.bytes_out = world_between(w, 1e3, 1e6);
    return f;
}

/* Begins a model; its operators follow. */
static inline uint32_t world_model(struct world *w, const char *name, const char *sha256) {
    struct observed_run *run = ARENA_PUSH(w->arena, w->runs, w->run_count, w->run_capacity);
    *run = (struct observed_run){.id = w->run_count,
                                 .model_name = arena_strdup(w->arena, name),
                                 .model_sha256 = arena_strdup(w->arena, sha256),
                                 .latency_ns = 0,
                                 .cpu_ns = 0,
                                 .peak_bytes = NAN,
                                 .resident_bytes = NAN,
                                 .baseline_bytes = NAN,
                                 .load_ns = NAN,
                                 .first_run_ns = NAN};
    w->factor = exp(w->model_noise * rng_normal(&w->rng));
    return w->run_count - 1;
}

static inline void world_observe(struct world *w, const struct features *features, double wall_ns) {
    struct observation *o =
        ARENA_PUSH(w->arena, w->observations, w->observation_count, w->observation_capacity);
    *o = (struct observation){.features = *features,
                              .wall_ns = wall_ns,
                              .spread = w->op_noise,
                              .op = (int32_t)w->observation_count,
                              .run = w->run_count - 1};
    struct observed_run *run = &w->runs[w->run_count - 1];
    run->latency_ns += w->ratio * wall_ns;
    run->cpu_ns = run->latency_ns;
}

static inline void world_operator(struct world *w, enum kernel_family family, const char *key) {
    struct features f = world_features(w, family, key);
    world_observe(w, &f, world_truth_ns(&f) * w->factor * exp(w->op_noise * rng_normal(&w->rng)));
}

/* A model of matrix products and elementwise operators. */
static inline uint32_t world_usual_model(struct world *w, uint32_t number, int operators) {
    char name[32];
    snprintf(name, sizeof name, "model%u", number);
    uint32_t run = world_model(w, name, name);
    for (int i = 0; i < operators; i++)
        if (i % 2)
            world_operator(w, FAMILY_ELEMENTWISE, "Add");
        else
            world_operator(w, FAMILY_MATMUL, "matmul.weights");
    return run;
}

static inline struct training world_training(const struct world *w) {
    return (struct training){.observations = w->observations,
                             .runs = w->runs,
                             .observation_count = w->observation_count,
                             .run_count = w->run_count,
                             .threads = 1};
}

#endif
