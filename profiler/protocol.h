/* How a measurement is made: how long to warm up, when enough is enough, from how many processes.
 */
#ifndef ASSAY_PROFILER_PROTOCOL_H
#define ASSAY_PROFILER_PROTOCOL_H

#include "base/err.h"

#include <stdint.h>

/* Told now and then how far a measurement is. `what` lives until it returns. */
struct progress_sink {
    void (*update)(void *context, double fraction, const char *what); /* 0 to 1, never back */
    void *context;
};

struct overhead;  /* profiler/overhead.h */
struct reference; /* profiler/reference.h */

struct protocol {
    uint32_t warmup_runs; /* per process, at least; the cold first run not counted */
    uint64_t warmup_ns;   /* per process, at least */
    double confidence;    /* of the intervals that decide, 0.9 */
    double target;        /* half of the median's interval over the median that is enough */
    uint32_t min_repeats; /* kept plain runs of all processes before "enough" is asked */
    uint32_t max_repeats; /* kept plain runs of all processes */
    uint64_t budget_ns;   /* of running, warm-up included, loading not */
    uint64_t batch_ns;    /* plain and hooked batches of about this length take turns */
    /* Runs at the start of a batch that are thrown away take about so long, 16 at most, and none
     * where a run takes eight times as long: the batch before belonged to another process, which
     * left its own data in the caches. */
    uint64_t settle_ns;
    uint32_t processes; /* fresh plain processes, one after the other */
    uint32_t
        hooked_processes;  /* of these how many have a hooked process of their own beside them */
    uint64_t memory_bytes; /* for samples, at most; decides how many hooked runs are kept */
    /* Copies side by side, the measured one included; 0 and 1: it is alone. With more, batches
     * alone are made in between, for comparison. */
    uint32_t replicas;
    struct reference *reference;     /* read between batches; NULL: the speed is not asked so */
    const struct overhead *overhead; /* of one measured operator; NULL: taken from this model */
    /* Monotonic nanoseconds; NULL: the system's clock. */
    uint64_t (*now_ns)(void *context);
    void *clock;
};

enum { PROTOCOL_PROCESSES_MAX = 32, PROTOCOL_REPLICAS_MAX = 64 };

struct protocol protocol_default(void);
/* ERR_USAGE naming the field that makes no sense. */
int protocol_check(const struct protocol *protocol, struct err *err);
uint64_t protocol_now(const struct protocol *protocol);

#endif
