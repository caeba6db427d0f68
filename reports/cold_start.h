/* A cold start as a table and as JSON. */
#ifndef ASSAY_REPORTS_COLD_START_H
#define ASSAY_REPORTS_COLD_START_H

#include "base/arena.h"
#include "base/json.h"
#include "base/table.h"
#include "core/cold_start.h"

/* "cold_start": {"page_cache": "warm", "total_ns": {value, low, high, tier, evidence},
 *   "phases": [{"name": "parse", "ns": {...}, "how": "476 runs: model, file_bytes"}, ...]}
 * null when nothing is known; a phase or total that is refused is null. */
void cold_start_add_json(cJSON *parent, const struct cold_start *cold_start);

void cold_start_table(struct arena *arena, const struct cold_start *cold_start,
                      struct table *table);

#endif
