#include "predictor/contention.h"

#include "base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 8, FOLDS = 5 };

static const double normal_90 = 1.6448536269514722;
static const double huber = 1.345;      /* 95 % efficiency under normal errors */
static const double short_ns = 20000;   /* below it timers and caches are what is seen */
static const double prior_weight = 10;  /* in operators: of the probes against the whole */
static const double family_weight = 40; /* of the whole against a family */
static const double run_weight = 5;     /* in runs: of "as the operators say" */
static const double log_spread_least = 0.01;
static const double log_spread_probed = 0.10;     /* no run was measured */
static const double log_spread_per_double = 0.07; /* of replicas beyond the largest measured */
static const double log_spread_turns = 0.10;      /* scheduling of more replicas than CPUs */

/* ---- shares ---------------------------------------------------------------------------------- */

double memory_share(const struct roofline *roofline, const struct features *features) {
    double far = reuse_bytes(features->reuse.weights) + reuse_bytes(features->reuse.data);
    double compute = roofline->flops_per_ns > 0 ? features->flops / roofline->flops_per_ns : 0;
    double memory = roofline->bytes_per_ns > 0 ? far / roofline->bytes_per_ns : 0;
    double all = compute + memory + roofline->call_ns;
    return all > 0 ? memory / all : 0;
}

void contention_load_add(struct contention_load *load, const struct roofline *roofline,
                         const struct features *features, double ns) {
    double share = memory_share(roofline, features);
    load->memory_ns[features->family] += share * ns;
    load->compute_ns[features->family] += (1 - share) * ns;
}

static double apply(const struct contention_law *law, const struct contention_load *load) {
    double together = 0, alone = 0;
    for (int f = 0; f < FAMILY_COUNT; f++) {
        together +=
            law->compute_of[f] * load->compute_ns[f] + law->memory_of[f] * load->memory_ns[f];
        alone += load->compute_ns[f] + load->memory_ns[f];
    }
    return alone > 0 ? together / alone : 1;
}

/* ---- learning -------------------------------------------------------------------------------- */

/* Pairs of some runs and which of them count now. */
struct lesson {
    const struct contention_run *runs;
    uint32_t run_count;
    const bool *use;
    uint32_t replicas;
};

/* A straight line over the memory share: its ends are what is sought. */
struct line {
    double compute, memory;
};

static double line_at(struct line line, double share) {
    return line.compute * (1 - share) + line.memory * share;
}

struct normal_equations {
    double cc, cm, mm, cy, my;
};

static void add_row(struct normal_equations *n, double share, double y, double weight) {
    double c = 1 - share, m = share;
    n->cc += weight * c * c;
    n->cm += weight * c * m;
    n->mm += weight * m * m;
    n->cy += weight * c * y;
    n->my += weight * m * y;
}

static struct line solve(const struct normal_equations *n, struct line fallback) {
    double det = n->cc * n->mm - n->cm * n->cm;
    if (!(det > 1e-9 * n->cc * n->mm))
        return fallback;
    return (struct line){(n->cy * n->mm - n->my * n->cm) / det,
                         (n->my * n->cc - n->cy * n->cm) / det};
}

/* family FAMILY_COUNT: all. Calls `each` for the ratio of every pair that counts. */
static void each_pair(const struct lesson *lesson, int family,
                      void (*each)(void *context, double share, double ratio, double weight),
                      void *context) {
    for (uint32_t r = 0; r < lesson->run_count; r++) {
        const struct contention_run *run = &lesson->runs[r];
        if (!lesson->use[r] || run->replicas != lesson->replicas)
            continue;
        for (uint32_t i = 0; i < run->pair_count; i++) {
            const struct contention_pair *pair = &run->pairs[i];
            if (family == FAMILY_COUNT || (int)pair->family == family)
                each(context, pair->memory_share, pair->together_ns / pair->alone_ns,
                     pair->alone_ns / (pair->alone_ns + short_ns));
        }
    }
}

struct fitting {
    struct line line;
    double scale; /* of the residuals' logarithms */
    struct normal_equations equations;
    double *residuals;
    uint32_t count;
};

static void note_residual(void *context, double share, double ratio, double weight) {
    struct fitting *f = context;
    (void)weight;
    f->residuals[f->count++] = log(ratio / line_at(f->line, share));
}

static void note_row(void *context, double share, double ratio, double weight) {
    struct fitting *f = context;
    double said = line_at(f->line, share), off = fabs(log(ratio / said));
    double robust = off > huber * f->scale ? huber * f->scale / off : 1;
    add_row(&f->equations, share, ratio, robust * weight / (said * said));
}

static uint32_t count_pairs(const struct lesson *lesson) {
    uint32_t count = 0;
    for (uint32_t r = 0; r < lesson->run_count; r++)
        count += lesson->runs[r].pair_count;
    return count;
}

