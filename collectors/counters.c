#include "collectors/counters.h"

#include "collectors/perf_rights.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <math.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct generic {
    const char *name;
    uint32_t type;
    uint64_t config;
    bool in_kernel; /* happens in the kernel, so a user-only counter of it stays 0 */
    const char *help;
};

#define HARDWARE(name, event, help)                                                                \
    { name, PERF_TYPE_HARDWARE, PERF_COUNT_HW_##event, false, help }
#define SOFTWARE(name, event, help)                                                                \
    { name, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_##event, false, help }
#define KERNEL(name, event, help)                                                                  \
    { name, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_##event, true, help }
#define CACHE(name, level, result, help)                                                           \
    {                                                                                              \
        name, PERF_TYPE_HW_CACHE,                                                                  \
            PERF_COUNT_HW_CACHE_##level | PERF_COUNT_HW_CACHE_OP_READ << 8 |                       \
                PERF_COUNT_HW_CACHE_RESULT_##result << 16,                                         \
            false, help                                                                            \
    }

/* The names that perf-list(1) gives. */
static const struct generic generics[] = {
    HARDWARE("instructions", INSTRUCTIONS, "instructions retired"),
    HARDWARE("cycles", CPU_CYCLES, "core cycles"),
    HARDWARE("ref-cycles", REF_CPU_CYCLES, "cycles at constant frequency"),
    HARDWARE("branches", BRANCH_INSTRUCTIONS, "branches retired"),
    HARDWARE("branch-misses", BRANCH_MISSES, "branches mispredicted"),
    HARDWARE("cache-references", CACHE_REFERENCES, "last level cache accesses"),
    HARDWARE("cache-misses", CACHE_MISSES, "last level cache misses"),
    HARDWARE("stalled-cycles-frontend", STALLED_CYCLES_FRONTEND, "cycles without instructions"),
    HARDWARE("stalled-cycles-backend", STALLED_CYCLES_BACKEND, "cycles waiting for data"),
    CACHE("L1-dcache-loads", L1D, ACCESS, "level 1 data cache reads"),
    CACHE("L1-dcache-load-misses", L1D, MISS, "level 1 data cache read misses"),
    CACHE("LLC-loads", LL, ACCESS, "last level cache reads"),
    CACHE("LLC-load-misses", LL, MISS, "last level cache read misses"),
    CACHE("dTLB-load-misses", DTLB, MISS, "data TLB read misses"),
    SOFTWARE("task-clock", TASK_CLOCK, "CPU time in nanoseconds"),
    SOFTWARE("cpu-clock", CPU_CLOCK, "CPU clock in nanoseconds"),
    SOFTWARE("page-faults", PAGE_FAULTS, "page faults"),
    SOFTWARE("minor-faults", PAGE_FAULTS_MIN, "page faults without reading"),
    SOFTWARE("major-faults", PAGE_FAULTS_MAJ, "page faults read from disk"),
    SOFTWARE("alignment-faults", ALIGNMENT_FAULTS, "unaligned accesses trapped"),
    SOFTWARE("emulation-faults", EMULATION_FAULTS, "instructions emulated"),
    KERNEL("context-switches", CONTEXT_SWITCHES, "switches to another task"),
    KERNEL("cpu-migrations", CPU_MIGRATIONS, "moves to another CPU"),
};

enum { GENERIC_COUNT = sizeof generics / sizeof *generics };

/* Up to a modifier. */
static const struct generic *generic_by_name(const char *name, const char **modifier) {
    for (size_t i = 0; i < GENERIC_COUNT; i++) {
        size_t length = strlen(generics[i].name);
        *modifier = name + length;
        if (strncmp(generics[i].name, name, length) == 0 &&
            (name[length] == '\0' || strcmp(name + length, ":u") == 0 ||
             strcmp(name + length, ":k") == 0))
            return &generics[i];
    }
    return NULL;
}

bool counters_is_generic(const char *name) {
    const char *modifier;
    return generic_by_name(name, &modifier) != NULL;
}

/* ---- why not -------------------------------------------------------------------------------- */

/* What CPUs with the hypervisor bit show; absent on other architectures. */
static bool is_virtual(void) {
#if defined(__x86_64__) || defined(__i386__)
    unsigned eax = 1, ebx, ecx = 0, edx;
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ecx >> 31 & 1;
#else
    return false;
#endif
}

static bool is_hardware(uint32_t type) {
    return type == PERF_TYPE_HARDWARE || type == PERF_TYPE_HW_CACHE || type == PERF_TYPE_RAW ||
           type >= PERF_TYPE_MAX;
}

static void explain_rights(char *reason) {
    struct perf_rights rights;
    char command[96];
    perf_rights_find(&rights);
    if (rights.whole_errno == 0) /* of this event alone */
        rights.whole_errno = EACCES;
    perf_rights_reason(&rights, reason, COUNTER_REASON_SIZE);
    perf_rights_command(&rights, "assay-worker", command, sizeof command);
    size_t length = strlen(reason);
    snprintf(reason + length, COUNTER_REASON_SIZE - length, "; `%s` would allow it", command);
}

struct explanation {
    int number;
    const char *text;
};

static const struct explanation explanations[] = {
    {ENOSYS,     "this kernel has no perf events"                        },
    {ENODEV,     "the hardware that counts this is not here"             },
    {EMFILE,     "too many open files; `ulimit -n` sets the limit"       },
    {EBUSY,      "another program has the counter to itself"             },
    {EINVAL,     "the kernel does not know this event or these modifiers"},
    {ENOSPC,     "too few hardware counters"                             },
    {E2BIG,      "the kernel is too old for this event"                  },
    {EOPNOTSUPP, "this CPU cannot count it"                              },
};

static void explain(char *reason, int number, uint32_t type) {
    if (number == EACCES || number == EPERM) {
        explain_rights(reason);
        return;
    }
    if ((number == ENOENT || number == EOPNOTSUPP) && is_hardware(type)) {
        snprintf(reason, COUNTER_REASON_SIZE, "%s",
                 is_virtual() ? "hardware counters not supported by this virtual machine"
                              : "not supported by this CPU or kernel");
        return;
    }
    for (size_t i = 0; i < sizeof explanations / sizeof *explanations; i++)
        if (explanations[i].number == number) {
            snprintf(reason, COUNTER_REASON_SIZE, "%s", explanations[i].text);
            return;
        }
    snprintf(reason, COUNTER_REASON_SIZE, "perf_event_open: %s", strerror(number));
}

/* ---- opening -------------------------------------------------------------------------------- */

/* Fills attr from a name; a generic name wins over libpfm4's reading of it. */
static bool encode(const char *name, struct perf_event_attr *attr, bool *in_kernel, char *reason) {
    memset(attr, 0, sizeof *attr);
    attr->size = sizeof *attr;
    *in_kernel = false;
    const char *modifier;
    const struct generic *generic = generic_by_name(name, &modifier);
    if (generic) {
        attr->type = generic->type;
        attr->config = generic->config;
        attr->exclude_kernel = attr->exclude_hv = modifier[0] && modifier[1] == 'u';
        attr->exclude_user = modifier[0] && modifier[1] == 'k';
        *in_kernel = generic->in_kernel;
        return true;
    }
    pfm_perf_encode_arg_t arg = {.attr = attr, .size = sizeof arg};
    int code = pfm_initialize();
    if (code == PFM_SUCCESS)
        code = pfm_get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &arg);
    if (code == PFM_SUCCESS)
        return true;
    snprintf(reason, COUNTER_REASON_SIZE, "libpfm4: %s%s", pfm_strerror(code),
             code == PFM_ERR_NOTFOUND ? " on this CPU; `assay list events` has the generic ones"
                                      : "");
    return false;
}

bool counters_known(const char *name, char reason[static COUNTER_REASON_SIZE]) {
    struct perf_event_attr attr;
    bool in_kernel;
    return encode(name, &attr, &in_kernel, reason);
}

static int perf_open(struct perf_event_attr *attr, int thread, int leader) {
    return (int)syscall(SYS_perf_event_open, attr, thread, -1, leader, PERF_FLAG_FD_CLOEXEC);
}

/* Tries both sides, then the user's alone. Returns the descriptor, or -1 with errno. */
static int open_either_side(struct counters *counters, struct perf_event_attr *attr, int leader,
                            bool in_kernel) {
    int fd = perf_open(attr, counters->thread, leader);
    bool denied = fd < 0 && (errno == EACCES || errno == EPERM);
    if (!denied || in_kernel || attr->exclude_kernel || attr->exclude_user)
        return fd;
    attr->exclude_kernel = attr->exclude_hv = 1;
    fd = perf_open(attr, counters->thread, leader);
    counters->user_only |= fd >= 0;
    return fd;
}

/* Linux 6.18 leaves every other member of a group at 0 when a clock leads it, and a clock at 0
 * when another leads; so clocks are read alone. */
static bool is_clock(const struct perf_event_attr *attr) {
    return attr->type == PERF_TYPE_SOFTWARE &&
           (attr->config == PERF_COUNT_SW_CPU_CLOCK || attr->config == PERF_COUNT_SW_TASK_CLOCK);
}

static void set_reading(const struct counters *counters, struct perf_event_attr *attr) {
    bool grouped = counters->scope == COUNTERS_THREAD;
    attr->read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    attr->read_format |= grouped ? PERF_FORMAT_GROUP : 0;
    attr->inherit = !grouped;
    attr->disabled = attr->enable_on_exec = counters->scope == COUNTERS_COMMAND;
}

/* Opens into the group that takes others or, when there is none or the kernel will not add to it,
 * as leader of a new one. */
static int open_one(struct counters *counters, struct perf_event_attr *attr, bool in_kernel,
                    uint32_t *group) {
    bool joins = counters->scope == COUNTERS_THREAD && !is_clock(attr);
    bool tried = joins && counters->joinable > 0;
    set_reading(counters, attr);
    if (tried) {
        *group = counters->joinable - 1;
        int fd = open_either_side(counters, attr, counters->leaders[*group], in_kernel);
        if (fd >= 0)
            return fd;
    }
    int fd = open_either_side(counters, attr, -1, in_kernel);
    if (fd < 0)
        return fd;
    counters->split |= tried;
    *group = counters->group_count++;
    counters->leaders[*group] = fd;
    if (joins)
        counters->joinable = *group + 1;
    return fd;
}

static void note_missing(struct counters *counters, const char *name, const char *reason) {
    struct counter_missing *missing = &counters->missing[counters->missing_count++];
    snprintf(missing->name, sizeof missing->name, "%s", name);
    snprintf(missing->reason, sizeof missing->reason, "%s", reason);
}

static void open_named(struct counters *counters, const char *name, uint32_t asked) {
    char reason[COUNTER_REASON_SIZE] = "";
    struct perf_event_attr attr;
    bool in_kernel;
    if (!encode(name, &attr, &in_kernel, reason)) {
        note_missing(counters, name, reason);
        return;
    }
    uint32_t group = 0;
    int fd = open_one(counters, &attr, in_kernel, &group);
    if (fd < 0) {
        explain(reason, errno, attr.type);
        note_missing(counters, name, reason);
        return;
    }
    struct counter *counter = &counters->opened[counters->opened_count++];
    snprintf(counter->name, sizeof counter->name, "%s", name);
    counter->asked = asked;
    counter->fd = fd;
    counter->group = group;
    counter->place = counters->members[group]++;
}

int counters_open_thread(struct counters *counters, enum counters_scope scope, int thread,
                         const char *const *names, uint32_t count, struct err *err) {
    memset(counters, 0, sizeof *counters);
    counters->scope = scope;
    counters->thread = thread;
    if (count > METRIC_COUNTER_MAX)
        return err_set(err, ERR_USAGE, "%u events asked for; at most %d at a time", count,
                       METRIC_COUNTER_MAX);
    counters->asked_count = count;
    for (uint32_t i = 0; i < count; i++)
        open_named(counters, names[i], i);
    return 0;
}

int counters_open_scope(struct counters *counters, enum counters_scope scope,
                        const char *const *names, uint32_t count, struct err *err) {
    return counters_open_thread(counters, scope, 0, names, count, err);
}

int counters_open(struct counters *counters, const char *const *names, uint32_t count,
                  struct err *err) {
    return counters_open_scope(counters, COUNTERS_THREAD, names, count, err);
}

void counters_close(struct counters *counters) {
    if (counters->others)
        counters_close(counters->others);
    for (uint32_t i = counters->opened_count; i-- > 0;)
        close(counters->opened[i].fd);
    counters->opened_count = counters->group_count = 0;
    counters->others = NULL;
}

/* ---- other threads -------------------------------------------------------------------------- */

static bool same_layout(const struct counters *a, const struct counters *b) {
    bool same = a->opened_count == b->opened_count && a->group_count == b->group_count;
    for (uint32_t i = 0; same && i < a->opened_count; i++)
        same = a->opened[i].asked == b->opened[i].asked && a->opened[i].group == b->opened[i].group;
    return same;
}

static bool lives(int thread) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d", thread);
    return access(path, F_OK) == 0;
}

static void leave_out(struct counters *counters, struct counters *other) {
    const char *reason = other->missing_count > counters->missing_count
                             ? other->missing[other->missing_count - 1].reason
                             : "its events fell into other groups";
    counters->threads_missing++;
    snprintf(counters->threads_reason, sizeof counters->threads_reason, "%s", reason);
}

static bool open_other(struct counters *counters, struct arena *arena, const char *const *names,
                       int thread) {
    struct counters *other = ARENA_NEW(arena, struct counters);
    struct err err = {0};
    counters_open_thread(other, COUNTERS_THREAD, thread, names, counters->asked_count, &err);
    if (!same_layout(counters, other)) {
        if (lives(thread))
            leave_out(counters, other);
        counters_close(other);
        return false;
    }
    other->others = counters->others;
    counters->others = other;
    return true;
}

uint32_t counters_open_others(struct counters *counters, struct arena *arena,
                              const char *const *names) {
    DIR *tasks = opendir("/proc/self/task");
    uint32_t opened = 0;
    int self = counters->thread ? counters->thread : (int)syscall(SYS_gettid);
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
        int thread = atoi(entry->d_name);
        if (thread > 0 && thread != self)
            opened += open_other(counters, arena, names, thread);
    }
    if (tasks)
        closedir(tasks);
    return opened;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* Adds one thread's group to the reading, whose values are by group and place until the end. */
static void read_group(const struct counters *counters, uint32_t group,
                       struct counters_reading *reading,
                       uint64_t values[static METRIC_COUNTER_MAX]) {
    /* As the kernel writes it: with PERF_FORMAT_GROUP the member count comes first, else the only
     * value does; then both times, then the values (perf_event_open(2), "Reading results"). */
    uint64_t buffer[3 + METRIC_COUNTER_MAX];
    bool grouped = counters->scope == COUNTERS_THREAD;
    uint32_t members = counters->members[group];
    size_t wanted = (grouped ? 3 + members : 3) * sizeof *buffer;
    if (read(counters->leaders[group], buffer, sizeof buffer) != (ssize_t)wanted)
        return;
    reading->enabled_ns[group] += buffer[1];
    reading->running_ns[group] += buffer[2];
    for (uint32_t i = 0; i < members; i++)
        values[i] += grouped ? buffer[3 + i] : buffer[0];
}

void counters_read(const struct counters *counters, struct counters_reading *reading) {
    uint64_t values[METRIC_COUNTER_MAX][METRIC_COUNTER_MAX];
    for (uint32_t g = 0; g < counters->group_count; g++) {
        reading->enabled_ns[g] = reading->running_ns[g] = 0;
        memset(values[g], 0, counters->members[g] * sizeof **values);
        for (const struct counters *one = counters; one; one = one->others)
            read_group(one, g, reading, values[g]);
    }
    for (uint32_t i = 0; i < counters->opened_count; i++)
        reading->values[i] = values[counters->opened[i].group][counters->opened[i].place];
}

void counters_difference(const struct counters *counters, const struct counters_reading *before,
                         const struct counters_reading *after,
                         double values[static METRIC_COUNTER_MAX]) {
    for (uint32_t i = 0; i < METRIC_COUNTER_MAX; i++)
        values[i] = NAN;
    for (uint32_t i = 0; i < counters->opened_count; i++) {
        const struct counter *counter = &counters->opened[i];
        uint64_t enabled = after->enabled_ns[counter->group] - before->enabled_ns[counter->group];
        uint64_t running = after->running_ns[counter->group] - before->running_ns[counter->group];
        double counted = (double)(after->values[i] - before->values[i]);
        if (running == enabled)
            values[counter->asked] = counted;
        else if (running > 0)
            values[counter->asked] = counted * (double)enabled / (double)running;
    }
}

void counters_running(const struct counters *counters, const struct counters_reading *before,
                      const struct counters_reading *after,
                      double shares[static METRIC_COUNTER_MAX]) {
    for (uint32_t i = 0; i < METRIC_COUNTER_MAX; i++)
        shares[i] = NAN;
    for (uint32_t i = 0; i < counters->opened_count; i++) {
        uint32_t g = counters->opened[i].group;
        uint64_t enabled = after->enabled_ns[g] - before->enabled_ns[g];
        uint64_t running = after->running_ns[g] - before->running_ns[g];
        if (enabled > 0)
            shares[counters->opened[i].asked] = (double)running / (double)enabled;
    }
}

/* ---- sets ----------------------------------------------------------------------------------- */

static void spin_ns(int64_t duration_ns) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t end = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + duration_ns;
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec < end);
}

