#include "profiler/conclude.h"

#include "base/stats.h"

#include <math.h>

enum { LEAST_NS = 1 }; /* what an operator costs at least once the measuring cost is taken off */

static void conclude_cold(const struct evidence *evidence, const struct protocol *protocol,
                          struct measured *out) {
    struct summary *const summaries[METRIC_BUILTIN_COUNT] = {
        [METRIC_PEAK_BYTES] = &out->peak_bytes,
        [METRIC_RESIDENT_BYTES] = &out->resident_bytes,
        [METRIC_LIBRARY_LOAD_NS] = &out->library_load_ns,
        [METRIC_LOAD_NS] = &out->load_ns,
        [METRIC_FIRST_RUN_NS] = &out->first_run_ns,
        [METRIC_BASELINE_BYTES] = &out->baseline_bytes,
        [METRIC_LOADED_BYTES] = &out->loaded_bytes,
        [METRIC_PROCESS_START_NS] = &out->process_start_ns,
        [METRIC_LIBRARY_BYTES] = &out->library_bytes,
        [METRIC_FILE_READ_NS] = &out->file_read_ns,
        [METRIC_READ_PARSE_NS] = &out->read_parse_ns,
        [METRIC_OPTIMISE_NS] = &out->optimise_ns,
        [METRIC_REORDER_NS] = &out->reorder_ns,
        [METRIC_PREPACK_NS] = &out->prepack_ns,
        [METRIC_CACHE_BYTES] = &out->cache_bytes,
    };
    double scratch[PROTOCOL_PROCESSES_MAX];
    for (int metric = 0; metric < METRIC_BUILTIN_COUNT; metric++)
        if (summaries[metric])
            *summaries[metric] = summarise(evidence->cold.values[metric], protocol->processes,
                                           protocol->confidence, scratch);
}

static double drift_of(const double *values, uint32_t count) {
    uint32_t third = count / 3;
    if (third < 3)
        return 0;
    return stats_median(values + count - third, third) / stats_median(values, third) - 1;
}

static void conclude_plain(const struct evidence *evidence, const struct protocol *protocol,
                           struct measured *out) {
    const struct readings *plain = &evidence->plain;
    const double *wall = plain->runs[SLOT_WALL];
    uint32_t count = plain->count;
    double *scratch = evidence->scratch;
    out->plain_runs = count;
    out->wall_ns = summarise_processes(wall, plain->process, count, protocol->confidence, scratch);
    out->cpu_ns = summarise_processes(plain->runs[SLOT_CPU], plain->process, count,
                                      protocol->confidence, scratch);
    out->fastest_wall_ns = find_fastest(wall, count, scratch);
    out->fastest_cpu_ns = find_fastest(plain->runs[SLOT_CPU], count, scratch);
    process_medians(wall, plain->process, count, out->process_medians, scratch);
    out->outliers = count_outliers(wall, count, scratch);
    out->groups = find_two_groups(wall, count, scratch);
    out->drift = drift_of(wall, count);
}

static void conclude_alone(const struct evidence *evidence, const struct protocol *protocol,
                           struct measured *out) {
    const struct readings *alone = &evidence->alone;
    out->alone_wall_ns = summarise_processes(alone->runs[SLOT_WALL], alone->process, alone->count,
                                             protocol->confidence, evidence->scratch);
    out->alone_cpu_ns = summarise_processes(alone->runs[SLOT_CPU], alone->process, alone->count,
                                            protocol->confidence, evidence->scratch);
}

static void conclude_events(struct arena *arena, const struct readings *readings,
                            const struct evidence *evidence, double confidence,
                            struct measured *out) {
    out->run_events = ARENA_ARRAY(arena, out->event_count, struct summary);
    out->event_running = ARENA_ARRAY(arena, out->event_count, double);
    for (uint32_t e = 0; e < out->event_count; e++) {
        const struct share_sum *share = &readings->running[e];
        out->event_running[e] = share->count ? share->sum / share->count : NAN;
    }
    for (uint32_t e = 0; e < out->event_count; e++)
        out->run_events[e] = summarise(readings->runs[SLOT_EVENT_FIRST + e], readings->count,
                                       confidence, evidence->scratch);
}

static void conclude_sums(struct arena *arena, const struct evidence *evidence, double confidence,
                          struct measured *out) {
    const struct readings *profiled = &evidence->profiled;
    double *scratch = evidence->scratch;
    double *sums = ARENA_ARRAY(arena, profiled->count, double);
    double *calls = ARENA_ARRAY(arena, profiled->count, double);
    for (uint32_t run = 0; run < profiled->count; run++)
        sums[run] = readings_sum(profiled, SLOT_CPU, run, NULL);
    out->brackets_cpu_ns = summarise(sums, profiled->count, confidence, scratch);
    out->fastest_brackets_cpu_ns = find_fastest(sums, profiled->count, scratch);
    for (uint32_t run = 0; run < profiled->count; run++)
        sums[run] = readings_sum(profiled, SLOT_WALL, run, &calls[run]);
    out->brackets_wall_ns = summarise(sums, profiled->count, confidence, scratch);
    out->fastest_brackets_wall_ns = find_fastest(sums, profiled->count, scratch);
    out->calls_per_run = stats_median(calls, profiled->count);
}

