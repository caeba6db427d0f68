/* What this process holds now: its resident memory split by what it is for. Worker side; nothing
 * here takes memory, so it may be called in the middle of a release. */
#ifndef ASSAY_COLLECTORS_MEMORY_HOLDINGS_H
#define ASSAY_COLLECTORS_MEMORY_HOLDINGS_H

#include "base/err.h"
#include "collectors/memory/heap_link.h"
#include "core/memory_use.h"

struct holdings {
    const struct heap_link *heap;
    int smaps, statm;
    uint64_t page_bytes;
    char program[4096];
    char text[1 << 16];           /* of smaps, a piece at a time */
    unsigned char pages[1 << 16]; /* of a block, a piece at a time */
};

/* The heap is borrowed, connected. ERR_ENVIRONMENT where /proc does not tell. */
int holdings_open(struct holdings *holdings, const struct heap_link *heap, struct err *err);

double holdings_resident(struct holdings *holdings); /* microseconds */
/* Milliseconds: the kernel walks the page tables. */
void holdings_split(struct holdings *holdings, struct memory_parts *out);

/* What the arena has of the system, and the part of it that is in memory. */
void holdings_arena(struct holdings *holdings, double *reserved_bytes, double *written_bytes);

#endif