/* The kernel takes a group that the counters could hold if they were all free; whether they are
 * shows only when it should run. */
static bool never_runs(const struct counters *counters) {
    enum { LONG_ENOUGH_NS = 200000 };
    struct counters_reading before, after;
    double shares[METRIC_COUNTER_MAX];
    counters_read(counters, &before);
    spin_ns(LONG_ENOUGH_NS);
    counters_read(counters, &after);
    counters_running(counters, &before, &after, shares);
    for (uint32_t i = 0; i < METRIC_COUNTER_MAX; i++)
        if (shares[i] == 0)
            return true;
    return false;
}

static bool fits(const char *const *names, uint32_t count) {
    struct counters counters;
    struct err err = {0};
    if (counters_open(&counters, names, count, &err))
        return false;
    bool fit = !counters.split && !never_runs(&counters);
    counters_close(&counters);
    return fit;
}

uint32_t counters_sets(const char *const *names, uint32_t count, struct counter_set *sets) {
    uint32_t found = 0;
    for (uint32_t first = 0; first < count; first += sets[found++].count) {
        uint32_t length = 1;
        while (first + length < count && length < METRIC_COUNTER_MAX &&
               fits(names + first, length + 1))
            length++;
        sets[found] = (struct counter_set){first, length};
    }
    return found;
}

