#include "jobs/contention.h"

#include "core/flat.h"
#include "db/machine.h"
#include "db/run.h"
#include "models/onnx/read.h"

#include <math.h>
#include <string.h>

struct gathering {
    struct arena *arena;
    struct db *db;
    const struct place *place;
    const struct cost_model *cost;
    struct feature_target target;
    struct contention_evidence *out;
    uint32_t capacity;
};

/* ---- one run --------------------------------------------------------------------------------- */

static double named_median(const struct stored_run *run, const char *name) {
    for (uint32_t i = 0; i < run->metric_count; i++)
        if (strcmp(run->metrics[i].name, name) == 0 && run->metrics[i].phase == PHASE_PLAIN)
            return run->metrics[i].summary.median;
    return NAN;
}

/* That the run was allowed, which may be other than what this process is. */
static uint32_t cpus_of(const struct gathering *g, const struct stored_run *run) {
    double cpus = named_median(run, CPUS_METRIC);
    return cpus >= 1 ? (uint32_t)cpus : g->place->machine.cpus;
}

/* CPU time where every replica has CPUs of its own and one thread; wall time else. */
static bool by_cpu_time(const struct gathering *g, const struct stored_run *run) {
    return run->conditions.threads == 1 && run->conditions.replicas <= cpus_of(g, run);
}

static double op_ns(const struct stored_op *op, bool cpu) {
    return cpu && op->cpu_ns.median > 0 ? op->cpu_ns.median : op->wall_ns.median;
}

static const struct stored_op *op_at(const struct stored_run *run, uint32_t index) {
    for (uint32_t i = index < run->op_count ? index : 0; i < run->op_count; i++)
        if (run->ops[i].index == index)
            return &run->ops[i];
    return NULL;
}

/* What the machine's speed did between the two runs is taken out by the batches alone of the later
 * one. */
static double drift_between(const struct stored_run *alone, const struct contention_run *together,
                            bool cpu) {
    const struct summary *before =
        stored_run_metric(alone, cpu ? METRIC_CPU_NS : METRIC_WALL_NS, PHASE_PLAIN);
    double drift = before ? together->alone_ns / before->median : NAN;
    return drift > 0.5 && drift < 2 ? drift : 1;
}

static void add_pairs(struct gathering *g, const struct stored_run *together,
                      const struct stored_run *alone, const struct flat_graph *flat,
                      const struct features *features, struct contention_run *run) {
    bool cpu = by_cpu_time(g, together);
    double drift = drift_between(alone, run, cpu);
    struct contention_pair *pairs =
        ARENA_ARRAY(g->arena, together->op_count + 1u, struct contention_pair);
    for (uint32_t i = 0; i < together->op_count; i++) {
        const struct stored_op *op = &together->ops[i], *same = op_at(alone, op->index);
        if (!same || op->index >= flat->count || strcmp(same->kernel, op->kernel) != 0 ||
            !features[op->index].key[0] || !(op_ns(op, cpu) > 0) || !(op_ns(same, cpu) > 0))
            continue;
        const struct features *f = &features[op->index];
        pairs[run->pair_count++] =
            (struct contention_pair){f->family, memory_share(&g->cost->roofline, f),
                                     drift * op_ns(same, cpu), op_ns(op, cpu)};
    }
    run->pairs = pairs;
}

static int find_alone(struct gathering *g, struct arena *scratch, const struct stored_run *together,
                      struct stored_run *alone, struct err *err) {
    const struct run_filter filter = {
        .model_sha256 = together->model.sha256,
        .machine = g->place->machine.fingerprint,
        .weights = together->weights,
        .conditions = &together->conditions,
    };
    return db_latest_run(g->db, scratch, &filter, RUN_OPERATORS, alone, err);
}

static void load_features(struct gathering *g, struct arena *scratch, const struct graph *lowered,
                          const struct flat_graph *flat, struct features *features,
                          struct contention_run *run) {
    struct feature_target target = feature_target_for(scratch, &g->target, lowered);
    target.inference_ns = run->alone_ns > 0 ? run->alone_ns : 0;
    for (uint32_t i = 0; i < flat->count; i++) {
        struct err unknown = {0};
        if (features_of(flat->ops[i].graph, flat->ops[i].op, &target, &features[i], &unknown))
            features[i].key[0] = '\0';
        else
            contention_load_add(&run->load, &g->cost->roofline, &features[i],
                                cost_model_estimate(g->cost, &features[i]).value);
    }
}

static int add_run(struct gathering *g, struct arena *scratch, const struct stored_run *stored,
                   struct err *err) {
    struct graph *lowered;
    struct flat_graph flat;
    struct stored_run alone;
    if (onnx_read_bytes(scratch, stored->lowered.bytes, stored->lowered.byte_count, "stored graph",
                        &lowered, err) ||
        flat_graph_build(scratch, lowered, &flat, err) ||
        find_alone(g, scratch, stored, &alone, err))
        return -(int)err->code;
    bool cpu = by_cpu_time(g, stored);
    const struct summary *together =
        stored_run_metric(stored, cpu ? METRIC_CPU_NS : METRIC_WALL_NS, PHASE_PLAIN);
    struct contention_run *run = ARENA_PUSH(g->arena, g->out->runs, g->out->run_count, g->capacity);
    *run = (struct contention_run){
        .id = stored->id,
        .model_name = arena_strdup(g->arena, stored->model.name),
        .model_sha256 = arena_strdup(g->arena, stored->model.sha256),
        .purpose = arena_strdup(g->arena, stored->purpose),
        .replicas = stored->conditions.replicas,
        .cpus = cpus_of(g, stored),
        .took_turns = stored->conditions.replicas * stored->conditions.threads > cpus_of(g, stored),
        .alone_ns = named_median(stored, cpu ? ALONE_CPU_METRIC : ALONE_WALL_METRIC),
        .together_ns = together ? together->median : NAN,
    };
    struct features *features = ARENA_ARRAY(scratch, flat.count + 1u, struct features);
    load_features(g, scratch, lowered, &flat, features, run);
    if (alone.id)
        add_pairs(g, stored, &alone, &flat, features, run);
    return 0;
}

