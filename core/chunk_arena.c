#include "core/chunk_arena.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDING = 256, PAGE = 4096, HANDLE = 8, NONE = -1 };

static const uint64_t first_region_bytes = 1u << 20;
static const uint64_t waste_max_bytes = 128u << 20;
static const uint64_t request_max_bytes = (uint64_t)1 << 38; /* larger ones cannot be meant */

struct chunk {
    uint32_t region;
    bool taken;
    uint64_t offset, bytes;
    int32_t before, after; /* neighbours in the region */
};

struct chunk_region {
    uint8_t *pages; /* 1: written */
};

void chunk_arena_init(struct chunk_arena *arena) {
    *arena = (struct chunk_arena){.unused = NONE, .next_region_bytes = first_region_bytes};
}

void chunk_arena_done(struct chunk_arena *arena) {
    for (uint32_t i = 0; i < arena->region_count; i++)
        free(arena->regions[i].pages);
    free(arena->regions);
    free(arena->chunks);
}

static void *grown(void *array, uint32_t count, uint32_t *capacity, size_t size) {
    if (count < *capacity)
        return array;
    *capacity = *capacity ? 2 * *capacity : 16;
    void *longer = realloc(array, *capacity * size);
    if (!longer)
        abort();
    return longer;
}

static int32_t new_chunk(struct chunk_arena *arena) {
    int32_t chunk = arena->unused;
    if (chunk != NONE) {
        arena->unused = arena->chunks[chunk].after;
        return chunk;
    }
    arena->chunks =
        grown(arena->chunks, arena->chunk_count, &arena->chunk_capacity, sizeof *arena->chunks);
    return (int32_t)arena->chunk_count++;
}

static void drop_chunk(struct chunk_arena *arena, int32_t chunk) {
    /* Taken, so that no search finds it. */
    arena->chunks[chunk] = (struct chunk){.taken = true, .after = arena->unused};
    arena->unused = chunk;
}

static int32_t add_region(struct chunk_arena *arena, uint64_t bytes) {
    bool enlarged = false;
    while (bytes > arena->next_region_bytes) {
        arena->next_region_bytes *= 2;
        enlarged = true;
    }
    uint64_t size = arena->next_region_bytes;
    if (!enlarged)
        arena->next_region_bytes *= 2;
    arena->regions =
        grown(arena->regions, arena->region_count, &arena->region_capacity, sizeof *arena->regions);
    uint8_t *pages = calloc(size / PAGE, 1);
    if (!pages)
        abort();
    arena->regions[arena->region_count] = (struct chunk_region){pages};
    arena->book_bytes += size / ROUNDING * HANDLE; /* a handle for every place a chunk may begin */
    int32_t chunk = new_chunk(arena);
    arena->chunks[chunk] = (struct chunk){arena->region_count++, false, 0, size, NONE, NONE};
    return chunk;
}

/* Of equal ones the allocator takes the one at the lowest address. Memory maps grow downwards: the
 * newest region is the lowest. */
static bool fits_better(const struct chunk *a, const struct chunk *b) {
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes;
    return a->region != b->region ? a->region > b->region : a->offset < b->offset;
}

static int32_t best_fit(const struct chunk_arena *arena, uint64_t bytes) {
    int32_t best = NONE;
    for (uint32_t i = 0; i < arena->chunk_count; i++) {
        const struct chunk *chunk = &arena->chunks[i];
        if (!chunk->taken && chunk->bytes >= bytes &&
            (best == NONE || fits_better(chunk, &arena->chunks[best])))
            best = (int32_t)i;
    }
    return best;
}

static void split(struct chunk_arena *arena, int32_t chunk, uint64_t bytes) {
    int32_t rest = new_chunk(arena);
    struct chunk *front = &arena->chunks[chunk], *back = &arena->chunks[rest];
    *back = (struct chunk){front->region,        false, front->offset + bytes,
                           front->bytes - bytes, chunk, front->after};
    if (back->after != NONE)
        arena->chunks[back->after].before = rest;
    front->after = rest;
    front->bytes = bytes;
}

static void touch(struct chunk_arena *arena, const struct chunk *chunk, uint64_t bytes) {
    uint8_t *pages = arena->regions[chunk->region].pages;
    for (uint64_t page = chunk->offset / PAGE; page <= (chunk->offset + bytes - 1) / PAGE; page++) {
        arena->touched_bytes += pages[page] ? 0 : PAGE;
        pages[page] = 1;
    }
}

int32_t chunk_arena_take(struct chunk_arena *arena, uint64_t bytes) {
    if (bytes == 0 || bytes > request_max_bytes)
        return NONE;
    uint64_t rounded = (bytes + ROUNDING - 1) / ROUNDING * ROUNDING;
    int32_t chunk = best_fit(arena, rounded);
    if (chunk == NONE)
        chunk = add_region(arena, rounded);
    if (arena->chunks[chunk].bytes >= 2 * rounded ||
        arena->chunks[chunk].bytes - rounded >= waste_max_bytes)
        split(arena, chunk, rounded);
    arena->chunks[chunk].taken = true;
    touch(arena, &arena->chunks[chunk], bytes);
    return chunk;
}

/* The chunk before takes in the one behind it. */
static void join(struct chunk_arena *arena, int32_t front, int32_t back) {
    struct chunk *kept = &arena->chunks[front], *gone = &arena->chunks[back];
    kept->bytes += gone->bytes;
    kept->after = gone->after;
    if (kept->after != NONE)
        arena->chunks[kept->after].before = front;
    drop_chunk(arena, back);
}

void chunk_arena_give(struct chunk_arena *arena, int32_t chunk) {
    if (chunk == NONE)
        return;
    struct chunk *given = &arena->chunks[chunk];
    given->taken = false;
    if (given->after != NONE && !arena->chunks[given->after].taken)
        join(arena, chunk, given->after);
    if (given->before != NONE && !arena->chunks[given->before].taken)
        join(arena, given->before, chunk);
}
