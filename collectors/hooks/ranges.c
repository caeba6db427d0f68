#include "collectors/hooks/ranges.h"

#include <stdlib.h>

/* With more that cross one another at a time the last row takes what does not fit. */
enum { ROWS_MAX = 64 };

struct row {
    int64_t *ends; /* of the ranges that enclose what comes next */
    uint64_t depth, capacity;
};

void ranges_note(struct ranges *ranges, struct arena *arena, bool stop, uint64_t number,
                 uint64_t offset, int64_t ns) {
    *ARENA_PUSH(arena, ranges->ends, ranges->end_count, ranges->end_capacity) =
        (struct range_end){number, offset, ns, stop};
}

static int compare_ends(const void *left, const void *right) {
    const struct range_end *a = left, *b = right;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    if (a->stop != b->stop)
        return a->stop ? 1 : -1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

/* Longer ones first where they start together, so that they enclose the others. */
static int compare_ranges(const void *left, const void *right) {
    const struct range *a = left, *b = right;
    if (a->start_ns != b->start_ns)
        return a->start_ns < b->start_ns ? -1 : 1;
    if (a->end_ns != b->end_ns)
        return a->end_ns > b->end_ns ? -1 : 1;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

static bool fits(struct row *row, const struct range *range) {
    while (row->depth > 0 && row->ends[row->depth - 1] <= range->start_ns)
        row->depth--;
    return row->depth == 0 || row->ends[row->depth - 1] >= range->end_ns;
}

static uint64_t lay_into_rows(struct ranges *ranges, struct arena *arena) {
    struct row rows[ROWS_MAX] = {0};
    uint64_t used = 0;
    for (uint64_t i = 0; i < ranges->count; i++) {
        struct range *range = &ranges->items[i];
        uint64_t r = 0;
        while (r < ROWS_MAX - 1 && !fits(&rows[r], range))
            r++;
        range->row = r;
        *ARENA_PUSH(arena, rows[r].ends, rows[r].depth, rows[r].capacity) = range->end_ns;
        used = r >= used ? r + 1 : used;
    }
    return used;
}

uint64_t ranges_match(struct ranges *ranges, struct arena *arena) {
    if (ranges->end_count == 0)
        return 0;
    qsort(ranges->ends, ranges->end_count, sizeof *ranges->ends, compare_ends);
    ranges->items = ARENA_ARRAY(arena, ranges->end_count, struct range);
    for (uint64_t i = 0; i < ranges->end_count; i++) {
        const struct range_end *start = &ranges->ends[i];
        if (start->stop)
            continue;
        bool stopped =
            i + 1 < ranges->end_count && start[1].stop && start[1].number == start->number;
        if (stopped)
            ranges->items[ranges->count++] = (struct range){
                start->offset, start->ns, start[1].ns > start->ns ? start[1].ns : start->ns, 0};
        else
            ranges->unmatched++;
    }
    if (ranges->count > 0)
        qsort(ranges->items, ranges->count, sizeof *ranges->items, compare_ranges);
    return lay_into_rows(ranges, arena);
}
