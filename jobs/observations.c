#include "jobs/observations.h"

#include "base/file.h"
#include "db/db.h"
#include "predictor/observations_text.h"

#include <stdlib.h>
#include <string.h>

/* ---- thinning -------------------------------------------------------------------------------- */

/* A class keeps as many observations as it takes to have rates of its own, several times over. */
enum { KEPT_OF_CLASS_MIN = 48 };

struct thinning {
    const struct training *training;
    const char **keys; /* of the kernel classes, sorted */
    uint32_t *kept;    /* observations, per class */
    uint32_t key_count;
    bool *keep; /* per run */
};

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void list_keys(struct arena *arena, struct thinning *t) {
    uint32_t n = t->training->observation_count;
    t->keys = ARENA_ARRAY(arena, n + 1u, const char *);
    for (uint32_t i = 0; i < n; i++)
        t->keys[i] = t->training->observations[i].features.key;
    if (n)
        qsort(t->keys, n, sizeof *t->keys, by_text);
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || strcmp(t->keys[i], t->keys[t->key_count - 1]) != 0)
            t->keys[t->key_count++] = t->keys[i];
    t->kept = ARENA_ARRAY(arena, t->key_count + 1u, uint32_t);
}

static uint32_t *kept_of(struct thinning *t, uint32_t observation) {
    const char *key = t->training->observations[observation].features.key;
    const char **found = bsearch(&key, t->keys, t->key_count, sizeof *t->keys, by_text);
    return &t->kept[found - t->keys];
}

static bool is_rare(struct thinning *t, uint32_t run) {
    uint32_t end = training_first(t->training, run + 1);
    for (uint32_t i = training_first(t->training, run); i < end; i++)
        if (*kept_of(t, i) < KEPT_OF_CLASS_MIN)
            return true;
    return false;
}

static void keep(struct thinning *t, uint32_t run) {
    uint32_t end = training_first(t->training, run + 1);
    t->keep[run] = true;
    for (uint32_t i = training_first(t->training, run); i < end; i++)
        (*kept_of(t, i))++;
}

static bool is_network(const struct training *training, uint32_t run) {
    return strcmp(training->runs[run].purpose, "calibrate") == 0;
}

static struct training thinned(struct arena *arena, const struct training *training,
                               uint32_t networks) {
    struct thinning t = {.training = training,
                         .keep = ARENA_ARRAY(arena, training->run_count + 1u, bool)};
    uint64_t all = 0, seen = 0;
    list_keys(arena, &t);
    for (uint32_t r = 0; r < training->run_count; r++)
        all += is_network(training, r);
    for (uint32_t r = 0; r < training->run_count; r++) {
        if (!is_network(training, r)) {
            t.keep[r] = true;
        } else {
            if (networks >= all || (seen + 1) * networks / all != seen * networks / all)
                keep(&t, r);
            seen++;
        }
    }
    for (uint32_t r = 0; r < training->run_count; r++)
        if (!t.keep[r] && is_rare(&t, r))
            keep(&t, r);
    return training_kept(arena, training, t.keep);
}

/* ---- the jobs -------------------------------------------------------------------------------- */

int job_observations(struct arena *arena, struct db *db, const struct place *place,
                     uint32_t networks, struct training *out, struct err *err) {
    const struct training_filter filter = {
        .machine = place->machine.fingerprint,
        .runtime = place->runtime,
        .runtime_version = place->runtime_version,
        .threads = place->threads,
        .target = feature_target_of(&place->machine, place->threads),
    };
    if (training_load(arena, db, &filter, out, err))
        return -(int)err->code;
    if (out->run_count == 0) {
        err_set(err, ERR_INPUT, "%s has no runs of %s %s at %u threads on this machine",
                db_path(db), place->runtime, place->runtime_version, place->threads);
        return err_hint(err, "measure some first: `assay calibrate`");
    }
    if (networks)
        *out = thinned(arena, out, networks);
    return 0;
}

int job_fit_file(struct arena *arena, const char *path, struct fitted *out, struct err *err) {
    struct file_map map;
    *out = (struct fitted){0};
    if (file_map_open(&map, path, err))
        return -(int)err->code;
    int code =
        observations_read(arena, (const char *)map.bytes, map.size, path, &out->training, err);
    file_map_close(&map);
    return code ? code : fit_train(arena, &out->training, NULL, &out->fit, err);
}
