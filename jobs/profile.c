#include "jobs/profile.h"

#include "base/json.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "core/features.h"
#include "db/run.h"
#include "jobs/counting.h"
#include "jobs/decoding.h"
#include "jobs/hook_cost.h"
#include "jobs/measured_start.h"
#include "jobs/memory_metrics.h"
#include "jobs/predict.h"
#include "jobs/reference_network.h"
#include "predictor/predict.h"

#include <math.h>
#include <string.h>
#include <time.h>

struct profiling {
    struct arena *arena;
    struct db *db;
    const struct profile_request *request;
    const struct subject *subject;
    struct counting counting;
    struct features *features; /* per flat operator; key "" when the class is not known */
    struct profiled *out;
    double duration_ns;
    struct err reference_refused; /* why there is no reference network, which others do without */
    struct err *err;
};

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* ---- measuring ------------------------------------------------------------------------------- */

static void tell(void *context, double fraction, const char *what) {
    progress_update(context, fraction, what);
}

static int measure(struct profiling *p, struct progress *progress) {
    const struct subject *subject = p->subject;
    struct collect_config config = subject->config;
    struct protocol protocol = p->request->protocol;
    config.hooked = &p->out->lowering.flat;
    struct overhead cost;
    if (hook_cost(p->arena, p->db, subject, &cost, p->err))
        return -(int)p->err->code;
    protocol.overhead = cost.source == OVERHEAD_NONE ? NULL : &cost;
    struct reference own = {0};
    if (!protocol.reference && !reference_network_open(p->arena, subject->collector, config.threads,
                                                       &own, &p->reference_refused))
        protocol.reference = &own;
    const struct progress_sink sink = {tell, progress};
    double start = now_ns();
    progress_start(progress, 1, "profiling %s", subject->model.name);
    int code = profile_measure(p->arena, subject->collector, &config, &protocol, &p->out->details,
                               &sink, p->err);
    progress_done(progress);
    reference_close(&own);
    p->duration_ns = p->out->measuring_ns = now_ns() - start;
    return code;
}

/* Without it everything else is as good: a refusal is told, not passed on. */
static void look_into_memory(struct profiling *p) {
    const struct collector *collector = p->subject->collector;
    struct collect_config config = p->subject->config;
    if (!p->request->memory || !collector->memory)
        return;
    struct memory_use *use = ARENA_NEW(p->arena, struct memory_use);
    config.hooked = &p->out->lowering.flat;
    config.event_count = 0;
    if (!collector->memory(p->arena, &config, use, &p->out->memory_refused))
        p->out->memory = use;
}

static void find_features(struct profiling *p) {
    const struct flat_graph *flat = &p->out->lowering.flat;
    const struct feature_target target =
        feature_target_for(p->arena, &p->subject->target, p->out->lowering.graph);
    p->features = ARENA_ARRAY(p->arena, flat->count + 1u, struct features);
    for (uint32_t i = 0; i < flat->count; i++) {
        struct err unknown = {0};
        features_of(flat->ops[i].graph, flat->ops[i].op, &target, &p->features[i], &unknown);
    }
}

/* ---- the run as it is stored ----------------------------------------------------------------- */

static const char *shapes_text(struct arena *arena, const struct flat_op *flat) {
    struct strbuf text;
    strbuf_init(&text);
    for (uint32_t i = 0; i < flat->op->input_count; i++) {
        const struct tensor *tensor = op_input(flat->graph, flat->op, i);
        strbuf_printf(&text, "%s%s", i ? " " : "",
                      tensor ? tensor_shape_text(arena, flat->graph, tensor) : "-");
    }
    strbuf_puts(&text, " ->");
    for (uint32_t i = 0; i < flat->op->output_count; i++) {
        const struct tensor *tensor = op_output(flat->graph, flat->op, i);
        strbuf_printf(&text, " %s", tensor ? tensor_shape_text(arena, flat->graph, tensor) : "-");
    }
    const char *copy = arena_strdup(arena, text.text);
    strbuf_done(&text);
    return copy;
}

