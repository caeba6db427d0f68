#include "jobs/report.h"

#include "base/progress.h"
#include "db/machine.h"
#include "db/recording.h"
#include "jobs/constraints.h"
#include "jobs/pack.h"
#include "jobs/plan.h"
#include "jobs/stored_measurement.h"
#include "models/onnx/read.h"
#include "predictor/capacity/planner.h"
#include "predictor/capacity/replicas.h"
#include "predictor/predict.h"
#include "reports/recording_html.h"
#include "reports/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CURVE_POINTS = 101 }; /* odd: the planned rate is one of them */

/* The newest run of each model and conditions, with its graph. */
struct shown_run {
    int64_t id;
    const char *name, *sha256;
    const void *graph;
    size_t graph_bytes;
    uint64_t file_bytes;
    struct prediction measured, predicted;
};

struct reporting {
    struct arena *arena;
    struct db *db;
    const struct place *place;
    const struct report_request *request;
    struct training training;
    struct shown_run *runs;
    uint32_t run_count, run_capacity;
    struct fit whole; /* of all observations: the roofs */
    struct err *err;
};

/* ---- collecting ------------------------------------------------------------------------------ */

/* The networks of a calibration are shown only when they are named. */
static bool is_wanted(const struct report_request *request, const struct stored_run *run) {
    const char *name = run->model.name;
    for (uint32_t i = 0; i < request->model_count; i++)
        if (strcmp(request->models[i], name) == 0)
            return true;
    return request->model_count == 0 && strcmp(run->purpose, "calibrate") != 0;
}

static bool same_dims(const struct conditions *a, const struct conditions *b) {
    if (a->batch != b->batch || a->dim_count != b->dim_count)
        return false;
    for (uint32_t i = 0; i < a->dim_count; i++)
        if (strcmp(a->dims[i].symbol, b->dims[i].symbol) != 0 || a->dims[i].size != b->dims[i].size)
            return false;
    return true;
}

static struct shown_run *place_for(struct reporting *r, const struct stored_run *stored) {
    for (uint32_t i = 0; i < r->run_count; i++)
        if (strcmp(r->runs[i].sha256, stored->model.sha256) == 0 &&
            same_dims(&r->runs[i].measured.conditions, &stored->conditions))
            return &r->runs[i];
    return ARENA_PUSH(r->arena, r->runs, r->run_count, r->run_capacity);
}

/* Runs come oldest first, so a newer one takes the place of the older. */
static int keep_run(void *context, const struct stored_run *stored, struct err *err) {
    (void)err;
    struct reporting *r = context;
    if (!is_wanted(r->request, stored) || stored->lowered.byte_count == 0)
        return 0;
    struct shown_run *shown = place_for(r, stored);
    char *graph = arena_alloc(r->arena, stored->lowered.byte_count);
    memcpy(graph, stored->lowered.bytes, stored->lowered.byte_count);
    shown->id = stored->id;
    shown->name = arena_strdup(r->arena, stored->model.name);
    shown->sha256 = arena_strdup(r->arena, stored->model.sha256);
    shown->graph = graph;
    shown->graph_bytes = stored->lowered.byte_count;
    shown->file_bytes = stored->model.file_bytes;
    stored_measurement(r->arena, stored, &shown->measured);
    return 0;
}

static int collect(struct reporting *r) {
    const struct run_filter filter = {
        .machine = r->place->machine.fingerprint,
        .runtime = r->place->runtime,
        .runtime_version = r->place->runtime_version,
        .threads = r->place->threads,
    };
    const struct training_filter training = {
        .machine = r->place->machine.fingerprint,
        .runtime = r->place->runtime,
        .runtime_version = r->place->runtime_version,
        .threads = r->place->threads,
        .target = feature_target_of(&r->place->machine, r->place->threads),
    };
    if (db_each_run(r->db, &filter, RUN_OPERATORS | RUN_GRAPH, keep_run, r, r->err) ||
        training_load(r->arena, r->db, &training, &r->training, r->err))
        return -(int)r->err->code;
    if (r->run_count)
        return 0;
    err_set(r->err, ERR_INPUT, "%s has no runs to report on%s", db_path(r->db),
            r->request->model_count ? " of these models" : "");
    return err_hint(r->err, "measure a model first: `assay profile MODEL`; --collector NAME "
                            "asks for runs under another runtime");
}

