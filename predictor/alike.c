#include "predictor/alike.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const double apart = 0.2;

/* ---- shares of time -------------------------------------------------------------------------- */

struct shares {
    const char **keys; /* of the kernel classes, sorted */
    uint32_t key_count;
    double *of; /* runs x keys */
};

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static uint32_t key_index(const struct shares *shares, const char *key) {
    const char **found =
        bsearch(&key, shares->keys, shares->key_count, sizeof *shares->keys, by_text);
    return (uint32_t)(found - shares->keys);
}

static struct shares shares_of(struct arena *arena, const struct training *training) {
    uint32_t n = training->observation_count;
    struct shares shares = {.keys = ARENA_ARRAY(arena, n + 1u, const char *)};
    for (uint32_t i = 0; i < n; i++)
        shares.keys[i] = training->observations[i].features.key;
    if (n)
        qsort(shares.keys, n, sizeof *shares.keys, by_text);
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || strcmp(shares.keys[i], shares.keys[shares.key_count - 1]) != 0)
            shares.keys[shares.key_count++] = shares.keys[i];
    shares.of = ARENA_ARRAY(arena, (size_t)training->run_count * shares.key_count + 1, double);
    double *totals = ARENA_ARRAY(arena, training->run_count + 1u, double);
    for (uint32_t i = 0; i < n; i++)
        totals[training->observations[i].run] += training->observations[i].wall_ns;
    for (uint32_t i = 0; i < n; i++) {
        const struct observation *o = &training->observations[i];
        if (totals[o->run] > 0)
            shares.of[(size_t)o->run * shares.key_count + key_index(&shares, o->features.key)] +=
                o->wall_ns / totals[o->run];
    }
    return shares;
}

static double distance(const struct shares *shares, uint32_t a, uint32_t b) {
    const double *x = shares->of + (size_t)a * shares->key_count;
    const double *y = shares->of + (size_t)b * shares->key_count;
    double sum = 0;
    for (uint32_t k = 0; k < shares->key_count; k++)
        sum += fabs(x[k] - y[k]);
    return sum / 2;
}

/* ---- joining --------------------------------------------------------------------------------- */

/* Families as sums over pairs of their members, so that joining two is adding. */
struct joining {
    const char **name; /* of a family */
    bool *given, *gone;
    double *members, *sums; /* sums: families x families, of all pairs' distances */
    uint32_t count;
    uint32_t *family_of; /* per run */
};

static uint32_t family_by_name(const struct joining *j, const char *name) {
    uint32_t f = 0;
    while (f < j->count && !(j->given[f] && strcmp(j->name[f], name) == 0))
        f++;
    return f;
}

static struct joining begin(struct arena *arena, const struct training *training,
                            const char *const *given) {
    uint32_t runs = training->run_count;
    struct joining j = {.name = ARENA_ARRAY(arena, runs + 1u, const char *),
                        .given = ARENA_ARRAY(arena, runs + 1u, bool),
                        .gone = ARENA_ARRAY(arena, runs + 1u, bool),
                        .members = ARENA_ARRAY(arena, runs + 1u, double),
                        .family_of = ARENA_ARRAY(arena, runs + 1u, uint32_t)};
    for (uint32_t r = 0; r < runs; r++) {
        bool has_name = given && given[r];
        uint32_t f = has_name ? family_by_name(&j, given[r]) : j.count;
        if (f == j.count) {
            j.name[j.count] = has_name ? given[r] : training->runs[r].model_name;
            j.given[j.count++] = has_name;
        }
        j.family_of[r] = f;
        j.members[f]++;
    }
    const struct shares shares = shares_of(arena, training);
    j.sums = ARENA_ARRAY(arena, (size_t)j.count * j.count + 1, double);
    for (uint32_t a = 0; a < runs; a++)
        for (uint32_t b = 0; b < runs; b++)
            j.sums[(size_t)j.family_of[a] * j.count + j.family_of[b]] += distance(&shares, a, b);
    return j;
}

static double between(const struct joining *j, uint32_t a, uint32_t b) {
    return j->sums[(size_t)a * j->count + b] / (j->members[a] * j->members[b]);
}

static bool nearest_pair(const struct joining *j, uint32_t *first, uint32_t *second) {
    double best = apart;
    for (uint32_t a = 0; a < j->count; a++)
        for (uint32_t b = a + 1; b < j->count; b++) {
            if (j->gone[a] || j->gone[b] || (j->given[a] && j->given[b]) ||
                between(j, a, b) >= best)
                continue;
            best = between(j, a, b);
            *first = j->given[b] ? b : a;
            *second = j->given[b] ? a : b;
        }
    return best < apart;
}

static void join(struct joining *j, uint32_t into, uint32_t from) {
    for (uint32_t f = 0; f < j->count; f++)
        j->sums[(size_t)into * j->count + f] += j->sums[(size_t)from * j->count + f];
    for (uint32_t f = 0; f < j->count; f++)
        j->sums[(size_t)f * j->count + into] += j->sums[(size_t)f * j->count + from];
    j->members[into] += j->members[from];
    j->gone[from] = true;
}

const char *const *alike_families(struct arena *arena, const struct training *training,
                                  const char *const *given) {
    const char **names = ARENA_ARRAY(arena, training->run_count + 1u, const char *);
    struct arena scratch;
    uint32_t into, from;
    arena_init(&scratch);
    struct joining j = begin(&scratch, training, given);
    while (nearest_pair(&j, &into, &from)) {
        join(&j, into, from);
        for (uint32_t r = 0; r < training->run_count; r++)
            if (j.family_of[r] == from)
                j.family_of[r] = into;
    }
    for (uint32_t r = 0; r < training->run_count; r++)
        names[r] = j.name[j.family_of[r]];
    arena_done(&scratch);
    return names;
}
