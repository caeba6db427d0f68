/* What measuring costs: the time between an operator's start and stop that is not the operator's.
 *
 * It is a constant per operator executed (the runtime makes an event with names and shapes inside
 * the bracket; nanoseconds of ours are added), so one number per runtime, machine and set of
 * events serves all models. Two ways lead to it:
 *
 * - Calibrated, the better one: a model of some hundred tiny operators is measured and
 *   (sum of the brackets - unprofiled run) / operators is taken. What the executor spends between
 *   operators when nobody measures stays with the operators that way. The undisturbed tenth of
 *   the runs decides, so load hardly matters.
 * - From the model itself, when none is given: the same difference, from pairs of batches that
 *   follow one another, so that drift of the machine cancels. For long models the noise of a run
 *   is larger than the cost; then it is taken as 0.
 *
 * A calibrated cost does not know the operators it corrects, so that their sum against the
 * unprofiled run is an honest check. With the cost from the model itself the sum fits by
 * construction and proves nothing.
 */
#ifndef ASSAY_PROFILER_OVERHEAD_H
#define ASSAY_PROFILER_OVERHEAD_H

#include "base/err.h"

#include <stdint.h>

enum overhead_source { OVERHEAD_NONE, OVERHEAD_CALIBRATED, OVERHEAD_THIS_MODEL };

struct overhead {
    double wall_ns, cpu_ns; /* per operator executed */
    double half_width_ns;   /* of the interval of wall_ns */
    enum overhead_source source;
    /* What each event counts in the bracket of an operator that does nothing, by its place in the
     * list of events; NULL: not known. */
    const double *events;
};

struct measured;

/* Differences (sum of brackets - unprofiled run) of neighbouring batches, in runs of which each
 * executes `calls` operators. `wall` and `cpu` hold `pairs` of them in nanoseconds. At one thread
 * the steadier of both clocks decides for both. */
struct overhead overhead_of_pairs(const double *wall, const double *cpu, uint32_t pairs,
                                  double calls, uint32_t threads, double confidence);

/* From a measured calibration model. ERR_FINDING when it has too few operators (50), or its runs
 * were so disturbed that the answer is below 0 or less certain than half of itself. */
int overhead_of_chain(const struct measured *chain, struct overhead *overhead, struct err *err);

/* From the same, what each event counts per operator: the median operator's median. `events` holds
 * chain->event_count; NaN for what was not counted. `scratch` holds chain->op_count. */
void overhead_of_chain_events(const struct measured *chain, double *events, double *scratch);

const char *overhead_source_name(enum overhead_source source); /* "none", "calibrated", "model" */

#endif