static int take_run(void *context, const struct stored_run *stored, struct err *err) {
    struct gathering *g = context;
    struct arena scratch;
    if (stored->lowered.byte_count == 0)
        return 0;
    arena_init(&scratch);
    int code = add_run(g, &scratch, stored, err);
    arena_done(&scratch);
    return code ? err_prefix(err, "run %lld", (long long)stored->id) : 0;
}

/* ---- probes ---------------------------------------------------------------------------------- */

static double peak_value(const struct machine_peak *peaks, size_t count, const char *quantity,
                         const char *subject, uint32_t threads) {
    for (size_t i = 0; i < count; i++)
        if (peaks[i].threads == threads && strcmp(peaks[i].quantity, quantity) == 0 &&
            strcmp(peaks[i].subject, subject) == 0)
            return peaks[i].value;
    return NAN;
}

/* What each thread keeps of what one alone gets. */
static double kept_share(const struct machine_peak *peaks, size_t count, const char *quantity,
                         const char *subject, uint32_t threads) {
    return peak_value(peaks, count, quantity, subject, threads) / threads /
           peak_value(peaks, count, quantity, subject, 1);
}

/* A replica of several threads takes as many readers: probes are by threads in all. */
static int load_probes(struct gathering *g, struct err *err) {
    struct machine_peak *peaks;
    size_t count;
    uint32_t threads = g->place->threads;
    struct contention_evidence *out = g->out;
    if (db_list_peaks(g->db, g->arena, g->place->machine.fingerprint, &peaks, &count, err))
        return -(int)err->code;
    out->probes = ARENA_ARRAY(g->arena, count + 1u, struct contention_probe);
    for (size_t i = 0; i < count; i++) {
        uint32_t n = peaks[i].threads;
        if (strcmp(peaks[i].quantity, SHARED_PRODUCTS_QUANTITY) != 0 || n <= threads || n % threads)
            continue;
        double reads = kept_share(peaks, count, SHARED_BYTES_QUANTITY, "memory", n);
        double own = kept_share(peaks, count, SHARED_BYTES_QUANTITY, "memory", threads);
        double products = kept_share(peaks, count, SHARED_PRODUCTS_QUANTITY, "L1", n);
        if (isfinite(reads / own) && isfinite(products))
            out->probes[out->probe_count++] =
                (struct contention_probe){n / threads, reads / own, products};
    }
    return 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

int contention_load_evidence(struct arena *arena, struct db *db, const struct place *place,
                             const struct cost_model *cost, struct contention_evidence *out,
                             struct err *err) {
    *out = (struct contention_evidence){.cpus = place->machine.cpus};
    struct gathering g = {
        arena, db, place, cost, feature_target_of(&place->machine, place->threads), out, 0};
    const struct run_filter filter = {
        .machine = place->machine.fingerprint,
        .runtime = place->runtime,
        .runtime_version = place->runtime_version,
        .threads = place->threads,
        .company = RUNS_TOGETHER,
    };
    if (db_each_run(db, &filter, RUN_OPERATORS | RUN_GRAPH, take_run, &g, err))
        return -(int)err->code;
    return load_probes(&g, err);
}

void contention_of_evidence(struct arena *arena, const struct contention_evidence *evidence,
                            const char *except_sha256, struct contention *out) {
    contention_learn(arena, evidence->runs, evidence->run_count, evidence->probes,
                     evidence->probe_count, except_sha256, evidence->cpus, out);
}

struct judged_slowdown *contention_judge(struct arena *arena,
                                         const struct contention_evidence *evidence,
                                         uint32_t threads, uint32_t *count) {
    struct judged_slowdown *judged =
        ARENA_ARRAY(arena, evidence->run_count + 1u, struct judged_slowdown);
    bool models = false;
    *count = 0;
    for (uint32_t r = 0; r < evidence->run_count; r++)
        models = models || strcmp(evidence->runs[r].purpose, "calibrate") != 0;
    for (uint32_t r = 0; r < evidence->run_count; r++) {
        const struct contention_run *run = &evidence->runs[r];
        struct contention contention;
        if ((models && strcmp(run->purpose, "calibrate") == 0) || !(run->alone_ns > 0))
            continue;
        contention_of_evidence(arena, evidence, run->model_sha256, &contention);
        contention.cpus = run->cpus;
        struct estimate said = contention_slowdown(&contention, &run->load, run->replicas, threads);
        if (said.tier != TIER_REFUSED)
            judged[(*count)++] = (struct judged_slowdown){run->id, run->model_name, run->replicas,
                                                          said, run->together_ns / run->alone_ns};
    }
    return judged;
}
