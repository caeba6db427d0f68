#include "predictor/thread_law.h"

#include "base/stats.h"
#include "predictor/nnls.h"

#include <math.h>

enum { ROUNDS = 4, TERMS = 2 };

/* Kernels that compute lose little; those that stream saturate the memory before they run out of
 * CPUs. */
static const double default_serial[FAMILY_COUNT] = {
    [FAMILY_CONV_BLOCKED] = 0.03, [FAMILY_CONV_DEPTHWISE] = 0.10, [FAMILY_CONV_PLAIN] = 0.10,
    [FAMILY_CONV_INTEGER] = 0.10, [FAMILY_MATMUL_INTEGER] = 0.05, [FAMILY_MATMUL] = 0.05,
    [FAMILY_MATVEC] = 0.30,       [FAMILY_POOL] = 0.15,           [FAMILY_ELEMENTWISE] = 0.20,
    [FAMILY_MOVE] = 0.30,         [FAMILY_ROWS] = 0.10,           [FAMILY_RECURRENT] = 0.30,
};
static const double default_sync_ns = 2000; /* of waking a spinning thread and waiting for it */
static const double default_log_spread = 0.25;
static const double log_spread_least = 0.03;
static const double log_spread_per_double = 0.10; /* of threads beyond the most measured */
static const double prior_weight = 4;             /* in operators: of the default */
static const double huber = 1.345, short_ns = 20000;

void thread_law_default(struct thread_law *law) {
    *law = (struct thread_law){.log_spread = default_log_spread, .threads_most = 1};
    for (int f = 0; f < FAMILY_COUNT; f++) {
        law->serial[f] = default_serial[f];
        law->sync_ns[f] = default_sync_ns;
    }
}

/* What is left of the time of one thread, and the forks that wait for so many. */
static double slowed_share(double serial, const struct division *division, uint32_t threads) {
    return serial + (1 - serial) * division_share(division, threads);
}

static double waits(const struct division *division, uint32_t threads) {
    return division_forks(division, threads) * log2(threads);
}

double thread_law_ns(const struct thread_law *law, const struct features *features, double ns,
                     uint32_t from, uint32_t to) {
    double serial = law->serial[features->family], sync_ns = law->sync_ns[features->family];
    const struct division *division = &features->division;
    /* What waits for nobody is at least a fifth, or the law does not fit this operator. */
    double busy = fmax(ns - sync_ns * waits(division, from), ns / 5);
    return busy / slowed_share(serial, division, from) * slowed_share(serial, division, to) +
           sync_ns * waits(division, to);
}

double thread_law_log_spread(const struct thread_law *law, uint32_t to) {
    double beyond = to > law->threads_most ? log2((double)to / law->threads_most) : 0;
    return hypot(law->log_spread, law->observations ? log_spread_per_double * beyond : 0);
}

/* ---- learning -------------------------------------------------------------------------------- */

/* Rows of one family: what is left of the busiest thread's share, over the part that is slowed down
 * all the same and the waiting. */
struct rows {
    double *a, *b, *weight;
    double *said; /* scratch */
    uint32_t count;
};

static void add_row(struct rows *rows, double serial_term, double sync_term, double left,
                    double weight) {
    rows->a[TERMS * rows->count] = serial_term;
    rows->a[TERMS * rows->count + 1] = sync_term;
    rows->b[rows->count] = left;
    rows->weight[rows->count++] = weight;
}

static double alone_ns(const struct cost_model *one, const struct features *features,
                       uint32_t threads) {
    struct features alone = *features;
    features_divide(&alone, threads, 1);
    return cost_model_estimate(one, &alone).value;
}

/* What one thread does alone is the same at every number. */
static void gather(const struct cost_model *one, const struct training *others, uint32_t count,
                   enum kernel_family family, struct rows *rows) {
    for (uint32_t t = 0; t < count; t++) {
        uint32_t n = others[t].threads;
        for (uint32_t i = 0; i < others[t].observation_count; i++) {
            const struct observation *o = &others[t].observations[i];
            const struct division *division = &o->features.division;
            double share = division_share(division, n);
            if (o->features.family != family || share == 1 || !(o->wall_ns > 0))
                continue;
            double alone = alone_ns(one, &o->features, n);
            if (alone > 0)
                add_row(rows, 1 - share, 1000 * waits(division, n) / alone,
                        o->wall_ns / alone - share, alone / (alone + short_ns));
        }
    }
}

