#include "predictor/cost_model.h"

#include "base/stats.h"
#include "predictor/class_fit.h"
#include "predictor/estimator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    READERS_MIN = 30, /* fewer do not tell how long the shared cache remembers */
    VOTERS_MIN = 100, /* observations of a class that has a say in what all share */
};

static const double log_spread_unknown = 0.5;       /* a class borrowed from its family */
static const double log_spread_roofline = 1.2;      /* physics only */
static const double normal_90 = 1.6448536269514722; /* two-sided 90 % */

/* ---- fitting all classes --------------------------------------------------------------------- */

static int by_family_and_key(const void *a, const void *b) {
    const struct observation *x = *(struct observation *const *)a;
    const struct observation *y = *(struct observation *const *)b;
    if (x->features.family != y->features.family)
        return x->features.family < y->features.family ? -1 : 1;
    int order = strcmp(x->features.key, y->features.key);
    if (order)
        return order;
    if (x->run != y->run)
        return x->run < y->run ? -1 : 1;
    return (x->op > y->op) - (x->op < y->op);
}

static int by_key(const void *a, const void *b) {
    return strcmp(((const struct class_fit *)a)->key, ((const struct class_fit *)b)->key);
}

static struct class_rows usable_rows(struct arena *arena, const struct training *training,
                                     const bool *skip, struct observation *copies) {
    struct class_rows rows = {
        ARENA_ARRAY(arena, training->observation_count + 1u, struct observation *), 0};
    for (uint32_t i = 0; i < training->observation_count; i++) {
        struct observation *o = &copies[i];
        *o = training->observations[i];
        if (!(o->slowness > 0))
            o->slowness = 1;
        if (!(skip && skip[o->run]) && isfinite(o->wall_ns) && o->wall_ns > 0)
            rows.items[rows.count++] = o;
    }
    if (rows.count)
        qsort(rows.items, rows.count, sizeof *rows.items, by_family_and_key);
    return rows;
}

/* The rows of the class that begins at `first`. */
static struct class_rows class_at(const struct class_rows *rows, uint32_t first) {
    uint32_t end = first + 1;
    while (end < rows->count &&
           strcmp(rows->items[end]->features.key, rows->items[first]->features.key) == 0)
        end++;
    return (struct class_rows){rows->items + first, end - first};
}

static double roofline_ns(const struct roofline *roofline, const struct features *features) {
    double compute = roofline->flops_per_ns > 0 ? features->flops / roofline->flops_per_ns : 0;
    double memory =
        roofline->bytes_per_ns > 0 ? features_bytes(features) / roofline->bytes_per_ns : 0;
    return roofline->call_ns + fmax(compute, memory);
}

static int fit_classes(struct class_learning *l, const struct class_rows *rows,
                       struct cost_model *model, uint32_t *capacity) {
    for (uint32_t first = 0; first < rows->count;) {
        const struct class_rows own = class_at(rows, first);
        const struct features *f = &own.items[0]->features;
        first += own.count;
        struct class_fit *fit = ARENA_PUSH(l->arena, model->classes, model->class_count, *capacity);
        fit->key = arena_strdup(l->arena, f->key);
        fit->family = f->family;
        if (class_fit_learn(l, &own, &model->families[f->family], fit))
            return -(int)l->err->code;
    }
    return 0;
}

static int fit_family(struct class_learning *l, const struct class_rows *rows,
                      struct cost_model *model, uint32_t *capacity) {
    enum kernel_family family = rows->items[0]->features.family;
    struct class_fit *pooled = &model->families[family];
    for (uint32_t r = 0; r < rows->count; r++) /* of models that nothing else stands in for */
        l->held_out_ns[rows->items[r] - l->usual] = rows->items[r]->wall_ns;
    if (class_fit_learn(l, rows, NULL, pooled))
        return -(int)l->err->code;
    for (uint32_t r = 0; model->roofline_only && r < rows->count; r++)
        l->held_out_ns[rows->items[r] - l->usual] =
            roofline_ns(&model->roofline, &rows->items[r]->features);
    if (model->roofline_only)
        return 0;
    return fit_classes(l, rows, model, capacity);
}

/* ---- the shared cache --------------------------------------------------------------------------
 */

/* Candidates: half a millisecond to a quarter of a second. */
static const double forget_first_ns = 0.5e6, forget_step = 1.41421356;
enum { FORGET_STEPS = 19 };

static void forget(const struct class_rows *rows, double forget_ns) {
    for (uint32_t r = 0; r < rows->count; r++)
        features_forget(&rows->items[r]->features, forget_ns);
}

/* Operators that do little but read weights tell best how long the cache remembers them. */
static struct class_rows readers_of_weights(struct arena *arena, const struct class_rows *rows) {
    struct class_rows readers = {ARENA_ARRAY(arena, rows->count + 1u, struct observation *), 0};
    for (uint32_t r = 0; r < rows->count; r++)
        if (rows->items[r]->features.family == FAMILY_MATVEC &&
            rows->items[r]->features.inference_ns > 0)
            readers.items[readers.count++] = rows->items[r];
    return readers;
}

