#include "jobs/training.h"

#include "base/stats.h"
#include "core/flat.h"
#include "db/run.h"
#include "jobs/hook_excess.h"
#include "models/onnx/read.h"

#include <math.h>
#include <string.h>

struct loading {
    struct arena *arena;
    const struct training_filter *filter;
    struct observation *observations;
    struct observed_run *runs;
    uint32_t observation_count, observation_capacity, run_count, run_capacity;
};

static bool is_excepted(const struct training_filter *filter, const struct stored_run *run) {
    return (filter->except_sha256 && strcmp(run->model.sha256, filter->except_sha256) == 0) ||
           (filter->except_name && strcmp(run->model.name, filter->except_name) == 0);
}

static double named_metric(const struct stored_run *run, const char *name) {
    for (uint32_t i = 0; i < run->metric_count; i++)
        if (strcmp(run->metrics[i].name, name) == 0)
            return run->metrics[i].summary.median;
    return NAN;
}

static double median_of(const struct stored_run *run, enum metric metric, enum run_phase phase) {
    const struct summary *summary = stored_run_metric(run, metric, phase);
    return summary ? summary->median : NAN;
}

static void add_run(struct loading *l, const struct stored_run *stored, const struct graph *lowered,
                    const struct flat_graph *flat) {
    struct observed_run *run = ARENA_PUSH(l->arena, l->runs, l->run_count, l->run_capacity);
    *run = (struct observed_run){
        .id = stored->id,
        .model_name = arena_strdup(l->arena, stored->model.name),
        .model_sha256 = arena_strdup(l->arena, stored->model.sha256),
        .purpose = arena_strdup(l->arena, stored->purpose),
        .latency_ns = median_of(stored, METRIC_WALL_NS, PHASE_PLAIN),
        .cpu_ns = median_of(stored, METRIC_CPU_NS, PHASE_PLAIN),
        .peak_bytes = median_of(stored, METRIC_PEAK_BYTES, PHASE_COLD),
        .resident_bytes = median_of(stored, METRIC_RESIDENT_BYTES, PHASE_COLD),
        .baseline_bytes = median_of(stored, METRIC_BASELINE_BYTES, PHASE_COLD),
        .loaded_bytes = median_of(stored, METRIC_LOADED_BYTES, PHASE_COLD),
        .load_ns = median_of(stored, METRIC_LOAD_NS, PHASE_COLD),
        .first_run_ns = median_of(stored, METRIC_FIRST_RUN_NS, PHASE_COLD),
        .process_start_ns = median_of(stored, METRIC_PROCESS_START_NS, PHASE_COLD),
        .library_load_ns = median_of(stored, METRIC_LIBRARY_LOAD_NS, PHASE_COLD),
        .library_bytes = median_of(stored, METRIC_LIBRARY_BYTES, PHASE_COLD),
        .file_read_ns = median_of(stored, METRIC_FILE_READ_NS, PHASE_COLD),
        .optimise_ns = median_of(stored, METRIC_OPTIMISE_NS, PHASE_COLD),
        .reorder_ns = median_of(stored, METRIC_REORDER_NS, PHASE_COLD),
        .prepack_ns = median_of(stored, METRIC_PREPACK_NS, PHASE_COLD),
        .speed = {.probe_ns = named_metric(stored, SPEED_PROBE_METRIC),
                  .reference_ns = named_metric(stored, REFERENCE_METRIC)},
    };
    run->parse_ns = median_of(stored, METRIC_READ_PARSE_NS, PHASE_COLD) - run->file_read_ns;
    footprint_of(lowered, flat, stored->model.file_bytes, &run->footprint);
    const struct folding folded = {fmax(named_metric(stored, FOLDED_METRIC), 0),
                                   fmax(named_metric(stored, FOLDED_LARGEST_METRIC), 0)};
    footprint_fold(&run->footprint, &folded);
    run->footprint.file_nodes = (double)stored->model.nodes;
}

/* At one thread CPU time: an operator longer than a time slice is hardly ever left alone by the
 * other programs of a busy machine, and its wall time is then theirs. */
static const struct summary *op_time(const struct stored_run *run, const struct stored_op *op) {
    return run->conditions.threads == 1 && op->cpu_ns.median > 0 ? &op->cpu_ns : &op->wall_ns;
}

