/* Brackets: what happened between the start and the stop of each operator, and whose it was.
 *
 * The hook calls brackets_start / brackets_stop on the executing thread and brackets_name when the
 * operator's name is known. Brackets nest (If and Loop around the operators of their subgraphs,
 * the runtime's own session events around all): what an inner bracket took, its bookkeeping
 * included, is taken out of the outer one, so values are an operator's own. Values are added up
 * per operator until brackets_flush gives them out, once per run of the model.
 *
 * Nothing here allocates between start and stop. One executing thread: sessions are sequential.
 */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_BRACKETS_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_BRACKETS_H

#include "base/arena.h"
#include "collectors/counters.h"
#include "collectors/onnxruntime/identity.h"
#include "core/run.h"

#include <stdbool.h>
#include <stdint.h>

enum { BRACKETS_DEPTH = 64 };

struct bracket {
    int64_t entered_ns; /* before anything of ours */
    int64_t start_ns;   /* after everything of ours */
    int64_t stop_ns;
    int64_t cpu_ns;    /* of the thread: at start, then the difference */
    int64_t nested_ns; /* wall time of brackets inside, bookkeeping included */
    int64_t nested_cpu_ns;
    struct counters_reading reading;
    double counts[METRIC_COUNTER_MAX];
    double nested_counts[METRIC_COUNTER_MAX];
};

/* What one operator gathered since the last flush. */
struct bracket_sum {
    double wall_ns, cpu_ns;
    double counts[METRIC_COUNTER_MAX];
    uint32_t calls;
};

struct brackets {
    struct identity identity;
    struct bracket_sum *sums;        /* by operator */
    double *usual_ns;                /* by operator: bookkeeping of the runtime after it, usually */
    const struct counters *counters; /* NULL: none */
    double cost[METRIC_COUNTER_MAX]; /* what a bracket around nothing counts, by place asked */
    bool cpu;                        /* read the thread's CPU clock around every operator */
    int64_t read_ns, read_cpu_ns;    /* when it was read last, and what it said */
    struct bracket stack[BRACKETS_DEPTH];
    uint32_t depth;
};

/* The operators are borrowed. */
void brackets_init(struct brackets *brackets, struct arena *arena, const struct request_op *ops,
                   uint32_t op_count);

/* Once the counters are open: counts what brackets count of themselves, to be subtracted. */
void brackets_calibrate(struct brackets *brackets);

void brackets_start(struct brackets *brackets);
void brackets_stop(struct brackets *brackets);
/* Closes the bracket. The runtime's own duration is used to leave its bookkeeping out of the
 * operator's time (see docs/onnxruntime.md). */
void brackets_name(struct brackets *brackets, const struct hook_event *event);

/* Puts the samples of each operator that ran, and forgets them. `sink` NULL: only forgets. */
void brackets_flush(struct brackets *brackets, uint16_t phase, uint32_t repeat, struct sink *sink);

#endif
