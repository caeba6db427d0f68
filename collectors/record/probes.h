/* Probes on functions of libraries, in a program that runs: entries and returns as events.
 *
 * How the kernel is asked is a row of probe_routes; the first that works here is taken.
 */
#ifndef ASSAY_COLLECTORS_RECORD_PROBES_H
#define ASSAY_COLLECTORS_RECORD_PROBES_H

#include "base/arena.h"
#include "collectors/record/bpf_ring.h"
#include "collectors/record/probe_functions.h"
#include "collectors/record/probe_program.h"

#include <sys/types.h>

struct probes;

struct probe_route {
    const char *name;
    const char *help;
    const char *mend; /* what would make it work, when it does not */
    uint32_t attach;  /* enum bpf_newer_type, BPF_PERF_EVENT */
    bool children;    /* processes that the program starts are seen too */
    uint32_t most;    /* functions of a file; 0: any number */
};

/* Ends with a NULL name; best first. */
extern const struct probe_route probe_routes[];

/* Tries it on ourselves. 0, or ERR_ENVIRONMENT with the reason and a hint. */
int probe_route_available(const struct probe_route *route, struct err *err);
/* The first that is available; with `name` that one. ERR_USAGE when there is no such row. */
int probe_route_choose(const char *name, const struct probe_route **out, struct err *err);

enum { PROBES_RING_BYTES = 16 << 20 };

/* For the process `pid`. Close in every case. */
int probes_open(struct probes **probes, const struct probe_route *route, pid_t pid,
                uint32_t ring_bytes, struct err *err);
/* First the guards, then the functions of one file. */
int probes_guard(struct probes *probes, const char *path, const struct probe_places *places,
                 struct err *err);
int probes_attach(struct probes *probes, const char *path, const struct probe_places *places,
                  struct err *err);
uint32_t probes_functions(const struct probes *probes); /* that are probed */
/* Whether events of a process are wanted; forget it when it has ended. */
void probes_judge(struct probes *probes, pid_t pid, enum probe_verdict verdict);
void probes_forget_process(struct probes *probes, pid_t pid);
void probes_forget_thread(struct probes *probes, pid_t tid);

typedef int probe_event_fn(void *context, const struct probe_event *event, struct err *err);

int probes_read(struct probes *probes, probe_event_fn *take, void *context, struct err *err);
/* Readable when a thread waits to be mended: call probes_mend at once. */
int probes_alarm(const struct probes *probes);
void probes_mend(struct probes *probes);
uint64_t probes_mended(const struct probes *probes);
void probes_lost(const struct probes *probes, uint64_t lost[static PROBE_LOSSES]);
void probes_close(struct probes *probes); /* NULL is allowed */

#endif
