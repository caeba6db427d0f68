#include "predictor/cost_model.h"

#include "base/stats.h"
#include "predictor/nnls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    OWN_OBSERVATIONS_MIN = 12, /* fewer: scaled family */
    ROBUST_ROUNDS = 4,
    FOLDS = 10,
};

/* Times below this are mostly overhead and noise; their relative error counts less. */
static const double noise_floor_ns = 1500;
/* Operators repeat to a few percent at best, however well a class fits. */
static const double log_spread_min = 0.04;
static const double log_spread_unknown = 0.6;       /* a class borrowed from its family */
static const double log_spread_roofline = 1.2;      /* physics only */
static const double normal_90 = 1.6448536269514722; /* two-sided 90 % */

/* ---- rows of a class ------------------------------------------------------------------------- */

struct rows {
    const struct observation **items;
    uint32_t count;
};

static uint32_t term_count(enum kernel_family family) {
    uint32_t n = 0;
    while (n < FEATURE_TERMS_MAX && family_info(family)->terms[n])
        n++;
    return n;
}

static double dot(const double *rates, const struct features *features) {
    double sum = 0;
    for (int i = 0; i < FEATURE_TERMS_MAX; i++)
        sum += rates[i] * features->terms[i];
    return sum;
}

static double log_ratio(double measured, double fitted) {
    return log(fmax(measured, 1) / fmax(fitted, 1));
}

/* Weighted rows (1 / time) so that relative errors are minimised; `robust` shrinks outliers. */
static int solve_rates(const struct rows *rows, enum kernel_family family, const double *robust,
                       double *rates, struct err *err) {
    uint32_t columns = term_count(family);
    double *a = calloc((size_t)rows->count * columns + 1, sizeof *a);
    double *b = calloc(rows->count + 1u, sizeof *b);
    if (!a || !b)
        abort();
    for (uint32_t r = 0; r < rows->count; r++) {
        const struct observation *o = rows->items[r];
        double weight = robust[r] / (o->wall_ns + noise_floor_ns);
        for (uint32_t c = 0; c < columns; c++)
            a[(size_t)r * columns + c] = weight * o->features.terms[c];
        b[r] = weight * o->wall_ns;
    }
    memset(rates, 0, FEATURE_TERMS_MAX * sizeof *rates);
    int code = nnls(a, b, rows->count, columns, rates, err);
    free(a);
    free(b);
    return code;
}

/* Iteratively reweighted: residuals beyond 1.5 robust deviations count less (Huber). */
static int fit_rates(const struct rows *rows, enum kernel_family family, double *rates,
                     struct err *err) {
    double *robust = calloc(rows->count + 1u, sizeof *robust);
    double *residuals = calloc(rows->count + 1u, sizeof *residuals);
    if (!robust || !residuals)
        abort();
    for (uint32_t r = 0; r < rows->count; r++)
        robust[r] = 1;
    int code = 0;
    for (int round = 0; round < ROBUST_ROUNDS && !code; round++) {
        code = solve_rates(rows, family, robust, rates, err);
        for (uint32_t r = 0; r < rows->count; r++)
            residuals[r] = fabs(log_ratio(rows->items[r]->wall_ns + noise_floor_ns,
                                          dot(rates, &rows->items[r]->features) + noise_floor_ns));
        double limit = fmax(1.5 * 1.4826 * stats_median(residuals, rows->count), 0.02);
        for (uint32_t r = 0; r < rows->count; r++)
            robust[r] = residuals[r] > limit ? sqrt(limit / residuals[r]) : 1;
    }
    free(robust);
    free(residuals);
    return code;
}

/* Median ratio of what a class costs to what its family's rates say. */
static double median_ratio(const struct rows *rows, const double *rates) {
    double *ratios = calloc(rows->count + 1u, sizeof *ratios);
    if (!ratios)
        abort();
    for (uint32_t r = 0; r < rows->count; r++)
        ratios[r] =
            fmax(rows->items[r]->wall_ns, 1) / fmax(dot(rates, &rows->items[r]->features), 1);
    double median = stats_median(ratios, rows->count);
    free(ratios);
    return median;
}

static int fit_basis(const struct rows *rows, const struct class_fit *family, struct class_fit *fit,
                     struct err *err) {
    if (fit->basis == BASIS_OWN)
        return fit_rates(rows, fit->family, fit->rates, err);
    double ratio = median_ratio(rows, family->rates);
    for (int i = 0; i < FEATURE_TERMS_MAX; i++)
        fit->rates[i] = ratio * family->rates[i];
    return 0;
}

