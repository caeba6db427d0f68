/* What the kernel reports of a process, its threads and the processes it starts: births and deaths,
 * names, and files mapped to be run, with times of CLOCK_MONOTONIC. From perf_event_open(2): a
 * counter of nothing on each CPU that hands its inheritance down.
 */
#ifndef ASSAY_COLLECTORS_RECORD_SIDEBAND_H
#define ASSAY_COLLECTORS_RECORD_SIDEBAND_H

#include "base/arena.h"
#include "base/err.h"

#include <linux/perf_event.h>
#include <poll.h>
#include <stdint.h>
#include <sys/types.h>

struct sideband {
    struct sideband_cpu {
        int fd;
        struct perf_event_mmap_page *page;
    } * cpus;
    uint32_t cpu_count;
    size_t ring_bytes; /* without the first page */
    uint64_t lost;     /* records that found no room */
};

/* NULL callbacks are not interested. Texts are borrowed for the call. */
struct sideband_listener {
    void *context;
    void (*born)(void *context, pid_t pid, pid_t tid, pid_t parent_pid, uint64_t at_ns);
    void (*died)(void *context, pid_t pid, pid_t tid, uint64_t at_ns);
    void (*named)(void *context, pid_t pid, pid_t tid, const char *name, uint64_t at_ns);
    void (*mapped)(void *context, pid_t pid, const char *path, uint64_t at_ns);
};

/* Begins when `pid` calls exec. ERR_ENVIRONMENT with the reason when the kernel does not allow it.
 * Close in every case. */
int sideband_open(struct sideband *sideband, struct arena *arena, pid_t pid, struct err *err);
/* Hands out what has come; of different CPUs not in the order of time. */
void sideband_read(struct sideband *sideband, const struct sideband_listener *listener);
void sideband_close(struct sideband *sideband);

#endif
