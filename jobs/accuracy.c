#include "jobs/accuracy.h"

#include "base/progress.h"
#include "db/db.h"
#include "db/run.h"
#include "jobs/contention.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void tell(void *context, double done) {
    progress_update(context, done, NULL);
}

/* Which runs; NULL: any. */
struct choice {
    const char *purpose, *other_than; /* purposes */
    const char *const *names;
    uint32_t name_count; /* 0: any */
};

static bool is_chosen(const struct choice *choice, const struct observed_run *run) {
    if ((choice->purpose && strcmp(run->purpose, choice->purpose) != 0) ||
        (choice->other_than && strcmp(run->purpose, choice->other_than) == 0))
        return false;
    for (uint32_t i = 0; i < choice->name_count; i++)
        if (strcmp(choice->names[i], run->model_name) == 0)
            return true;
    return choice->name_count == 0;
}

static struct training restricted(struct arena *arena, const struct training *all,
                                  const struct choice *choice) {
    bool *keep = ARENA_ARRAY(arena, all->run_count + 1u, bool);
    for (uint32_t r = 0; r < all->run_count; r++)
        keep[r] = is_chosen(choice, &all->runs[r]);
    return training_kept(arena, all, keep);
}

static int nothing_to(const char *what, const struct db *db, const struct place *place,
                      const char *hint, struct err *err) {
    err_set(err, ERR_INPUT, "%s has no runs of %s %s at %u threads to %s", db_path(db),
            place->runtime, place->runtime_version, place->threads, what);
    return err_hint(err, "%s", hint);
}

/* The networks of a calibration are learnt from; they are judged when they are asked for or there
 * is nothing else. */
static const bool *worth_judging(struct arena *arena, const struct training *training,
                                 const char *purpose) {
    bool *judged = ARENA_ARRAY(arena, training->run_count + 1u, bool);
    uint32_t count = 0;
    for (uint32_t r = 0; r < training->run_count; r++) {
        judged[r] = purpose ? strcmp(training->runs[r].purpose, purpose) == 0
                            : strcmp(training->runs[r].purpose, "calibrate") != 0;
        count += judged[r];
    }
    return count ? judged : NULL;
}

/* What replicas take from one another, held against runs that were measured so. */
static int judge_slowdowns(struct arena *arena, struct db *db, const struct place *place,
                           struct accuracy_report *out, struct err *err) {
    const struct run_filter together = {
        .machine = place->machine.fingerprint,
        .runtime = place->runtime,
        .runtime_version = place->runtime_version,
        .threads = place->threads,
        .company = RUNS_TOGETHER,
    };
    struct contention_evidence evidence;
    struct fitted fitted;
    uint64_t count;
    if (db_count_runs(db, &together, &count, err))
        return -(int)err->code;
    if (count == 0)
        return 0;
    if (fit_for(arena, db, place, NULL, NULL, &fitted, err) ||
        contention_load_evidence(arena, db, place, &fitted.fit.cost, &evidence, err))
        return -(int)err->code;
    out->slowdowns = contention_judge(arena, &evidence, place->threads, &out->slowdown_count);
    return 0;
}

/* Where the operators stand that add most to the errors, as the database names them. */
static int name_operators(struct arena *arena, struct db *db, struct accuracy *accuracy,
                          struct err *err) {
    for (uint32_t r = 0; r < accuracy->run_count; r++) {
        struct judged_run *judged = &accuracy->runs[r];
        struct stored_run stored;
        struct arena scratch;
        arena_init(&scratch);
        int code = judged->cause_count
                       ? db_load_run(db, &scratch, judged->id, RUN_OPERATORS, &stored, err)
                       : 0;
        for (uint32_t c = 0; !code && c < judged->cause_count; c++)
            for (uint32_t i = 0; i < stored.op_count; i++)
                if (stored.ops[i].index == (uint32_t)judged->causes[c].op)
                    judged->causes[c].path = arena_strdup(arena, stored.ops[i].path);
        arena_done(&scratch);
        if (code)
            return code;
    }
    return 0;
}

static int leave_out(struct arena *arena, const struct accuracy_request *request,
                     struct progress *progress, struct accuracy_report *out, struct err *err) {
    bool family = request->leave_out == LEAVE_OUT_FAMILY;
    const struct leaving_out how = {
        .families =
            family ? families_of(arena, &out->training, request->patterns, request->pattern_count)
                   : NULL,
        .judged = worth_judging(arena, &out->training, request->judge),
        .at_most = request->at_most,
        .estimator = request->estimator,
        .progress = tell,
        .context = progress,
    };
    progress_start(progress, 1, "leaving out each %s of %u runs", family ? "family" : "model",
                   out->training.run_count);
    int code = accuracy_leave_out(arena, &out->training, &how, &out->accuracy, err);
    progress_done(progress);
    return code;
}

