#include "profiler/readings.h"

#include <math.h>

static double *nan_array(struct arena *arena, size_t count) {
    double *values = ARENA_ARRAY(arena, count, double);
    for (size_t i = 0; i < count; i++)
        values[i] = NAN;
    return values;
}

void readings_init(struct readings *readings, struct arena *arena, uint32_t slot_count,
                   uint32_t op_count, uint32_t capacity) {
    *readings =
        (struct readings){.slot_count = slot_count, .op_count = op_count, .capacity = capacity};
    for (uint32_t slot = 0; slot < slot_count; slot++)
        readings->runs[slot] = nan_array(arena, capacity);
    readings->process = ARENA_ARRAY(arena, capacity, uint32_t);
    readings->ops = nan_array(arena, (size_t)slot_count * op_count * capacity);
}

double *readings_op(const struct readings *readings, uint32_t slot, uint32_t op) {
    return readings->ops + ((size_t)slot * readings->op_count + op) * readings->capacity;
}

double readings_sum(const struct readings *readings, uint32_t slot, uint32_t run, double *calls) {
    double sum = 0, ran = 0;
    for (uint32_t op = 0; op < readings->op_count; op++) {
        double value = readings_op(readings, slot, op)[run];
        if (isnan(value))
            continue;
        sum += value;
        ran += 1;
    }
    if (calls)
        *calls = ran;
    return sum;
}

/* ---- undisturbed runs ----------------------------------------------------------------------- */

enum { STAY_LEAST = 8, STAY_SHARE = 20, SLACK_NS = 20000 };

static bool is_undisturbed(const struct readings *readings, uint32_t run) {
    double wall = readings->runs[SLOT_WALL][run], cpu = readings->runs[SLOT_CPU][run];
    return wall <= 1.02 * cpu + SLACK_NS;
}

/* Whether enough runs from `from` on are undisturbed to do without the others. */
static bool can_choose(const struct readings *readings, uint32_t from) {
    uint32_t stay = 0;
    for (uint32_t run = from; run < readings->count; run++)
        stay += is_undisturbed(readings, run);
    return stay >= STAY_LEAST && stay >= (readings->count - from) / STAY_SHARE;
}

uint32_t readings_undisturbed(const struct readings *readings, uint32_t from, double *values) {
    bool all = !can_choose(readings, from);
    uint32_t kept = 0;
    for (uint32_t run = from; run < readings->count; run++)
        if (all || is_undisturbed(readings, run))
            values[kept++] = readings->runs[SLOT_WALL][run];
    return kept;
}

static void move_run(struct readings *readings, uint32_t to, uint32_t from) {
    for (uint32_t slot = 0; slot < readings->slot_count; slot++) {
        readings->runs[slot][to] = readings->runs[slot][from];
        for (uint32_t op = 0; op < readings->op_count; op++) {
            double *values = readings_op(readings, slot, op);
            values[to] = values[from];
        }
    }
    readings->process[to] = readings->process[from];
}

uint32_t readings_set_aside(struct readings *readings) {
    uint32_t count = readings->count, to = 0;
    if (!can_choose(readings, 0))
        return 0;
    for (uint32_t run = 0; run < count; run++)
        if (is_undisturbed(readings, run))
            move_run(readings, to++, run);
    readings->count = to;
    return count - to;
}

/* ---- samples -------------------------------------------------------------------------------- */

void cold_readings_init(struct cold_readings *cold) {
    for (uint32_t metric = 0; metric < METRIC_BUILTIN_COUNT; metric++)
        for (uint32_t process = 0; process < PROTOCOL_PROCESSES_MAX; process++)
            cold->values[metric][process] = NAN;
}

static bool in_range(uint16_t metric, uint32_t first) {
    return metric >= first && metric < first + METRIC_COUNTER_MAX;
}

/* SLOT_MAX: none of ours. */
static uint32_t slot_of(uint16_t metric, uint32_t event_first) {
    if (metric == METRIC_WALL_NS)
        return SLOT_WALL;
    if (metric == METRIC_CPU_NS)
        return SLOT_CPU;
    uint32_t event = event_first + metric - METRIC_COUNTER_FIRST;
    bool counts = in_range(metric, METRIC_COUNTER_FIRST) && event < METRIC_EVENTS_MAX;
    return counts ? SLOT_EVENT_FIRST + event : SLOT_MAX;
}

static void put_running(struct reception *reception, const struct sample *sample) {
    uint32_t event = reception->event_first + sample->metric - METRIC_RUNNING_FIRST;
    bool kept = reception->into && reception->begun && event < METRIC_EVENTS_MAX &&
                sample->repeat - reception->first_repeat >= reception->discard;
    if (!kept || isnan(sample->value))
        return;
    reception->into->running[event].sum += sample->value;
    reception->into->running[event].count++;
}

static void put_run(struct reception *reception, const struct sample *sample, uint32_t slot) {
    struct readings *into = reception->into;
    if (!reception->begun) {
        reception->begun = true;
        reception->first_repeat = sample->repeat;
    }
    uint32_t place = sample->repeat - reception->first_repeat;
    if (!into || slot >= into->slot_count || place < reception->discard)
        return;
    uint32_t run = into->count + place - reception->discard;
    if (run >= into->capacity)
        return;
    if (sample->op == SAMPLE_OF_RUN) {
        into->runs[slot][run] = sample->value;
        into->process[run] = reception->process;
    } else if (sample->op >= 0 && (uint32_t)sample->op < into->op_count) {
        double *cell = &readings_op(into, slot, (uint32_t)sample->op)[run];
        *cell = isnan(*cell) ? sample->value : *cell + sample->value;
    }
}

static void put(void *context, const struct sample *sample) {
    struct reception *reception = context;
    uint32_t slot = slot_of(sample->metric, reception->event_first);
    if (in_range(sample->metric, METRIC_RUNNING_FIRST))
        put_running(reception, sample);
    else if (slot < SLOT_MAX && sample->phase != PHASE_COLD)
        put_run(reception, sample, slot);
    else if (slot == SLOT_MAX && sample->metric < METRIC_BUILTIN_COUNT && reception->cold)
        reception->cold->values[sample->metric][reception->process] = sample->value;
}

struct sink reception_sink(struct reception *reception) {
    return (struct sink){.put = put, .context = reception};
}

void reception_end(struct reception *reception, uint32_t repeats) {
    struct readings *into = reception->into;
    if (!into || repeats <= reception->discard)
        return;
    uint32_t kept = repeats - reception->discard, room = into->capacity - into->count;
    into->count += kept < room ? kept : room;
}