static struct stored_metric *counters_of(struct profiling *p, const struct summary *events,
                                         uint32_t *count) {
    const struct measured *m = &p->out->details;
    struct stored_metric *metrics =
        ARENA_ARRAY(p->arena, m->event_count + MEMORY_OP_METRICS, struct stored_metric);
    for (uint32_t e = 0; events && e < m->event_count; e++)
        if (events[e].count)
            metrics[(*count)++] =
                (struct stored_metric){m->events[e], "1", PHASE_PROFILED, events[e]};
    return metrics;
}

static struct stored_op stored_op_of(struct profiling *p, uint32_t i) {
    const struct flat_op *flat = &p->out->lowering.flat.ops[i];
    const struct measured_op *measured = &p->out->details.ops[i];
    const struct tensor *first = op_input(flat->graph, flat->op, 0);
    struct stored_op op = {
        .index = i,
        .path = flat->path,
        .type = flat->op->type,
        .domain = flat->op->domain,
        .kernel = p->features[i].key,
        .shapes = shapes_text(p->arena, flat),
        .dtype = first ? first->dtype : DTYPE_UNDEFINED,
        .flops = p->features[i].flops,
        .bytes = features_bytes(&p->features[i]),
        .wall_raw_ns = measured->wall_raw_ns,
        .wall_ns = measured->wall_ns,
        .cpu_ns = measured->cpu_ns,
    };
    struct stored_metric *metrics = counters_of(p, measured->events, &op.metric_count);
    const struct memory_use *memory = p->out->memory;
    for (uint32_t place = 0; memory && place < memory->step_count; place++)
        if (memory->steps[place].op == (int32_t)i)
            memory_op_metrics(&memory->steps[place], place, metrics, &op.metric_count);
    op.metrics = metrics;
    return op;
}

static const struct stored_op *stored_ops(struct profiling *p) {
    uint32_t count = p->out->lowering.flat.count;
    struct stored_op *ops = ARENA_ARRAY(p->arena, count + 1u, struct stored_op);
    for (uint32_t i = 0; i < count; i++)
        ops[i] = stored_op_of(p, i);
    return ops;
}

/* What was measured of the fresh processes, by metric; NULL: nothing that is stored. */
static void cold_summaries(const struct measured *m,
                           const struct summary *cold[METRIC_BUILTIN_COUNT]) {
    const struct summary *const summaries[METRIC_BUILTIN_COUNT] = {
        [METRIC_LIBRARY_LOAD_NS] = &m->library_load_ns,
        [METRIC_LOAD_NS] = &m->load_ns,
        [METRIC_FIRST_RUN_NS] = &m->first_run_ns,
        [METRIC_BASELINE_BYTES] = &m->baseline_bytes,
        [METRIC_LOADED_BYTES] = &m->loaded_bytes,
        [METRIC_PEAK_BYTES] = &m->peak_bytes,
        [METRIC_RESIDENT_BYTES] = &m->resident_bytes,
        [METRIC_PROCESS_START_NS] = &m->process_start_ns,
        [METRIC_LIBRARY_BYTES] = &m->library_bytes,
        [METRIC_FILE_READ_NS] = &m->file_read_ns,
        [METRIC_READ_PARSE_NS] = &m->read_parse_ns,
        [METRIC_OPTIMISE_NS] = &m->optimise_ns,
        [METRIC_REORDER_NS] = &m->reorder_ns,
        [METRIC_PREPACK_NS] = &m->prepack_ns,
        [METRIC_CACHE_BYTES] = &m->cache_bytes,
    };
    memcpy(cold, summaries, sizeof summaries);
}

static void add_metric(struct stored_metric *metrics, uint32_t *count, enum metric metric,
                       enum run_phase phase, const struct summary *summary) {
    const struct metric_info *info = metric_info(metric);
    if (summary && summary->count)
        metrics[(*count)++] = (struct stored_metric){info->name, info->unit, phase, *summary};
}

/* Beside each event of the run, which part of the time it was counted: below 1 it was scaled. */
static void add_running(struct profiling *p, struct stored_metric *metrics, uint32_t *count) {
    const struct measured *m = &p->out->details;
    for (uint32_t e = 0; m->event_running && e < m->event_count; e++) {
        double share = m->event_running[e];
        const struct summary summary = {share, share, share, 0, m->run_events[e].count};
        if (!isnan(share))
            metrics[(*count)++] = (struct stored_metric){
                counting_running_name(p->arena, m->events[e]), "1", PHASE_PROFILED, summary};
    }
}

