/* Readings of a tree of processes from /proc: memory of all together, CPU time of each thread.
 *
 *   rss_bytes, anon_bytes, file_bytes   resident, anonymous of it, the rest of it
 *   pss_bytes   resident, shared pages divided by how many share them (smaps_rollup); the kernel
 *               walks every page for it: about 1 ms for 100 MB
 *   threads     alive
 *   cpu_ns      of one thread, since it began; said when it has changed
 */
#ifndef ASSAY_COLLECTORS_RECORD_BOOKS_H
#define ASSAY_COLLECTORS_RECORD_BOOKS_H

#include "base/err.h"
#include "collectors/record/process_tree.h"
#include "core/span.h"

struct books_reading {
    uint64_t at_ns;
    double rss_bytes, anon_bytes, pss_bytes; /* NaN: not said */
};

enum books_parts {
    BOOKS_SHARES = 1 << 0,    /* read pss_bytes too */
    BOOKS_PROCESSES = 1 << 1, /* look for processes that the tree does not know */
};

/* Reads once; threads that the tree does not know are added to it. What has gone meanwhile is left
 * out. `parts` of enum books_parts. */
int books_read(struct process_tree *tree, int parts, const struct span_sink *sink,
               struct books_reading *out, struct err *err);

#endif
