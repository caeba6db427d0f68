/* How many replicas meet a response time target under Poisson arrivals: the queue is solved by
 * predictor/capacity/queue.h. Response = wait + service. */
#ifndef ASSAY_PREDICTOR_CAPACITY_REPLICAS_H
#define ASSAY_PREDICTOR_CAPACITY_REPLICAS_H

#include "base/arena.h"
#include "base/err.h"
#include "core/plan.h"
#include "predictor/capacity/queue.h"

struct service_demand {
    struct queue_load load; /* its rate may be 0 */
    const char *service_is; /* added in messages: "upper bound"; "" */
    const struct slo *targets;
    uint32_t target_count; /* at least one; all must be met */
};

/* What n replicas give, n > 0. */
int replicas_evaluate(const struct service_demand *demand, uint64_t n, struct service_level *level,
                      struct err *err);

/* The fewest replicas that meet every target, and one fewer. ERR_FINDING with the reason when no
 * number does, ERR_USAGE when the demand makes no sense. */
int replicas_find(const struct service_demand *demand, struct service_level *n,
                  struct service_level *less, struct err *err);

/* The level's response simulated request by request, so that it stands on two legs. `requests` as
 * for queue_open. */
int replicas_prove(const struct service_demand *demand, uint64_t requests,
                   struct service_level *level, struct err *err);

/* "p99=50ms" or "p50=20ms,p99.9=80ms". The array lives in the arena. */
int slo_parse(struct arena *arena, const char *text, const struct slo **targets, uint32_t *count,
              struct err *err);

#endif
