/* A plan as JSON, schema 1:
 *
 *     {"schema":1,"model","machine","rate_per_second","routing","queue",
 *      "targets":[{"percentile","target_ns"}],"overhead_ns","latency_used":"high","latency_ns":E,
 *      "replica":{"cpus","threads","batch_max","max_delay_ns","memory_bytes","memory_confidence",
 *        "slowdown"},
 *      "headroom":{"rate_per_second","growth_per_minute","lead_time_ns","spares","shortfall"},
 *      ANSWER,
 *      "at_value":{ANSWER},
 *      "options":[{"threads","batch_max","replicas_per_node","slowdown","memory_bytes",
 *        "memory_confidence","replicas","usd_per_hour","cpus","response_ns","utilisation","chosen",
 *        "pareto","reason"}]}
 *
 * ANSWER, for latency_ns.high at the top and for latency_ns.value below "at_value":
 *     "service_ns","replicas","utilisation","nodes":[{"type","count","replicas_per_node"}],
 *     "usd_per_hour","cpu_waste","memory_waste","response_ns":{"mean","p50","p99"},
 *     "proof":{"n":LEVEL,"n_minus_1":LEVEL or null},"reason":null
 * LEVEL:
 * {"replicas","utilisation","response_ns":{"mean","p50","p99"},"percentile","response_at_ns",
 *     "target_ns","meets","method","simulated_ns":{"value","low","high"}}; times are null when the
 *     queue grows without end, simulated ones at "at_value" too.
 * "replicas" of an answer counts the headroom's, that of its proof does not.
 * Without an answer "replicas" and all that follows from it are null and "reason" says why.
 */
#ifndef ASSAY_REPORTS_PLAN_JSON_H
#define ASSAY_REPORTS_PLAN_JSON_H

#include "base/json.h"
#include "core/plan.h"

enum { PLAN_SCHEMA = 1 };

/* The caller owns the tree. */
cJSON *plan_json(const struct plan *plan);

/* Adds "vary":[{"name","points":[{"value","replicas","threads","batch_max","nodes","usd_per_hour",
 * "utilisation","response_ns","reason"}]}] to a plan. */
void plan_json_add_variations(cJSON *plan, const struct plan_variation *variations, uint32_t count);

#endif
