/* Ranges that start on one thread and stop on another: the two ends are matched by their number
 * when all threads are read, and ranges are laid into rows so that those of a row nest or follow
 * one another. */
#ifndef ASSAY_COLLECTORS_HOOKS_RANGES_H
#define ASSAY_COLLECTORS_HOOKS_RANGES_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct range {
    uint64_t offset; /* of its first record in the file */
    int64_t start_ns, end_ns;
    uint64_t row;
};

struct range_end {
    uint64_t number, offset;
    int64_t ns;
    bool stop;
};

struct ranges {
    struct range_end *ends;
    uint64_t end_count, end_capacity;
    struct range *items; /* by start, after ranges_match */
    uint64_t count;
    uint64_t unmatched; /* started and not stopped */
};

void ranges_note(struct ranges *ranges, struct arena *arena, bool stop, uint64_t number,
                 uint64_t offset, int64_t ns);
/* Fills items and their rows; returns how many rows there are. A stop without a start is dropped:
 * the start may have been lost. */
uint64_t ranges_match(struct ranges *ranges, struct arena *arena);

#endif
