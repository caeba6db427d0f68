#include "jobs/fit.h"

#include "base/strbuf.h"
#include "collectors/collector.h"
#include "collectors/machine.h"
#include "db/fit.h"
#include "db/machine.h"
#include "db/run.h"
#include "predictor/fit_text.h"

#include <string.h>

/* ---- the place ------------------------------------------------------------------------------- */

static int newest_runtime(struct arena *arena, struct db *db, struct place *out, struct err *err) {
    const struct run_filter filter = {.machine = out->machine.fingerprint, .threads = out->threads};
    struct stored_run run;
    if (db_latest_run(db, arena, &filter, RUN_HEAD, &run, err))
        return -(int)err->code;
    if (run.id) {
        out->runtime = run.conditions.runtime;
        out->runtime_version = run.conditions.runtime_version;
    }
    return 0;
}

int place_here(struct arena *arena, struct db *db, const char *collector, uint32_t threads,
               struct place *out, struct err *err) {
    *out = (struct place){.runtime = collector, .runtime_version = "", .threads = threads};
    if (machine_describe(&out->machine, err))
        return -(int)err->code;
    const struct collector *row = collector_by_name(collector);
    struct err unavailable = {0};
    if (row && row->version(arena, &out->runtime, &out->runtime_version, &unavailable) == 0)
        return 0;
    return newest_runtime(arena, db, out, err);
}

int place_of_subject(struct arena *arena, struct db *db, const struct subject *subject,
                     struct place *out, struct err *err) {
    *out = (struct place){.machine = subject->machine,
                          .runtime = subject->conditions.runtime,
                          .runtime_version = subject->conditions.runtime_version,
                          .threads = subject->conditions.threads};
    return subject->unavailable.code == ERR_OK ? 0 : newest_runtime(arena, db, out, err);
}

/* ---- observations ---------------------------------------------------------------------------- */

static int load(struct arena *arena, struct db *db, const struct place *place,
                const char *except_sha256, const char *except_name, struct training *training,
                struct err *err) {
    const struct training_filter filter = {
        .machine = place->machine.fingerprint,
        .runtime = place->runtime,
        .runtime_version = place->runtime_version,
        .threads = place->threads,
        .except_sha256 = except_sha256,
        .except_name = except_name,
        .target = feature_target_of(&place->machine, place->threads),
    };
    if (training_load(arena, db, &filter, training, err))
        return -(int)err->code;
    if (training->observation_count)
        return 0;
    err_set(err, ERR_INPUT, "%s has no observations of %s %s at %u thread%s on this machine%s",
            db_path(db), place->runtime, place->runtime_version, place->threads,
            place->threads == 1 ? "" : "s", except_sha256 ? " besides the model itself" : "");
    return err_hint(err,
                    "measure other models first: `assay profile MODEL --threads %u`; "
                    "--collector NAME asks for runs under another runtime",
                    place->threads);
}

/* ---- storing and finding ----------------------------------------------------------------------
 */

static const char *text_of(struct arena *arena, const struct fit *fit) {
    struct strbuf text;
    strbuf_init(&text);
    fit_write(fit, &text);
    const char *copy = arena_strdup(arena, text.text);
    strbuf_done(&text);
    return copy;
}

static int store(struct arena *arena, struct db *db, const struct place *place, const char *text,
                 struct fitted *out, struct err *err) {
    int64_t machine_id, *runs = ARENA_ARRAY(arena, out->training.run_count + 1u, int64_t);
    for (uint32_t r = 0; r < out->training.run_count; r++)
        runs[r] = out->training.runs[r].id;
    const struct stored_fit stored = {
        .machine = place->machine.fingerprint,
        .runtime = place->runtime,
        .runtime_version = place->runtime_version,
        .threads = place->threads,
        .observations = out->fit.observations,
        .data_hash = out->fit.data_hash,
        .text = text,
        .tool_version = ASSAY_VERSION,
        .runs = runs,
        .run_count = out->training.run_count,
    };
    if (db_put_machine(db, &place->machine, &machine_id, err))
        return -(int)err->code;
    return db_put_fit(db, &stored, &out->id, err);
}

static int newest(struct arena *arena, struct db *db, const struct place *place,
                  struct stored_fit *stored, struct err *err) {
    return db_latest_fit(db, arena, place->machine.fingerprint, place->runtime,
                         place->runtime_version, place->threads, stored, err);
}

static void name_evidence(struct arena *arena, struct fitted *out) {
    out->fit.evidence = out->id ? arena_printf(arena, "fit:%lld", (long long)out->id) : "";
}

int job_fit(struct arena *arena, struct db *db, const struct place *place, struct fitted *out,
            struct err *err) {
    *out = (struct fitted){0};
    struct stored_fit stored;
    if (load(arena, db, place, NULL, NULL, &out->training, err) ||
        fit_train(arena, &out->training, NULL, &out->fit, err) ||
        newest(arena, db, place, &stored, err))
        return -(int)err->code;
    const char *text = text_of(arena, &out->fit);
    if (stored.id && strcmp(stored.text, text) == 0)
        out->id = stored.id;
    else if (store(arena, db, place, text, out, err))
        return -(int)err->code;
    name_evidence(arena, out);
    return 0;
}

static int count_newer(struct db *db, const struct place *place, const struct stored_fit *stored,
                       uint32_t *newer, struct err *err) {
    const struct run_filter filter = {
        .machine = place->machine.fingerprint,
        .runtime = place->runtime,
        .runtime_version = place->runtime_version,
        .threads = place->threads,
        .after_id = stored->run_count ? stored->runs[stored->run_count - 1] : 0,
    };
    uint64_t count = 0;
    int code = db_count_runs(db, &filter, &count, err);
    *newer = (uint32_t)count;
    return code;
}

int fit_for(struct arena *arena, struct db *db, const struct place *place,
            const char *except_sha256, const char *except_name, struct fitted *out,
            struct err *err) {
    *out = (struct fitted){.fit = {.evidence = ""}};
    struct stored_fit stored = {0};
    bool whole = !except_sha256 && !except_name;
    if (whole && newest(arena, db, place, &stored, err))
        return -(int)err->code;
    if (stored.id) {
        out->id = stored.id;
        if (fit_read(arena, stored.text, &out->fit, err) ||
            count_newer(db, place, &stored, &out->newer_runs, err))
            return -(int)err->code;
        name_evidence(arena, out);
        return 0;
    }
    if (load(arena, db, place, except_sha256, except_name, &out->training, err))
        return -(int)err->code;
    return fit_train(arena, &out->training, NULL, &out->fit, err);
}