/* ---- names ---------------------------------------------------------------------------------- */

static int add_name(struct arena *arena, const char **names, uint32_t *count, const char *start,
                    const char *end, struct err *err) {
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (start < end && isspace((unsigned char)end[-1]))
        end--;
    size_t length = (size_t)(end - start);
    if (length == 0)
        return err_set(err, ERR_USAGE, "an empty name in the list of events");
    if (length >= COUNTER_NAME_SIZE)
        return err_set(err, ERR_USAGE, "event name '%.20s...' is longer than %d bytes", start,
                       COUNTER_NAME_SIZE - 1);
    if (*count == METRIC_EVENTS_MAX)
        return err_set(err, ERR_USAGE, "more than %d events", METRIC_EVENTS_MAX);
    for (uint32_t i = 0; i < *count; i++)
        if (strlen(names[i]) == length && memcmp(names[i], start, length) == 0)
            return err_set(err, ERR_USAGE, "event '%s' is given twice", names[i]);
    names[(*count)++] = arena_strndup(arena, start, length);
    return 0;
}

int counters_parse(struct arena *arena, const char *text, const char *const **names,
                   uint32_t *count, struct err *err) {
    const char **list = ARENA_ARRAY(arena, METRIC_EVENTS_MAX, const char *);
    *names = list;
    *count = 0;
    for (const char *start = text;;) {
        const char *end = strchrnul(start, ',');
        int status = add_name(arena, list, count, start, end, err);
        if (status != 0)
            return status;
        if (*end == '\0')
            return 0;
        start = end + 1;
    }
}

