/* Simulated fleets as JSON (schema 1) and as a table.
 *
 *     {"schema":1,"model","policy","routing","service_ns":{"value","low","high","tier","evidence"},
 *      "batch_max","cold_start_ns","deadline_ns",
 *      "requests","failed","span_ns","replica_hours","slo_attainment",
 *      "response_ns":{"mean","p50","p99","counted","intervals":{"mean":[L,H],"p50":...,"p99":...}},
 *      "replicas":{"mean","max"},"utilisation","batch_mean","cold_starts","failures",
 *      "at_service_low":{...},"at_service_high":{...}}
 *
 * A percentile is null when fewer responses were counted than it needs (662 for p99), an interval
 * where the simulation has no steady state. The last two repeat "replica_hours" to "replicas" for
 * the ends of the service time's interval, null when it has none. Several policies: "policies" is a
 * list of such objects, and nothing else but "schema".
 */
#ifndef ASSAY_REPORTS_SIMULATION_TEXT_H
#define ASSAY_REPORTS_SIMULATION_TEXT_H

#include "base/arena.h"
#include "base/json.h"
#include "base/table.h"
#include "core/simulation.h"

/* The caller owns the tree. */
cJSON *simulation_json(const struct simulation *const *simulations, uint32_t count);
void simulation_table(struct arena *arena, const struct simulation *const *simulations,
                      uint32_t count, struct table *table);
/* A row per decision, for a picture's data. */
void simulation_moments_table(struct arena *arena, const struct simulation *simulation,
                              struct table *table);

#endif
