/* Counters and metrics of a run: two tables and their part of the JSON. */
#ifndef ASSAY_REPORTS_COUNTS_H
#define ASSAY_REPORTS_COUNTS_H

#include "base/json.h"
#include "base/table.h"
#include "core/prediction.h"

/* One row per event and metric of the whole run. */
void counts_run_table(struct arena *arena, const struct counts *counts, struct table *table);

/* Metrics, or the events where there are none, of the `limit` costliest operators (0: all). */
void counts_operators_table(struct arena *arena, const struct prediction *prediction,
                            uint32_t limit, struct table *table);

/* "counters" and "not_counted"; nothing when nothing was asked for. */
void counts_add_json(cJSON *root, const struct counts *counts);
/* "counters" of one operator, by name. */
void counts_add_operator_json(cJSON *object, const struct counts *counts, uint32_t op);

#endif
