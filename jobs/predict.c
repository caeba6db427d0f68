#include "jobs/predict.h"

#include "base/json.h"
#include "db/prediction.h"
#include "jobs/decoding.h"
#include "jobs/reference_network.h"
#include "jobs/storage.h"
#include "predictor/predict.h"
#include "profiler/speed_probe.h"
#include "reports/prediction_json.h"

#include <string.h>
#include <time.h>

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

void prediction_identify(struct arena *arena, const struct subject *subject,
                         const struct lowering *lowering, struct prediction *out) {
    const struct model *model = &subject->model;
    out->model.name = model->name;
    out->model.path = model->path;
    out->model.sha256 = arena_strdup(arena, model->sha256);
    out->model.nodes = graph_op_count(model->graph);
    out->model.parameters = graph_parameters(model->graph);
    out->machine = arena_strdup(arena, subject->machine.label);
    out->machine_fingerprint = arena_strdup(arena, subject->machine.fingerprint);
    out->conditions = subject->conditions;
    out->lowering = lowering->origin;
}

static void add_warnings(struct arena *arena, const struct subject *subject,
                         const struct predicted *predicted, struct prediction *out) {
    const char **all = arena_grow(arena, out->warnings, out->warning_count,
                                  out->warning_count + subject->note_count + 2u, sizeof *all);
    uint32_t count = out->warning_count, newer = predicted->fitted.newer_runs;
    for (uint32_t i = 0; i < subject->note_count; i++)
        all[count++] = subject->notes[i];
    if (!predicted->lowering.exact)
        all[count++] =
            "lowered by our own fusion rules, not by the runtime: some kernels may differ";
    if (newer)
        all[count++] =
            arena_printf(arena, "%u run%s newer than the fit; `assay fit` learns from them", newer,
                         newer == 1 ? " is" : "s are");
    out->warnings = all;
    out->warning_count = count;
}

/* Kept, so that it can be held against what is measured later, and be served; a read-only database
 * keeps none, a refusal is nothing to hold against, and the speed of a moment nothing to plan with.
 */
static int store(struct arena *arena, struct db *db, const struct subject *subject,
                 struct predicted *out, struct err *err) {
    const struct model *model = &subject->model;
    if (db_is_read_only(db) || out->prediction.refused_count || out->prediction.slowness > 0)
        return 0;
    cJSON *tree = prediction_json(&out->prediction);
    struct strbuf text;
    strbuf_init(&text);
    json_print(tree, false, &text);
    cJSON_Delete(tree);
    const struct stored_prediction stored = {
        .model = {.sha256 = model->sha256,
                  .name = model->name,
                  .path = model->path,
                  .format = model->format,
                  .file_bytes = model->file_bytes,
                  .nodes = out->prediction.model.nodes,
                  .parameters = out->prediction.model.parameters,
                  .weight_bytes = graph_weight_bytes(model->graph)},
        .machine = subject->machine,
        .conditions = subject->conditions,
        .fit_id = out->fitted.id,
        .latency_ns = out->prediction.latency_ns,
        .json = arena_strdup(arena, text.text),
    };
    strbuf_done(&text);
    return db_put_prediction(db, &stored, &out->id, err);
}

static void tell(void *context, double fraction, const char *what) {
    progress_update(context, fraction, what);
}

/* By the reference network where the usual speed is known by it and it can be started, else by the
 * probe. */
static struct yardsticks look_at_speed(struct arena *arena, const struct predict_request *request,
                                       const struct yardsticks *usual, struct err *refused) {
    const struct collector *collector = collector_by_name(request->subject.collector);
    struct reference reference = {0};
    struct yardsticks now = {0};
    const struct progress_sink sink = {tell, request->progress};
    progress_start(request->progress, 1, "looking at the speed of this machine");
    if (usual->reference_ns > 0 && collector &&
        !reference_network_open(arena, collector, request->subject.threads, &reference, refused))
        now.reference_ns = reference_read_long(&reference, &sink);
    progress_done(request->progress);
    reference_close(&reference);
    if (!(now.reference_ns > 0) && usual->probe_ns > 0)
        now.probe_ns = speed_probe_now_ns();
    return now;
}

