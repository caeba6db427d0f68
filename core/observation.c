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
    struct training kept = {observations, runs, 0, 0, training->threads, training->usual_probe_ns};
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

double usual_probe_ns(const struct observed_run *runs, uint32_t count) {
    struct arena scratch;
    arena_init(&scratch);
    double *probes = ARENA_ARRAY(&scratch, count + 1u, double);
    uint32_t known = 0;
    for (uint32_t r = 0; r < count; r++)
        if (runs[r].speed_probe_ns > 0)
            probes[known++] = runs[r].speed_probe_ns;
    double usual_ns = known ? stats_median(probes, known) : 0;
    arena_done(&scratch);
    return usual_ns;
}

double slowness_of(double probe_ns, double usual_probe_ns) {
    bool known = probe_ns > 0 && usual_probe_ns > 0;
    return known ? fmax(0.5, fmin(2, probe_ns / usual_probe_ns)) : 1;
}

double slowness_of_loading(double slowness) {
    return pow(slowness, 0.7);
}