static double miss(const struct rows *rows, const double *x, uint32_t r) {
    return rows->b[r] - rows->a[TERMS * r] * x[0] - rows->a[TERMS * r + 1] * x[1];
}

/* Non-negative, reweighted; the last rows are the prior and keep their weight. */
static int solve(struct arena *arena, struct rows *rows, uint32_t free_rows, double x[TERMS],
                 struct err *err) {
    double *a = ARENA_ARRAY(arena, TERMS * (size_t)rows->count, double);
    double *b = ARENA_ARRAY(arena, rows->count, double);
    for (int round = 0; round < ROUNDS; round++) {
        for (uint32_t r = 0; r < free_rows; r++)
            rows->said[r] = miss(rows, x, r);
        double scale = fmax(stats_mad(rows->said, free_rows), 0.01);
        for (uint32_t r = 0; r < rows->count; r++) {
            double off = fabs(miss(rows, x, r));
            double robust = r < free_rows && off > huber * scale ? huber * scale / off : 1;
            double w = sqrt(robust * rows->weight[r]);
            for (int t = 0; t < TERMS; t++)
                a[TERMS * r + (uint32_t)t] = w * rows->a[TERMS * r + (uint32_t)t];
            b[r] = w * rows->b[r];
        }
        if (nnls(a, b, rows->count, TERMS, x, err))
            return -(int)err->code;
    }
    return 0;
}

static int learn_family(struct arena *arena, const struct cost_model *one,
                        const struct training *others, uint32_t count, enum kernel_family family,
                        struct thread_law *law, struct err *err) {
    size_t most = 2;
    for (uint32_t t = 0; t < count; t++)
        most += others[t].observation_count;
    struct rows rows = {ARENA_ARRAY(arena, TERMS * most, double), ARENA_ARRAY(arena, most, double),
                        ARENA_ARRAY(arena, most, double), ARENA_ARRAY(arena, most, double), 0};
    gather(one, others, count, family, &rows);
    uint32_t observed = rows.count;
    if (observed == 0)
        return 0;
    double x[TERMS] = {law->serial[family], law->sync_ns[family] / 1000};
    add_row(&rows, 1, 0, x[0], prior_weight);
    add_row(&rows, 0, 0.1, 0.1 * x[1], prior_weight);
    if (solve(arena, &rows, observed, x, err))
        return -(int)err->code;
    law->serial[family] = fmin(x[0], 1.2); /* above 1: threads that stand in each other's way */
    law->sync_ns[family] = 1000 * x[1];
    law->observations += observed;
    return 0;
}

/* How far whole runs are off the law. */
static void judge_runs(struct arena *arena, const struct cost_model *one,
                       const struct training *others, uint32_t count, struct thread_law *law) {
    uint32_t runs = 1, judged = 0;
    for (uint32_t t = 0; t < count; t++)
        runs += others[t].run_count;
    double *misses = ARENA_ARRAY(arena, runs, double);
    for (uint32_t t = 0; t < count; t++) {
        double *said = ARENA_ARRAY(arena, others[t].run_count + 1u, double);
        double *took = ARENA_ARRAY(arena, others[t].run_count + 1u, double);
        for (uint32_t i = 0; i < others[t].observation_count; i++) {
            const struct observation *o = &others[t].observations[i];
            double alone = alone_ns(one, &o->features, others[t].threads);
            said[o->run] += thread_law_ns(law, &o->features, alone, 1, others[t].threads);
            took[o->run] += o->wall_ns;
        }
        for (uint32_t r = 0; r < others[t].run_count; r++)
            if (said[r] > 0 && took[r] > 0)
                misses[judged++] = fabs(log(took[r] / said[r]));
    }
    if (judged >= 3)
        law->log_spread =
            fmax(stats_quantile(misses, judged, 0.9) / 1.6448536269514722, log_spread_least);
}

int thread_law_learn(struct arena *arena, const struct cost_model *one,
                     const struct training *others, uint32_t count, struct thread_law *law,
                     struct err *err) {
    thread_law_default(law);
    for (int f = 0; f < FAMILY_COUNT; f++)
        if (learn_family(arena, one, others, count, (enum kernel_family)f, law, err))
            return -(int)err->code;
    for (uint32_t t = 0; t < count; t++)
        if (others[t].observation_count && others[t].threads > law->threads_most)
            law->threads_most = others[t].threads;
    if (law->observations)
        judge_runs(arena, one, others, count, law);
    return 0;
}
