#include "core/chunk_arena.h"

enum { ROUNDING = 256, PAGE = 4096, HANDLE = 8 };

static const uint64_t first_region_bytes = 1u << 20;
static const uint64_t waste_max_bytes = 128u << 20;
static const uint64_t region_max_bytes = UINT64_C(1) << 62; /* no address is larger */

/* Pages of a region that are written, from `first` to before `end`. */
struct stretch {
    struct ordered_node by_place;
    uint32_t region;
    uint64_t first, end;
    struct stretch *next; /* of those not in use */
};

static int by_place(const struct ordered_node *a, const struct ordered_node *b) {
    const struct stretch *x = (const struct stretch *)a, *y = (const struct stretch *)b;
    if (x->region != y->region)
        return x->region < y->region ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

void chunk_arena_init(struct chunk_arena *arena, struct arena *notes) {
    *arena = (struct chunk_arena){
        .written = {NULL, by_place},
          .next_region_bytes = first_region_bytes
    };
    chunks_init(&arena->chunks, notes);
}

/* The memory of a request that no free chunk has room for. Memory maps grow downwards: the newest
 * region is the lowest. */
static void add_region(struct chunk_arena *arena, uint64_t bytes) {
    bool enlarged = false;
    while (bytes > arena->next_region_bytes) {
        arena->next_region_bytes *= 2;
        enlarged = true;
    }
    uint64_t size = arena->next_region_bytes;
    if (!enlarged && size < region_max_bytes)
        arena->next_region_bytes *= 2;
    arena->book_bytes += size / ROUNDING * HANDLE; /* a handle for every place a chunk may begin */
    chunks_lengthen(&arena->chunks, chunks_region(&arena->chunks, arena->region_count++), size);
}

/* ---- pages ----------------------------------------------------------------------------------- */

/* The last stretch of the region that begins at the page or before it; NULL: none. */
static struct stretch *stretch_before(const struct chunk_arena *arena, uint32_t region,
                                      uint64_t page) {
    const struct stretch key = {.region = region, .first = page};
    struct stretch *found = (struct stretch *)ordered_at_most(&arena->written, &key.by_place);
    return found && found->region == region ? found : NULL;
}

static void add_stretch(struct chunk_arena *arena, const struct stretch *of) {
    struct stretch *stretch = arena->unused;
    if (stretch)
        arena->unused = stretch->next;
    else
        stretch = ARENA_NEW(arena->chunks.arena, struct stretch);
    *stretch = *of;
    ordered_add(&arena->written, &stretch->by_place);
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Stretches that meet become one: a call takes out what earlier ones have put in. */
static void touch(struct chunk_arena *arena, const struct chunk *chunk, uint64_t bytes) {
    const uint64_t first = chunk->offset / PAGE, end = (chunk->offset + bytes - 1) / PAGE + 1;
    struct stretch all = {.region = chunk->region, .first = first, .end = end};
    uint64_t fresh = end - first;
    struct stretch *old;
    while ((old = stretch_before(arena, all.region, end)) && old->end >= first) {
        if (old->first <= first && old->end >= end)
            return;
        fresh -= larger(smaller(old->end, end), first) - smaller(larger(old->first, first), end);
        all.first = smaller(all.first, old->first);
        all.end = larger(all.end, old->end);
        ordered_remove(&arena->written, &old->by_place);
        old->next = arena->unused;
        arena->unused = old;
    }
    arena->touched_bytes += fresh * PAGE;
    add_stretch(arena, &all);
}

/* ---- taking and giving ----------------------------------------------------------------------- */

struct chunk *chunk_arena_take(struct chunk_arena *arena, uint64_t bytes) {
    if (bytes == 0 || bytes > CHUNK_ARENA_REQUEST_MAX_BYTES)
        return NULL;
    uint64_t rounded = (bytes + ROUNDING - 1) / ROUNDING * ROUNDING;
    if (!chunks_best(&arena->chunks, rounded))
        add_region(arena, rounded);
    struct chunk *chunk = chunks_best(&arena->chunks, rounded);
    bool divided = chunk->bytes >= 2 * rounded || chunk->bytes - rounded >= waste_max_bytes;
    chunks_take(&arena->chunks, chunk, divided ? rounded : chunk->bytes);
    touch(arena, chunk, bytes);
    return chunk;
}

void chunk_arena_give(struct chunk_arena *arena, struct chunk *chunk) {
    if (chunk)
        chunks_give(&arena->chunks, chunk);
}
