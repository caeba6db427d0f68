#include "collectors/record/sideband.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { RING_PAGES = 32, RECORD_MAX = 8192 };

/* perf_event_open(2), "PERF_RECORD_FORK" and the others; each ends with struct sample_id, as
 * sample_id_all and sample_type ask for it. */
struct sample_id {
    uint32_t pid, tid;
    uint64_t time;
};

struct task_record {
    struct perf_event_header header;
    uint32_t pid, parent_pid;
    uint32_t tid, parent_tid;
    uint64_t time;
};

struct name_record {
    struct perf_event_header header;
    uint32_t pid, tid;
    char name[]; /* NUL-terminated */
};

struct map_record {
    struct perf_event_header header;
    uint32_t pid, tid;
    uint64_t address, length, page_offset;
    uint32_t major, minor;
    uint64_t inode, generation;
    uint32_t protection, flags;
    char path[]; /* NUL-terminated */
};

struct lost_record {
    struct perf_event_header header;
    uint64_t id, count;
};

/* ---- opening -------------------------------------------------------------------------------- */

static int open_cpu(struct sideband *sideband, struct sideband_cpu *cpu, pid_t pid, int number) {
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof attr,
        .config = PERF_COUNT_SW_DUMMY,
        .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
        .sample_id_all = 1,
        .disabled = 1,
        .enable_on_exec = 1,
        .inherit = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .task = 1,
        .comm = 1,
        .mmap = 1,
        .mmap2 = 1,
        .watermark = 1,
        .wakeup_watermark = 1,
        .use_clockid = 1,
        .clockid = CLOCK_MONOTONIC,
    };
    cpu->fd = (int)syscall(SYS_perf_event_open, &attr, pid, number, -1, PERF_FLAG_FD_CLOEXEC);
    if (cpu->fd < 0)
        return -1;
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, page_bytes + sideband->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                      cpu->fd, 0);
    if (page == MAP_FAILED)
        return -1;
    cpu->page = page;
    return 0;
}

int sideband_open(struct sideband *sideband, struct arena *arena, pid_t pid, struct err *err) {
    long cpus = sysconf(_SC_NPROCESSORS_CONF);
    *sideband = (struct sideband){.ring_bytes = RING_PAGES * (size_t)sysconf(_SC_PAGESIZE)};
    sideband->cpus = ARENA_ARRAY(arena, (size_t)cpus, struct sideband_cpu);
    for (int i = 0; i < cpus; i++) {
        struct sideband_cpu *cpu = &sideband->cpus[sideband->cpu_count++];
        if (open_cpu(sideband, cpu, pid, i) == 0)
            continue;
        if (errno == ENODEV && cpu->fd < 0) { /* a CPU that is switched off */
            sideband->cpu_count--;
            continue;
        }
        err_set_errno(err, ERR_ENVIRONMENT, "perf_event_open: threads and libraries of a program");
        err_hint(err, "sysctl kernel.perf_event_paranoid=2, or run as root");
        sideband_close(sideband);
        return -ERR_ENVIRONMENT;
    }
    return 0;
}

void sideband_close(struct sideband *sideband) {
    for (uint32_t i = 0; i < sideband->cpu_count; i++) {
        struct sideband_cpu *cpu = &sideband->cpus[i];
        if (cpu->page)
            munmap(cpu->page, (size_t)sysconf(_SC_PAGESIZE) + sideband->ring_bytes);
        if (cpu->fd >= 0)
            close(cpu->fd);
    }
    sideband->cpu_count = 0;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The text of a record of `size` bytes, or NULL when it does not end inside. */
static const char *text_of(const void *record, const char *text, size_t size) {
    size_t offset = (size_t)(text - (const char *)record);
    size_t left =
        size > offset + sizeof(struct sample_id) ? size - offset - sizeof(struct sample_id) : 0;
    return memchr(text, 0, left) ? text : NULL;
}

static uint64_t time_of(const void *record, size_t size) {
    struct sample_id id;
    memcpy(&id, (const char *)record + size - sizeof id, sizeof id);
    return id.time;
}

static void hand_task(const void *record, const struct sideband_listener *listener, bool born) {
    const struct task_record *task = record;
    if (born && listener->born)
        listener->born(listener->context, (pid_t)task->pid, (pid_t)task->tid,
                       (pid_t)task->parent_pid, task->time);
    if (!born && listener->died)
        listener->died(listener->context, (pid_t)task->pid, (pid_t)task->tid, task->time);
}

static void hand_name(const void *record, size_t size, const struct sideband_listener *listener) {
    const struct name_record *name = record;
    const char *text = text_of(record, name->name, size);
    if (text && listener->named)
        listener->named(listener->context, (pid_t)name->pid, (pid_t)name->tid, text,
                        time_of(record, size));
}

static void hand_map(const void *record, size_t size, const struct sideband_listener *listener) {
    const struct map_record *map = record;
    const char *text = text_of(record, map->path, size);
    if (text && text[0] == '/' && listener->mapped)
        listener->mapped(listener->context, (pid_t)map->pid, text, time_of(record, size));
}

static void hand_out(struct sideband *sideband, const void *record, size_t size,
                     const struct sideband_listener *listener) {
    const struct perf_event_header *header = record;
    switch (header->type) {
    case PERF_RECORD_FORK:
    case PERF_RECORD_EXIT:
        hand_task(record, listener, header->type == PERF_RECORD_FORK);
        break;
    case PERF_RECORD_COMM:
        hand_name(record, size, listener);
        break;
    case PERF_RECORD_MMAP2:
        hand_map(record, size, listener);
        break;
    case PERF_RECORD_LOST:
        sideband->lost += ((const struct lost_record *)record)->count;
        break;
    }
}

/* A record may go on at the ring's beginning. */
static void copy_out(const struct sideband *sideband, const char *ring, uint64_t at, char *out,
                     size_t size) {
    size_t place = (size_t)(at & (sideband->ring_bytes - 1));
    size_t first = sideband->ring_bytes - place < size ? sideband->ring_bytes - place : size;
    memcpy(out, ring + place, first);
    memcpy(out + first, ring, size - first);
}

static void read_cpu(struct sideband *sideband, struct sideband_cpu *cpu,
                     const struct sideband_listener *listener) {
    const char *ring = (const char *)cpu->page + sysconf(_SC_PAGESIZE);
    uint64_t head = __atomic_load_n(&cpu->page->data_head, __ATOMIC_ACQUIRE);
    uint64_t tail = cpu->page->data_tail;
    _Alignas(8) char record[RECORD_MAX];
    while (tail < head) {
        struct perf_event_header header;
        copy_out(sideband, ring, tail, (char *)&header, sizeof header);
        if (header.size < sizeof header || header.size > head - tail)
            break;
        if (header.size >= sizeof header + sizeof(struct sample_id) && header.size <= RECORD_MAX) {
            copy_out(sideband, ring, tail, record, header.size);
            hand_out(sideband, record, header.size, listener);
        }
        tail += header.size;
    }
    __atomic_store_n(&cpu->page->data_tail, head, __ATOMIC_RELEASE);
}

void sideband_read(struct sideband *sideband, const struct sideband_listener *listener) {
    for (uint32_t i = 0; i < sideband->cpu_count; i++)
        read_cpu(sideband, &sideband->cpus[i], listener);
}
