#include "base/arena.h"

#include "base/err.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK_BYTES = 16 * 1024, LARGEST_GROWTH_BYTES = 8 * 1024 * 1024 };

/* AddressSanitizer sees a block as one object: it is told where those inside end, and there is a
 * gap behind each. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_GUARDED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_GUARDED 1
#endif
#ifdef ARENA_GUARDED
#include <sanitizer/asan_interface.h>
enum { GAP_BYTES = 16 };
#else
#define ASAN_POISON_MEMORY_REGION(bytes, size)   ((void)(bytes), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(bytes, size) ((void)(bytes), (void)(size))
enum { GAP_BYTES = 0 };
#endif

struct arena_block {
    struct arena_block *next;
    size_t size, used;
    _Alignas(max_align_t) unsigned char bytes[];
};

static void exit_exhausted(size_t bytes) {
    fprintf(stderr, "assay: out of memory (%zu bytes asked)\n", bytes);
    exit(ERR_ENVIRONMENT);
}

static void (*exhausted)(size_t bytes) = exit_exhausted;

void arena_on_exhausted(void (*handler)(size_t bytes)) {
    exhausted = handler ? handler : exit_exhausted;
}

void arena_init(struct arena *arena) {
    *arena = (struct arena){0};
}

void arena_done(struct arena *arena) {
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->used_bytes = 0;
}

static size_t block_size(const struct arena *arena, size_t size) {
    size_t next = arena->blocks ? 2 * arena->blocks->size : FIRST_BLOCK_BYTES;
    if (next > LARGEST_GROWTH_BYTES)
        next = LARGEST_GROWTH_BYTES;
    return size > next ? size : next;
}

static struct arena_block *add_block(struct arena *arena, size_t size) {
    size_t wanted = block_size(arena, size);
    struct arena_block *block = calloc(1, sizeof *block + wanted);
    if (!block)
        exhausted(wanted);
    block->size = wanted;
    block->next = arena->blocks;
    arena->blocks = block;
    ASAN_POISON_MEMORY_REGION(block->bytes, wanted);
    return block;
}

void *arena_alloc(struct arena *arena, size_t size) {
    size_t align = _Alignof(max_align_t);
    if (size > SIZE_MAX / 4)
        exhausted(size);
    const size_t asked = size;
    size = size ? (size + align - 1) / align * align + GAP_BYTES : align + GAP_BYTES;
    if (arena->limit_bytes && size > arena->limit_bytes - arena->used_bytes)
        exhausted(asked);
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < size)
        block = add_block(arena, size);
    void *result = block->bytes + block->used;
    block->used += size;
    arena->used_bytes += size;
    ASAN_UNPOISON_MEMORY_REGION(result, asked);
    return result;
}

void *arena_array(struct arena *arena, size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        exhausted(SIZE_MAX);
    return arena_alloc(arena, total);
}

void *arena_grow(struct arena *arena, const void *old, size_t old_count, size_t new_count,
                 size_t size) {
    void *grown = arena_array(arena, new_count, size);
    if (old_count)
        memcpy(grown, old, old_count * size);
    return grown;
}

char *arena_strndup(struct arena *arena, const char *text, size_t length) {
    char *copy = arena_alloc(arena, length + 1);
    if (length) /* the text of an empty file is no pointer */
        memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text) {
    return arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}
