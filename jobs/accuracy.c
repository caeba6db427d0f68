#include "jobs/accuracy.h"

#include "base/progress.h"
#include "db/db.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What is learnt from and what is judged. */
struct accuracy_data {
    struct training learnt, judged; /* the same without `from` */
    const char *from;
};

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

/* Keeps the chosen runs and renumbers their observations. */
static struct training restricted(struct arena *arena, const struct training *all,
                                  const struct choice *choice) {
    struct observed_run *runs = ARENA_ARRAY(arena, all->run_count + 1u, struct observed_run);
    uint32_t *place = ARENA_ARRAY(arena, all->run_count + 1u, uint32_t);
    struct observation *observations =
        ARENA_ARRAY(arena, all->observation_count + 1u, struct observation);
    struct training kept = {observations, runs, 0, 0, all->threads};
    for (uint32_t r = 0; r < all->run_count; r++) {
        place[r] = UINT32_MAX;
        if (!is_chosen(choice, &all->runs[r]))
            continue;
        place[r] = kept.run_count;
        runs[kept.run_count++] = all->runs[r];
    }
    for (uint32_t i = 0; i < all->observation_count; i++) {
        if (place[all->observations[i].run] == UINT32_MAX)
            continue;
        observations[kept.observation_count] = all->observations[i];
        observations[kept.observation_count++].run = place[all->observations[i].run];
    }
    return kept;
}

static int nothing_to(const char *what, const struct db *db, const struct place *place,
                      const char *hint, struct err *err) {
    err_set(err, ERR_INPUT, "%s has no runs of %s %s at %u threads to %s", db_path(db),
            place->runtime, place->runtime_version, place->threads, what);
    return err_hint(err, "%s", hint);
}

/* The networks of a calibration are learnt from; they are judged when there is nothing else. */
static const bool *worth_judging(struct arena *arena, const struct training *training) {
    bool *judged = ARENA_ARRAY(arena, training->run_count + 1u, bool);
    uint32_t count = 0;
    for (uint32_t r = 0; r < training->run_count; r++) {
        judged[r] = strcmp(training->runs[r].purpose, "calibrate") != 0;
        count += judged[r];
    }
    return count ? judged : NULL;
}

static int judge(struct arena *arena, const struct accuracy_data *data,
                 const struct estimator *estimator, struct progress *progress, struct accuracy *out,
                 struct err *err) {
    if (data->from)
        return accuracy_of_others(arena, &data->learnt, &data->judged, estimator, out, err);
    progress_start(progress, 1, "leaving out each model of %u runs%s%s", data->judged.run_count,
                   estimator ? ", by " : "", estimator ? estimator->name : "");
    int code =
        accuracy_leave_one_model_out(arena, &data->judged, worth_judging(arena, &data->judged),
                                     estimator, tell, progress, out, err);
    progress_done(progress);
    return code;
}

static int gather(struct arena *arena, struct db *db, const struct place *place,
                  const struct accuracy_choice *choice, struct accuracy_data *out,
                  struct err *err) {
    const struct training_filter filter = {
        .machine = place->machine.fingerprint,
        .runtime = place->runtime,
        .runtime_version = place->runtime_version,
        .threads = place->threads,
        .target = feature_target_of(&place->machine),
    };
    const struct choice to_judge = {
        .other_than = choice->from, .names = choice->names, .name_count = choice->name_count};
    const struct choice to_learn = {.purpose = choice->from};
    struct training all;
    *out = (struct accuracy_data){.from = choice->from};
    if (training_load(arena, db, &filter, &all, err))
        return -(int)err->code;
    out->judged = restricted(arena, &all, &to_judge);
    if (out->judged.run_count == 0)
        return nothing_to("judge by", db, place, "measure models first: `assay profile MODEL`",
                          err);
    out->learnt = choice->from ? restricted(arena, &all, &to_learn) : out->judged;
    if (out->learnt.run_count == 0)
        return nothing_to("learn from", db, place, "measure some first: `assay calibrate`", err);
    return 0;
}

int job_accuracy(struct arena *arena, struct db *db, const struct place *place,
                 const struct accuracy_choice *choice, const struct estimator *estimator,
                 struct progress *progress, struct accuracy *out, struct err *err) {
    struct accuracy_data data;
    if (gather(arena, db, place, choice, &data, err))
        return -(int)err->code;
    return judge(arena, &data, estimator, progress, out, err);
}

/* ---- comparing ------------------------------------------------------------------------------- */

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* How long it takes to learn from all, and to estimate each judged operator once. */
static int time_estimator(const struct accuracy_data *data, struct judged_estimator *judged,
                          const struct estimator *estimator, struct err *err) {
    struct arena scratch;
    struct fit fit;
    arena_init(&scratch);
    double start = now_ns();
    int code = fit_train_by(&scratch, &data->learnt, NULL, estimator, &fit, err);
    double learnt = now_ns(), sum = 0;
    for (uint32_t i = 0; !code && i < data->judged.observation_count; i++)
        sum += cost_model_estimate(&fit.cost, &data->judged.observations[i].features).value;
    double said = now_ns();
    arena_done(&scratch);
    judged->fit_ns = learnt - start;
    judged->predict_ns = sum > 0 ? (said - learnt) / data->judged.observation_count : NAN;
    return code;
}

static int by_error(const void *a, const void *b) {
    const struct judged_estimator *x = a, *y = b;
    if (!x->reason != !y->reason)
        return x->reason ? 1 : -1;
    return (x->accuracy.latency.mape > y->accuracy.latency.mape) -
           (x->accuracy.latency.mape < y->accuracy.latency.mape);
}

static int judge_estimator(struct arena *arena, const struct accuracy_data *data,
                           const struct estimator *estimator, struct progress *progress,
                           struct judged_estimator *out, struct err *err) {
    struct err missing = {0};
    *out = (struct judged_estimator){.name = estimator->name, .help = estimator->help};
    if (estimator->learner->available && estimator->learner->available(&missing)) {
        out->reason = arena_strdup(arena, missing.message);
        return 0;
    }
    if (time_estimator(data, out, estimator, err))
        return -(int)err->code;
    return judge(arena, data, estimator, progress, &out->accuracy, err);
}

int job_compare_estimators(struct arena *arena, struct db *db, const struct place *place,
                           const struct accuracy_choice *choice, struct progress *progress,
                           struct estimator_ranking *out, struct err *err) {
    struct accuracy_data data;
    uint32_t count = 0;
    if (gather(arena, db, place, choice, &data, err))
        return -(int)err->code;
    while (estimators[count].name)
        count++;
    *out = (struct estimator_ranking){ARENA_ARRAY(arena, count, struct judged_estimator), count};
    for (uint32_t i = 0; i < count; i++)
        if (judge_estimator(arena, &data, &estimators[i], progress, &out->rows[i], err))
            return -(int)err->code;
    qsort(out->rows, count, sizeof *out->rows, by_error);
    return 0;
}
