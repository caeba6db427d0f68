#include "collectors/emit/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "streams are little endian");
_Static_assert(sizeof(struct hooks_header) == 600, "the header has no holes");

/* A program's hooks have nobody who hands them a context. */
struct emit emit = {.fd = -1};

enum { CALIBRATE_NS = 1000000, PATH_TRIES = 1000 };

void stream_lock(void) {
    pthread_mutex_lock(&emit.page->mutex);
}

void stream_unlock(void) {
    pthread_mutex_unlock(&emit.page->mutex);
}

/* ---- room ------------------------------------------------------------------------------------ */

/* What the file may grow to: growing past RLIMIT_FSIZE would be answered with a signal. */
static uint64_t most_bytes(void) {
    struct rlimit limit;
    uint64_t most = emit.limit_bytes;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < most)
        most = limit.rlim_cur;
    return most;
}

/* Room is taken from the disk before it is mapped: writing to a mapped hole of a full disk would
 * end the program. The pages are made now, so that no record waits for one. */
static void *map_room(uint64_t offset, size_t size) {
    if (offset + size > most_bytes())
        return NULL;
    int number;
    do
        number = posix_fallocate(emit.fd, (off_t)offset, (off_t)size);
    while (number == EINTR);
    if (number)
        return NULL;
    void *place = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, emit.fd, (off_t)offset);
    if (place == MAP_FAILED)
        return NULL;
    madvise(place, size, MADV_POPULATE_WRITE);
    return place;
}

uint64_t *stream_segment(struct lane *lane) {
    uint64_t *segment = map_room(emit.file_bytes, HOOKS_SEGMENT_BYTES);
    if (!segment)
        return NULL;
    emit.file_bytes += HOOKS_SEGMENT_BYTES;
    struct hooks_segment head = {lane->segments++, lane->number + 1};
    uint64_t word;
    memcpy(&word, &head, sizeof word);
    publish(segment, word);
    return segment;
}

void stream_unmap(uint64_t *segment) {
    if (segment)
        munmap(segment, HOOKS_SEGMENT_BYTES);
}

/* ---- opening --------------------------------------------------------------------------------- */

/* The file that was named; a child or another program with the same environment adds its process
 * id. What is there is never written over. */
static bool create_file(void) {
    size_t size = strlen(emit.wanted_path) + 32;
    char *path = malloc(size);
    if (!path)
        return false;
    for (int i = 0; i < PATH_TRIES; i++) {
        const char *const formats[] = {"%s", "%s.%d", "%s.%d.%d"};
        snprintf(path, size, formats[i < 2 ? i : 2], emit.wanted_path, (int)getpid(), i);
        emit.fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (emit.fd >= 0 || errno != EEXIST)
            break;
    }
    if (emit.fd < 0) {
        free(path);
        return false;
    }
    emit.path = path;
    return true;
}

static void name_program(char *name, size_t size) {
    int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, name, size - 1);
    if (fd >= 0)
        close(fd);
    name[length > 0 ? length - 1 : 0] = 0; /* without the line's end */
}

void stream_note_sync(void) {
    uint32_t other = !emit.header->last_at;
    emit.header->last[other] = clock_sync();
    __atomic_store_n(&emit.header->last_at, other, __ATOMIC_RELEASE);
}

static void fill_header(struct hooks_header *header) {
    struct timespec now;
    header->version = HOOKS_VERSION;
    header->header_bytes = HOOKS_HEADER_BYTES;
    header->segment_bytes = HOOKS_SEGMENT_BYTES;
    header->pid = (uint32_t)getpid();
    header->clock = emit.clock;
    clock_gettime(CLOCK_REALTIME, &now);
    header->realtime_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    header->first = clock_sync();
    name_program(header->program, sizeof header->program);
    counters_choose(getenv(COUNTERS_VARIABLE), header);
    while (clock_monotonic_ns() < header->first.monotonic_ns + CALIBRATE_NS)
        ; /* a record's ticks have a meaning from the first one on */
    stream_note_sync();
    memcpy(header->magic, HOOKS_MAGIC, sizeof header->magic);
}

/* In a forked child: what the parent maps is not ours to write. */
static void forget_parent(void) {
    for (struct lane *lane = emit.lanes; lane; lane = lane->older) {
        stream_unmap(lane->segment);
        stream_unmap(atomic_load(&lane->next));
        stream_unmap(atomic_load(&lane->written));
        counters_close_thread(lane);
    }
    stream_unmap(emit.kinds_lane.segment);
    if (emit.header)
        munmap(emit.header, HOOKS_HEADER_BYTES);
    if (emit.fd >= 0)
        close(emit.fd);
    emit.lanes = emit.free_lanes = NULL;
    emit.kinds_lane = (struct lane){0};
    emit.header = NULL;
    emit.fd = -1;
    emit.file_bytes = emit.threads = emit.lane_count = 0;
}

static bool stream_fail(void) {
    fprintf(stderr, "assay-hooks: nothing is recorded to %s: %s\n", emit.wanted_path,
            errno ? strerror(errno) : "no room");
    atomic_store(&emit.failed, true);
    return false;
}

bool stream_open(void) {
    if (atomic_load(&emit.failed))
        return false;
    forget_parent();
    emit.clock = clock_choose();
    errno = 0;
    if (!create_file())
        return stream_fail();
    emit.header = map_room(0, HOOKS_HEADER_BYTES);
    if (!emit.header)
        return stream_fail();
    emit.file_bytes = HOOKS_HEADER_BYTES;
    fill_header(emit.header);
    kinds_rewrite();
    helper_start();
    atomic_store(&emit.page->recording, true);
    return true;
}

/* ---- the library's life ---------------------------------------------------------------------- */

/* Bytes that the file may have: ASSAY_HOOKS_LIMIT, or 1 GiB. */
static uint64_t read_limit(void) {
    const char *text = getenv(LIMIT_VARIABLE);
    uint64_t bytes = text ? strtoull(text, NULL, 10) : 0;
    return bytes ? bytes : 1 << 30;
}

__attribute__((constructor)) static void library_load(void) {
    const char *path = secure_getenv(STREAM_VARIABLE);
    if (!path || !path[0] || pthread_key_create(&emit.leaving, lane_leave) != 0)
        return;
    void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || madvise(page, (size_t)sysconf(_SC_PAGESIZE), MADV_WIPEONFORK) != 0)
        return;
    emit.wanted_path = strdup(path);
    emit.limit_bytes = read_limit();
    emit.buckets = calloc(BUCKETS, sizeof *emit.buckets);
    if (emit.wanted_path && emit.buckets)
        emit.page = page;
}

__attribute__((destructor)) static void library_unload(void) {
    if (!emit.page || !atomic_load(&emit.page->recording))
        return;
    stream_lock();
    stream_note_sync();
    __atomic_store_n(&emit.header->closed, 1, __ATOMIC_RELEASE);
    stream_unlock();
}
