/* Replicas for an answer and a load: the one place where the server asks the planner, and the same
 * function of predictor/capacity that `assay plan` asks, so both give the same number. Answers are
 * kept by their exact question, so what autoscalers ask again and again costs a look-up. */
#ifndef ASSAY_SERVER_SERVICE_ANSWERS_REPLICAS_H
#define ASSAY_SERVER_SERVICE_ANSWERS_REPLICAS_H

#include "core/plan.h"
#include "server/service/answers.h"

/* Loads above this many erlang are refused: their exact queues take longer than an answer may. */
#define REPLICAS_ERLANG_MAX 50000.0

struct replicas_question {
    double rate_per_second;
    double slo_p99_ms;
    enum routing routing;
};

struct replicas_found {
    struct service_level level; /* for the upper end of the latency's interval: what to run */
    uint64_t replicas_min;      /* for the lower end */
    uint64_t replicas_max;      /* for the upper end */
};

/* Thread-safe; kept answers of the questions asked last. */
struct replicas_memory;
struct replicas_memory *replicas_memory_new(void); /* never NULL */
void replicas_memory_delete(struct replicas_memory *memory);

/* `memory` may be NULL. ERR_FINDING when no number of replicas meets the target, ERR_USAGE when
 * the question makes no sense. Depends on nothing but the answer's latency and the question. */
int answers_replicas(struct replicas_memory *memory, const struct answer *answer,
                     const struct replicas_question *question, struct replicas_found *found,
                     struct err *err);

#endif
