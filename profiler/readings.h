/* Where samples land: a table of runs, one column per metric, and for a hooked process the same of
 * every operator. All of it is allocated before the first run.
 *
 * A slot is a column: wall time, CPU time, then the events asked for in their order. A cell
 * without a sample is NaN.
 */
#ifndef ASSAY_PROFILER_READINGS_H
#define ASSAY_PROFILER_READINGS_H

#include "base/arena.h"
#include "core/run.h"
#include "profiler/protocol.h"

#include <stdbool.h>
#include <stdint.h>

enum { SLOT_WALL, SLOT_CPU, SLOT_EVENT_FIRST, SLOT_MAX = SLOT_EVENT_FIRST + METRIC_EVENTS_MAX };

/* Of the parts of time that an event was counted. */
struct share_sum {
    double sum;
    uint32_t count;
};

struct readings {
    uint32_t slot_count, op_count;
    uint32_t capacity, count;                    /* runs: how many fit, how many are kept */
    double *runs[SLOT_MAX];                      /* [slot][run] */
    uint32_t *process;                           /* [run]: which process it came from */
    double *ops;                                 /* [slot][op][run] */
    struct share_sum running[METRIC_EVENTS_MAX]; /* of runs that were kept */
};

void readings_init(struct readings *readings, struct arena *arena, uint32_t slot_count,
                   uint32_t op_count, uint32_t capacity);
/* The values of one operator, `capacity` apart from the next one's; NaN where it did not run. */
double *readings_op(const struct readings *readings, uint32_t slot, uint32_t op);

/* Sum over the operators that ran in a run; how many these were in `calls`, unless it is NULL. */
double readings_sum(const struct readings *readings, uint32_t slot, uint32_t run, double *calls);

/* Sets aside the runs during which the CPU was taken away: those whose wall time exceeds their CPU
 * time by more than 2 % and 20 us. Makes sense at one thread only. Does nothing when fewer than 8
 * runs, or one in twenty, would stay: then waiting is what the runs do. Returns how many went. */
uint32_t readings_set_aside(struct readings *readings);
/* The wall times of run `from` and later that would stay; returns how many. */
uint32_t readings_undisturbed(const struct readings *readings, uint32_t from, double *values);

/* Cold samples and memory: one of each metric per process. */
struct cold_readings {
    double values[METRIC_BUILTIN_COUNT][PROTOCOL_PROCESSES_MAX];
};

void cold_readings_init(struct cold_readings *cold);

/* Takes the samples of one batch of runs, or of opening or finishing a process. */
struct reception {
    struct readings *into; /* NULL: runs are thrown away, as in warm-up */
    struct cold_readings *cold;
    uint32_t process;
    uint32_t event_first; /* of the set of events that the process counts */
    uint32_t discard;     /* runs at the start of the batch that are not kept */
    bool begun;
    uint32_t first_repeat; /* number the collector gave to the batch's first run */
};

struct sink reception_sink(struct reception *reception);
/* After `repeats` runs were made: counts those that are kept. */
void reception_end(struct reception *reception, uint32_t repeats);

#endif
