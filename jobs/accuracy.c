#include "jobs/accuracy.h"

#include "base/progress.h"
#include "db/db.h"

#include <string.h>

static void tell(void *context, double done) {
    progress_update(context, done, NULL);
}

static bool is_listed(const char *name, const char *const *only, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(only[i], name) == 0)
            return true;
    return count == 0;
}

/* Keeps the runs of the listed models and renumbers their observations. */
static struct training restricted(struct arena *arena, const struct training *all,
                                  const char *const *only, uint32_t count) {
    struct observed_run *runs = ARENA_ARRAY(arena, all->run_count + 1u, struct observed_run);
    uint32_t *place = ARENA_ARRAY(arena, all->run_count + 1u, uint32_t);
    struct observation *observations =
        ARENA_ARRAY(arena, all->observation_count + 1u, struct observation);
    struct training kept = {observations, runs, 0, 0, all->threads};
    for (uint32_t r = 0; r < all->run_count; r++) {
        place[r] = UINT32_MAX;
        if (!is_listed(all->runs[r].model_name, only, count))
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

int job_accuracy(struct arena *arena, struct db *db, const struct place *place,
                 const char *const *only, uint32_t only_count, struct progress *progress,
                 struct accuracy_report *out, struct err *err) {
    const struct training_filter filter = {
        .machine = place->machine.fingerprint,
        .runtime = place->runtime,
        .runtime_version = place->runtime_version,
        .threads = place->threads,
        .block = training_block(place->machine.isa),
    };
    struct training all;
    *out = (struct accuracy_report){0};
    if (training_load(arena, db, &filter, &all, err))
        return -(int)err->code;
    out->training = restricted(arena, &all, only, only_count);
    if (out->training.run_count == 0) {
        err_set(err, ERR_INPUT, "%s has no runs of %s %s at %u threads to judge by", db_path(db),
                place->runtime, place->runtime_version, place->threads);
        return err_hint(err, "measure models first: `assay profile MODEL`");
    }
    progress_start(progress, 1, "leaving out each of %u runs", out->training.run_count);
    int code =
        accuracy_leave_one_model_out(arena, &out->training, tell, progress, &out->accuracy, err);
    progress_done(progress);
    return code;
}
