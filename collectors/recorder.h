/* Gathers spans into a recording (core/recording.h) within a bounded memory: spans go through a
 * sorter that spills into an unlinked temporary file, and one ordered pass over it finds nesting,
 * self times and what was busy when. Equal texts are kept once.
 *
 * recorder_open() .. recorder_sink() receives .. recorder_finish() .. recorder_close().
 */
#ifndef ASSAY_COLLECTORS_RECORDER_H
#define ASSAY_COLLECTORS_RECORDER_H

#include "base/arena.h"
#include "core/recording.h"

struct recorder;

/* `memory_bytes` is for spans before they spill; 0: 8 MiB. */
int recorder_open(struct recorder **recorder, uint64_t memory_bytes, struct err *err);
/* Valid until recorder_close(). */
struct span_sink recorder_sink(struct recorder *recorder);
/* Fills everything that follows from spans, rows, samples, tracks and facts; the caller sets
 * format, path, sha256, started_at, events, complete, whole_bytes, overhead_ns. Lives in the
 * arena. Once per recorder. */
int recorder_finish(struct recorder *recorder, struct arena *arena, struct recording *out,
                    struct err *err);
void recorder_close(struct recorder *recorder); /* NULL is allowed */

#endif
