/* What a profile is to count: groups and events by name made one list, and afterwards the metrics
 * of the groups made of what was counted. */
#ifndef ASSAY_JOBS_COUNTING_H
#define ASSAY_JOBS_COUNTING_H

#include "collectors/group.h"
#include "core/counts.h"
#include "core/features.h"
#include "profiler/measure.h"

enum { COUNTING_GROUPS_MAX = 16 };

struct counting {
    struct group_choice groups[COUNTING_GROUPS_MAX];
    uint32_t group_count;
    const char *events[METRIC_EVENTS_MAX]; /* each once */
    uint32_t event_count;
};

/* ERR_USAGE: an unknown group, too many events. */
int counting_plan(struct arena *arena, const char *const *groups, uint32_t group_count,
                  const char *const *events, uint32_t event_count, struct counting *out,
                  struct err *err);

/* `features` by operator, as measured->ops. */
void counting_answer(struct arena *arena, const struct counting *counting,
                     const struct measured *measured, const struct features *features,
                     struct counts *out);

/* Name of the metric under which the part of the time that an event was counted is stored. */
const char *counting_running_name(struct arena *arena, const char *event);

#endif
