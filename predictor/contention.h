/* What replicas on one machine take from one another: how many times as long an operator runs
 * beside copies of its model as alone.
 *
 * Per kernel family two numbers, the slow-down of a part that waits for memory and of one that
 * computes; an operator mixes them by its memory-bound share, a model mixes its operators by their
 * time. Learnt per number of replicas from operators measured alone and together (robust least
 * squares), families with few observations drawn towards the whole, the whole towards what reading
 * and multiplying threads took from one another. Arithmetic is not taken to be free of contention:
 * two CPUs may be threads of one core.
 *
 * Between measured numbers of replicas the slow-down is interpolated. Beyond the largest, waiting
 * for memory grows on in proportion to the other replicas (a share of each one's reads waits for
 * each other's), arithmetic does not: CPUs that share a core share it already.
 */
#ifndef ASSAY_PREDICTOR_CONTENTION_H
#define ASSAY_PREDICTOR_CONTENTION_H

#include "base/arena.h"
#include "core/estimate.h"
#include "core/features.h"
#include "predictor/cost_model.h"

#include <stdint.h>

/* Time of a model by family and by what it is spent on. */
struct contention_load {
    double compute_ns[FAMILY_COUNT], memory_ns[FAMILY_COUNT];
};

/* The share of an operator's time that waits for memory that is shared: for what is not in the
 * core's own caches, at the best rates of the fit. */
double memory_share(const struct roofline *roofline, const struct features *features);
void contention_load_add(struct contention_load *load, const struct roofline *roofline,
                         const struct features *features, double ns);

/* One operator alone and beside the replicas. */
struct contention_pair {
    enum kernel_family family;
    double memory_share, alone_ns, together_ns;
};

/* One run beside replicas. */
struct contention_run {
    int64_t id;
    const char *model_name, *model_sha256, *purpose;
    uint32_t replicas, cpus;      /* cpus: that it was allowed */
    bool took_turns;              /* more threads in all than CPUs: nothing to learn from */
    double alone_ns, together_ns; /* steady time of the whole run, measured in turns */
    struct contention_load load;  /* as predicted: what an answer would rest on */
    const struct contention_pair *pairs;
    uint32_t pair_count;
};

/* What probes of so many threads got of what one gets alone. 1 is no contention. */
struct contention_probe {
    uint32_t replicas;
    double read_share, product_share;
};

struct contention_law {
    uint32_t replicas;
    double compute, memory; /* of all families together */
    double compute_of[FAMILY_COUNT], memory_of[FAMILY_COUNT];
    double run_ratio;  /* measured over predicted slow-down of whole runs */
    double log_spread; /* of the same, on runs left out */
    uint32_t runs, observations;
    bool probed; /* from probes alone: no run was measured */
};

struct contention {
    struct contention_law *laws; /* by replicas, ascending */
    uint32_t law_count;
    uint32_t cpus; /* of the machine: more replicas x threads than that take turns */
};

/* `except` (a SHA-256, may be NULL) is not learnt from. Probes may be missing (count 0). */
void contention_learn(struct arena *arena, const struct contention_run *runs, uint32_t run_count,
                      const struct contention_probe *probes, uint32_t probe_count,
                      const char *except, uint32_t cpus, struct contention *out);

/* Time beside so many replicas of `threads` threads, itself included, over time alone. Refused when
 * neither runs nor probes are there. */
struct estimate contention_slowdown(const struct contention *contention,
                                    const struct contention_load *load, uint32_t replicas,
                                    uint32_t threads);

#endif