/* ---- what is left out ------------------------------------------------------------------------ */

/* Models are put into folds by their hash, so that a fold never splits a model. */
static uint32_t fold_of(const struct training *training, const struct observation *o) {
    uint32_t hash = 2166136261u;
    for (const char *c = training->runs[o->run].model_sha256; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    return hash % FOLDS;
}

static struct rows rows_of_fold(struct arena *arena, const struct training *training,
                                const struct rows *rows, uint32_t fold, bool inside) {
    struct rows part = {ARENA_ARRAY(arena, rows->count, const struct observation *), 0};
    for (uint32_t r = 0; r < rows->count; r++)
        if ((fold_of(training, rows->items[r]) == fold) == inside)
            part.items[part.count++] = rows->items[r];
    return part;
}

struct residuals {
    double weight, sum, squares; /* of log ratios, weighted by duration */
};

static void add_residuals(struct residuals *sum, const struct rows *rows, const double *rates) {
    for (uint32_t r = 0; r < rows->count; r++) {
        const struct observation *o = rows->items[r];
        double ratio = log_ratio(o->wall_ns, dot(rates, &o->features));
        double weight = sqrt(fmax(o->wall_ns, 1));
        sum->weight += weight;
        sum->sum += weight * ratio;
        sum->squares += weight * ratio * ratio;
    }
}

/* Spread and bias of the class on models it was not fitted on; a class seen in one model only is
 * judged on itself and trusted half as much. */
static int cross_validate(struct arena *arena, const struct training *training,
                          const struct rows *rows, const struct class_fit *family,
                          struct class_fit *fit, struct err *err) {
    struct residuals out = {0};
    for (uint32_t fold = 0; fold < FOLDS; fold++) {
        struct rows held = rows_of_fold(arena, training, rows, fold, true);
        struct rows rest = rows_of_fold(arena, training, rows, fold, false);
        if (held.count == 0 || rest.count == 0)
            continue;
        struct class_fit trial = *fit;
        if (fit_basis(&rest, family, &trial, err))
            return -(int)err->code;
        add_residuals(&out, &held, trial.rates);
    }
    double factor = 1;
    if (out.weight == 0) {
        add_residuals(&out, rows, fit->rates);
        factor = 2;
    }
    fit->log_bias = out.sum / out.weight;
    fit->log_spread = fmax(factor * sqrt(out.squares / out.weight), log_spread_min);
    return 0;
}

static uint32_t count_models(const struct training *training, const struct rows *rows) {
    uint32_t models = 0;
    for (uint32_t r = 0; r < rows->count; r++) {
        bool seen = false;
        for (uint32_t q = 0; q < r && !seen; q++)
            seen = rows->items[q]->run == rows->items[r]->run ||
                   strcmp(training->runs[rows->items[q]->run].model_sha256,
                          training->runs[rows->items[r]->run].model_sha256) == 0;
        models += !seen;
    }
    return models;
}

static void note_support(const struct training *training, const struct rows *rows,
                         struct class_fit *fit) {
    fit->observations = rows->count;
    fit->models = rows->count > 5000 ? training->run_count : count_models(training, rows);
    for (uint32_t r = 0; r < rows->count; r++) {
        const struct features *f = &rows->items[r]->features;
        fit->flops_high = fmax(fit->flops_high, f->flops);
        fit->bytes_high = fmax(fit->bytes_high, features_bytes(f));
    }
}

/* ---- fitting all classes --------------------------------------------------------------------- */

static int by_family_and_key(const void *a, const void *b) {
    const struct observation *x = *(const struct observation *const *)a;
    const struct observation *y = *(const struct observation *const *)b;
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

static struct rows usable_rows(struct arena *arena, const struct training *training,
                               const bool *skip) {
    struct rows rows = {ARENA_ARRAY(arena, training->observation_count, const struct observation *),
                        0};
    for (uint32_t i = 0; i < training->observation_count; i++) {
        const struct observation *o = &training->observations[i];
        if (!(skip && skip[o->run]) && isfinite(o->wall_ns) && o->wall_ns > 0)
            rows.items[rows.count++] = o;
    }
    qsort(rows.items, rows.count, sizeof *rows.items, by_family_and_key);
    return rows;
}

static int fit_one(struct arena *arena, const struct training *training, const struct rows *rows,
                   const struct class_fit *family, struct class_fit *fit, struct err *err) {
    if (fit_basis(rows, family, fit, err))
        return err_prefix(err, "kernel class %s", fit->key);
    note_support(training, rows, fit);
    return cross_validate(arena, training, rows, family, fit, err);
}

static int fit_classes(struct arena *arena, const struct training *training,
                       const struct rows *rows, struct cost_model *model, uint32_t *capacity,
                       struct err *err) {
    for (uint32_t first = 0, end; first < rows->count; first = end) {
        const struct features *f = &rows->items[first]->features;
        for (end = first + 1; end < rows->count; end++)
            if (strcmp(rows->items[end]->features.key, f->key) != 0)
                break;
        struct rows own = {rows->items + first, end - first};
        struct class_fit *fit = ARENA_PUSH(arena, model->classes, model->class_count, *capacity);
        fit->key = arena_strdup(arena, f->key);
        fit->family = f->family;
        fit->basis = own.count >= OWN_OBSERVATIONS_MIN ? BASIS_OWN : BASIS_SCALED_FAMILY;
        if (fit_one(arena, training, &own, &model->families[f->family], fit, err))
            return -(int)err->code;
    }
    return 0;
}

static int fit_family(struct arena *arena, const struct training *training, const struct rows *rows,
                      struct cost_model *model, uint32_t *capacity, struct err *err) {
    enum kernel_family family = rows->items[0]->features.family;
    struct class_fit *pooled = &model->families[family];
    *pooled =
        (struct class_fit){.key = family_info(family)->name, .family = family, .basis = BASIS_OWN};
    if (fit_one(arena, training, rows, NULL, pooled, err))
        return -(int)err->code;
    return fit_classes(arena, training, rows, model, capacity, err);
}

/* The best tenth of what was reached by operators that do enough work for it to show. */
static struct roofline roofline_of(const struct rows *rows) {
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

int cost_model_fit(struct arena *arena, const struct training *training, const bool *skip,
                   struct cost_model *out, struct err *err) {
    *out = (struct cost_model){0};
    for (int f = 0; f < FAMILY_COUNT; f++)
        out->families[f] = (struct class_fit){.key = family_info((enum kernel_family)f)->name,
                                              .family = (enum kernel_family)f};
    struct rows rows = usable_rows(arena, training, skip);
    if (rows.count == 0)
        return err_set(err, ERR_INPUT, "there are no observations to fit");
    out->roofline = roofline_of(&rows);
    uint32_t capacity = 0;
    for (uint32_t first = 0, end; first < rows.count; first = end) {
        for (end = first + 1; end < rows.count; end++)
            if (rows.items[end]->features.family != rows.items[first]->features.family)
                break;
        struct rows family = {rows.items + first, end - first};
        if (fit_family(arena, training, &family, out, &capacity, err))
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

static bool extrapolates(const struct class_fit *fit, const struct features *features) {
    return features->flops > 2 * fit->flops_high || features_bytes(features) > 2 * fit->bytes_high;
}

double cost_model_log_spread(const struct cost_model *model, const struct features *features) {
    const struct class_fit *fit = answering(model, features);
    if (!fit)
        return log_spread_roofline;
    bool borrowed = fit == &model->families[features->family];
    double spread = borrowed ? fmax(fit->log_spread, log_spread_unknown) : fit->log_spread;
    return extrapolates(fit, features) || features->guessed ? 1.5 * spread : spread;
}

static double roofline_ns(const struct roofline *roofline, const struct features *features) {
    double compute = roofline->flops_per_ns > 0 ? features->flops / roofline->flops_per_ns : 0;
    double memory =
        roofline->bytes_per_ns > 0 ? features_bytes(features) / roofline->bytes_per_ns : 0;
    return roofline->call_ns + fmax(compute, memory);
}

struct estimate cost_model_estimate(const struct cost_model *model,
                                    const struct features *features) {
    const struct class_fit *fit = answering(model, features);
    double spread = cost_model_log_spread(model, features);
    struct estimate estimate = {.evidence = ""};
    if (!fit) {
        estimate.value = roofline_ns(&model->roofline, features);
        estimate.tier = TIER_ROOFLINE;
    } else {
        estimate.value = fmax(dot(fit->rates, features), 1);
        estimate.tier = fit == &model->families[features->family] ? TIER_TRANSFERRED : TIER_FITTED;
    }
    estimate.low = estimate.value * exp(-normal_90 * spread);
    estimate.high = estimate.value * exp(normal_90 * spread);
    return estimate;
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
