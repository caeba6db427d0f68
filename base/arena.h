/* Memory with one owner and one end.
 *
 * A command, a run or a reader has an arena; everything it builds lives there and is freed at
 * once by arena_done(). arena_alloc() never returns NULL: when the system has no memory, or the
 * arena's limit (if one was set) is passed, the handler given to arena_on_exhausted() is called,
 * and it must not return. Readers of foreign files check a size against what is left of the file
 * before they ask for it, so a hostile file cannot reach that point.
 */
#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used_bytes;          /* handed out, of all blocks */
    size_t limit_bytes;         /* 0: none */
};

void arena_init(struct arena *arena);
void arena_done(struct arena *arena); /* frees all; the arena may be used again */

/* Zeroed, aligned for any object. size 0 gives a unique pointer. */
void *arena_alloc(struct arena *arena, size_t size);
/* count * size with overflow checked (treated as exhaustion). */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* Copies old_count elements to a new place for new_count and returns it; old stays until done. */
void *arena_grow(struct arena *arena, const void *old, size_t old_count, size_t new_count,
                 size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args);

#define ARENA_NEW(arena, type)          ((type *)arena_alloc(arena, sizeof(type)))
#define ARENA_ARRAY(arena, count, type) ((type *)arena_array(arena, count, sizeof(type)))

/* Appends to a growing array held as pointer, count, capacity; doubles when full. The element is
 * zeroed; evaluates to a pointer to it. */
#define ARENA_PUSH(arena, items, count, capacity)                                                  \
    ((count) == (capacity)                                                                         \
         ? ((items) = arena_grow(arena, items, (size_t)(count),                                    \
                                 (size_t)((capacity) = (capacity) ? 2 * (capacity) : 8),           \
                                 sizeof *(items)),                                                 \
            &(items)[(count)++])                                                                   \
         : &(items)[(count)++])

/* Called with the size that could not be had; must not return. The default writes one line to
 * stderr and exits with ERR_ENVIRONMENT. */
void arena_on_exhausted(void (*handler)(size_t bytes));

#endif
