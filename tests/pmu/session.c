/* A real session of ONNX Runtime on the emulated machine, through the collector as the program uses
 * it: worker, hook and counters per operator. Prints what each operator counted, and results as
 * guest.c does.
 *
 *   session MODEL */
#include "collectors/onnxruntime/identity.h"
#include "collectors/onnxruntime/onnxruntime.h"
#include "core/flat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 3, INSTRUCTIONS = 0, CYCLES = 1, EVENTS = 2 };

static const char *const events[EVENTS] = {"instructions:u", "cycles:u"};

/* Values of one run each; the operators' and, behind them, the run's. */
struct seen {
    double *values; /* [run][op][event] */
    uint32_t op_count;
    uint32_t first_repeat;
    bool begun;
};

static double *cell(const struct seen *seen, uint32_t run, uint32_t op, uint32_t event) {
    return &seen->values[(run * (seen->op_count + 1) + op) * EVENTS + event];
}

static void keep(void *context, const struct sample *sample) {
    struct seen *seen = context;
    uint32_t event = (uint32_t)sample->metric - METRIC_COUNTER_FIRST;
    if (sample->phase != PHASE_PROFILED || sample->metric < METRIC_COUNTER_FIRST || event >= EVENTS)
        return;
    if (!seen->begun)
        seen->first_repeat = sample->repeat;
    seen->begun = true;
    uint32_t op = sample->op == SAMPLE_OF_RUN ? seen->op_count : (uint32_t)sample->op;
    if (sample->repeat - seen->first_repeat < RUNS && op <= seen->op_count)
        *cell(seen, sample->repeat - seen->first_repeat, op, event) = sample->value;
}

static int run_session(struct arena *arena, const struct collect_config *config, struct seen *seen,
                       struct err *err) {
    const struct collector *collector = &collector_onnxruntime;
    struct collect_session *session;
    struct sink sink = {keep, seen};
    const char *const *missing;
    if (collector->open(arena, config, &sink, &session, err))
        return -(int)err->code;
    for (uint32_t i = 0; i < collector->missing_events(session, &missing); i++)
        printf("# not counted: %s\n", missing[i]);
    if (collector->run(session, RUNS, &sink, err)) {
        collector->abandon(session);
        return -(int)err->code;
    }
    return collector->finish(session, &sink, err);
}

static void result(const char *name, bool good, const char *text) {
    printf("%s %s: %s\n", good ? "ok" : "not ok", name, text);
}

static bool are_twins(const struct flat_op *a, const struct flat_op *b) {
    bool same = identity_of_op(a->graph, a->op) == identity_of_op(b->graph, b->op) &&
                a->op->input_count == b->op->input_count;
    for (uint32_t i = 0; same && i < a->op->input_count; i++) {
        const struct tensor *x = op_input(a->graph, a->op, i), *y = op_input(b->graph, b->op, i);
        same = x && y && tensor_elements(x) == tensor_elements(y);
    }
    return same;
}

/* Operators of one type and equal shapes do the same work. How far their counts are apart, at most;
 * `twins`: how many pairs there are. */
static double twins_apart(const struct flat_graph *flat, const struct seen *seen, uint32_t *twins) {
    double apart = 0;
    *twins = 0;
    for (uint32_t i = 0; i < flat->count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (are_twins(&flat->ops[i], &flat->ops[k])) {
                double first = *cell(seen, RUNS - 1, i, INSTRUCTIONS);
                double second = *cell(seen, RUNS - 1, k, INSTRUCTIONS);
                apart = fmax(apart, fabs(first / second - 1));
                (*twins)++;
            }
    return apart;
}

/* The last run: the first ones fill caches of the runtime. */
static void judge(struct arena *arena, const struct flat_graph *flat, const struct seen *seen) {
    uint32_t counted = 0, together = 0;
    double sum = 0, worst = 0, run = *cell(seen, RUNS - 1, seen->op_count, INSTRUCTIONS);
    for (uint32_t i = 0; i < flat->count; i++) {
        double instructions = *cell(seen, RUNS - 1, i, INSTRUCTIONS);
        double cycles = *cell(seen, RUNS - 1, i, CYCLES);
        double before = *cell(seen, RUNS - 2, i, INSTRUCTIONS);
        printf("# %-44s %10.0f instructions %10.0f cycles\n", flat->ops[i].path, instructions,
               cycles);
        counted += instructions > 0;
        together += fabs(cycles - instructions) <= 0.001 * instructions;
        worst = fmax(worst, fabs(instructions - before) / fmax(instructions, 1));
        sum += instructions;
    }
    result("every_operator_of_a_session_is_counted", counted == flat->count,
           arena_printf(arena, "%u of %u", counted, flat->count));
    result("each_operator_takes_a_cycle_per_instruction", together == flat->count,
           arena_printf(arena, "%u of %u", together, flat->count));
    result("counts_of_operators_repeat", worst < 0.02,
           arena_printf(arena, "runs differ by %.3f %% at most", 100 * worst));
    uint32_t twins;
    double apart = twins_apart(flat, seen, &twins);
    result("operators_of_equal_shapes_count_the_same", twins >= 4 && apart < 0.02,
           arena_printf(arena, "%u pairs, %.3f %% apart at most", twins, 100 * apart));
    result("operators_add_up_to_less_than_the_run", sum > 0.5 * run && sum < run,
           arena_printf(arena, "%.0f of %.0f instructions in user space", sum, run));
}

static int profile(struct arena *arena, const char *model, struct err *err) {
    struct collect_config config = {.model_path = model, .threads = 1, .seed = 1};
    struct graph *graph;
    struct flat_graph flat;
    if (collector_onnxruntime.lower(arena, &config, &graph, err) ||
        flat_graph_build(arena, graph, &flat, err))
        return -(int)err->code;
    config.hooked = &flat;
    config.events = events;
    config.event_count = EVENTS;
    struct seen seen = {.op_count = flat.count};
    seen.values = ARENA_ARRAY(arena, (size_t)RUNS * (flat.count + 1) * EVENTS, double);
    int code = run_session(arena, &config, &seen, err);
    if (!code)
        judge(arena, &flat, &seen);
    return code;
}

int main(int argc, char **argv) {
    struct arena arena;
    struct err err = {0};
    arena_init(&arena);
    if (argc != 2 || profile(&arena, argv[1], &err))
        result("a_session_is_profiled", false, err.message);
    arena_done(&arena);
    return 0;
}