static int choose_forgetting(struct class_learning *l, const struct class_rows *rows,
                             struct cost_model *model) {
    struct class_rows readers = readers_of_weights(l->arena, rows);
    double least = INFINITY;
    model->forget_ns = forget_first_ns;
    for (int step = 0; step < FORGET_STEPS && readers.count >= READERS_MIN; step++) {
        double error, forget_ns = forget_first_ns * pow(forget_step, step);
        forget(&readers, forget_ns);
        if (class_fit_error(l, &readers, &error))
            return -(int)l->err->code;
        if (error < least) {
            least = error;
            model->forget_ns = forget_ns;
        }
    }
    forget(rows, model->forget_ns);
    return 0;
}

/* ---- rates that all classes share -------------------------------------------------------------
 */

static int learn_shared_rates(struct class_learning *l, const struct class_rows *rows) {
    struct shared_votes votes = {0};
    for (uint32_t first = 0; first < rows->count;) {
        struct class_rows own = class_at(rows, first);
        first += own.count;
        if (own.count < VOTERS_MIN)
            continue;
        enum kernel_family family = own.items[0]->features.family;
        double rates[FEATURE_TERMS_MAX], amounts[FEATURE_TERMS_MAX] = {0};
        if (class_fit_rates(&own, family, &l->shared, rates, l->err))
            return -(int)l->err->code;
        for (uint32_t r = 0; r < own.count; r++)
            for (int i = 0; i < FEATURE_TERMS_MAX; i++)
                amounts[i] += own.items[r]->features.terms[i];
        shared_votes_add(l->arena, &votes, family, rates, amounts);
    }
    l->shared = shared_votes_count(&votes);
    return 0;
}

/* The best tenth of what was reached by operators that do enough work for it to show. */
static struct roofline roofline_of(const struct class_rows *rows) {
    double *flops = calloc(rows->count + 1u, sizeof *flops);
    double *bytes = calloc(rows->count + 1u, sizeof *bytes);
    double *calls = calloc(rows->count + 1u, sizeof *calls);
    if (!flops || !bytes || !calls)
        abort();
    uint32_t flops_count = 0, bytes_count = 0;
    for (uint32_t r = 0; r < rows->count; r++) {
        const struct observation *o = rows->items[r];
        calls[r] = o->wall_ns;
        if (o->features.flops > 1e6)
            flops[flops_count++] = o->features.flops / o->wall_ns;
        if (o->features.family != FAMILY_METADATA && features_bytes(&o->features) > 1e5)
            bytes[bytes_count++] = features_bytes(&o->features) / o->wall_ns;
    }
    struct roofline roofline = {
        .flops_per_ns = flops_count ? stats_quantile(flops, flops_count, 0.9) : 0,
        .bytes_per_ns = bytes_count ? stats_quantile(bytes, bytes_count, 0.9) : 0,
        .call_ns = rows->count ? stats_quantile(calls, rows->count, 0.1) : 0,
    };
    free(flops);
    free(bytes);
    free(calls);
    return roofline;
}