static struct summary corrected(struct summary raw, double cost) {
    if (raw.count == 0)
        return raw;
    double median = fmax(LEAST_NS, raw.median - cost);
    return (struct summary){
        .median = median,
        .low = fmax(LEAST_NS, raw.low - cost),
        .high = fmax(LEAST_NS, raw.high - cost),
        .spread = raw.spread * raw.median / median,
        .count = raw.count,
    };
}

/* Counts begin at 0. */
static struct summary lowered_by(struct summary counted, double cost) {
    if (counted.count == 0 || !(cost > 0))
        return counted;
    double median = fmax(0, counted.median - cost);
    return (struct summary){
        .median = median,
        .low = fmax(0, counted.low - cost),
        .high = fmax(0, counted.high - cost),
        .spread = median > 0 ? counted.spread * counted.median / median : 0,
        .count = counted.count,
    };
}

/* An operator that runs in some runs only counts with that share. */
static double expected(const struct summary *summary, uint32_t runs) {
    return summary->count ? summary->median * summary->count / runs : 0;
}

static void conclude_op(struct arena *arena, const struct evidence *evidence, uint32_t op,
                        double confidence, struct measured *out) {
    const struct readings *profiled = &evidence->profiled;
    struct measured_op *into = &out->ops[op];
    uint32_t runs = profiled->count;
    double *scratch = evidence->scratch;
    into->wall_raw_ns = summarise(readings_op(profiled, SLOT_WALL, op), runs, confidence, scratch);
    into->cpu_raw_ns = summarise(readings_op(profiled, SLOT_CPU, op), runs, confidence, scratch);
    into->wall_ns = corrected(into->wall_raw_ns, out->overhead.wall_ns);
    into->cpu_ns = corrected(into->cpu_raw_ns, out->overhead.cpu_ns);
    out->operators_wall_ns += expected(&into->wall_ns, runs);
    out->operators_cpu_ns += expected(&into->cpu_ns, runs);
    struct summary *events = ARENA_ARRAY(arena, out->event_count, struct summary);
    for (uint32_t e = 0; e < out->event_count; e++) {
        double cost = out->overhead.events ? out->overhead.events[e] : 0;
        events[e] = lowered_by(
            summarise(readings_op(profiled, SLOT_EVENT_FIRST + e, op), runs, confidence, scratch),
            cost);
    }
    into->events = events;
}

static void conclude_profiled(struct arena *arena, const struct evidence *evidence,
                              const struct protocol *protocol, struct measured *out) {
    const struct readings *profiled = &evidence->profiled;
    double confidence = protocol->confidence, *scratch = evidence->scratch;
    out->profiled_runs = profiled->count;
    out->profiled_wall_ns =
        summarise(profiled->runs[SLOT_WALL], profiled->count, confidence, scratch);
    out->profiled_cpu_ns =
        summarise(profiled->runs[SLOT_CPU], profiled->count, confidence, scratch);
    conclude_sums(arena, evidence, confidence, out);
    out->overhead = protocol->overhead ? *protocol->overhead
                                       : overhead_of_pairs(evidence->pair_wall, evidence->pair_cpu,
                                                           evidence->pairs, out->calls_per_run,
                                                           out->threads, confidence);
    out->ops = ARENA_ARRAY(arena, out->op_count, struct measured_op);
    for (uint32_t op = 0; op < out->op_count; op++)
        conclude_op(arena, evidence, op, confidence, out);
}

void conclude(struct arena *arena, struct evidence *evidence, const struct protocol *protocol,
              struct measured *out) {
    bool hooked = evidence->profiled.capacity > 0;
    out->all_runs = evidence->plain.count;
    /* More replicas than CPUs take turns: then waiting is what is measured. */
    if (out->threads == 1 && out->replicas <= out->cpus) {
        readings_set_aside(&evidence->plain);
        readings_set_aside(&evidence->profiled);
        readings_set_aside(&evidence->alone);
    }
    conclude_cold(evidence, protocol, out);
    conclude_plain(evidence, protocol, out);
    if (evidence->alone.count)
        conclude_alone(evidence, protocol, out);
    if (hooked)
        conclude_profiled(arena, evidence, protocol, out);
    conclude_events(arena, hooked ? &evidence->profiled : &evidence->plain, evidence,
                    protocol->confidence, out);
    out->warnings = warnings_find(arena, out, &out->warning_count);
}
