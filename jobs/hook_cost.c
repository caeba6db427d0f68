#include "jobs/hook_cost.h"

#include "core/flat.h"
#include "db/db.h"
#include "db/machine.h"
#include "models/onnx/write.h"
#include "models/zoo/gguf.h"
#include "profiler/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHAIN_OPERATORS = 400, CHAIN_ELEMENTS = 16, ROUNDS = 4 };

static const char wall_quantity[] = "operator_measuring_wall_ns";
static const char cpu_quantity[] = "operator_measuring_cpu_ns";

/* ---- what is remembered ---------------------------------------------------------------------- */

static const char *subject_of(struct arena *arena, const struct subject *subject) {
    return arena_printf(arena, "%s %s, %u events", subject->conditions.runtime,
                        subject->conditions.runtime_version, subject->config.event_count);
}

static const char *event_quantity(struct arena *arena, const char *event) {
    return arena_printf(arena, "operator_measuring:%s", event);
}

static double *new_events(struct arena *arena, const struct subject *subject) {
    double *events = ARENA_ARRAY(arena, subject->config.event_count, double);
    for (uint32_t e = 0; e < subject->config.event_count; e++)
        events[e] = NAN;
    return events;
}

static void recall_event(struct arena *arena, const struct subject *subject,
                         const struct machine_peak *peak, double *events) {
    for (uint32_t e = 0; e < subject->config.event_count; e++)
        if (strcmp(peak->quantity, event_quantity(arena, subject->config.events[e])) == 0)
            events[e] = peak->value;
}

static int recall(struct arena *arena, struct db *db, const struct subject *subject,
                  struct overhead *cost, struct err *err) {
    struct machine_peak *peaks;
    size_t count;
    const char *wanted = subject_of(arena, subject);
    double *events = new_events(arena, subject);
    cost->events = events;
    if (db_list_peaks(db, arena, subject->machine.fingerprint, &peaks, &count, err))
        return -(int)err->code;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(peaks[i].subject, wanted) != 0 || peaks[i].threads != subject->config.threads)
            continue;
        if (strcmp(peaks[i].quantity, wall_quantity) == 0) {
            cost->wall_ns = peaks[i].value;
            cost->half_width_ns = (peaks[i].high - peaks[i].low) / 2;
            cost->source = OVERHEAD_CALIBRATED;
        } else if (strcmp(peaks[i].quantity, cpu_quantity) == 0) {
            cost->cpu_ns = peaks[i].value;
        } else {
            recall_event(arena, subject, &peaks[i], events);
        }
    }
    return 0;
}

/* Other lists of the same length have been measured, perhaps, but not one with all these events. */
static bool lacks_events(const struct subject *subject, const struct overhead *cost) {
    for (uint32_t e = 0; e < subject->config.event_count; e++)
        if (isnan(cost->events[e]))
            return true;
    return false;
}

static int remember(struct arena *arena, struct db *db, const struct subject *subject,
                    const struct overhead *cost, struct err *err) {
    const char *of = subject_of(arena, subject);
    double half = cost->half_width_ns;
    struct machine_peak *peaks =
        ARENA_ARRAY(arena, 2 + subject->config.event_count, struct machine_peak);
    uint32_t threads = subject->config.threads, count = 0;
    peaks[count++] = (struct machine_peak){
        wall_quantity,        of,  threads, cost->wall_ns, cost->wall_ns - half,
        cost->wall_ns + half, NULL};
    peaks[count++] = (struct machine_peak){
        cpu_quantity, of, threads, cost->cpu_ns, cost->cpu_ns - half, cost->cpu_ns + half, NULL};
    /* What cannot be counted here costs nothing: so it is asked once only. */
    for (uint32_t e = 0; e < subject->config.event_count; e++) {
        double value = isnan(cost->events[e]) ? 0 : cost->events[e];
        peaks[count++] = (struct machine_peak){event_quantity(arena, subject->config.events[e]),
                                               of,
                                               threads,
                                               value,
                                               value,
                                               value,
                                               NULL};
    }
    return db_put_peaks(db, &subject->machine, peaks, count, err);
}

/* ---- the chain ------------------------------------------------------------------------------- */

/* Neg after Neg: nothing that an optimiser takes out, almost nothing to compute. */
static struct graph *chain_graph(struct arena *arena) {
    struct graph *graph = graph_new(arena, "chain");
    const int64_t shape[] = {1, CHAIN_ELEMENTS};
    graph->ir_version = 8;
    graph_add_opset(graph, "", 17);
    int32_t last = graph_add_tensor(graph, "x", DTYPE_FLOAT32);
    graph_set_shape(graph, last, 2, shape);
    graph_add_input(graph, last);
    for (int i = 0; i < CHAIN_OPERATORS; i++) {
        char name[32];
        snprintf(name, sizeof name, "neg_%d", i);
        int32_t next = graph_add_tensor(graph, name, DTYPE_FLOAT32);
        graph_set_shape(graph, next, 2, shape);
        int32_t op = graph_add_op(graph, name, "Neg", "");
        graph_set_inputs(graph, op, 1, &last);
        graph_set_outputs(graph, op, 1, &next);
        last = next;
    }
    graph_add_output(graph, last);
    return graph;
}

