/* libassay-heap.so: see heap_link.h. The functions behind these names are called by those that
 * glibc exports for the purpose: dlsym() would take memory itself. */
#include "collectors/memory/heap_link.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
extern void __libc_free(void *block);

enum { SMALL_RELEASES = 512 };

static struct heap_link *connected;
static atomic_flag busy = ATOMIC_FLAG_INIT;
static atomic_uint small_releases;

/* ---- the books --------------------------------------------------------------------------------
 */

static void lock(void) {
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
        ;
}

static void unlock(void) {
    atomic_flag_clear_explicit(&busy, memory_order_release);
}

static void *taken(void *block, bool aligned) {
    if (!block || !connected)
        return block;
    size_t bytes = malloc_usable_size(block);
    lock();
    connected->allocated_bytes += bytes;
    if (bytes >= HEAP_REMEMBERED_BYTES)
        block_put(&connected->blocks,
                  &(struct block){(uintptr_t)block, bytes, (uint8_t)connected->purpose, aligned});
    unlock();
    return block;
}

static void given(void *block) {
    size_t bytes = malloc_usable_size(block);
    lock();
    connected->freed_bytes += bytes;
    if (bytes >= HEAP_REMEMBERED_BYTES)
        block_take(&connected->blocks, (uintptr_t)block);
    unlock();
}

/* Small ones add up until the C library gives the end of its heap back. */
static void tell(size_t bytes) {
    struct heap_link *link = connected;
    if (link->before_release &&
        (bytes >= HEAP_RELEASED_BYTES ||
         atomic_fetch_add_explicit(&small_releases, 1, memory_order_relaxed) % SMALL_RELEASES ==
             SMALL_RELEASES - 1))
        link->before_release(link->context);
}

/* ---- in place of the C library's --------------------------------------------------------------
 */

EXPORT void *malloc(size_t bytes) {
    return taken(__libc_malloc(bytes), false);
}

EXPORT void *calloc(size_t count, size_t bytes) {
    return taken(__libc_calloc(count, bytes), false);
}

EXPORT void *realloc(void *old, size_t bytes) {
    if (old && connected) {
        tell(malloc_usable_size(old));
        given(old);
    }
    void *block = __libc_realloc(old, bytes);
    if (!block && old && bytes)
        taken(old, false);
    return taken(block, false);
}

EXPORT void *memalign(size_t alignment, size_t bytes) {
    return taken(__libc_memalign(alignment, bytes), true);
}

EXPORT void *aligned_alloc(size_t alignment, size_t bytes) {
    return taken(__libc_memalign(alignment, bytes), true);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t bytes) {
    if (alignment % sizeof(void *) || !alignment || (alignment & (alignment - 1)))
        return EINVAL;
    void *block = taken(__libc_memalign(alignment, bytes), true);
    if (!block)
        return ENOMEM;
    *out = block;
    return 0;
}

EXPORT void free(void *block) {
    int kept = errno;
    if (block && connected) {
        tell(malloc_usable_size(block));
        given(block);
    }
    __libc_free(block);
    errno = kept;
}

EXPORT int munmap(void *at, size_t bytes) {
    if (connected)
        tell(bytes);
    return (int)syscall(SYS_munmap, at, bytes);
}

/* ---- the worker's -----------------------------------------------------------------------------
 */

EXPORT int assay_heap_connect(struct heap_link *link) {
    void *table = mmap(NULL, HEAP_BLOCKS * sizeof(struct block), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (link->size != sizeof *link || table == MAP_FAILED)
        return -1;
    link->blocks = (struct block_table){table, HEAP_BLOCKS - 1, 0};
    link->allocated_bytes = link->freed_bytes = 0;
    connected = link;
    return 0;
}