/* Iteratively reweighted, drawn towards `prior` as by `weight` operators at each end. */
static struct line fit_line(struct arena *arena, const struct lesson *lesson, int family,
                            struct line prior, double weight, uint32_t *count) {
    struct fitting f = {.line = prior,
                        .residuals = ARENA_ARRAY(arena, count_pairs(lesson) + 1u, double)};
    for (int round = 0; round < ROUNDS; round++) {
        f.count = 0;
        each_pair(lesson, family, note_residual, &f);
        if (f.count == 0)
            break;
        f.scale = fmax(stats_mad(f.residuals, f.count), 0.005);
        f.equations = (struct normal_equations){0};
        add_row(&f.equations, 0, prior.compute, weight / (prior.compute * prior.compute));
        add_row(&f.equations, 1, prior.memory, weight / (prior.memory * prior.memory));
        each_pair(lesson, family, note_row, &f);
        f.line = solve(&f.equations, prior);
        f.line.compute = fmax(f.line.compute, 0.5);
        f.line.memory = fmax(f.line.memory, 0.5);
    }
    *count = f.count;
    return f.line;
}

static struct line line_of_probe(const struct contention_probe *probes, uint32_t count,
                                 uint32_t replicas) {
    for (uint32_t i = 0; i < count; i++)
        if (probes[i].replicas == replicas && probes[i].read_share > 0 &&
            probes[i].product_share > 0)
            return (struct line){fmax(1, 1 / probes[i].product_share),
                                 fmax(1, 1 / probes[i].read_share)};
    return (struct line){1, 1};
}

static void fit_families(struct arena *arena, const struct lesson *lesson, struct line prior,
                         struct contention_law *law) {
    uint32_t count;
    struct line whole =
        fit_line(arena, lesson, FAMILY_COUNT, prior, prior_weight, &law->observations);
    law->compute = whole.compute;
    law->memory = whole.memory;
    for (int f = 0; f < FAMILY_COUNT; f++) {
        struct line own = fit_line(arena, lesson, f, whole, family_weight, &count);
        law->compute_of[f] = own.compute;
        law->memory_of[f] = own.memory;
    }
}

static double log_miss(const struct contention_law *law, const struct contention_run *run) {
    return log(run->together_ns / run->alone_ns / apply(law, &run->load));
}

static bool is_whole(const struct lesson *lesson, uint32_t r) {
    const struct contention_run *run = &lesson->runs[r];
    return lesson->use[r] && run->replicas == lesson->replicas && run->alone_ns > 0 &&
           run->together_ns > 0;
}

/* How whole runs follow what their operators say; the spread is of runs that were left out. */
static void fit_runs(struct arena *arena, const struct lesson *lesson, struct line prior,
                     struct contention_law *law) {
    double *misses = ARENA_ARRAY(arena, lesson->run_count + 1u, double);
    bool *use = ARENA_ARRAY(arena, lesson->run_count + 1u, bool);
    uint32_t count = 0;
    for (uint32_t r = 0; r < lesson->run_count; r++)
        if (is_whole(lesson, r))
            misses[count++] = log_miss(law, &lesson->runs[r]);
    law->runs = count;
    law->run_ratio = count ? exp(stats_median(misses, count) * count / (count + run_weight)) : 1;
    struct lesson part = *lesson;
    part.use = use;
    count = 0;
    for (uint32_t fold = 0; fold < FOLDS; fold++) {
        struct contention_law other = {.replicas = law->replicas};
        for (uint32_t r = 0; r < lesson->run_count; r++)
            use[r] = lesson->use[r] && r % FOLDS != fold;
        fit_families(arena, &part, prior, &other);
        for (uint32_t r = fold; r < lesson->run_count; r += FOLDS)
            if (is_whole(lesson, r))
                misses[count++] = fabs(log_miss(&other, &lesson->runs[r]) - log(law->run_ratio));
    }
    double reach = count ? stats_quantile(misses, count, 0.9) / normal_90 : 0;
    /* With few runs the largest miss seen is not the largest there is. */
    law->log_spread = fmax(reach * (1 + 2.0 / (count + 1)), log_spread_least);
}

static int by_replicas(const void *a, const void *b) {
    const struct contention_law *x = a, *y = b;
    return (x->replicas > y->replicas) - (x->replicas < y->replicas);
}

static struct contention_law *law_of(struct contention *out, uint32_t replicas) {
    for (uint32_t i = 0; i < out->law_count; i++)
        if (out->laws[i].replicas == replicas)
            return &out->laws[i];
    return NULL;
}

static void add_probe(struct contention *out, const struct contention_probe *probe) {
    struct line line = line_of_probe(probe, 1, probe->replicas);
    struct contention_law *law = &out->laws[out->law_count++];
    *law = (struct contention_law){.replicas = probe->replicas,
                                   .compute = line.compute,
                                   .memory = line.memory,
                                   .run_ratio = 1,
                                   .log_spread = log_spread_probed,
                                   .probed = true};
    for (int f = 0; f < FAMILY_COUNT; f++) {
        law->compute_of[f] = line.compute;
        law->memory_of[f] = line.memory;
    }
}

