#include "jobs/counting.h"

#include "collectors/counters.h"

#include <math.h>
#include <string.h>

/* ---- before --------------------------------------------------------------------------------- */

static int32_t place_of(const struct counting *counting, const char *event) {
    for (uint32_t i = 0; i < counting->event_count; i++)
        if (strcmp(counting->events[i], event) == 0)
            return (int32_t)i;
    return -1;
}

static int add_event(struct counting *counting, const char *event, struct err *err) {
    if (place_of(counting, event) >= 0)
        return 0;
    if (strlen(event) >= COUNTER_NAME_SIZE)
        return err_set(err, ERR_USAGE, "event name '%.20s...' is longer than %d bytes", event,
                       COUNTER_NAME_SIZE - 1);
    if (counting->event_count == METRIC_EVENTS_MAX)
        return err_set(err, ERR_USAGE, "more than %d events; at most so many are counted",
                       METRIC_EVENTS_MAX);
    counting->events[counting->event_count++] = event;
    return 0;
}

static int add_group(struct arena *arena, struct counting *counting, const char *name,
                     struct err *err) {
    const char **pmus;
    uint32_t pmu_count;
    struct group *group;
    if (counting->group_count == COUNTING_GROUPS_MAX)
        return err_set(err, ERR_USAGE, "more than %d groups of counters", COUNTING_GROUPS_MAX);
    struct group_choice *choice = &counting->groups[counting->group_count];
    counters_pmus(arena, &pmus, &pmu_count);
    if (group_load(arena, name, NULL, &group, err) ||
        group_choose(arena, group, pmus, pmu_count, choice, err))
        return -(int)err->code;
    counting->group_count++;
    int code = 0;
    for (uint32_t i = 0; !code && i < choice->section->count_count; i++)
        code = add_event(counting, choice->events[i], err);
    return code;
}

int counting_plan(struct arena *arena, const char *const *groups, uint32_t group_count,
                  const char *const *events, uint32_t event_count, struct counting *out,
                  struct err *err) {
    *out = (struct counting){0};
    int code = 0;
    for (uint32_t i = 0; !code && i < group_count; i++)
        code = add_group(arena, out, groups[i], err);
    for (uint32_t i = 0; !code && i < event_count; i++)
        code = add_event(out, events[i], err);
    return code;
}

const char *counting_running_name(struct arena *arena, const char *event) {
    return arena_printf(arena, "%s:running", event);
}

/* ---- afterwards ----------------------------------------------------------------------------- */

/* What is known of one operator, or of the run. */
struct subject_values {
    double known[GROUP_KNOWN_COUNT];
    const struct summary *events; /* NULL: nothing was counted */
};

static double event_value(const struct subject_values *values, uint32_t event) {
    return values->events && values->events[event].count ? values->events[event].median : NAN;
}

static double metric_value(const struct counting *counting, const struct group_choice *choice,
                           const struct group_metric *metric, const struct subject_values *of) {
    double values[GROUP_VARIABLES_MAX];
    memcpy(values, of->known, sizeof of->known);
    for (uint32_t i = 0; i < choice->section->count_count; i++)
        values[GROUP_KNOWN_COUNT + i] =
            event_value(of, (uint32_t)place_of(counting, choice->events[i]));
    return group_metric_value(metric, values);
}

/* All columns' values, in their order. */
static void fill(const struct counting *counting, const struct subject_values *of, double *row) {
    for (uint32_t i = 0; i < counting->event_count; i++)
        *row++ = event_value(of, i);
    for (uint32_t g = 0; g < counting->group_count; g++) {
        const struct group_choice *choice = &counting->groups[g];
        for (uint32_t m = 0; m < choice->section->metric_count; m++)
            *row++ = metric_value(counting, choice, &choice->section->metrics[m], of);
    }
}

static void name_columns(struct arena *arena, const struct counting *counting,
                         const struct measured *measured, struct counts *out) {
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < counting->event_count; i++)
        *ARENA_PUSH(arena, out->columns, out->column_count, capacity) =
            (struct count_column){counting->events[i],
                                  NULL,
                                  UNIT_COUNT,
                                  measured->event_running ? measured->event_running[i] : NAN,
                                  NAN,
                                  measured->overhead.events ? measured->overhead.events[i] : NAN};
    for (uint32_t g = 0; g < counting->group_count; g++) {
        const struct group_section *section = counting->groups[g].section;
        for (uint32_t m = 0; m < section->metric_count; m++)
            *ARENA_PUSH(arena, out->columns, out->column_count, capacity) =
                (struct count_column){section->metrics[m].id,
                                      counting->groups[g].group->name,
                                      section->metrics[m].unit,
                                      NAN,
                                      NAN,
                                      NAN};
    }
}

static void fill_run(const struct counting *counting, const struct measured *m, double flops,
                     double bytes, struct counts *out, double *row) {
    const struct subject_values run = {
        .known = {[GROUP_WALL_NS] = m->profiled_wall_ns.median,
                  [GROUP_CPU_NS] = m->profiled_cpu_ns.median,
                  [GROUP_FLOPS] = flops,
                  [GROUP_BYTES] = bytes},
        .events = m->run_events,
    };
    fill(counting, &run, row);
    for (uint32_t i = 0; i < out->column_count; i++)
        out->columns[i].run = row[i];
}

void counting_answer(struct arena *arena, const struct counting *counting, const struct measured *m,
                     const struct features *features, struct counts *out) {
    double flops = 0, bytes = 0;
    *out = (struct counts){.set_count = m->event_sets,
                           .missing = m->missing_events,
                           .missing_count = m->missing_event_count};
    name_columns(arena, counting, m, out);
    out->operators = ARENA_ARRAY(arena, (size_t)m->op_count * out->column_count, double);
    for (uint32_t i = 0; i < m->op_count; i++) {
        const struct measured_op *op = &m->ops[i];
        const struct subject_values values = {
            .known = {[GROUP_WALL_NS] = op->wall_ns.median,
                      [GROUP_CPU_NS] = op->cpu_ns.median,
                      [GROUP_FLOPS] = features[i].flops,
                      [GROUP_BYTES] = features_bytes(&features[i])},
            .events = op->events,
        };
        flops += op->wall_ns.count ? features[i].flops : 0;
        bytes += op->wall_ns.count ? features_bytes(&features[i]) : 0;
        fill(counting, &values, out->operators + (size_t)i * out->column_count);
    }
    fill_run(counting, m, flops, bytes, out, ARENA_ARRAY(arena, out->column_count, double));
}