static const struct stored_metric *run_metrics(struct profiling *p, uint32_t *count) {
    const struct measured *m = &p->out->details;
    const struct summary *cold[METRIC_BUILTIN_COUNT];
    struct stored_metric *metrics =
        ARENA_ARRAY(p->arena, METRIC_BUILTIN_COUNT + 2 * m->event_count + 11 + MEMORY_RUN_METRICS,
                    struct stored_metric);
    cold_summaries(m, cold);
    const struct summary cpus = {m->cpus, m->cpus, m->cpus, 0, m->replicas > 1};
    const struct stored_metric besides[] = {
        {SPEED_PROBE_METRIC, "ns", PHASE_PLAIN, m->speed_probe_ns},
        {REFERENCE_METRIC,   "ns", PHASE_PLAIN, m->reference_ns  },
        {ALONE_WALL_METRIC,  "ns", PHASE_PLAIN, m->alone_wall_ns },
        {ALONE_CPU_METRIC,   "ns", PHASE_PLAIN, m->alone_cpu_ns  },
        {CPUS_METRIC,        "1",  PHASE_PLAIN, cpus             },
    };
    const struct folding folded = folding_of(p->subject->graph);
    const double folds[] = {folded.bytes, folded.largest_bytes};
    static const char *const fold_names[] = {FOLDED_METRIC, FOLDED_LARGEST_METRIC};
    for (int i = 0; i < 2; i++)
        metrics[(*count)++] = (struct stored_metric){
            fold_names[i], "bytes", PHASE_COLD, {folds[i], folds[i], folds[i], 0, 1}
        };
    for (size_t i = 0; i < sizeof besides / sizeof *besides; i++)
        if (besides[i].summary.count)
            metrics[(*count)++] = besides[i];
    add_metric(metrics, count, METRIC_WALL_NS, PHASE_PLAIN, &m->wall_ns);
    add_metric(metrics, count, METRIC_CPU_NS, PHASE_PLAIN, &m->cpu_ns);
    add_metric(metrics, count, METRIC_WALL_NS, PHASE_PROFILED, &m->profiled_wall_ns);
    add_metric(metrics, count, METRIC_CPU_NS, PHASE_PROFILED, &m->profiled_cpu_ns);
    for (int metric = 0; metric < METRIC_BUILTIN_COUNT; metric++)
        add_metric(metrics, count, (enum metric)metric, PHASE_COLD, cold[metric]);
    for (uint32_t e = 0; m->run_events && e < m->event_count; e++)
        if (m->run_events[e].count)
            metrics[(*count)++] =
                (struct stored_metric){m->events[e], "1", PHASE_PROFILED, m->run_events[e]};
    add_running(p, metrics, count);
    if (p->out->memory)
        memory_run_metrics(p->arena, p->out->memory, metrics, count);
    return metrics;
}

static const char *warnings_text(struct profiling *p) {
    const struct measured *m = &p->out->details;
    struct strbuf text;
    strbuf_init(&text);
    cJSON *list = json_array();
    for (uint32_t i = 0; i < m->warning_count; i++)
        json_add_text(list, NULL, m->warnings[i].text);
    json_print(list, false, &text);
    cJSON_Delete(list);
    const char *copy = arena_strdup(p->arena, text.text);
    strbuf_done(&text);
    return copy;
}

static enum dtype weight_dtype(const struct graph *graph) {
    uint64_t bytes[DTYPE_COUNT] = {0};
    enum dtype most = DTYPE_UNDEFINED;
    for (uint32_t t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (!(tensor->flags & TENSOR_INITIALIZER) || !dtype_info(tensor->dtype))
            continue;
        bytes[tensor->dtype] += tensor_bytes(tensor);
        if (bytes[tensor->dtype] > bytes[most])
            most = tensor->dtype;
    }
    return most;
}