static int judge(struct arena *arena, const struct accuracy_request *request,
                 const struct training *learnt, struct progress *progress,
                 struct accuracy_report *out, struct err *err) {
    if (!request->from)
        return leave_out(arena, request, progress, out, err);
    return accuracy_of_others(arena, learnt, &out->training, request->estimator, &out->accuracy,
                              err);
}

/* What is judged goes into `out`; without `from` the same is learnt from. */
static int gather(struct arena *arena, struct db *db, const struct place *place,
                  const struct accuracy_request *request, struct training *learnt,
                  struct accuracy_report *out, struct err *err) {
    const struct training_filter filter = {
        .machine = place->machine.fingerprint,
        .runtime = place->runtime,
        .runtime_version = place->runtime_version,
        .threads = place->threads,
        .target = feature_target_of(&place->machine, place->threads),
    };
    const struct choice to_judge = {.purpose = request->from ? request->judge : NULL,
                                    .other_than = request->from,
                                    .names = request->only,
                                    .name_count = request->only_count};
    const struct choice to_learn = {.purpose = request->from};
    struct training all;
    *out = (struct accuracy_report){0};
    if (training_load(arena, db, &filter, &all, err))
        return -(int)err->code;
    out->training = restricted(arena, &all, &to_judge);
    if (out->training.run_count == 0)
        return nothing_to("judge by", db, place, "measure models first: `assay profile MODEL`",
                          err);
    *learnt = request->from ? restricted(arena, &all, &to_learn) : out->training;
    if (learnt->run_count == 0)
        return nothing_to("learn from", db, place, "measure some first: `assay calibrate`", err);
    return 0;
}

int job_accuracy(struct arena *arena, struct db *db, const struct place *place,
                 const struct accuracy_request *request, struct progress *progress,
                 struct accuracy_report *out, struct err *err) {
    struct training learnt;
    if (gather(arena, db, place, request, &learnt, out, err) ||
        judge_slowdowns(arena, db, place, out, err) ||
        judge(arena, request, &learnt, progress, out, err))
        return -(int)err->code;
    return name_operators(arena, db, &out->accuracy, err);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* How long it takes to learn from all, and to estimate each judged operator once. */
static int time_estimator(const struct training *learnt, const struct training *judged,
                          const struct estimator *estimator, struct judged_estimator *out,
                          struct err *err) {
    struct arena scratch;
    struct fit fit;
    arena_init(&scratch);
    double start = now_ns();
    int code = fit_train_by(&scratch, learnt, NULL, estimator, &fit, err);
    double fitted = now_ns(), sum = 0;
    for (uint32_t i = 0; !code && i < judged->observation_count; i++)
        sum += cost_model_estimate(&fit.cost, &judged->observations[i].features).value;
    double said = now_ns();
    arena_done(&scratch);
    out->fit_ns = fitted - start;
    out->predict_ns = sum > 0 ? (said - fitted) / judged->observation_count : NAN;
    return code;
}

static int judge_estimator(struct arena *arena, const struct accuracy_request *request,
                           const struct training *learnt, const struct training *judged,
                           struct progress *progress, struct judged_estimator *out,
                           struct err *err) {
    const struct estimator *estimator = request->estimator;
    struct accuracy_report report = {.training = *judged};
    struct err missing = {0};
    *out = (struct judged_estimator){.name = estimator->name, .help = estimator->help};
    if (estimator->learner->available && estimator->learner->available(&missing)) {
        out->reason = arena_strdup(arena, missing.message);
        return 0;
    }
    if (time_estimator(learnt, judged, estimator, out, err) ||
        judge(arena, request, learnt, progress, &report, err))
        return -(int)err->code;
    out->accuracy = report.accuracy;
    return 0;
}

static int by_error(const void *a, const void *b) {
    const struct judged_estimator *x = a, *y = b;
    if (!x->reason != !y->reason)
        return x->reason ? 1 : -1;
    return (x->accuracy.latency.mape > y->accuracy.latency.mape) -
           (x->accuracy.latency.mape < y->accuracy.latency.mape);
}

int job_compare_estimators(struct arena *arena, struct db *db, const struct place *place,
                           const struct accuracy_request *request, struct progress *progress,
                           struct estimator_ranking *out, struct err *err) {
    struct accuracy_request each = *request;
    struct accuracy_report report;
    struct training learnt;
    uint32_t count = 0;
    if (gather(arena, db, place, request, &learnt, &report, err))
        return -(int)err->code;
    while (estimators[count].name)
        count++;
    *out = (struct estimator_ranking){ARENA_ARRAY(arena, count, struct judged_estimator), count};
    for (uint32_t i = 0; i < count; i++) {
        each.estimator = &estimators[i];
        if (judge_estimator(arena, &each, &learnt, &report.training, progress, &out->rows[i], err))
            return -(int)err->code;
    }
    qsort(out->rows, count, sizeof *out->rows, by_error);
    return 0;
}
