/* A memory timeline as a table and as JSON. */
#ifndef ASSAY_REPORTS_MEMORY_TIMELINE_H
#define ASSAY_REPORTS_MEMORY_TIMELINE_H

#include "base/arena.h"
#include "base/json.h"
#include "base/table.h"
#include "core/memory_timeline.h"

/* "memory_timeline": {"measured", "peak": {"owner", "bytes"}, "weight_bytes", "input_bytes",
 * "loading_bytes", "later_runs_arena_bytes", "steps": [{"name", "op", "live_bytes", "arena_bytes",
 * "held_bytes"}]} in the order of execution; measured ones have "allocated_bytes", "freed_bytes",
 * "arena_reserved_bytes", "other_allocated_bytes" and "page_faults" too. Nothing when there is no
 * timeline. */
void memory_timeline_add_json(cJSON *parent, const struct memory_timeline *timeline);

void memory_timeline_table(struct arena *arena, const struct memory_timeline *timeline,
                           struct table *table);

/* "the peak is 54.2 MiB while ..., most activations (...) live at ...". */
const char *memory_timeline_sentence(struct arena *arena, const struct memory_timeline *timeline);

#endif
