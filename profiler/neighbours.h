/* Copies of a model that run beside the one that is measured, each driven by a process of its own
 * which runs it again and again: what they leave of memory and caches is what the measured one
 * gets. They can be halted and go on, so that runs alone and together take turns.
 */
#ifndef ASSAY_PROFILER_NEIGHBOURS_H
#define ASSAY_PROFILER_NEIGHBOURS_H

#include "collectors/collector.h"

#include <sys/types.h>

struct neighbours {
    pid_t *drivers; /* each leads a process group, its worker in it */
    uint32_t count;
};

/* Starts `count` of them and returns when all run; halted. None is left when it fails: the first
 * one's error is passed on. Hooks and counters of the config are left out. */
int neighbours_open(struct neighbours *neighbours, struct arena *arena,
                    const struct collector *collector, const struct collect_config *config,
                    uint32_t count, struct err *err);
void neighbours_go(const struct neighbours *neighbours);
void neighbours_halt(const struct neighbours *neighbours);
/* ERR_ENVIRONMENT when one has ended: then what was measured was not beside all of them. */
int neighbours_check(const struct neighbours *neighbours, struct err *err);
void neighbours_close(struct neighbours *neighbours);

#endif
