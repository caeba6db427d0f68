/* What decides how many replicas run, as rows: the same decision in a simulation and in service. A
 * policy sees what an autoscaler can see and never the arrivals to come. */
#ifndef ASSAY_PREDICTOR_SIMULATION_POLICY_H
#define ASSAY_PREDICTOR_SIMULATION_POLICY_H

#include "base/arena.h"
#include "base/err.h"
#include "core/plan.h"
#include "predictor/simulation/forecast.h"

#include <stdint.h>

/* What a policy is told once. */
struct policy_config {
    double service_ns;           /* one request, as predicted */
    double requests_per_service; /* served together when there is enough to do; 1: no batching */
    double cold_start_ns;        /* from the decision until a replica takes requests */
    double interval_ns;          /* between decisions */
    double deadline_ns;          /* a response later than this is a miss; NaN: none */
    double attainment;           /* share of responses wanted within it */
    double target_utilisation;   /* hpa, keda */
    double stabilisation_ns;     /* hpa, keda: before scaling down */
    double tolerance;            /* hpa, keda: of the ratio, 0.1 */
    enum routing routing;
    uint32_t replicas_min, replicas_max;
    struct forecast_schedule schedule; /* assay: what is expected, if anything */
    uint32_t replicas_fixed;           /* static */
};

/* What a policy sees at each decision. */
struct policy_view {
    double now_ns;      /* since the first decision, which sees nothing yet */
    uint64_t arrivals;  /* since the decision before */
    uint32_t ready;     /* replicas that take requests */
    uint32_t starting;  /* that do not yet */
    uint32_t waiting;   /* requests that no replica has begun */
    double utilisation; /* of the ready replicas since the decision before; NaN at the first */
    double late; /* share of the responses since then that were; NaN: none, or not measured */
};

struct policy {
    const char *name, *help;
    int (*open)(struct arena *arena, const struct policy_config *config, void **state,
                struct err *err);
    /* How many replicas to run; the caller keeps to replicas_min and _max. */
    uint32_t (*decide)(void *state, const struct policy_view *view);
};

extern const struct policy policy_static, policy_hpa, policy_keda, policy_assay;

/* Row i, NULL at the end. */
const struct policy *policy_at(uint32_t i);

#endif
