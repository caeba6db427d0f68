#include "jobs/memory_metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "memory."

static struct stored_metric metric_of(const char *name, const char *unit, enum run_phase phase,
                                      double value) {
    return (struct stored_metric){
        name, unit, phase, {value, value, value, 0, 1}
    };
}

static double value_of(const struct stored_metric *metrics, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(metrics[i].name, name) == 0)
            return metrics[i].summary.median;
    return NAN;
}

static double field(const void *of, size_t offset) {
    double value;
    memcpy(&value, (const char *)of + offset, sizeof value);
    return value;
}

static void set_field(void *of, size_t offset, double value) {
    memcpy((char *)of + offset, &value, sizeof value);
}

/* ---- of the run ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    size_t offset;
} run_rows[] = {
    {PREFIX "high_water",         offsetof(struct memory_use, high_water_bytes)        },
    {PREFIX "loading_high_water", offsetof(struct memory_use, loading_high_water_bytes)},
    {PREFIX "inputs",             offsetof(struct memory_use, feed_bytes)              },
};
enum { RUN_ROWS = sizeof run_rows / sizeof *run_rows };

#define OWNER_METRIC    PREFIX "owner" /* enum memory_owner */
#define OWNER_OP_METRIC PREFIX "owner_operator"
#define PHASE_METRIC    PREFIX "owner_phase" /* enum loading_phase */

static const char *part_metric(struct arena *arena, int moment, int part, const char *suffix) {
    return arena_printf(arena, PREFIX "%s.%s%s", memory_moment_name((enum memory_moment)moment),
                        memory_part_name((enum memory_part)part), suffix);
}

static void add_parts(struct arena *arena, const struct memory_use *use, int moment,
                      struct stored_metric *metrics, uint32_t *count) {
    const struct memory_parts *parts = &use->at[moment];
    for (int part = 0; part < MEMORY_PARTS; part++) {
        double resident = parts->resident_bytes[part], shared = parts->proportional_bytes[part];
        metrics[(*count)++] =
            metric_of(part_metric(arena, moment, part, ""), "bytes", PHASE_COLD, resident);
        if (shared < resident)
            metrics[(*count)++] =
                metric_of(part_metric(arena, moment, part, ".pss"), "bytes", PHASE_COLD, shared);
    }
}

void memory_run_metrics(struct arena *arena, const struct memory_use *use,
                        struct stored_metric *metrics, uint32_t *count) {
    for (int moment = 0; moment < MEMORY_MOMENTS; moment++)
        add_parts(arena, use, moment, metrics, count);
    for (size_t i = 0; i < RUN_ROWS; i++)
        metrics[(*count)++] =
            metric_of(run_rows[i].name, "bytes", PHASE_COLD, field(use, run_rows[i].offset));
    metrics[(*count)++] = metric_of(OWNER_METRIC, "1", PHASE_COLD, use->owner);
    metrics[(*count)++] = metric_of(OWNER_OP_METRIC, "1", PHASE_COLD, use->owner_op);
    metrics[(*count)++] = metric_of(PHASE_METRIC, "1", PHASE_COLD, use->phase);
}

static void read_parts(struct arena *arena, const struct stored_run *run, struct memory_use *use) {
    for (int moment = 0; moment < MEMORY_MOMENTS; moment++)
        for (int part = 0; part < MEMORY_PARTS; part++) {
            double resident =
                value_of(run->metrics, run->metric_count, part_metric(arena, moment, part, ""));
            double shared =
                value_of(run->metrics, run->metric_count, part_metric(arena, moment, part, ".pss"));
            use->at[moment].resident_bytes[part] = resident;
            use->at[moment].proportional_bytes[part] = isnan(shared) ? resident : shared;
        }
}

/* A number from the database as one of `count` names; the first when it is none. */
static int name_of(const struct stored_run *run, const char *metric, int count) {
    double value = value_of(run->metrics, run->metric_count, metric);
    return value >= 0 && value < count ? (int)value : 0;
}

