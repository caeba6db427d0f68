/* How an operator's time follows the number of threads where that number was not measured:
 *
 *     time(n) = time(1) x (serial + (1 - serial) x share(n)) + sync x forks(n) x log2(n)
 *
 * where the busiest of n threads does share(n) of the work and forks(n) times threads are set to
 * work and waited for, as the kernel deals it out (core/division.h). Per kernel family there is a
 * share that is slowed down all the same, since threads compete for memory and caches, and the cost
 * of a fork. Both are learnt from runs at other thread counts against a fit of one thread; a family
 * without observations keeps the default.
 */
#ifndef ASSAY_PREDICTOR_THREAD_LAW_H
#define ASSAY_PREDICTOR_THREAD_LAW_H

#include "base/arena.h"
#include "core/observation.h"
#include "predictor/cost_model.h"

#include <stdint.h>

struct thread_law {
    double serial[FAMILY_COUNT], sync_ns[FAMILY_COUNT];
    uint32_t observations; /* 0: the default of all families */
    uint32_t threads_most; /* of the runs it was learnt from */
    double log_spread;     /* of whole runs around it */
};

/* Known of runtimes in general, not of this machine. */
void thread_law_default(struct thread_law *law);

/* From a cost model of one thread and the runs of other thread counts (each training has its own).
 * Begins with the default; nothing changes when there are no observations. */
int thread_law_learn(struct arena *arena, const struct cost_model *one,
                     const struct training *others, uint32_t count, struct thread_law *law,
                     struct err *err);

/* The time at `to` threads of an operator that takes `ns` at `from`. */
double thread_law_ns(const struct thread_law *law, const struct features *features, double ns,
                     uint32_t from, uint32_t to);

/* Standard deviation of the logarithm of a model's latency told so. */
double thread_law_log_spread(const struct thread_law *law, uint32_t to);

#endif
