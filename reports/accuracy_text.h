/* Accuracy as JSON (schema 1) and as tables.
 *
 *     {"schema":1,"models":[{"run","model","family","latency_ns":E,"measured_latency_ns","error",
 *       "operators_ns","borrowed_share","peak_memory_bytes":E,"measured_peak_memory_bytes",...,
 *       "sum_error","remark","causes":[{"kernel","operators","predicted_ns","measured_ns","adds",
 *       "worst_operator","reason"}]}],
 *      "families":[{"family","count","mape",...}],"groups","groups_judged",
 *      "kernels":[{"kernel","share","count","mape","bias","coverage",...}],
 *      "latency_ns":S,"cpu_time_ns":S,"noise_floor":S,"peak_memory_bytes":S,...,"upper_peak_exceeded"}
 *
 * E as in reports/prediction_json.h; S is {"count","mape","median","p90","worst","bias",
 * "within_5","within_10","within_20","coverage","width"}, all fractions.
 */
#ifndef ASSAY_REPORTS_ACCURACY_TEXT_H
#define ASSAY_REPORTS_ACCURACY_TEXT_H

#include "base/arena.h"
#include "base/json.h"
#include "base/table.h"
#include "core/accuracy.h"

/* The caller owns the tree. */
cJSON *accuracy_json(const struct accuracy *accuracy);

void accuracy_models_table(struct arena *arena, const struct accuracy *accuracy,
                           struct table *table);
void accuracy_kernels_table(struct arena *arena, const struct accuracy *accuracy,
                            struct table *table);
void accuracy_summary_table(struct arena *arena, const struct accuracy *accuracy,
                            struct table *table);
/* Without rows when models were left out alone. */
void accuracy_families_table(struct arena *arena, const struct accuracy *accuracy,
                             struct table *table);
void accuracy_worst_table(struct arena *arena, const struct accuracy *accuracy,
                          struct table *table);
void accuracy_worst_quantities_table(struct arena *arena, const struct accuracy *accuracy,
                                     struct table *table);

#endif