/* ---- what opens here ------------------------------------------------------------------------ */

void counters_probe(struct arena *arena, struct counter_probe **rows, uint32_t *count) {
    *rows = ARENA_ARRAY(arena, GENERIC_COUNT, struct counter_probe);
    *count = GENERIC_COUNT;
    for (size_t i = 0; i < GENERIC_COUNT; i++) {
        struct counter_probe *row = &(*rows)[i];
        struct counters counters;
        struct err err = {0};
        row->name = generics[i].name;
        row->help = generics[i].help;
        counters_open(&counters, &row->name, 1, &err);
        row->available = counters.opened_count == 1;
        row->user_only = counters.user_only;
        if (!row->available)
            memcpy(row->reason, counters.missing[0].reason, sizeof row->reason);
        counters_close(&counters);
    }
}

void counters_hardware(struct arena *arena, const char ***rows, uint32_t *count) {
    uint32_t capacity = 0;
    *rows = NULL;
    *count = 0;
    if (pfm_initialize() != PFM_SUCCESS)
        return;
    for (pfm_pmu_t pmu = PFM_PMU_NONE; pmu < PFM_PMU_MAX; pmu++) {
        pfm_pmu_info_t info = {.size = sizeof info};
        if (pfm_get_pmu_info(pmu, &info) != PFM_SUCCESS || !info.is_present)
            continue;
        const char **row = ARENA_PUSH(arena, *rows, *count, capacity);
        *row = arena_printf(arena, "%s (%s), %d events", info.name, info.desc, info.nevents);
    }
}

void counters_pmus(struct arena *arena, const char ***names, uint32_t *count) {
    uint32_t capacity = 0;
    *names = NULL;
    *count = 0;
    if (pfm_initialize() != PFM_SUCCESS)
        return;
    for (pfm_pmu_t pmu = PFM_PMU_NONE; pmu < PFM_PMU_MAX; pmu++) {
        pfm_pmu_info_t info = {.size = sizeof info};
        if (pfm_get_pmu_info(pmu, &info) == PFM_SUCCESS && info.is_present)
            *ARENA_PUSH(arena, *names, *count, capacity) = arena_strdup(arena, info.name);
    }
}
