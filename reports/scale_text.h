/* How a model scales, as JSON (schema 1) and as a table.
 *
 *     {"schema":1,"model","machine","runtime":{"name","version"},"cpus",
 *      "configurations":[{"batch","threads","replicas","latency_ns":E,"slowdown":E,
 *        "inferences_per_second":E,"inferences_per_second_all":E,"memory_bound_share",
 *        "peak_memory_bytes":E,"peak_memory_all_bytes","peak_memory_upper":{"confidence","value"},
 *        "peak_memory_upper_all_bytes","best_throughput","best_latency","refused"}],
 *      "best_throughput","best_latency","warnings":[]}
 *
 * E as in reports/prediction_json.h, null when refused; "refused" is the reason or null; the last
 * two are places in "configurations", or null. What is refused whatever the others are, a batch or
 * a thread count, is one configuration in which the others are null.
 */
#ifndef ASSAY_REPORTS_SCALE_TEXT_H
#define ASSAY_REPORTS_SCALE_TEXT_H

#include "base/arena.h"
#include "base/json.h"
#include "base/table.h"
#include "core/scaling.h"

/* The caller owns the tree. */
cJSON *scale_json(const struct scaling *scaling);
void scale_table(struct arena *arena, const struct scaling *scaling, struct table *table);
/* Rows that are refused, with the reason. */
void scale_refused_table(struct arena *arena, const struct scaling *scaling, struct table *table);

#endif