static int store(struct profiling *p) {
    const struct model *model = &p->subject->model;
    const struct measured *m = &p->out->details;
    struct stored_run run = {
        .model = {.sha256 = model->sha256,
                  .name = model->name,
                  .path = model->path,
                  .format = model->format,
                  .file_bytes = model->file_bytes,
                  .nodes = graph_op_count(model->graph),
                  .parameters = graph_parameters(model->graph),
                  .weight_bytes = graph_weight_bytes(model->graph)},
        .machine = p->subject->machine,
        .conditions = p->subject->conditions,
        .weights = p->subject->weights,
        .collector = p->subject->collector->name,
        .purpose = p->request->purpose,
        .dtype = weight_dtype(model->graph),
        .lowered = {.origin = p->out->lowering.exact ? "runtime" : "rules",
                  .bytes = p->out->lowering.bytes,
                  .byte_count = p->out->lowering.byte_count,
                  .lowering_ns = p->out->lowering.duration_ns,
                  .op_count = p->out->lowering.flat.count},
        .repeats = m->plain_runs,
        .processes = m->processes,
        .budget_ns = (double)p->request->protocol.budget_ns,
        .seed = p->request->subject.seed,
        .duration_ns = p->duration_ns,
        .tool_version = ASSAY_VERSION,
        .overhead_ns_per_op = m->overhead.wall_ns,
        .disturbance = m->disturbance,
        .warnings_json = warnings_text(p),
        .ops = stored_ops(p),
        .op_count = p->out->lowering.flat.count,
    };
    run.conditions.replicas = m->replicas;
    run.metrics = run_metrics(p, &run.metric_count);
    return db_put_run(p->db, &run, &p->out->run_id, p->err);
}

/* ---- the answer ------------------------------------------------------------------------------ */

static struct estimate measured_estimate(const struct summary *summary, const char *evidence) {
    if (summary->count == 0)
        return estimate_refused();
    return (struct estimate){summary->median, summary->low, summary->high, TIER_MEASURED, evidence};
}

/* The rates an operator reached against the best reached in this run tell what bounds it. */
static enum bound bound_of(const struct features *f, double wall_ns, const struct roofline *best) {
    double compute = best->flops_per_ns > 0 ? f->flops / best->flops_per_ns : 0;
    double memory = best->bytes_per_ns > 0 ? features_bytes(f) / best->bytes_per_ns : 0;
    if (fmax(compute, memory) < 0.1 * wall_ns || wall_ns < 3000)
        return BOUND_OVERHEAD;
    return compute > memory ? BOUND_COMPUTE : BOUND_MEMORY;
}

static struct roofline best_of(const struct profiling *p) {
    struct roofline best = {0};
    for (uint32_t i = 0; i < p->out->details.op_count; i++) {
        double wall = p->out->details.ops[i].wall_ns.median;
        if (!(wall > 3000) || p->features[i].family == FAMILY_METADATA)
            continue;
        best.flops_per_ns = fmax(best.flops_per_ns, p->features[i].flops / wall);
        best.bytes_per_ns = fmax(best.bytes_per_ns, features_bytes(&p->features[i]) / wall);
    }
    return best;
}

static void answer_operators(struct profiling *p, const char *evidence) {
    const struct measured *m = &p->out->details;
    struct prediction *out = &p->out->measured;
    struct roofline best = best_of(p);
    out->operators = ARENA_ARRAY(p->arena, m->op_count + 1u, struct operator_row);
    out->operator_count = m->op_count;
    for (uint32_t i = 0; i < m->op_count; i++) {
        const struct flat_op *flat = &p->out->lowering.flat.ops[i];
        const struct features *f = &p->features[i];
        double wall = m->ops[i].wall_ns.count ? m->ops[i].wall_ns.median : 0;
        out->operators[i] = (struct operator_row){
            .name = flat->path,
            .op = op_full_type(p->arena, flat->op),
            .kernel = f->key,
            .flops = f->flops,
            .bytes = features_bytes(f),
            .latency_ns = measured_estimate(&m->ops[i].wall_ns, evidence),
            .share = wall / fmax(m->operators_wall_ns, 1),
            .bound = bound_of(f, wall, &best),
        };
    }
}

