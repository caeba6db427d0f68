#include "collectors/onnxruntime/load_phases.h"

#include <string.h>

static const enum metric metrics[LOAD_PHASE_COUNT] = {
    [LOAD_READ_PARSE] = METRIC_READ_PARSE_NS,
    [LOAD_OPTIMISE] = METRIC_OPTIMISE_NS,
    [LOAD_REORDER] = METRIC_REORDER_NS,
    [LOAD_PREPACK] = METRIC_PREPACK_NS,
};

/* inference_session.cc (Initialize), graph_transformer.cc (Apply), session_state_utils.cc
 * (SaveInitializedTensors) of ONNX Runtime 1.16 to 1.30. */
static const struct line {
    const char *start;
    enum load_phase done, next;
} lines[] = {
    {"Initializing session.",             LOAD_READ_PARSE, LOAD_OPTIMISE},
    {"GraphTransformer NchwcTransformer", LOAD_REORDER,    LOAD_OPTIMISE},
    {"Saving initialized tensors.",       LOAD_OPTIMISE,   LOAD_PREPACK },
};

void load_phases_begin(struct load_phases *phases, double now_ns) {
    *phases = (struct load_phases){.since_ns = now_ns, .now = LOAD_READ_PARSE, .running = true};
}

static void charge(struct load_phases *phases, enum load_phase phase, double now_ns) {
    phases->ns[phase] += now_ns - phases->since_ns;
    phases->since_ns = now_ns;
}

void load_phases_line(struct load_phases *phases, const char *line, double now_ns) {
    if (!phases->running)
        return;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (strncmp(line, lines[i].start, strlen(lines[i].start)) != 0)
            continue;
        /* Of a subgraph: kernels of the graph around it are made already. */
        bool late = phases->now > lines[i].done;
        charge(phases, late ? phases->now : lines[i].done, now_ns);
        phases->now = late ? phases->now : lines[i].next;
        return;
    }
    charge(phases, phases->now, now_ns);
}

void load_phases_end(struct load_phases *phases, double now_ns) {
    if (phases->running)
        charge(phases, phases->now, now_ns);
    phases->running = false;
}

void load_phases_put(const struct load_phases *phases, struct sink *sink) {
    for (int phase = 0; phases->now != LOAD_READ_PARSE && phase < LOAD_PHASE_COUNT; phase++) {
        struct sample sample = {SAMPLE_OF_RUN, (uint16_t)metrics[phase], PHASE_COLD, 0,
                                phases->ns[phase]};
        sink->put(sink->context, &sample);
    }
}
