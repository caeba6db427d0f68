#include "jobs/accuracy.h"

#include "base/progress.h"
#include "db/db.h"
#include "db/run.h"
#include "jobs/contention.h"

#include <string.h>

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

static int judge(struct arena *arena, const struct training *learnt,
                 const struct estimator *estimator, struct progress *progress,
                 struct accuracy_report *out, struct err *err) {
    if (learnt)
        return accuracy_of_others(arena, learnt, &out->training, estimator, &out->accuracy, err);
    progress_start(progress, 1, "leaving out each model of %u runs", out->training.run_count);
    int code =
        accuracy_leave_one_model_out(arena, &out->training, worth_judging(arena, &out->training), estimator,
                                     tell, progress, &out->accuracy, err);
    progress_done(progress);
    return code;
}

int job_accuracy(struct arena *arena, struct db *db, const struct place *place, const char *from,
                 const char *const *only, uint32_t only_count, const struct estimator *estimator,
                 struct progress *progress, struct accuracy_report *out, struct err *err) {
    const struct training_filter filter = {
        .machine = place->machine.fingerprint,
        .runtime = place->runtime,
        .runtime_version = place->runtime_version,
        .threads = place->threads,
        .target = feature_target_of(&place->machine),
    };
    const struct choice to_judge = {.other_than = from, .names = only, .name_count = only_count};
    const struct choice to_learn = {.purpose = from};
    struct training all, learnt;
    *out = (struct accuracy_report){0};
    if (training_load(arena, db, &filter, &all, err))
        return -(int)err->code;
    out->training = restricted(arena, &all, &to_judge);
    if (out->training.run_count == 0)
        return nothing_to("judge by", db, place, "measure models first: `assay profile MODEL`",
                          err);
    if (judge_slowdowns(arena, db, place, out, err))
        return -(int)err->code;
    if (!from)
        return judge(arena, NULL, estimator, progress, out, err);
    learnt = restricted(arena, &all, &to_learn);
    if (learnt.run_count == 0)
        return nothing_to("learn from", db, place, "measure some first: `assay calibrate`", err);
    return judge(arena, &learnt, estimator, progress, out, err);
}
