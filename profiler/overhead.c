#include "profiler/overhead.h"

#include "base/stats.h"
#include "profiler/measure.h"

#include <math.h>

enum { CHAIN_LEAST = 50, PAIRS_LEAST = 5 };

struct center {
    double value, half_width;
};

static struct center center_of(const double *values, uint32_t count, double confidence) {
    struct interval interval = stats_median_interval(values, count, confidence);
    return (struct center){stats_median(values, count), (interval.high - interval.low) / 2};
}

struct overhead overhead_of_pairs(const double *wall, const double *cpu, uint32_t pairs,
                                  double calls, uint32_t threads, double confidence) {
    struct overhead overhead = {.source = OVERHEAD_NONE};
    if (pairs < PAIRS_LEAST || !(calls > 0))
        return overhead;
    struct center by_wall = center_of(wall, pairs, confidence);
    struct center by_cpu = center_of(cpu, pairs, confidence);
    if (threads == 1 && by_cpu.half_width < by_wall.half_width)
        by_wall = by_cpu;
    else if (isnan(by_cpu.value))
        by_cpu = by_wall;
    if (!(by_wall.value > by_wall.half_width)) /* not told from 0 */
        return overhead;
    return (struct overhead){.wall_ns = by_wall.value / calls,
                             .cpu_ns = fmax(0, by_cpu.value / calls),
                             .half_width_ns = by_wall.half_width / calls,
                             .source = OVERHEAD_THIS_MODEL};
}

int overhead_of_chain(const struct measured *chain, struct overhead *overhead, struct err *err) {
    double calls = chain->calls_per_run;
    *overhead = (struct overhead){.source = OVERHEAD_NONE};
    if (!(calls >= CHAIN_LEAST))
        return err_set(err, ERR_FINDING,
                       "calibrating the cost of measuring needs a model of %d operators, not %.0f",
                       CHAIN_LEAST, calls);
    const struct fastest *sum = &chain->fastest_brackets_wall_ns, *plain = &chain->fastest_wall_ns;
    double wall = (sum->value - plain->value) / calls;
    double cpu = (chain->fastest_brackets_cpu_ns.value - chain->fastest_cpu_ns.value) / calls;
    double half = hypot(sum->half_width, plain->half_width) / calls;
    if (!(wall > 0) || half > wall / 2)
        return err_set(err, ERR_FINDING,
                       "the cost of measuring came out as %.0f ns +- %.0f ns per operator: the "
                       "machine is too disturbed to tell",
                       wall, half);
    *overhead = (struct overhead){
        .wall_ns = wall,
        .cpu_ns = cpu > 0 ? cpu : wall,
        .half_width_ns = half,
        .source = OVERHEAD_CALIBRATED,
    };
    return 0;
}

void overhead_of_chain_events(const struct measured *chain, double *events, double *scratch) {
    for (uint32_t e = 0; e < chain->event_count; e++) {
        uint32_t count = 0;
        for (uint32_t op = 0; op < chain->op_count; op++)
            if (chain->ops[op].events[e].count)
                scratch[count++] = chain->ops[op].events[e].median;
        events[e] = count ? stats_median(scratch, count) : NAN;
    }
}

const char *overhead_source_name(enum overhead_source source) {
    static const char *const names[] = {
        [OVERHEAD_NONE] = "none",
        [OVERHEAD_CALIBRATED] = "calibrated",
        [OVERHEAD_THIS_MODEL] = "model",
    };
    return names[source];
}