/* ---- predicting each without itself -----------------------------------------------------------
 */

static int predict_held_out(struct reporting *r, struct shown_run *shown) {
    struct predict_options options = {
        .target = feature_target_of(&r->place->machine, r->place->threads),
        .memory_confidence = 0.99,
        .allow_roofline = true,
        .memory_timeline = true,
    };
    bool *skip = ARENA_ARRAY(r->arena, r->training.run_count + 1u, bool);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->training.run_count; i++) {
        const struct observed_run *run = &r->training.runs[i];
        skip[i] = strcmp(run->model_sha256, shown->sha256) == 0 ||
                  strcmp(run->model_name, shown->name) == 0;
        kept += !skip[i];
        if (skip[i])
            options.folded =
                (struct folding){run->footprint.folded_bytes, run->footprint.folded_largest_bytes};
    }
    struct graph *graph;
    struct flat_graph flat;
    struct fit fit;
    if (kept == 0)
        return 0;
    if (fit_train(r->arena, &r->training, skip, &fit, r->err) ||
        onnx_read_bytes(r->arena, shown->graph, shown->graph_bytes, "stored graph", &graph,
                        r->err) ||
        flat_graph_build(r->arena, graph, &flat, r->err))
        return -(int)r->err->code;
    shown->predicted.model = shown->measured.model;
    shown->predicted.machine = shown->measured.machine;
    shown->predicted.conditions = shown->measured.conditions;
    shown->predicted.lowering = "cache";
    predict_model(r->arena, &fit, graph, &flat, shown->file_bytes, &options, &shown->predicted);
    for (uint32_t i = 0; i < flat.count && i < shown->measured.operator_count; i++)
        shown->measured.operators[i].bound = shown->predicted.operators[i].bound;
    return 0;
}

static int predict_all(struct reporting *r, struct progress *progress) {
    int code = fit_train(r->arena, &r->training, NULL, &r->whole, r->err);
    progress_start(progress, r->run_count, "predicting %u models without themselves", r->run_count);
    for (uint32_t i = 0; i < r->run_count && !code; i++) {
        code = predict_held_out(r, &r->runs[i]);
        progress_update(progress, i + 1, r->runs[i].name);
    }
    progress_done(progress);
    return code;
}

/* ---- the plan -------------------------------------------------------------------------------- */

static const struct prediction *planned_prediction(const struct reporting *r) {
    for (uint32_t i = 0; r->request->plan_model && i < r->run_count; i++)
        if (strcmp(r->runs[i].name, r->request->plan_model) == 0)
            return &r->runs[i].predicted;
    return r->request->plan_model ? NULL : &r->runs[0].predicted;
}

static int make_plan(struct reporting *r, struct plan *plan, const struct plan **out) {
    const struct report_request *request = r->request;
    const struct prediction *prediction = planned_prediction(r);
    *out = NULL;
    if (!request->targets && !request->constraints)
        return 0;
    if (!prediction)
        return err_set(r->err, ERR_INPUT, "no run of '%s' is stored to plan for",
                       request->plan_model);
    if (prediction->operator_count == 0 || prediction->refused_count)
        return 0;
    struct constraints constraints = {0};
    const struct node_type *offers;
    uint32_t offer_count;
    if (node_types_read(r->arena, request->nodes, request->node_count, request->catalog_path,
                        &offers, &offer_count, r->err) ||
        (request->constraints && constraints_read(r->arena, request->constraints,
                                                  prediction->model.name, &constraints, r->err)))
        return -(int)r->err->code;
    *plan = (struct plan){
        .model = prediction->model.name,
        .machine = prediction->machine,
        .rate_per_second = request->rate_per_second,
        .routing = request->routing,
        .latency_ns = prediction->latency_ns,
        .cold_start_ns = estimate_refused(),
        .memory_confidence = prediction->peak_memory_upper.confidence,
        .offers = offers,
        .offer_count = offer_count,
        .constraints = constraints.items,
        .constraint_count = constraints.count,
    };
    if (request->targets &&
        slo_parse(r->arena, request->targets, &plan->targets, &plan->target_count, r->err))
        return -(int)r->err->code;
    constraints_add_targets(r->arena, &constraints, &plan->targets, &plan->target_count);
    if (plan->target_count == 0)
        return 0;
    struct err none = {0};
    plan_serve_alone(r->arena, plan, prediction->conditions.threads,
                     prediction->peak_memory_upper.value);
    if (planner_solve(r->arena, plan, NULL, &none) && !plan->high.reason) {
        *r->err = none;
        return -(int)r->err->code;
    }
    if (planner_curve(r->arena, plan, CURVE_POINTS, r->err))
        return -(int)r->err->code;
    *out = plan;
    return 0;
}

