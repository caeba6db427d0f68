/* Threads and queues of a Chrome trace: (pid, tid) as texts, their names from metadata, and the
 * spans that began on them and have not ended. Bounded. */
#ifndef ASSAY_COLLECTORS_FOREIGN_CHROME_TRACKS_H
#define ASSAY_COLLECTORS_FOREIGN_CHROME_TRACKS_H

#include "collectors/foreign/chrome_event.h"
#include "core/span.h"

struct chrome_tracks;

int chrome_tracks_open(struct chrome_tracks **tracks, struct err *err);
void chrome_tracks_close(struct chrome_tracks *tracks); /* NULL is allowed */

/* The number of a track; UINT32_MAX when there are too many. `tid` NULL: the process. */
uint32_t chrome_track(struct chrome_tracks *tracks, const char *pid, const char *tid);
/* It holds spans; `queue`: of a device. */
void chrome_track_use(struct chrome_tracks *tracks, uint32_t track, bool queue);
void chrome_track_name(struct chrome_tracks *tracks, uint32_t track, const char *name);

/* Remembers a span that began, `id` 0 for one that nests. False: there is no room. */
bool chrome_track_begin(struct chrome_tracks *tracks, uint32_t track, uint64_t id,
                        const struct span *span);
/* The one that began last with that id; its texts live until the next call. False: none did. */
bool chrome_track_end(struct chrome_tracks *tracks, uint32_t track, uint64_t id, struct span *span);
/* Spans that never ended. */
uint64_t chrome_tracks_open_spans(const struct chrome_tracks *tracks);

/* Tells the sink the names of the tracks in use: "python: thread 7". */
int chrome_tracks_tell(struct chrome_tracks *tracks, struct span_sink *sink, struct err *err);

#endif