/* FNV-1a of the model's hash: all its runs are in one fold. */
static uint32_t fold_of(const struct observed_run *run) {
    uint32_t hash = 2166136261u;
    for (const char *c = run->model_sha256; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    return hash % RESIDUAL_FOLDS;
}

static struct class_learning begin_learning(struct arena *arena, const struct training *training,
                                            const struct estimator *estimator,
                                            struct cost_model *model, struct err *err) {
    uint32_t *folds = ARENA_ARRAY(arena, training->run_count + 1u, uint32_t);
    for (uint32_t r = 0; r < training->run_count; r++)
        folds[r] = fold_of(&training->runs[r]);
    model->held_out_ns = ARENA_ARRAY(arena, training->observation_count + 1u, double);
    return (struct class_learning){.arena = arena,
                                   .estimator = estimator,
                                   .training = training,
                                   .usual = model->usual,
                                   .fold_of_run = folds,
                                   .held_out_ns = model->held_out_ns,
                                   .err = err};
}

int cost_model_fit(struct arena *arena, const struct training *training, const bool *skip,
                   const struct estimator *estimator, struct cost_model *out, struct err *err) {
    if (!estimator)
        estimator = estimator_default();
    *out = (struct cost_model){.roofline_only = estimator->physics == PHYSICS_ROOFLINE};
    for (int f = 0; f < FAMILY_COUNT; f++)
        out->families[f] = (struct class_fit){.key = family_info((enum kernel_family)f)->name,
                                              .family = (enum kernel_family)f};
    struct observation *copies =
        ARENA_ARRAY(arena, training->observation_count + 1u, struct observation);
    struct class_rows rows = usable_rows(arena, training, skip, copies);
    out->usual = copies;
    if (rows.count == 0)
        return err_set(err, ERR_INPUT, "there are no observations to fit");
    out->roofline = roofline_of(&rows);
    struct class_learning learning = begin_learning(arena, training, estimator, out, err);
    if (choose_forgetting(&learning, &rows, out) || learn_shared_rates(&learning, &rows))
        return -(int)err->code;
    uint32_t capacity = 0;
    for (uint32_t first = 0, end; first < rows.count; first = end) {
        for (end = first + 1; end < rows.count; end++)
            if (rows.items[end]->features.family != rows.items[first]->features.family)
                break;
        const struct class_rows family = {rows.items + first, end - first};
        if (fit_family(&learning, &family, out, &capacity))
            return -(int)err->code;
    }
    qsort(out->classes, out->class_count, sizeof *out->classes, by_key);
    return 0;
}

/* ---- estimating ------------------------------------------------------------------------------ */

const struct class_fit *cost_model_class(const struct cost_model *model, const char *key) {
    struct class_fit wanted = {.key = key};
    return model->class_count ? bsearch(&wanted, model->classes, model->class_count,
                                        sizeof *model->classes, by_key)
                              : NULL;
}

/* The fit that answers: the class, else its family, else NULL. */
static const struct class_fit *answering(const struct cost_model *model,
                                         const struct features *features) {
    const struct class_fit *fit = cost_model_class(model, features->key);
    if (fit)
        return fit;
    const struct class_fit *family = &model->families[features->family];
    return family->observations ? family : NULL;
}

double cost_model_slowdown(const struct cost_model *model, const struct features *features) {
    const struct class_fit *fit = answering(model, features);
    return fit ? fit->slowdown : 0;
}

static bool extrapolates(const struct class_fit *fit, const struct features *features) {
    return features->flops > 2 * fit->flops_high || features_bytes(features) > 2 * fit->bytes_high;
}

static double log_spread_of(const struct cost_model *model, const struct class_fit *fit,
                            const struct features *features) {
    if (!fit || model->roofline_only)
        return log_spread_roofline;
    bool borrowed = fit == &model->families[features->family];
    double spread = borrowed ? fmax(fit->log_spread, log_spread_unknown) : fit->log_spread;
    return extrapolates(fit, features) || features->guessed ? 1.5 * spread : spread;
}

double cost_model_log_spread(const struct cost_model *model, const struct features *features) {
    return log_spread_of(model, answering(model, features), features);
}

double cost_model_rates_ns(const struct cost_model *model, const struct features *features) {
    const struct class_fit *fit = answering(model, features);
    struct features aged = *features;
    if (!fit || model->roofline_only)
        return roofline_ns(&model->roofline, features);
    features_forget(&aged, model->forget_ns);
    return class_fit_rates_ns(fit, &aged);
}

/* Kept and gone are two outcomes: the deviation of a draw with the share that is gone. */
double cost_model_age_doubt_ns(const struct cost_model *model, const struct features *features) {
    const struct class_fit *fit = answering(model, features);
    if (!fit || model->roofline_only)
        return 0;
    struct features aged = *features;
    double most_ns = 0, own_ns = 0;
    features_forget(&aged, model->forget_ns);
    for (int i = 1; i < FEATURE_TERMS_MAX; i++) {
        if (fit->rates[i] == 0 || !family_term_is_stale(features->family, i))
            continue;
        most_ns += fit->rates[i] * aged.terms[i - 1];
        own_ns += fit->rates[i] * aged.terms[i];
    }
    return sqrt(fmax(own_ns * (most_ns - own_ns), 0)) / 2;
}

static struct estimate estimate_by(const struct cost_model *model, const struct features *features,
                                   double (*ns_of)(const struct class_fit *,
                                                   const struct features *)) {
    const struct class_fit *fit = answering(model, features);
    double spread = log_spread_of(model, fit, features);
    struct estimate estimate = {.evidence = ""};
    if (!fit || model->roofline_only) {
        estimate.value = roofline_ns(&model->roofline, features);
        estimate.tier = TIER_ROOFLINE;
    } else {
        struct features aged = *features;
        features_forget(&aged, model->forget_ns);
        estimate.value = ns_of(fit, &aged);
        estimate.tier = fit == &model->families[features->family] ? TIER_TRANSFERRED : TIER_FITTED;
    }
    estimate.low = estimate.value * exp(-normal_90 * spread);
    estimate.high = estimate.value * exp(normal_90 * spread);
    return estimate;
}

struct estimate cost_model_estimate(const struct cost_model *model,
                                    const struct features *features) {
    return estimate_by(model, features, class_fit_ns);
}

struct estimate cost_model_first_estimate(const struct cost_model *model,
                                          const struct features *features) {
    return estimate_by(model, features, class_fit_rates_ns);
}

enum bound cost_model_bound(const struct cost_model *model, const struct features *features) {
    const struct roofline *roofline = &model->roofline;
    double compute = roofline->flops_per_ns > 0 ? features->flops / roofline->flops_per_ns : 0;
    double memory =
        roofline->bytes_per_ns > 0 ? features_bytes(features) / roofline->bytes_per_ns : 0;
    if (fmax(compute, memory) < roofline->call_ns)
        return BOUND_OVERHEAD;
    return compute > memory ? BOUND_COMPUTE : BOUND_MEMORY;
}