static int32_t owner_op(const struct stored_run *run) {
    double value = value_of(run->metrics, run->metric_count, OWNER_OP_METRIC);
    return value >= 0 && value < run->op_count ? (int32_t)value : GRAPH_NONE;
}

/* ---- of operators ---------------------------------------------------------------------------- */

static const struct {
    const char *name, *unit;
    size_t offset;
} op_rows[] = {
    {PREFIX "allocated", "bytes", offsetof(struct memory_use_step, allocated_bytes)},
    {PREFIX "freed",     "bytes", offsetof(struct memory_use_step, freed_bytes)    },
    {PREFIX "live",      "bytes", offsetof(struct memory_use_step, live_bytes)     },
    {PREFIX "reserved",  "bytes", offsetof(struct memory_use_step, reserved_bytes) },
    {PREFIX "written",   "bytes", offsetof(struct memory_use_step, written_bytes)  },
    {PREFIX "other",     "bytes", offsetof(struct memory_use_step, other_bytes)    },
    {PREFIX "faults",    "1",     offsetof(struct memory_use_step, faults)         },
};
enum { OP_ROWS = sizeof op_rows / sizeof *op_rows };

#define PLACE_METRIC PREFIX "place" /* in the order of execution */

void memory_op_metrics(const struct memory_use_step *step, uint32_t place,
                       struct stored_metric *metrics, uint32_t *count) {
    for (size_t i = 0; i < OP_ROWS; i++)
        metrics[(*count)++] = metric_of(op_rows[i].name, op_rows[i].unit, PHASE_PROFILED,
                                        field(step, op_rows[i].offset));
    metrics[(*count)++] = metric_of(PLACE_METRIC, "1", PHASE_PROFILED, place);
}

struct placed {
    double place;
    struct memory_use_step step;
};

static int by_place(const void *a, const void *b) {
    double x = ((const struct placed *)a)->place, y = ((const struct placed *)b)->place;
    return (x > y) - (x < y);
}

static void read_steps(struct arena *arena, const struct stored_run *run, struct memory_use *use) {
    struct placed *placed = ARENA_ARRAY(arena, run->op_count + 1u, struct placed);
    for (uint32_t i = 0; i < run->op_count; i++) {
        const struct stored_op *op = &run->ops[i];
        double place = value_of(op->metrics, op->metric_count, PLACE_METRIC);
        if (isnan(place))
            continue;
        struct placed *next = &placed[use->step_count++];
        next->place = place;
        next->step.op = (int32_t)op->index;
        for (size_t row = 0; row < OP_ROWS; row++)
            set_field(&next->step, op_rows[row].offset,
                      value_of(op->metrics, op->metric_count, op_rows[row].name));
    }
    qsort(placed, use->step_count, sizeof *placed, by_place);
    use->steps = ARENA_ARRAY(arena, use->step_count + 1u, struct memory_use_step);
    for (uint32_t i = 0; i < use->step_count; i++)
        use->steps[i] = placed[i].step;
}

const struct memory_use *memory_of_run(struct arena *arena, const struct stored_run *run) {
    if (isnan(value_of(run->metrics, run->metric_count, run_rows[0].name)))
        return NULL;
    struct memory_use *use = ARENA_NEW(arena, struct memory_use);
    for (size_t i = 0; i < RUN_ROWS; i++)
        set_field(use, run_rows[i].offset,
                  value_of(run->metrics, run->metric_count, run_rows[i].name));
    use->owner = (enum memory_owner)name_of(run, OWNER_METRIC, OWNER_LATER + 1);
    use->phase = (enum loading_phase)name_of(run, PHASE_METRIC, LOADING_PHASES);
    use->owner_op = owner_op(run);
    read_parts(arena, run, use);
    read_steps(arena, run, use);
    return use;
}
