/* Session creation divided into phases by what the runtime tells of itself while it makes one: at
 * its level "info" it writes a line when it begins to initialise, after each transformer of the
 * graph, and when weights become tensors. The time between two lines belongs to what the second
 * one says is done. A hundred lines and one per dropped weight, about a microsecond each.
 */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_LOAD_PHASES_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_LOAD_PHASES_H

#include "core/run.h"

#include <stdbool.h>

enum load_phase { LOAD_READ_PARSE, LOAD_OPTIMISE, LOAD_REORDER, LOAD_PREPACK, LOAD_PHASE_COUNT };

struct load_phases {
    double ns[LOAD_PHASE_COUNT];
    double since_ns; /* of the clock: the last line */
    enum load_phase now;
    bool running;
};

/* All three take the time of one clock, in nanoseconds. */
void load_phases_begin(struct load_phases *phases, double now_ns);
void load_phases_line(struct load_phases *phases, const char *line, double now_ns);
void load_phases_end(struct load_phases *phases, double now_ns);

/* Puts a sample for each; none when the runtime did not say where reading ended. */
void load_phases_put(const struct load_phases *phases, struct sink *sink);

#endif
