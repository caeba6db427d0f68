/* Between a worker and libassay-heap.so, which is loaded before the C library (LD_PRELOAD) in
 * processes whose memory is looked into, and in no other.
 *
 * It stands in for malloc and its kin, hands every call on to the C library, counts, and remembers
 * the blocks that are large enough to matter. A process's resident memory shrinks only when
 * something is given back, so its peaks stand right before a release: that is when the worker is
 * told.
 */
#ifndef ASSAY_COLLECTORS_MEMORY_HEAP_LINK_H
#define ASSAY_COLLECTORS_MEMORY_HEAP_LINK_H

#include "collectors/memory/block_table.h"

enum {
    HEAP_REMEMBERED_BYTES = 4096, /* blocks from here on are in the table */
    HEAP_RELEASED_BYTES = 65536,  /* of a release that is told before it happens */
    HEAP_BLOCKS = 1 << 14         /* size of the table; what does not fit is only counted */
};

/* What the worker was about when a block was taken. */
enum heap_purpose { HEAP_OTHER, HEAP_LOADING, HEAP_ARENA };

struct heap_link {
    uint32_t size; /* sizeof(struct heap_link): both sides must agree */
    /* Written by the worker. */
    enum heap_purpose purpose;
    void *context;
    void (*before_release)(void *context); /* any thread; may not take or give memory */
    /* Written by the library. */
    uint64_t allocated_bytes, freed_bytes; /* of all blocks, usable sizes, since connected */
    struct block_table blocks;             /* `purpose` is enum heap_purpose */
};

/* 0, or -1 when the sizes differ. The link is borrowed for the life of the process. */
typedef int (*heap_connect)(struct heap_link *link);
int assay_heap_connect(struct heap_link *link);

#endif
