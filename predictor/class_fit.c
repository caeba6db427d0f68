#include "predictor/class_fit.h"

#include "base/stats.h"
#include "predictor/nnls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    OWN_OBSERVATIONS_MIN = 12, /* fewer: scaled family */
    ROBUST_ROUNDS = 4,
    PRIOR_OBSERVATIONS = 10, /* that a rate which is the same in all classes counts like */
};

/* Times below this are mostly overhead and noise; their relative error counts less. */
static const double noise_floor_ns = 1500;
/* A repeat is known to a few per cent, and to the jitter of clock and hook. */
static const double repeat_deviation = 0.04;
static const double jitter_ns = 400;
static const double log_spread_min = 0.03;
static const double target_max = 1; /* of log(measured / rates x terms) for the residual */

static uint32_t term_count(enum kernel_family family) {
    uint32_t n = 0;
    while (n < FEATURE_TERMS_MAX && family_info(family)->terms[n])
        n++;
    return n;
}

uint32_t class_fit_inputs(enum kernel_family family) {
    uint32_t n = term_count(family);
    while (n > 1 && family_far_kind(family, (int)n - 1) == FAR_CALL)
        n--;
    return n - 1;
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

/* The residual's inputs: logarithms of all terms but the calls, which end the row too. */
static uint32_t residual_input(const struct features *features, double *input) {
    uint32_t n = class_fit_inputs(features->family);
    for (uint32_t i = 0; i < n; i++)
        input[i] = log1p(features->terms[i + 1]);
    return n;
}

double class_fit_rates_ns(const struct class_fit *fit, const struct features *features) {
    return fmax(dot(fit->rates, features), 1);
}

double class_fit_ns(const struct class_fit *fit, const struct features *features) {
    double ns = class_fit_rates_ns(fit, features), input[RESIDUAL_DIMS_MAX];
    if (!fit->residual.state)
        return ns;
    residual_input(features, input);
    return ns * exp(fit->residual_share * residual_at(&fit->residual, input));
}

/* ---- rates ----------------------------------------------------------------------------------- */

/* Weighted rows (1 / time) so that relative errors are minimised, those of long operators more;
 * `robust` shrinks outliers. */
static double row_weight(const struct observation *o) {
    double more = sqrt(o->wall_ns);
    if (!family_streams(o->features.family)) /* their short ones tell as much */
        more = sqrt(more);
    return more / (o->wall_ns + noise_floor_ns);
}

/* A rate that is assumed counts like some observations that the term explains alone. */
static void add_prior(double *row, double *right, uint32_t column, double prior, double weight) {
    row[column] = weight / prior;
    *right = weight;
}

/* Less that is far than this in every observation teaches nothing: a rate read out of it would be
 * noise, and be multiplied by all that is far elsewhere. */
static const double far_min[] = {[FAR_NONE] = 0, [FAR_BYTES] = 4096, [FAR_CALL] = 0.1};

static bool is_learnt(const struct class_rows *rows, enum kernel_family family, uint32_t term) {
    double least = far_min[family_far_kind(family, (int)term)];
    bool learnt = least == 0;
    for (uint32_t r = 0; r < rows->count && !learnt; r++)
        learnt = rows->items[r]->features.terms[term] >= least;
    return learnt;
}

static int solve_rates(struct arena *scratch, const struct class_rows *rows,
                       enum kernel_family family, const double *prior, const double *robust,
                       double *rates, struct err *err) {
    uint32_t columns = term_count(family), count = rows->count;
    double *a = ARENA_ARRAY(scratch, (size_t)(count + columns) * columns, double);
    double *b = ARENA_ARRAY(scratch, count + columns, double), squares = 0;
    bool learnt[FEATURE_TERMS_MAX];
    for (uint32_t c = 0; c < columns; c++)
        learnt[c] = is_learnt(rows, family, c);
    for (uint32_t r = 0; r < count; r++) {
        const struct observation *o = rows->items[r];
        double weight = robust[r] * row_weight(o);
        for (uint32_t c = 0; c < columns; c++)
            a[(size_t)r * columns + c] = learnt[c] ? weight * o->features.terms[c] : 0;
        b[r] = weight * o->wall_ns;
        squares += b[r] * b[r];
    }
    double prior_weight = sqrt(PRIOR_OBSERVATIONS * squares / rows->count);
    for (uint32_t c = 0; c < columns; c++)
        if (prior[c] > 0) {
            add_prior(a + (size_t)count * columns, b + count, c, prior[c], prior_weight);
            count++;
        }
    memset(rates, 0, FEATURE_TERMS_MAX * sizeof *rates);
    return nnls(a, b, count, columns, rates, err);
}

struct weighed {
    double value, weight;
};

static int by_value(const void *a, const void *b) {
    double x = ((const struct weighed *)a)->value, y = ((const struct weighed *)b)->value;
    return (x > y) - (x < y);
}

/* The median of |log residuals| where every nanosecond has the same say, nearly: a class of many
 * tiny operators must not declare its few long ones outliers. */
static double typical_residual(struct weighed *residuals, uint32_t count) {
    double total = 0, below = 0;
    uint32_t r = 0;
    for (uint32_t i = 0; i < count; i++)
        total += residuals[i].weight;
    qsort(residuals, count, sizeof *residuals, by_value);
    while (r + 1 < count && (below += residuals[r].weight) < total / 2)
        r++;
    return residuals[r].value;
}

static double log_residual(const struct observation *o, const double *rates) {
    return fabs(log_ratio(o->wall_ns + noise_floor_ns, dot(rates, &o->features) + noise_floor_ns));
}

/* Iteratively reweighted: residuals beyond 1.5 robust deviations count less (Huber). */
int class_fit_rates(const struct class_rows *rows, enum kernel_family family,
                    const struct shared_rates *shared, double *rates, struct err *err) {
    double prior[FEATURE_TERMS_MAX];
    shared_rates_of(shared, family, prior);
    struct arena scratch;
    arena_init(&scratch);
    double *robust = ARENA_ARRAY(&scratch, rows->count, double);
    struct weighed *residuals = ARENA_ARRAY(&scratch, rows->count, struct weighed);
    int code = 0;
    for (uint32_t r = 0; r < rows->count; r++)
        robust[r] = 1;
    for (int round = 0; round < ROBUST_ROUNDS && !code; round++) {
        code = solve_rates(&scratch, rows, family, prior, robust, rates, err);
        for (uint32_t r = 0; r < rows->count; r++)
            residuals[r] = (struct weighed){log_residual(rows->items[r], rates),
                                            sqrt(fmax(rows->items[r]->wall_ns, 1))};
        double limit = fmax(1.5 * 1.4826 * typical_residual(residuals, rows->count), 0.03);
        for (uint32_t r = 0; r < rows->count; r++) {
            double residual = log_residual(rows->items[r], rates);
            robust[r] = residual > limit ? sqrt(limit / residual) : 1;
        }
    }
    arena_done(&scratch);
    return code;
}

/* The family's rates, scaled by the median ratio of what the class costs to what they say. A few
 * observations move the scale only part of the way. */
static void scale_family(const struct class_rows *rows, const struct class_fit *family,
                         double *rates) {
    double *ratios = malloc((rows->count + 1u) * sizeof *ratios);
    if (!ratios)
        abort();
    for (uint32_t r = 0; r < rows->count; r++)
        ratios[r] =
            log_ratio(rows->items[r]->wall_ns, dot(family->rates, &rows->items[r]->features));
    double share = rows->count / (rows->count + 1.0);
    double scale = exp(share * stats_median(ratios, rows->count));
    free(ratios);
    for (int i = 0; i < FEATURE_TERMS_MAX; i++)
        rates[i] = scale * family->rates[i];
}

/* The geometric mean for every operator: what is left when the terms are not used. */
static void mean_rate(const struct class_rows *rows, double *rates) {
    double sum = 0;
    for (uint32_t r = 0; r < rows->count; r++)
        sum += log(fmax(rows->items[r]->wall_ns, 1));
    memset(rates, 0, FEATURE_TERMS_MAX * sizeof *rates);
    rates[0] = exp(sum / rows->count); /* the first term of every family is the call */
}

static int find_rates(const struct class_learning *l, const struct class_rows *rows,
                      const struct class_fit *family, const struct class_fit *fit, double *rates) {
    bool own = !family || rows->count >= OWN_OBSERVATIONS_MIN;
    if (own && l->estimator->physics == PHYSICS_NONE)
        mean_rate(rows, rates);
    else if (own)
        return class_fit_rates(rows, fit->family, &l->shared, rates, l->err);
    else
        scale_family(rows, family, rates);
    return 0;
}

int class_fit_error(struct class_learning *l, const struct class_rows *rows, double *error) {
    double rates[FEATURE_TERMS_MAX], weights = 0, sum = 0;
    if (class_fit_rates(rows, rows->items[0]->features.family, &l->shared, rates, l->err))
        return -(int)l->err->code;
    for (uint32_t r = 0; r < rows->count; r++) {
        const struct observation *o = rows->items[r];
        double weight = sqrt(fmax(o->wall_ns, 1));
        weights += weight;
        sum += weight * log_residual(o, rates);
    }
    *error = sum / weights;
    return 0;
}

/* ---- speed ------------------------------------------------------------------------------------
 */

/* What a busy neighbour slows down most is not what it slows down least: each class follows the
 * machine's speed with a power of its own, found by regression and drawn to the usual one. */
static const double slowdown_usual = 0.7, slowdown_deviation = 0.2, slowdown_max = 1.3;

static void correct_rows(const struct class_learning *l, const struct class_rows *rows,
                         double slowdown) {
    for (uint32_t r = 0; r < rows->count; r++) {
        struct observation *o = rows->items[r];
        double raw_ns = l->training->observations[o - l->usual].wall_ns;
        o->wall_ns = raw_ns * pow(o->slowness, -slowdown);
    }
}

/* The slope of log(raw / fitted) over log(slowness). */
static double find_slowdown(const struct class_learning *l, const struct class_rows *rows,
                            const double *rates) {
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
    for (uint32_t r = 0; r < rows->count; r++) {
        const struct observation *o = rows->items[r];
        double raw_ns = l->training->observations[o - l->usual].wall_ns;
        double x = log(o->slowness), w = o->wall_ns / (o->wall_ns + noise_floor_ns);
        double y = fmax(-0.7, fmin(0.7, log_ratio(raw_ns, dot(rates, &o->features))));
        n += w, sx += w * x, sy += w * y;
        sxx += w * x * x, sxy += w * x * y, syy += w * y * y;
    }
    if (n < 3)
        return slowdown_usual;
    double xx = sxx - sx * sx / n, xy = sxy - sx * sy / n, yy = syy - sy * sy / n;
    double ridge = yy / n / (slowdown_deviation * slowdown_deviation);
    double slope = (xy + ridge * slowdown_usual) / (xx + ridge + 1e-9);
    return fmax(0, fmin(slowdown_max, slope));
}

/* Rates at the usual speed: once with the usual slowdown, then with the class's own. */
static int find_usual_rates(struct class_learning *l, const struct class_rows *rows,
                            const struct class_fit *family, struct class_fit *fit) {
    fit->slowdown = family ? family->slowdown : slowdown_usual;
    correct_rows(l, rows, fit->slowdown);
    if (find_rates(l, rows, family, fit, fit->rates))
        return -(int)l->err->code;
    fit->slowdown = find_slowdown(l, rows, fit->rates);
    correct_rows(l, rows, fit->slowdown);
    return find_rates(l, rows, family, fit, fit->rates);
}

/* ---- residual -------------------------------------------------------------------------------- */

/* By what is expected, not by what was seen: else the operators that took too long would be
 * believed most. */
static double log_deviation(double fitted_ns) {
    double jitter = jitter_ns / fitted_ns;
    return sqrt(repeat_deviation * repeat_deviation + jitter * jitter);
}

/* Architectures are not made as random networks are: what the residual has learnt from these holds
 * for those by half, as the mean of the predictions with it and without. */
static const double residual_believed = 0.5;

/* said[r]: the residual of row r by what has not seen its model, as far as it is believed. */
static int learn_residual(struct class_learning *l, const struct class_rows *rows,
                          struct class_fit *fit, double *said) {
    struct arena scratch;
    uint32_t dims = class_fit_inputs(fit->family), count = rows->count;
    double limit = l->estimator->physics == PHYSICS_NONE ? INFINITY : target_max;
    arena_init(&scratch);
    double *inputs = ARENA_ARRAY(&scratch, (size_t)count * dims, double);
    double *targets = ARENA_ARRAY(&scratch, count, double);
    double *deviations = ARENA_ARRAY(&scratch, count, double);
    uint32_t *folds = ARENA_ARRAY(&scratch, count, uint32_t);
    for (uint32_t r = 0; r < count; r++) {
        const struct observation *o = rows->items[r];
        double fitted_ns = fmax(dot(fit->rates, &o->features), 1);
        double ratio = log_ratio(o->wall_ns, fitted_ns);
        residual_input(&o->features, inputs + (size_t)r * dims);
        targets[r] = fmax(-limit, fmin(limit, ratio));
        deviations[r] = log_deviation(fitted_ns);
        folds[r] = l->fold_of_run[o->run];
    }
    const struct residual_rows residuals = {inputs, targets, deviations, folds, count, dims};
    int code =
        residual_learn(l->arena, l->estimator->learner, &residuals, &fit->residual, said, l->err);
    fit->residual_share = l->estimator->physics == PHYSICS_NONE ? 1 : residual_believed;
    for (uint32_t r = 0; r < count; r++)
        said[r] *= fit->residual_share;
    arena_done(&scratch);
    return code;
}

/* ---- what is left out ------------------------------------------------------------------------ */

static uint32_t split(const struct class_learning *l, const struct class_rows *rows, uint32_t fold,
                      struct class_rows *rest) {
    uint32_t held = 0;
    rest->count = 0;
    for (uint32_t r = 0; r < rows->count; r++) {
        if (l->fold_of_run[rows->items[r]->run] == fold)
            held++;
        else
            rest->items[rest->count++] = rows->items[r];
    }
    return held;
}

static double *held_out_of(const struct class_learning *l, const struct observation *o) {
    return &l->held_out_ns[o - l->usual];
}

/* Rates learnt without each fold, and the residual's own held-out values, say what each row would
 * have been predicted as. Returns how many rows were judged; negative on errors. */
static int64_t judge(struct class_learning *l, const struct class_rows *rows,
                     const struct class_fit *family, const struct class_fit *fit,
                     const double *said) {
    struct arena scratch;
    int64_t judged = 0;
    arena_init(&scratch);
    struct class_rows rest = {ARENA_ARRAY(&scratch, rows->count, struct observation *), 0};
    for (uint32_t fold = 0; fold < RESIDUAL_FOLDS && judged >= 0; fold++) {
        double rates[FEATURE_TERMS_MAX];
        uint32_t held = split(l, rows, fold, &rest);
        if (held == 0 || rest.count == 0)
            continue;
        if (find_rates(l, &rest, family, fit, rates)) {
            judged = -(int64_t)l->err->code;
            break;
        }
        for (uint32_t r = 0; r < rows->count; r++)
            if (l->fold_of_run[rows->items[r]->run] == fold)
                *held_out_of(l, rows->items[r]) =
                    fmax(dot(rates, &rows->items[r]->features), 1) * exp(said[r]);
        judged += held;
    }
    arena_done(&scratch);
    return judged;
}

/* Spread and bias of the class on models it was not fitted on, long operators counting more. */
static void note_spread(const struct class_learning *l, const struct class_rows *rows,
                        struct class_fit *fit) {
    double weights = 0, sum = 0, squares = 0;
    for (uint32_t r = 0; r < rows->count; r++) {
        const struct observation *o = rows->items[r];
        double ratio = log_ratio(o->wall_ns, *held_out_of(l, o));
        double weight = sqrt(fmax(o->wall_ns, 1));
        weights += weight;
        sum += weight * ratio;
        squares += weight * ratio * ratio;
    }
    fit->log_bias = sum / weights;
    fit->log_spread = fmax(sqrt(squares / weights), log_spread_min);
}

/* Rows come sorted by run, so a change of run is a new one. */
static void note_support(const struct class_rows *rows, struct class_fit *fit) {
    fit->observations = rows->count;
    for (uint32_t r = 0; r < rows->count; r++) {
        const struct features *f = &rows->items[r]->features;
        fit->models += r == 0 || rows->items[r]->run != rows->items[r - 1]->run;
        fit->flops_high = fmax(fit->flops_high, f->flops);
        fit->bytes_high = fmax(fit->bytes_high, features_bytes(f));
    }
}

int class_fit_learn(struct class_learning *l, const struct class_rows *rows,
                    const struct class_fit *family, struct class_fit *fit) {
    bool own = !family || rows->count >= OWN_OBSERVATIONS_MIN;
    double *said = ARENA_ARRAY(l->arena, rows->count, double);
    fit->basis = own ? BASIS_OWN : BASIS_SCALED_FAMILY;
    if (find_usual_rates(l, rows, family, fit) ||
        (own && (family || l->estimator->physics == PHYSICS_NONE) &&
         learn_residual(l, rows, fit, said)))
        return err_prefix(l->err, "kernel class %s", fit->key);
    note_support(rows, fit);
    if (judge(l, rows, family, fit, said) < 0)
        return -(int)l->err->code;
    note_spread(l, rows, fit);
    return 0;
}
