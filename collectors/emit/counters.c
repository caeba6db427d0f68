#include "collectors/emit/emit.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What may share a group: clocks may not (they leave other members at 0). */
static const struct event {
    const char *name;
    uint32_t type;
    uint64_t config;
} events[] = {
    {"instructions",     PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS       },
    {"cycles",           PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES         },
    {"ref-cycles",       PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES     },
    {"branches",         PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
    {"branch-misses",    PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES      },
    {"cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES   },
    {"cache-misses",     PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES       },
    {"page-faults",      PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS        },
    {"minor-faults",     PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN    },
    {"major-faults",     PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ    },
    {"context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES   },
    {"cpu-migrations",   PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS     },
};

/* A name of the table, or rHEX for what the CPU's manual numbers. */
static bool event_by_name(const char *name, struct event *event) {
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (strcmp(events[i].name, name) == 0) {
            *event = events[i];
            return true;
        }
    char *end;
    *event = (struct event){name, PERF_TYPE_RAW, strtoull(name + 1, &end, 16)};
    return name[0] == 'r' && name[1] && !*end;
}

static int open_event(const char *name, int leader) {
    struct event event;
    if (!event_by_name(name, &event)) {
        errno = ENOENT;
        return -1;
    }
    struct perf_event_attr attr = {
        .size = sizeof attr, .type = event.type, .config = event.config, .exclude_hv = 1};
    attr.read_format =
        PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0 && (errno == EACCES || errno == EPERM)) {
        attr.exclude_kernel = 1; /* perf_event_paranoid 2 */
        fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
    }
    return fd;
}

static void note_missing(struct hooks_header *header, const char *name) {
    size_t length = strlen(header->missing);
    snprintf(header->missing + length, sizeof header->missing - length, "%s%s: %s",
             length ? "; " : "", name, strerror(errno));
}

void counters_choose(const char *names, struct hooks_header *header) {
    char copy[HOOKS_COUNTERS_MAX * HOOKS_COUNTER_NAME_SIZE], *rest;
    int fds[HOOKS_COUNTERS_MAX];
    uint32_t count = 0;
    snprintf(copy, sizeof copy, "%s", names ? names : "");
    for (char *name = strtok_r(copy, ", ", &rest); name; name = strtok_r(NULL, ", ", &rest)) {
        int fd = count < HOOKS_COUNTERS_MAX ? open_event(name, count ? fds[0] : -1) : -1;
        if (fd < 0) {
            note_missing(header, name);
            continue;
        }
        snprintf(header->counters[count], HOOKS_COUNTER_NAME_SIZE, "%s", name);
        fds[count++] = fd;
    }
    for (uint32_t i = 0; i < count; i++)
        close(fds[i]);
    header->counter_count = count;
}

void counters_open_thread(struct lane *lane) {
    uint32_t count = emit.header->counter_count;
    lane->counters = -1;
    for (uint32_t i = 0; i < count; i++) {
        lane->members[i] = open_event(emit.header->counters[i], i ? lane->members[0] : -1);
        if (lane->members[i] >= 0)
            continue;
        while (i > 0)
            close(lane->members[--i]);
        return;
    }
    if (count)
        lane->counters = lane->members[0];
}

void counters_close_thread(struct lane *lane) {
    if (lane->counters < 0)
        return;
    for (uint32_t i = 0; i < emit.header->counter_count; i++)
        close(lane->members[i]);
    lane->counters = -1;
}

uint32_t counters_put(const struct lane *lane, uint64_t *words) {
    uint64_t values[1 + HOOKS_COUNTER_WORDS_MAX];
    uint32_t count = 2 + emit.header->counter_count;
    size_t bytes = count * sizeof *values;
    if (read(lane->counters, values, sizeof values) != (ssize_t)(sizeof *values + bytes))
        return 0;
    memcpy(words, values + 1, bytes);
    return count;
}