static void add_observations(struct loading *l, struct arena *scratch,
                             const struct stored_run *stored, const struct graph *lowered,
                             const struct flat_graph *flat) {
    struct feature_target target = feature_target_for(scratch, &l->filter->target, lowered);
    double latency_ns = l->runs[l->run_count - 1].latency_ns;
    target.inference_ns = latency_ns > 0 ? latency_ns : 0;
    for (uint32_t i = 0; i < stored->op_count; i++) {
        const struct stored_op *op = &stored->ops[i];
        const struct summary *time = op_time(stored, op);
        struct features features;
        struct err unknown = {0};
        if (op->index >= flat->count || !(time->median > 0) ||
            features_of(flat->ops[op->index].graph, flat->ops[op->index].op, &target, &features,
                        &unknown))
            continue;
        struct observation *o =
            ARENA_PUSH(l->arena, l->observations, l->observation_count, l->observation_capacity);
        *o = (struct observation){.features = features,
                                  .wall_ns = time->median,
                                  .spread = time->spread,
                                  .slowness = 1,
                                  .op = (int32_t)op->index,
                                  .run = l->run_count - 1};
    }
}

static int load_run(void *context, const struct stored_run *stored, struct err *err) {
    struct loading *l = context;
    if (is_excepted(l->filter, stored) || stored->lowered.byte_count == 0)
        return 0;
    struct arena scratch;
    arena_init(&scratch);
    struct graph *lowered;
    struct flat_graph flat;
    int code = onnx_read_bytes(&scratch, stored->lowered.bytes, stored->lowered.byte_count,
                               "stored graph", &lowered, err);
    if (!code)
        code = flat_graph_build(&scratch, lowered, &flat, err);
    if (!code) {
        add_run(l, stored, lowered, &flat);
        add_observations(l, &scratch, stored, lowered, &flat);
    }
    arena_done(&scratch);
    return code ? err_prefix(err, "run %lld", (long long)stored->id) : 0;
}

static void note_speed(struct loading *l, const struct yardsticks *usual) {
    double *slowness = ARENA_ARRAY(l->arena, l->run_count + 1u, double);
    for (uint32_t r = 0; r < l->run_count; r++) {
        struct observed_run *run = &l->runs[r];
        slowness[r] = slowness_of(&run->speed, usual);
        double *const times[] = {
            &run->load_ns,         &run->first_run_ns, &run->process_start_ns,
            &run->library_load_ns, &run->file_read_ns, &run->parse_ns,
            &run->optimise_ns,     &run->reorder_ns,   &run->prepack_ns,
        };
        for (size_t i = 0; i < sizeof times / sizeof *times; i++)
            *times[i] /= slowness_of_loading(slowness[r]);
    }
    for (uint32_t i = 0; i < l->observation_count; i++)
        l->observations[i].slowness = slowness[l->observations[i].run];
}

static void note_operators(struct loading *l) {
    for (uint32_t i = 0; i < l->observation_count; i++)
        l->runs[l->observations[i].run].operators_ns += l->observations[i].wall_ns;
}

static void remove_excess(struct loading *l) {
    struct hooked_run *runs = ARENA_ARRAY(l->arena, l->run_count + 1u, struct hooked_run);
    uint32_t count = 0;
    for (uint32_t first = 0, end; first < l->observation_count; first = end) {
        const struct observed_run *run = &l->runs[l->observations[first].run];
        for (end = first + 1; end < l->observation_count; end++)
            if (l->observations[end].run != l->observations[first].run)
                break;
        bool one_thread = l->filter->threads == 1 && run->cpu_ns > 0;
        double steady_ns = one_thread ? run->cpu_ns : run->latency_ns;
        if (steady_ns > 0)
            runs[count++] = (struct hooked_run){steady_ns, first, end - first};
    }
    hook_excess_remove(l->observations, runs, count, l->filter->target.cache_bytes);
}

int training_load(struct arena *arena, struct db *db, const struct training_filter *filter,
                  struct training *out, struct err *err) {
    struct loading l = {.arena = arena, .filter = filter};
    const struct run_filter runs = {
        .machine = filter->machine,
        .runtime = filter->runtime,
        .runtime_version = filter->runtime_version,
        .threads = filter->threads,
    };
    *out = (struct training){0};
    int code = db_each_run(db, &runs, RUN_OPERATORS | RUN_GRAPH, load_run, &l, err);
    note_operators(&l);
    remove_excess(&l);
    const struct yardsticks usual = usual_speed(l.runs, l.run_count);
    note_speed(&l, &usual);
    *out = (struct training){l.observations, l.runs,          l.observation_count,
                             l.run_count,    filter->threads, usual};
    return code;
}
