/* Recording a command: what it does while it runs, into a sink of spans and readings.
 *
 * Whatever the rights here, the command runs and its memory and threads are read. Probes, births
 * and deaths of threads, and counters come where the kernel allows them; what did not come is told
 * in the outcome's notes.
 */
#ifndef ASSAY_COLLECTORS_RECORD_RECORD_H
#define ASSAY_COLLECTORS_RECORD_RECORD_H

#include "base/arena.h"
#include "collectors/record/probe_program.h"
#include "collectors/record/probe_wish.h"
#include "core/span.h"

#include <stdbool.h>
#include <stdint.h>

struct record_request {
    char *const *command;           /* NULL-terminated; no shell reads it */
    const char *const *environment; /* NAME=value texts added for the command; NULL-terminated */
    const struct probe_wish *wishes;
    uint32_t wish_count;
    const char *route; /* a row of probe_routes; NULL: the best that works; "none": no probes */
    const char *const *events; /* counters of the whole command */
    uint32_t event_count;
    double rate_hz; /* of reading the books, at most */
    bool onednn;    /* take what oneDNN prints out of the command's standard output */
    bool bare;      /* only run it: nothing is looked at, and the sink may be NULL */
};

struct record_counter {
    const char *name;
    double value; /* NaN: it did not count */
    const char *reason;
};

/* When memory was largest, of those moments when it was read. */
struct record_peak {
    double rss_bytes; /* of all processes together; NaN: never read */
    int64_t at_ns;
    const char *open; /* "at::linear > at::addmm"; NULL: no probed call was open */
};

struct record_outcome {
    int code;         /* of the command: its own, 128 + signal when it was killed */
    int64_t start_ns; /* CLOCK_MONOTONIC */
    double wall_ns, cpu_ns;
    double high_water_bytes; /* most that its largest process had resident, by the kernel */
    uint32_t processes, threads, threads_at_once;
    struct record_counter *counters;
    uint32_t counter_count;
    struct record_peak peak;
    double pss_bytes; /* the largest that was read; NaN */
    uint64_t readings;
    double reading_ns; /* CPU time of one, on average */

    const char *route; /* NULL: no function was probed */
    uint32_t functions;
    uint64_t calls;      /* spans of them */
    uint64_t primitives; /* of oneDNN */
    uint64_t lost[PROBE_LOSSES];
    uint64_t unwindings; /* that went through probed calls */
    /* What recording cost: inside the command, by its calls and the price of one measured here; and
     * CPU time of ours beside it. */
    double probes_ns, recorder_ns;

    const char **notes; /* what could not be done, and why */
    uint32_t note_count;
};

/* 0 also when the command fails. Not 0: it was not executed, or the sink refused. Everything in
 * `out` lives in the arena. */
int record_command(struct arena *arena, const struct record_request *request,
                   const struct span_sink *sink, struct record_outcome *out, struct err *err);

#endif
