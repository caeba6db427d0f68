/* The allocator that ONNX Runtime keeps activations in, played through: which of its pages would
 * have been written. Best fit in chunks; regions of memory double from 1 MiB and are never given
 * back; a free chunk is divided when it is at least twice the request or leaves 128 MiB.
 */
#ifndef ASSAY_CORE_CHUNK_ARENA_H
#define ASSAY_CORE_CHUNK_ARENA_H

#include <stdbool.h>
#include <stdint.h>

struct chunk;
struct chunk_region;

struct chunk_arena {
    struct chunk *chunks;
    struct chunk_region *regions;
    uint32_t chunk_count, chunk_capacity, region_count, region_capacity;
    int32_t unused;             /* first of the chunk records not in use, or -1 */
    uint64_t next_region_bytes; /* of the next region, unless the request is larger */
    uint64_t touched_bytes;     /* pages that lay under anything handed out */
    uint64_t book_bytes;        /* what the allocator writes to find its chunks again */
};

void chunk_arena_init(struct chunk_arena *arena);
void chunk_arena_done(struct chunk_arena *arena);

/* The handle of a chunk, for chunk_arena_give; -1 for 0 bytes and for more than 2^38. */
int32_t chunk_arena_take(struct chunk_arena *arena, uint64_t bytes);
void chunk_arena_give(struct chunk_arena *arena, int32_t chunk); /* -1 is allowed */

#endif
