#include "core/chunks.h"

static int by_size(const struct ordered_node *a, const struct ordered_node *b) {
    const struct chunk *x = (const struct chunk *)a, *y = (const struct chunk *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    if (x->region != y->region)
        return x->region > y->region ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

void chunks_init(struct chunks *chunks, struct arena *arena) {
    *chunks = (struct chunks){
        .arena = arena, .free = {NULL, by_size}
    };
}

/* Taken, without neighbours. */
static struct chunk *new_chunk(struct chunks *chunks, uint32_t region, uint64_t offset,
                               uint64_t bytes) {
    struct chunk *chunk = chunks->unused;
    if (chunk)
        chunks->unused = chunk->after;
    else
        chunk = ARENA_NEW(chunks->arena, struct chunk);
    *chunk = (struct chunk){.region = region, .taken = true, .offset = offset, .bytes = bytes};
    return chunk;
}

static void drop_chunk(struct chunks *chunks, struct chunk *chunk) {
    chunk->after = chunks->unused;
    chunks->unused = chunk;
}

static void link_pair(struct chunk *before, struct chunk *after) {
    if (before)
        before->after = after;
    if (after)
        after->before = before;
}

struct chunk *chunks_region(struct chunks *chunks, uint32_t region) {
    return new_chunk(chunks, region, 0, 0);
}

void chunks_lengthen(struct chunks *chunks, struct chunk *end, uint64_t bytes) {
    struct chunk *more = new_chunk(chunks, end->region, end->offset, bytes);
    end->offset += bytes;
    link_pair(end->before, more);
    link_pair(more, end);
    chunks_give(chunks, more);
}

struct chunk *chunks_best(const struct chunks *chunks, uint64_t bytes) {
    const struct chunk least = {.bytes = bytes, .region = UINT32_MAX};
    return (struct chunk *)ordered_at_least(&chunks->free, &least.by_size);
}

void chunks_take(struct chunks *chunks, struct chunk *chunk, uint64_t bytes) {
    ordered_remove(&chunks->free, &chunk->by_size);
    chunk->taken = true;
    if (chunk->bytes == bytes)
        return;
    struct chunk *rest =
        new_chunk(chunks, chunk->region, chunk->offset + bytes, chunk->bytes - bytes);
    chunk->bytes = bytes;
    link_pair(rest, chunk->after);
    link_pair(chunk, rest);
    rest->taken = false;
    ordered_add(&chunks->free, &rest->by_size);
}

/* The chunk before takes in the one behind it. */
static void join(struct chunks *chunks, struct chunk *front, struct chunk *back) {
    front->bytes += back->bytes;
    link_pair(front, back->after);
    drop_chunk(chunks, back);
}

void chunks_give(struct chunks *chunks, struct chunk *chunk) {
    struct chunk *before = chunk->before, *after = chunk->after;
    if (after && !after->taken) {
        ordered_remove(&chunks->free, &after->by_size);
        join(chunks, chunk, after);
    }
    if (before && !before->taken) {
        ordered_remove(&chunks->free, &before->by_size);
        join(chunks, before, chunk);
        chunk = before;
    }
    chunk->taken = false;
    ordered_add(&chunks->free, &chunk->by_size);
}