/* Looked at here, so it says nothing of another machine. */
static int find_slowness(struct arena *arena, const struct predict_request *request,
                         const struct fitted *fitted, struct predict_options *options,
                         struct err *err) {
    const struct yardsticks *usual = &fitted->fit.usual;
    struct err refused = {0};
    options->slowness = 1;
    if (request->speed == SPEED_USUAL)
        return 0;
    if (request->subject.machine) {
        err_set(err, ERR_USAGE, "the speed of another machine cannot be measured here");
        return err_hint(err, "ask for this machine, or for the usual speed");
    }
    if (!(usual->probe_ns > 0 || usual->reference_ns > 0)) {
        err_set(err, ERR_INPUT, "what the usual speed of this machine is was never measured");
        return err_hint(err, "`assay calibrate` measures it, and so does `assay profile MODEL`");
    }
    const struct yardsticks now = look_at_speed(arena, request, usual, &refused);
    if (!(now.reference_ns > 0 || now.probe_ns > 0)) {
        err_set(err, ERR_ENVIRONMENT, "the reference network does not run: %s",
                refused.code ? refused.message : "its process ended");
        return err_hint(err, "leave out --speed now");
    }
    options->slowness = slowness_of(&now, usual);
    options->speed_seen = now.reference_ns > 0; /* the clock tells less than half of it */
    return 0;
}

static int answer(struct arena *arena, struct db *db, const struct predict_request *request,
                  const struct subject *subject, struct predicted *out, struct err *err) {
    struct place place;
    const char *except_sha256 = request->leave_out_self ? subject->model.sha256 : NULL;
    const char *except_name = request->leave_out_self ? subject->model.name : NULL;
    if (place_of_subject(arena, db, subject, &place, err) ||
        fit_for(arena, db, &place, except_sha256, except_name, &out->fitted, err) ||
        lowering_make(arena, db, subject, request->lowering, &out->lowering, err))
        return -(int)err->code;
    struct predict_options options = {
        .target = subject->target,
        .memory_confidence = request->memory_confidence,
        .folded = folding_of(subject->graph),
        .allow_roofline = !request->refuse_roofline,
        .cold_start = {.page_cache = request->page_cache,
                       .given = request->given_phases,
                       .given_count = request->given_phase_count},
        .memory_timeline = request->memory_timeline,
    };
    if (find_slowness(arena, request, &out->fitted, &options, err))
        return -(int)err->code;
    if (storage_recall(arena, db, &place.machine, place.runtime, place.runtime_version,
                       &options.cold_start, err))
        return -(int)err->code;
    double start = now_ns();
    prediction_identify(arena, subject, &out->lowering, &out->prediction);
    predict_model(arena, &out->fitted.fit, out->lowering.graph, &out->lowering.flat,
                  subject->model.file_bytes, &options, &out->prediction);
    out->prediction.slowness = request->speed == SPEED_NOW ? options.slowness : 0;
    decoding_of(subject, &out->prediction.latency_ns, &out->prediction.decoding);
    out->predicting_ns = now_ns() - start;
    if (place.runtime_version[0] && !out->prediction.conditions.runtime_version[0]) {
        out->prediction.conditions.runtime = place.runtime;
        out->prediction.conditions.runtime_version = place.runtime_version;
    }
    add_warnings(arena, subject, out, &out->prediction);
    return store(arena, db, subject, out, err);
}

int job_predict(struct arena *arena, struct db *db, const struct predict_request *request,
                struct predicted *out, struct err *err) {
    *out = (struct predicted){0};
    struct subject subject;
    if (subject_open(arena, db, &request->subject, &subject, err))
        return -(int)err->code;
    int code = answer(arena, db, request, &subject, out, err);
    subject_close(&subject);
    return code;
}