/* ---- the page -------------------------------------------------------------------------------- */

/* SOURCE_DATE_EPOCH makes pages that can be compared byte by byte. */
static const char *generated_text(struct arena *arena) {
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    time_t now = epoch ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
    struct tm parts;
    char text[64];
    gmtime_r(&now, &parts);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
    return arena_strdup(arena, text);
}

static int render(struct reporting *r, const struct plan *plan, struct strbuf *html) {
    struct report_entry *entries = ARENA_ARRAY(r->arena, r->run_count, struct report_entry);
    for (uint32_t i = 0; i < r->run_count; i++) {
        bool predicted = r->runs[i].predicted.operator_count > 0;
        entries[i] =
            (struct report_entry){r->runs[i].name, predicted ? &r->runs[i].predicted : NULL,
                                  &r->runs[i].measured, predicted};
    }
    const struct roofline *roof = &r->whole.cost.roofline;
    const struct report report = {
        .title = "Assay report",
        .generated = generated_text(r->arena),
        .version = ASSAY_VERSION,
        .machine = &r->place->machine,
        .peak_flops_per_s = roof->flops_per_ns > 0 ? roof->flops_per_ns * 1e9 : NAN,
        .peak_bytes_per_s = roof->bytes_per_ns > 0 ? roof->bytes_per_ns * 1e9 : NAN,
        .peaks_source =
            arena_printf(r->arena, "best tenth of %u measured operators", r->whole.observations),
        .entries = entries,
        .entry_count = r->run_count,
        .plan = plan,
    };
    return report_html(r->arena, &report, html, r->err);
}

int job_report(struct arena *arena, struct db *db, const struct place *place,
               const struct report_request *request, struct progress *progress, struct strbuf *html,
               uint32_t *models_shown, struct err *err) {
    struct reporting r = {.arena = arena, .db = db, .place = place, .request = request, .err = err};
    struct plan plan;
    const struct plan *planned;
    if (collect(&r) || predict_all(&r, progress) || make_plan(&r, &plan, &planned) ||
        render(&r, planned, html))
        return -(int)err->code;
    *models_shown = r.run_count;
    return 0;
}

/* ---- the page of a recording ----------------------------------------------------------------- */

/* Its label; NULL: it ran elsewhere. */
static const char *machine_label(struct arena *arena, struct db *db, const char *fingerprint) {
    struct err none = {0};
    struct machine machine;
    if (!*fingerprint || db_find_machine(db, fingerprint, &machine, &none))
        return NULL;
    return arena_strdup(arena, machine.label);
}

int job_report_recording(struct arena *arena, struct db *db, int64_t id, struct strbuf *html,
                         struct err *err) {
    struct stored_recording stored;
    if (db_load_recording(db, arena, id, RECORDING_NODES | RECORDING_SAMPLES, &stored, err))
        return -(int)err->code;
    const struct recording_report report = {
        .id = id,
        .created_at = stored.created_at,
        .machine = machine_label(arena, db, stored.machine),
        .generated = generated_text(arena),
        .version = ASSAY_VERSION,
        .recording = &stored.recording,
    };
    recording_html(arena, &report, html);
    return 0;
}
