#include "profiler/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct protocol protocol_default(void) {
    return (struct protocol){
        .warmup_runs = 3,
        .warmup_ns = 200000000,
        .confidence = 0.9,
        .target = 0.01,
        .min_repeats = 15,
        .max_repeats = 2000,
        .budget_ns = 10000000000,
        .batch_ns = 100000000,
        .settle_ns = 30000000,
        .processes = 3,
        .hooked_processes = 1,
        .memory_bytes = 32 << 20,
    };
}

struct rule {
    bool broken;
    const char *text;
};

int protocol_check(const struct protocol *p, struct err *err) {
    const struct rule rules[] = {
        {!(p->confidence > 0.5 && p->confidence < 1),                   "confidence must lie between 0.5 and 1"    },
        {!(p->target > 0 && p->target < 1),                             "the target must lie between 0 and 1"      },
        {p->min_repeats < 1,                                            "at least one repeat is needed"            },
        {p->max_repeats < p->min_repeats,                               "the most repeats are fewer than the least"},
        {p->max_repeats < p->processes,                                 "every process needs a repeat"             },
        {p->budget_ns < 1,                                              "the time budget is empty"                 },
        {p->batch_ns < 1,                                               "the batch length is empty"                },
        {p->processes < 1 || p->processes > PROTOCOL_PROCESSES_MAX,
         "the number of processes must lie between 1 and 32"                                                       },
        {p->replicas > PROTOCOL_REPLICAS_MAX,                           "at most 64 replicas run side by side"     },
        {p->hooked_processes < 1 || p->hooked_processes > p->processes,
         "there are more hooked processes than plain ones, or none"                                                },
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].broken)
            return err_set(err, ERR_USAGE, "measuring protocol: %s", rules[i].text);
    return 0;
}

uint64_t protocol_now(const struct protocol *protocol) {
    if (protocol->now_ns)
        return protocol->now_ns(protocol->clock);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