void contention_learn(struct arena *arena, const struct contention_run *runs, uint32_t run_count,
                      const struct contention_probe *probes, uint32_t probe_count,
                      const char *except, uint32_t cpus, struct contention *out) {
    bool *use = ARENA_ARRAY(arena, run_count + 1u, bool);
    uint32_t measured_most = 0;
    *out = (struct contention){
        ARENA_ARRAY(arena, run_count + probe_count + 1u, struct contention_law), 0, cpus};
    for (uint32_t r = 0; r < run_count; r++)
        use[r] = !runs[r].took_turns && !(except && strcmp(runs[r].model_sha256, except) == 0);
    for (uint32_t r = 0; r < run_count; r++) {
        if (!use[r] || runs[r].replicas < 2 || law_of(out, runs[r].replicas))
            continue;
        struct lesson lesson = {runs, run_count, use, runs[r].replicas};
        struct line prior = line_of_probe(probes, probe_count, lesson.replicas);
        struct contention_law *law = &out->laws[out->law_count++];
        *law = (struct contention_law){.replicas = lesson.replicas};
        fit_families(arena, &lesson, prior, law);
        fit_runs(arena, &lesson, prior, law);
        measured_most = law->replicas > measured_most ? law->replicas : measured_most;
    }
    /* Models are a better witness than probes, as far as they were measured. */
    for (uint32_t i = 0; i < probe_count; i++)
        if (probes[i].replicas > 1 && probes[i].read_share > 0 && probes[i].product_share > 0 &&
            probes[i].replicas > measured_most && !law_of(out, probes[i].replicas))
            add_probe(out, &probes[i]);
    if (out->law_count)
        qsort(out->laws, out->law_count, sizeof *out->laws, by_replicas);
}

/* ---- answering ------------------------------------------------------------------------------- */

static double between(double low, double high, double at) {
    return low + (high - low) * at;
}

/* The answer of one law: slow-down and log spread. */
struct said {
    double slowdown, log_spread;
    enum tier tier;
};

static struct said said_by(const struct contention_law *law, const struct contention_load *load) {
    return (struct said){law->run_ratio * apply(law, load), law->log_spread,
                         law->probed ? TIER_ROOFLINE : TIER_FITTED};
}

static struct said said_beyond(const struct contention_law *last,
                               const struct contention_load *load, double replicas) {
    struct contention_law law = *last;
    for (int f = 0; f < FAMILY_COUNT; f++)
        law.memory_of[f] =
            fmax(1, 1 + (last->memory_of[f] - 1) * (replicas - 1) / (last->replicas - 1));
    struct said said = said_by(&law, load);
    said.log_spread =
        hypot(said.log_spread, log_spread_per_double * log2(replicas / last->replicas));
    said.tier = tier_weaker(said.tier, TIER_TRANSFERRED);
    return said;
}

static struct said said_of(const struct contention *contention, const struct contention_load *load,
                           double replicas) {
    struct said below = {1, 0, TIER_FITTED};
    double below_at = 1;
    for (uint32_t i = 0; i < contention->law_count; i++) {
        const struct contention_law *law = &contention->laws[i];
        struct said here = said_by(law, load);
        if (law->replicas == replicas)
            return here;
        if (law->replicas > replicas) {
            double at = (replicas - below_at) / (law->replicas - below_at);
            return (struct said){between(below.slowdown, here.slowdown, at),
                                 between(below.log_spread, here.log_spread, at),
                                 tier_weaker(TIER_INTERPOLATED, here.tier)};
        }
        below = here;
        below_at = law->replicas;
    }
    return said_beyond(&contention->laws[contention->law_count - 1], load, replicas);
}

struct estimate contention_slowdown(const struct contention *contention,
                                    const struct contention_load *load, uint32_t replicas,
                                    uint32_t threads) {
    double side_by_side = fmax(1, (double)contention->cpus / threads);
    double turns = fmax(1, replicas / side_by_side), running = replicas / turns;
    struct said said = {1, 0, TIER_FITTED};
    if (replicas <= 1)
        return (struct estimate){1, 1, 1, TIER_FITTED, ""};
    if (running > 1 && contention->law_count == 0)
        return estimate_refused();
    if (running > 1)
        said = said_of(contention, load, running);
    if (turns > 1) {
        said.log_spread = hypot(said.log_spread, log_spread_turns);
        said.tier = tier_weaker(said.tier, TIER_ROOFLINE);
    }
    double value = turns * fmax(1, said.slowdown), reach = exp(normal_90 * said.log_spread);
    return (struct estimate){value, value / reach, value * reach, said.tier, ""};
}
