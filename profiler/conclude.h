/* Inside profiler/ only: from the readings of a campaign to what was measured. */
#ifndef ASSAY_PROFILER_CONCLUDE_H
#define ASSAY_PROFILER_CONCLUDE_H

#include "profiler/measure.h"
#include "profiler/readings.h"

/* Everything a campaign gathered. */
struct evidence {
    struct readings plain, profiled; /* profiled.capacity 0: no hooks */
    struct readings alone; /* plain, the other replicas halted; capacity 0: there are none */
    struct cold_readings cold;
    /* Sum of the operators' brackets in a run of a hooked batch minus the whole run of the plain
     * batch beside it, medians of both. */
    double *pair_wall, *pair_cpu;
    uint32_t pairs, pair_capacity;
    double *scratch, *calm; /* as many places as the larger capacity */
};

/* Fills summaries, overhead, operators and warnings; counts and disturbance stand in `out`
 * already. Disturbed runs are taken out of the evidence. */
void conclude(struct arena *arena, struct evidence *evidence, const struct protocol *protocol,
              struct measured *out);

#endif
