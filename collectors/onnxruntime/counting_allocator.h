/* The runtime's own arena with a counter in front of it: an OrtAllocator that hands every call on
 * and knows what is taken. The arena is the one that a session of its own kind has, so that
 * placement and growth are those of a user's session. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_COUNTING_ALLOCATOR_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_COUNTING_ALLOCATOR_H

#include "collectors/memory/heap_link.h"
#include "collectors/onnxruntime/api.h"

#include <stdatomic.h>

/* OrtAllocator of onnxruntime_c_api.h, appended to only; what we leave NULL is not called. */
struct ort_allocator {
    uint32_t version;
    void *(*take)(struct ort_allocator *, size_t bytes);
    void (*give)(struct ort_allocator *, void *block);
    const struct ort_memory_info *(*info)(const struct ort_allocator *);
    void *(*reserve)(struct ort_allocator *, size_t bytes); /* 1.18: beside the arena's regions */
    void (*later[8])(void);
};

struct counting_allocator {
    struct ort_allocator allocator; /* first: the runtime hands it back */
    struct ort_allocator *arena;
    struct ort_memory_info *info;
    struct heap_link *heap; /* told what a block is for */
    struct block_table taken;
    atomic_flag busy;
    uint64_t allocated_bytes, freed_bytes, live_bytes;
    uint64_t most_bytes;   /* live; the caller sets it back */
    uint64_t region_bytes; /* that the arena took of malloc */
};

/* Registers it with the environment, for sessions that ask for "session.use_env_allocators". All
 * lives until the process ends. */
int counting_allocator_register(struct counting_allocator *allocator, const struct api *api,
                                struct ort_env *env, struct heap_link *heap, struct err *err);

#endif