static void answer_memory(struct profiling *p) {
    struct prediction *out = &p->out->measured;
    const struct lowering *lowering = &p->out->lowering;
    if (!p->out->memory)
        return;
    const struct operator_names names = operator_names_of(p->arena, &lowering->flat);
    out->memory = p->out->memory;
    memory_use_timeline(p->arena, out->memory, &names, &out->timeline);
    struct footprint footprint;
    struct memory_timeline played;
    const struct folding folding = folding_of(p->subject->graph);
    footprint_of(lowering->graph, &lowering->flat, p->subject->model.file_bytes, &footprint);
    footprint_fold(&footprint, &folding);
    memory_timeline_of(p->arena, lowering->graph, &lowering->flat, &footprint, &played);
    memory_timelines_compare(p->arena, &played, &out->timeline, &out->played);
}

static void answer(struct profiling *p) {
    const struct measured *m = &p->out->details;
    struct prediction *out = &p->out->measured;
    const char *evidence = arena_printf(p->arena, "run:%lld", (long long)p->out->run_id);
    prediction_identify(p->arena, p->subject, &p->out->lowering, out);
    out->conditions.replicas = m->replicas;
    out->measured = true;
    out->latency_ns = measured_estimate(&m->wall_ns, evidence);
    out->cpu_time_ns = measured_estimate(&m->cpu_ns, evidence);
    out->peak_memory_bytes = measured_estimate(&m->peak_bytes, evidence);
    out->peak_memory_upper = (struct upper_bound){0.99, m->peak_bytes.high};
    out->resident_memory_bytes = measured_estimate(&m->resident_bytes, evidence);
    out->load_time_ns = measured_estimate(&m->load_ns, evidence);
    out->first_run_ns = measured_estimate(&m->first_run_ns, evidence);
    const struct summary *cold[METRIC_BUILTIN_COUNT];
    cold_summaries(m, cold);
    measured_start(p->arena, cold, evidence, &out->cold_start);
    answer_operators(p, evidence);
    if (m->event_count)
        counting_answer(p->arena, &p->counting, m, p->features, &out->counts);
    decoding_of(p->subject, &out->latency_ns, &out->decoding);
    out->decoding.cache_bytes = measured_estimate(&m->cache_bytes, evidence);
    answer_memory(p);
    const char **warnings =
        ARENA_ARRAY(p->arena, m->warning_count + p->subject->note_count + 2u, const char *);
    for (uint32_t i = 0; i < p->subject->note_count; i++)
        warnings[out->warning_count++] = p->subject->notes[i];
    for (uint32_t i = 0; i < m->warning_count; i++)
        warnings[out->warning_count++] =
            arena_printf(p->arena, "%s: %s", m->warnings[i].text, m->warnings[i].hint);
    if (p->reference_refused.code)
        warnings[out->warning_count++] = arena_printf(
            p->arena, "the speed of the machine is told by its clock alone: reference network: %s",
            p->reference_refused.message);
    out->warnings = warnings;
}

static int profile(struct profiling *p, struct progress *progress) {
    /* A collector that cannot lower (replay) is measured by what our rules say that it runs. */
    enum lowering_source source = p->subject->collector->lower ? LOWERING_RUNTIME : LOWERING_RULES;
    if (subject_must_run(p->subject, p->err) ||
        lowering_make(p->arena, p->db, p->subject, source, &p->out->lowering, p->err) ||
        measure(p, progress))
        return -(int)p->err->code;
    look_into_memory(p);
    find_features(p);
    if (store(p))
        return -(int)p->err->code;
    answer(p);
    return 0;
}

int job_profile(struct arena *arena, struct db *db, const struct profile_request *request,
                struct progress *progress, struct profiled *out, struct err *err) {
    *out = (struct profiled){0};
    struct subject subject;
    struct profiling p = {
        .arena = arena, .db = db, .request = request, .subject = &subject, .out = out, .err = err};
    struct subject_request wanted = request->subject;
    if (counting_plan(arena, request->groups, request->group_count, wanted.events,
                      wanted.event_count, &p.counting, err))
        return -(int)err->code;
    wanted.events = p.counting.events;
    wanted.event_count = p.counting.event_count;
    wanted.hash_anew = true; /* a run is evidence for good */
    if (subject_open(arena, db, &wanted, &subject, err))
        return -(int)err->code;
    int code = profile(&p, progress);
    subject_close(&subject);
    return code;
}
