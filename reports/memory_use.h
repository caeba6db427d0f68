/* What held a process's memory, as a table, as JSON and in sentences. */
#ifndef ASSAY_REPORTS_MEMORY_USE_H
#define ASSAY_REPORTS_MEMORY_USE_H

#include "base/arena.h"
#include "base/json.h"
#include "base/table.h"
#include "core/prediction.h"

/* "memory": {"high_water_bytes", "moments": {"peak": {"resident_bytes", "proportional_bytes",
 *   "parts": {"weights": {"resident_bytes", "proportional_bytes"}, ...}}, ...},
 *   "played_through": {"operators", "live_error", "arena_error", "later_error", "loading_error"}}
 * Nothing when memory was not looked into; played_through only where it was compared. */
void memory_use_add_json(cJSON *parent, const struct prediction *prediction);

/* Parts by moments. */
void memory_use_table(struct arena *arena, const struct memory_use *use, struct table *table);

/* "of 257 MB at the peak 202 MB are weights, ..."; NULL when memory was not looked into. */
const char *memory_use_sentence(struct arena *arena, const struct prediction *prediction);
/* How well the timeline was foretold; NULL when it was not compared. */
const char *memory_played_sentence(struct arena *arena, const struct prediction *prediction);

#endif
