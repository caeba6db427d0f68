/* The allocator that ONNX Runtime keeps activations in, played through: which of its pages would
 * have been written. Best fit in chunks; regions of memory double from 1 MiB and are never given
 * back; a free chunk is divided when it is at least twice the request or leaves 128 MiB.
 */
#ifndef ASSAY_CORE_CHUNK_ARENA_H
#define ASSAY_CORE_CHUNK_ARENA_H

#include "core/chunks.h"

/* Larger requests cannot be meant: they are not played. */
#define CHUNK_ARENA_REQUEST_MAX_BYTES (UINT64_C(1) << 38)

struct chunk_arena {
    struct chunks chunks;
    struct ordered written; /* pages, as stretches of them */
    struct stretch *unused; /* records not in use */
    uint32_t region_count;
    uint64_t next_region_bytes; /* of the next region, unless the request is larger */
    uint64_t touched_bytes;     /* pages that lay under anything handed out */
    uint64_t book_bytes;        /* what the allocator writes to find its chunks again */
};

/* What is noted lives in the other arena. */
void chunk_arena_init(struct chunk_arena *arena, struct arena *notes);

/* For chunk_arena_give; NULL for 0 bytes and for more than CHUNK_ARENA_REQUEST_MAX_BYTES. */
struct chunk *chunk_arena_take(struct chunk_arena *arena, uint64_t bytes);
void chunk_arena_give(struct chunk_arena *arena, struct chunk *chunk); /* NULL is allowed */

#endif
