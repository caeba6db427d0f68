/* Counters by name, through perf_event_open(2).
 *
 * Names are perf's generic ones ("instructions", "page-faults", a row each in counters.c) or any
 * event of libpfm4 ("INST_RETIRED:ANY_P", "perf_raw::r01c0"). What cannot be opened is listed with
 * its reason and the rest goes on.
 *
 * COUNTERS_THREAD counts one thread; its events share a group where the kernel allows, so one read
 * gives them all. Threads that run beside it are added with counters_open_others: each has a group
 * of its own, and a reading is the sum. COUNTERS_PROCESS counts the calling thread and every thread
 * it starts afterwards; the kernel forbids reading such events as a group, so each is read alone.
 * COUNTERS_COMMAND is that for a child that has not called exec yet, and counts from there on.
 *
 * A name may end in ":u" or ":k": the user's or the kernel's side alone.
 *
 * Hardware has few counters. What does not fit into one group takes turns with the others; values
 * are scaled then, and counters_running says how much of the time each one counted. Rather than
 * that, counters_sets cuts a long list into sets that fit, to be opened one after the other.
 *
 * Where the rights allow only the user's side (perf_event_paranoid is 2) the event is opened for
 * that and counters.user_only says so. Events that exist only inside the kernel, such as
 * context-switches, are then listed as missing, for they would count nothing.
 */
#ifndef ASSAY_COLLECTORS_COUNTERS_H
#define ASSAY_COLLECTORS_COUNTERS_H

#include "base/arena.h"
#include "base/err.h"
#include "core/run.h"

#include <stdbool.h>
#include <stdint.h>

enum { COUNTER_NAME_SIZE = 96, COUNTER_REASON_SIZE = 256 };

enum counters_scope { COUNTERS_THREAD, COUNTERS_PROCESS, COUNTERS_COMMAND };

struct counter_missing {
    char name[COUNTER_NAME_SIZE];
    char reason[COUNTER_REASON_SIZE];
};

/* One counter that opened. */
struct counter {
    char name[COUNTER_NAME_SIZE];
    uint32_t asked; /* its place in the list of names given */
    uint32_t group; /* which group it is read with */
    uint32_t place; /* in that group */
    int fd;
};

struct counters {
    struct counter opened[METRIC_COUNTER_MAX];
    struct counter_missing missing[METRIC_COUNTER_MAX];
    int leaders[METRIC_COUNTER_MAX]; /* file descriptor of each group */
    uint32_t members[METRIC_COUNTER_MAX];
    uint32_t opened_count, missing_count, group_count, asked_count;
    uint32_t joinable; /* 1 + the group that takes further members; 0: none */
    enum counters_scope scope;
    int thread;     /* 0: the calling one */
    bool user_only; /* at least one counts user space alone, though not asked to */
    bool split;     /* some had no place in the group of the others: they may take turns */
    uint32_t threads_missing; /* that counters_open_others could not add */
    char threads_reason[COUNTER_REASON_SIZE];
    struct counters *others; /* of the next thread; the same events in the same groups */
};

/* What the kernel says at one moment; indices are those of `opened`, times those of groups. */
struct counters_reading {
    uint64_t values[METRIC_COUNTER_MAX];
    uint64_t enabled_ns[METRIC_COUNTER_MAX];
    uint64_t running_ns[METRIC_COUNTER_MAX];
};

/* Opens and starts. Returns 0 also when nothing could be opened; ERR_USAGE when more than
 * METRIC_COUNTER_MAX names are given. Close with counters_close in every case. */
int counters_open(struct counters *counters, const char *const *names, uint32_t count,
                  struct err *err);
int counters_open_scope(struct counters *counters, enum counters_scope scope,
                        const char *const *names, uint32_t count, struct err *err);
/* Of another thread or, in COUNTERS_COMMAND, of a child that is about to call exec. */
int counters_open_thread(struct counters *counters, enum counters_scope scope, int thread,
                         const char *const *names, uint32_t count, struct err *err);
/* The same events for every other thread that the process has now; they live in the arena, and are
 * read and closed with `counters`. Threads that ended meanwhile are left out; those that could not
 * be added stand in threads_missing. Returns how many are counted besides the first. */
uint32_t counters_open_others(struct counters *counters, struct arena *arena,
                              const char *const *names);
void counters_close(struct counters *counters);

/* One system call per group, nothing allocated. A group that cannot be read leaves zeros. */
void counters_read(const struct counters *counters, struct counters_reading *reading);

/* How much counted between two readings, by place in the list of names given; scaled by enabled /
 * running time where the counters took turns; NaN for what did not open or never ran. */
void counters_difference(const struct counters *counters, const struct counters_reading *before,
                         const struct counters_reading *after,
                         double values[static METRIC_COUNTER_MAX]);

/* Which part of the time between two readings each one counted, 0 to 1, by place in the list of
 * names; 1: values are exact. NaN for what did not open and where no time went by. */
void counters_running(const struct counters *counters, const struct counters_reading *before,
                      const struct counters_reading *after,
                      double shares[static METRIC_COUNTER_MAX]);

/* A part of a list of names that is counted at once. */
struct counter_set {
    uint32_t first, count;
};

/* Cuts the list, in its order, into sets that the hardware counts without taking turns, of
 * METRIC_COUNTER_MAX names at most; `sets` has room for `count`. Tries by opening: what the kernel
 * will not put into one group, or what then never runs because somebody else holds a counter,
 * begins a new set. Returns how many. */
uint32_t counters_sets(const char *const *names, uint32_t count, struct counter_set *sets);

/* The name is a generic one or known to libpfm4, for this CPU. `reason` as in counter_missing. */
bool counters_known(const char *name, char reason[static COUNTER_REASON_SIZE]);

/* "instructions,cycles, page-faults" -> names in the arena. Commas inside braces or after a colon
 * do not occur in libpfm4 names. ERR_USAGE on an empty or too long name, a name given twice and
 * more than METRIC_EVENTS_MAX. */
int counters_parse(struct arena *arena, const char *text, const char *const **names,
                   uint32_t *count, struct err *err);

/* Rows for `assay list counters` and `assay doctor`: which generic events open here. */
struct counter_probe {
    const char *name;
    const char *help;
    bool available;
    bool user_only;
    char reason[COUNTER_REASON_SIZE]; /* why not */
};

/* Opens each generic event once. Rows live in the arena. */
void counters_probe(struct arena *arena, struct counter_probe **rows, uint32_t *count);

/* The models of counting hardware libpfm4 recognises here: "amd64_fam19h_zen4 (Zen4), 118
 * events". That one is recognised does not mean that it counts: see counters_probe. */
void counters_hardware(struct arena *arena, const char ***rows, uint32_t *count);
/* libpfm4's short names of them: "amd64_fam19h_zen4", "perf". */
void counters_pmus(struct arena *arena, const char ***names, uint32_t *count);
bool counters_is_generic(const char *name);

#endif