static int write_onnx_chain(struct arena *arena, const char *path, struct err *err) {
    const struct onnx_weights none = {.mode = ONNX_WEIGHTS_OMITTED};
    return onnx_write_file(chain_graph(arena), &none, path, err);
}

/* A decoder of many layers that are as small as can be. */
static int write_gguf_chain(struct arena *arena, const char *path, struct err *err) {
    static const struct zoo_gguf_config config = {.name = "chain",
                                                  .layers = 32,
                                                  .width = 32,
                                                  .heads = 1,
                                                  .key_heads = 1,
                                                  .inner = 32,
                                                  .vocabulary = 32,
                                                  .context = 256,
                                                  .rotary_base = 1e4f};
    (void)arena;
    return zoo_write_gguf_of(&config, DTYPE_FLOAT32, 1, path, err);
}

static const struct chain {
    const char *format, *suffix;
    int (*write)(struct arena *arena, const char *path, struct err *err);
} chains[] = {
    {"onnx", ".onnx", write_onnx_chain},
    {"gguf", ".gguf", write_gguf_chain},
};

/* For what the collector runs; the first for one that runs any. */
static const struct chain *chain_for(const struct collector *collector) {
    for (size_t i = 0; collector->format && i < sizeof chains / sizeof *chains; i++)
        if (strcmp(chains[i].format, collector->format) == 0)
            return &chains[i];
    return &chains[0];
}

static int write_chain(struct arena *arena, const struct chain *chain, const char **path,
                       struct err *err) {
    const char *folder = getenv("TMPDIR");
    char *name = arena_printf(arena, "%s/assay-chain-XXXXXX%s",
                              folder && folder[0] ? folder : "/tmp", chain->suffix);
    int fd = mkstemps(name, (int)strlen(chain->suffix));
    if (fd < 0)
        return err_set_errno(err, ERR_ENVIRONMENT, "%s: a temporary file cannot be made", name);
    close(fd);
    *path = name;
    return chain->write(arena, name, err);
}

/* One round. What disturbs a round makes measuring look dearer than it is, so the cheapest counts.
 */
static int measure_round(struct arena *arena, const struct subject *subject,
                         const struct collect_config *config, struct overhead *cost,
                         struct err *err) {
    struct protocol protocol = protocol_default();
    struct measured measured;
    struct overhead found;
    struct err doubt = {0};
    protocol.budget_ns = 400 * UINT64_C(1000000);
    protocol.processes = protocol.hooked_processes = 1;
    if (profile_measure(arena, subject->collector, config, &protocol, &measured, NULL, err))
        return -(int)err->code;
    if (overhead_of_chain(&measured, &found, &doubt) == 0 &&
        (cost->source == OVERHEAD_NONE || found.wall_ns < cost->wall_ns)) {
        double *events = ARENA_ARRAY(arena, config->event_count, double);
        overhead_of_chain_events(&measured, events, ARENA_ARRAY(arena, measured.op_count, double));
        *cost = found;
        cost->events = events;
    }
    return 0;
}

static int measure_chain(struct arena *arena, const struct subject *subject, const char *path,
                         struct overhead *cost, struct err *err) {
    struct collect_config config = {
        .model_path = path,
        .threads = subject->config.threads,
        .seed = subject->config.seed,
        .events = subject->config.events,
        .event_count = subject->config.event_count,
    };
    struct graph *lowered;
    struct flat_graph flat;
    if (subject->collector->lower(arena, &config, &lowered, err) ||
        flat_graph_build(arena, lowered, &flat, err))
        return -(int)err->code;
    config.hooked = &flat;
    int code = 0;
    for (int round = 0; round < ROUNDS && !code; round++)
        code = measure_round(arena, subject, &config, cost, err);
    return code;
}

int hook_cost(struct arena *arena, struct db *db, const struct subject *subject,
              struct overhead *cost, struct err *err) {
    *cost = (struct overhead){.source = OVERHEAD_NONE};
    if (recall(arena, db, subject, cost, err))
        return -(int)err->code;
    if (!subject->collector->lower ||
        (cost->source == OVERHEAD_CALIBRATED && !lacks_events(subject, cost)))
        return 0;
    cost->source = OVERHEAD_NONE;
    const char *path = NULL;
    int code = write_chain(arena, chain_for(subject->collector), &path, err);
    if (!code)
        code = measure_chain(arena, subject, path, cost, err);
    if (path)
        unlink(path);
    if (code)
        return err_prefix(err, "calibrating the cost of measuring");
    return cost->source == OVERHEAD_CALIBRATED ? remember(arena, db, subject, cost, err) : 0;
}
