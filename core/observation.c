#include "core/observation.h"

#include "base/stats.h"

#include <math.h>

uint32_t training_first(const struct training *training, uint32_t run) {
    uint32_t low = 0, high = training->observation_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (training->observations[middle].run < run)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct training training_kept(struct arena *arena, const struct training *training,
                              const bool *keep) {
    struct observed_run *runs = ARENA_ARRAY(arena, training->run_count + 1u, struct observed_run);
    struct observation *observations =
        ARENA_ARRAY(arena, training->observation_count + 1u, struct observation);
    struct training kept = {observations, runs, 0, 0, training->threads, training->usual};
    for (uint32_t r = 0; r < training->run_count; r++) {
        if (!keep[r])
            continue;
        uint32_t end = training_first(training, r + 1);
        for (uint32_t i = training_first(training, r); i < end; i++) {
            observations[kept.observation_count] = training->observations[i];
            observations[kept.observation_count++].run = kept.run_count;
        }
        runs[kept.run_count++] = training->runs[r];
    }
    return kept;
}

struct yardsticks usual_speed(const struct observed_run *runs, uint32_t count) {
    struct arena scratch;
    arena_init(&scratch);
    double *probes = ARENA_ARRAY(&scratch, count + 1u, double);
    double *references = ARENA_ARRAY(&scratch, count + 1u, double);
    uint32_t probed = 0, referred = 0;
    for (uint32_t r = 0; r < count; r++) {
        const struct yardsticks *speed = &runs[r].speed;
        if (speed->probe_ns > 0)
            probes[probed++] = speed->probe_ns;
        if (speed->reference_ns > 0)
            references[referred++] = speed->reference_ns;
    }
    const struct yardsticks usual = {
        .probe_ns = probed ? stats_median(probes, probed) : 0,
        .reference_ns = referred > count / 2 ? stats_median(references, referred) : 0,
    };
    arena_done(&scratch);
    return usual;
}

static double ratio_of(double now_ns, double usual_ns) {
    return now_ns > 0 && usual_ns > 0 ? fmax(0.5, fmin(2, now_ns / usual_ns)) : 0;
}

double slowness_of(const struct yardsticks *now, const struct yardsticks *usual) {
    double reference = ratio_of(now->reference_ns, usual->reference_ns);
    double probe = ratio_of(now->probe_ns, usual->probe_ns);
    return reference > 0 ? reference : probe > 0 ? probe : 1;
}

double slowness_of_loading(double slowness) {
    return pow(slowness, 0.7);
}
