/* Memory as chunks that lie side by side in regions, the free ones in order of size. What is done
 * with one takes time that grows as the logarithm of their number, and none that grows with their
 * sizes. */
#ifndef ASSAY_CORE_CHUNKS_H
#define ASSAY_CORE_CHUNKS_H

#include "base/arena.h"
#include "base/ordered.h"

#include <stdbool.h>
#include <stdint.h>

struct chunk {
    struct ordered_node by_size; /* while it is free */
    uint32_t region;
    bool taken;
    uint64_t offset, bytes;
    struct chunk *before, *after; /* neighbours in the region */
};

struct chunks {
    struct arena *arena; /* records live there */
    struct ordered free;
    struct chunk *unused; /* records not in use, by `after` */
};

void chunks_init(struct chunks *chunks, struct arena *arena);

/* The end of a new, empty region: a chunk without bytes that nobody may take or give. */
struct chunk *chunks_region(struct chunks *chunks, uint32_t region);
/* So many free bytes more before the end of a region. */
void chunks_lengthen(struct chunks *chunks, struct chunk *end, uint64_t bytes);

/* The smallest free chunk that has so many bytes; NULL: none. Of equal ones that of the newest
 * region, there the first. */
struct chunk *chunks_best(const struct chunks *chunks, uint64_t bytes);
/* `chunk` is free; what it has more than `bytes` becomes a free chunk behind it. */
void chunks_take(struct chunks *chunks, struct chunk *chunk, uint64_t bytes);
/* Free neighbours become one. */
void chunks_give(struct chunks *chunks, struct chunk *chunk);

#endif
