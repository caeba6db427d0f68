/* Recordings as tables and JSON: the whole, operators by self time, the tree, tracks. */
#ifndef ASSAY_REPORTS_RECORDING_H
#define ASSAY_REPORTS_RECORDING_H

#include "base/json.h"
#include "base/table.h"
#include "core/recording.h"

enum { RECORDING_SCHEMA = 1 };

/* What stands above everything: format, events, times, device; two columns. */
void recording_head_table(struct arena *arena, const struct recording *recording,
                          struct table *table);
/* Categories, how many spans of each, and with nodes their own time and its share. */
void recording_categories_table(struct arena *arena, const struct recording *recording,
                                struct table *table);
/* Names by self time, the first `limit` (0: all); needs nodes. */
void recording_calls_table(struct arena *arena, const struct recording *recording, bool by_shapes,
                           uint32_t limit, struct table *table);
/* The tree in preorder, children by total time, `depth` levels (0: all); of each parent the first
 * `limit` children (0: all) whose total is at least `share_min` of all self time. */
void recording_tree_table(struct arena *arena, const struct recording *recording, int depth,
                          uint32_t limit, double share_min, struct table *table);
void recording_tracks_table(struct arena *arena, const struct recording *recording,
                            struct table *table);

/* The summary, schema 1:
 *     {"schema":1,"file","format","sha256","started_at","device","events","complete","whole_bytes",
 *      "complete_by_cat":{CATEGORY:COUNT},"kernel_count","kernel_dur_sum_us","gpu_busy_union_us",
 *      "gpu_span_us","distinct_kernel_names","kernels_with_runtime_correlation",
 *      "cpu_ops_with_input_dims","operators","wall_ns","device_busy_ns",
 *      "device_span_ns","overhead_ns",
 *      "tracks":[...],"facts":{KEY:VALUE}}
 * Times in "gpu_..._us" are of microseconds held as doubles, as other tools have them; those in
 * "device_..._ns" are exact. "cpu_ops_with_input_dims" counts all spans that say their shapes,
 * "operators" the nodes of the tree, "whole_bytes" is null when the file is whole. The caller owns
 * the tree. */
cJSON *recording_json(struct arena *arena, const struct recording *recording);

#endif
