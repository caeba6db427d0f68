#include "predictor/fit.h"

#include "base/sha256.h"
#include "base/stats.h"
#include "base/strbuf.h"
#include "predictor/nnls.h"
#include "predictor/same_work.h"

#include <math.h>
#include <string.h>

/* The speeds of runs of half a second vary more than those of the seconds that a model is judged
 * by; 0.22 against 0.29 where both were seen. */
static const double long_run_share = 0.75;
/* What a whole run may be off however short it is: caches warm or cold, timers. */
static const double run_jitter_ns = 25000;
static const double normal_90 = 1.6448536269514722;

/* ---- sums ------------------------------------------------------------------------------------ */

void latency_sum_add(struct latency_sum *sum, const struct estimate *estimate,
                     enum kernel_family family, double log_spread, double times) {
    sum->value_ns += times * estimate->value;
    sum->operators += times;
    sum->spread_ns[family] += times * estimate->value * log_spread;
    sum->tier = sum->value_ns > 0 ? tier_weaker(sum->tier, estimate->tier) : estimate->tier;
}

void latency_sum_add_aged(struct latency_sum *sum, const struct fit *fit,
                          const struct features *features, const struct estimate *estimate,
                          double times) {
    latency_sum_add(sum, estimate, features->family, cost_model_log_spread(&fit->cost, features),
                    times);
    if (features_age_matters(features))
        sum->doubtful_ns += times * cost_model_age_doubt_ns(&fit->cost, features);
}

static double relative_spread(const struct fit *fit, const struct latency_sum *sum) {
    double squares = 0;
    for (int f = 0; f < FAMILY_COUNT; f++)
        squares += sum->spread_ns[f] * sum->spread_ns[f];
    double own = sqrt(squares) / fmax(sum->value_ns, 1);
    double jitter = run_jitter_ns / fmax(sum->value_ns, 1);
    double age = sum->doubtful_ns / fmax(sum->value_ns, 1);
    return sqrt(own * own + jitter * jitter + age * age +
                fit->sum_log_spread * fit->sum_log_spread);
}

/* Never less than half of the sum: the excess is of short operators among long ones. */
static double composed_ns(const struct fit *fit, double sum_ns, double operators) {
    double ns = fit->sum_ratio * sum_ns;
    return fmax(ns - fit->call_excess_ns * operators, ns / 2);
}

struct estimate latency_of_sum(const struct fit *fit, const struct latency_sum *sum) {
    double value = fit->wall_ratio * composed_ns(fit, sum->value_ns, sum->operators);
    double own = fit->interval_scale * relative_spread(fit, sum);
    double reach = exp(normal_90 * hypot(own, fit->speed_log_spread));
    return (struct estimate){value, value / reach, value * reach, sum->tier,
                             fit->evidence ? fit->evidence : ""};
}

struct estimate cpu_time_of_latency(const struct fit *fit, const struct estimate *latency_ns) {
    double factor = fit->cpu_ratio / fit->wall_ratio;
    struct estimate cpu = *latency_ns;
    cpu.value *= factor;
    cpu.low *= factor;
    cpu.high *= factor;
    return cpu;
}

/* ---- ages of weights --------------------------------------------------------------------------
 */

enum { SETTLE_ROUNDS = 6 };

/* Of operators that do the same work one is estimated, for all their times. */
struct distinct {
    struct features *features;
    double *times;
    double *estimated_ns; /* NULL: not yet */
    uint32_t count;
};

static struct distinct distinct_work(struct arena *arena, const struct features *features,
                                     const double *times, const double *estimated_ns,
                                     uint32_t count) {
    struct distinct d = {ARENA_ARRAY(arena, count + 1u, struct features),
                         ARENA_ARRAY(arena, count + 1u, double),
                         estimated_ns ? ARENA_ARRAY(arena, count + 1u, double) : NULL, 0};
    const uint32_t *first = same_work(arena, features, count);
    uint32_t *place = ARENA_ARRAY(arena, count + 1u, uint32_t);
    for (uint32_t i = 0; i < count; i++) {
        if (first[i] == i) {
            place[i] = d.count;
            if (estimated_ns)
                d.estimated_ns[d.count] = estimated_ns[i];
            d.features[d.count++] = features[i];
        }
        d.times[place[first[i]]] += times[i];
    }
    return d;
}

/* Ages move the terms of what is far alone, so rounds need not ask the residual again: `share` is
 * what it made of the rates. */
struct ageing {
    const struct features **features;
    double *share;
    uint32_t count;
    double fixed_ns, operators; /* of all that find their data near */
};

static struct ageing begin_ageing(struct arena *arena, const struct fit *fit,
                                  const struct distinct *d) {
    struct ageing a = {.features = ARENA_ARRAY(arena, d->count + 1u, const struct features *),
                       .share = ARENA_ARRAY(arena, d->count + 1u, double)};
    for (uint32_t i = 0; i < d->count; i++) {
        const struct features *f = &d->features[i];
        if (d->times[i] == 0)
            continue;
        double ns = d->times[i] * (d->estimated_ns ? d->estimated_ns[i]
                                                   : cost_model_estimate(&fit->cost, f).value);
        a.operators += d->times[i];
        if (!features_age_matters(f)) {
            a.fixed_ns += ns;
        } else {
            a.features[a.count] = f;
            a.share[a.count++] = ns / cost_model_rates_ns(&fit->cost, f);
        }
    }
    return a;
}

static double aged_ns(const struct fit *fit, const struct ageing *a, double latency_ns) {
    double sum = a->fixed_ns;
    for (uint32_t i = 0; i < a->count; i++) {
        struct features features = *a->features[i];
        features.inference_ns = latency_ns;
        sum += a->share[i] * cost_model_rates_ns(&fit->cost, &features);
    }
    return fit->wall_ratio * composed_ns(fit, sum, a->operators);
}

/* The latency that ages are shares of; 0: no age matters. */
static double settled_latency(struct arena *arena, const struct fit *fit,
                              const struct distinct *d) {
    const struct ageing a = begin_ageing(arena, fit, d);
    double latency_ns = 0;
    for (int round = 0; round < SETTLE_ROUNDS && a.count; round++) {
        double before_ns = latency_ns;
        latency_ns = aged_ns(fit, &a, before_ns);
        if (fabs(latency_ns - before_ns) < 1e-3 * latency_ns)
            break;
    }
    return latency_ns;
}

void fit_settle_ages(const struct fit *fit, struct features *features, const double *times,
                     const double *estimated_ns, uint32_t count) {
    struct arena scratch;
    arena_init(&scratch);
    const struct distinct d = distinct_work(&scratch, features, times, estimated_ns, count);
    double latency_ns = settled_latency(&scratch, fit, &d);
    for (uint32_t i = 0; i < count && latency_ns > 0; i++)
        if (features_age_matters(&features[i]) && times[i] > 0)
            features[i].inference_ns = latency_ns;
    arena_done(&scratch);
}

const struct features *fit_features_of_run(struct arena *arena, const struct fit *fit,
                                           const struct training *training, uint32_t run,
                                           uint32_t *count) {
    struct features *features = NULL;
    uint32_t capacity = 0;
    *count = 0;
    uint32_t end = training_first(training, run + 1);
    for (uint32_t i = training_first(training, run); i < end; i++)
        *ARENA_PUSH(arena, features, *count, capacity) = training->observations[i].features;
    double *times = ARENA_ARRAY(arena, *count + 1u, double);
    for (uint32_t i = 0; i < *count; i++) {
        times[i] = 1;
        features[i].inference_ns = 0;
    }
    fit_settle_ages(fit, features, times, NULL, *count);
    return features;
}

struct estimate fit_latency_of_features(const struct fit *fit, const struct features *features,
                                        uint32_t count) {
    struct latency_sum sum = {0};
    for (uint32_t i = 0; i < count; i++) {
        struct estimate estimate = cost_model_estimate(&fit->cost, &features[i]);
        latency_sum_add_aged(&sum, fit, &features[i], &estimate, 1);
    }
    return latency_of_sum(fit, &sum);
}

/* ---- composition ----------------------------------------------------------------------------- */

const double *usual_shares(struct arena *arena, const struct training *training,
                           const struct fit *fit) {
    double *usual = ARENA_ARRAY(arena, training->run_count + 1u, double);
    double *raw = ARENA_ARRAY(arena, training->run_count + 1u, double);
    for (uint32_t i = 0; i < training->observation_count; i++) {
        const struct observation *o = &training->observations[i];
        usual[o->run] += o->wall_ns * pow(o->slowness > 0 ? o->slowness : 1,
                                          -cost_model_slowdown(&fit->cost, &o->features));
        raw[o->run] += o->wall_ns;
    }
    for (uint32_t r = 0; r < training->run_count; r++)
        usual[r] = raw[r] > 0 ? usual[r] / raw[r] : 1;
    return usual;
}

double steady_ns(const struct training *training, uint32_t run) {
    const struct observed_run *r = &training->runs[run];
    return training->threads == 1 && r->cpu_ns > 0 ? r->cpu_ns : r->latency_ns;
}

/* The runs that say how operators compose: their steady times and what their operators sum to. */
struct composition {
    double *steady_ns, *sum_ns, *operators, *wall, *cpu;
    uint32_t count, cpu_count;
};

static struct composition compose(struct arena *arena, const struct training *training,
                                  const bool *skip) {
    uint32_t runs = training->run_count + 1u;
    struct composition c = {ARENA_ARRAY(arena, runs, double),
                            ARENA_ARRAY(arena, runs, double),
                            ARENA_ARRAY(arena, runs, double),
                            ARENA_ARRAY(arena, runs, double),
                            ARENA_ARRAY(arena, runs, double),
                            0,
                            0};
    double *sums = ARENA_ARRAY(arena, runs, double), *operators = ARENA_ARRAY(arena, runs, double);
    for (uint32_t i = 0; i < training->observation_count; i++) {
        sums[training->observations[i].run] += training->observations[i].wall_ns;
        operators[training->observations[i].run] += 1;
    }
    for (uint32_t r = 0; r < training->run_count; r++) {
        const struct observed_run *run = &training->runs[r];
        double steady = steady_ns(training, r);
        if ((skip && skip[r]) || !(run->latency_ns > 0) || !(sums[r] > 0))
            continue;
        if (run->cpu_ns > 0)
            c.cpu[c.cpu_count++] = run->cpu_ns / steady;
        c.steady_ns[c.count] = steady;
        c.sum_ns[c.count] = sums[r];
        c.operators[c.count] = operators[r];
        c.wall[c.count++] = run->latency_ns / steady;
    }
    return c;
}

/* Least squares on the relative error of sum_ratio x sum - call_excess x operators. */
static int solve_composition(struct arena *arena, const struct composition *c, struct fit *fit,
                             struct err *err) {
    double *a = ARENA_ARRAY(arena, 2 * (size_t)c->count + 1, double);
    double *b = ARENA_ARRAY(arena, c->count + 1u, double), x[2];
    for (uint32_t r = 0; r < c->count; r++) {
        a[2 * r] = c->sum_ns[r] / c->steady_ns[r];
        a[2 * r + 1] = -c->operators[r] / c->steady_ns[r];
        b[r] = 1;
    }
    if (nnls(a, b, c->count, 2, x, err))
        return -(int)err->code;
    fit->sum_ratio = x[0];
    fit->call_excess_ns = x[1];
    return 0;
}

/* How much the speed of the machine, as the probes saw it, moves a run. */
static double speed_spread(struct arena *arena, const struct training *training, const bool *skip,
                           const struct fit *fit) {
    double *logs = ARENA_ARRAY(arena, training->run_count + 1u, double);
    bool *seen = ARENA_ARRAY(arena, training->run_count + 1u, bool);
    uint32_t count = 0;
    for (uint32_t i = 0; i < training->observation_count; i++) {
        const struct observation *o = &training->observations[i];
        if (seen[o->run] || (skip && skip[o->run]) || !(o->slowness > 0))
            continue;
        seen[o->run] = true;
        logs[count++] = log(o->slowness);
    }
    double slowdown = 0, weight = 0;
    for (int f = 0; f < FAMILY_COUNT; f++) {
        slowdown += fit->cost.families[f].observations * fit->cost.families[f].slowdown;
        weight += fit->cost.families[f].observations;
    }
    return count > 1 && weight > 0 ? long_run_share * slowdown / weight * stats_mad(logs, count)
                                   : 0;
}

static int fit_composition(struct arena *arena, const struct training *training, const bool *skip,
                           struct fit *fit, struct err *err) {
    struct composition c = compose(arena, training, skip);
    fit->runs = c.count;
    fit->sum_ratio = fit->wall_ratio = fit->cpu_ratio = 1;
    fit->sum_log_spread = 0.05;
    if (c.count == 0)
        return 0;
    if (solve_composition(arena, &c, fit, err))
        return -(int)err->code;
    double *ratios = ARENA_ARRAY(arena, c.count, double);
    for (uint32_t r = 0; r < c.count; r++)
        ratios[r] = c.steady_ns[r] / composed_ns(fit, c.sum_ns[r], c.operators[r]);
    if (c.count > 1)
        fit->sum_log_spread = fmax(stats_mad(ratios, c.count), 0.015);
    fit->speed_log_spread = speed_spread(arena, training, skip, fit);
    fit->wall_ratio = stats_quantile(c.wall, c.count, 0.25);
    fit->cpu_ratio = c.cpu_count ? stats_median(c.cpu, c.cpu_count) : 1;
    return 0;
}

/* ---- how wide the interval must be ------------------------------------------------------------
 */

/* Per run, the sum of what its operators are said to be by models that have not seen it. */
static struct latency_sum *held_out_sums(struct arena *arena, const struct training *training,
                                         const struct fit *fit) {
    struct latency_sum *sums = ARENA_ARRAY(arena, training->run_count + 1u, struct latency_sum);
    for (uint32_t i = 0; i < training->observation_count; i++) {
        const struct observation *o = &training->observations[i];
        double ns = fit->cost.held_out_ns[i];
        if (ns <= 0)
            continue;
        struct estimate estimate = {ns, ns, ns, TIER_FITTED, ""};
        latency_sum_add_aged(&sums[o->run], fit, &o->features, &estimate, 1);
    }
    return sums;
}

/* Split-conformal: the scale at which the stated 90 % held on models left out (Lei et al., 2018).
 */
static void calibrate_interval(struct arena *arena, const struct training *training,
                               const bool *skip, struct fit *fit) {
    const struct latency_sum *sums = held_out_sums(arena, training, fit);
    const double *usual = usual_shares(arena, training, fit);
    double *scores = ARENA_ARRAY(arena, training->run_count + 1u, double);
    uint32_t scored = 0;
    for (uint32_t r = 0; r < training->run_count; r++) {
        if ((skip && skip[r]) || sums[r].value_ns <= 0 || !(training->runs[r].latency_ns > 0))
            continue;
        double said = composed_ns(fit, sums[r].value_ns, sums[r].operators);
        scores[scored++] =
            fabs(log(usual[r] * steady_ns(training, r) / said)) / relative_spread(fit, &sums[r]);
    }
    if (scored < 3)
        return;
    stats_sort(scores, scored);
    uint32_t rank = (uint32_t)ceil(0.9 * (scored + 1));
    fit->interval_scale = fmax(scores[(rank > scored ? scored : rank) - 1] / normal_90, 0.2);
}

/* ---- identity -------------------------------------------------------------------------------- */

static void hash_run(struct strbuf *text, const struct observed_run *run) {
    strbuf_printf(text, "%lld %s %a %a", (long long)run->id, run->model_sha256, run->latency_ns,
                  run->cpu_ns);
    for (int q = 0; q < QUANTITY_COUNT; q++)
        strbuf_printf(text, " %a", quantity_measured((enum quantity)q, run));
    strbuf_puts(text, "\n");
}

static void hash_training(const struct training *training, const bool *skip, char hex[static 65]) {
    struct strbuf text;
    strbuf_init(&text);
    for (uint32_t i = 0; i < training->observation_count; i++) {
        const struct observation *o = &training->observations[i];
        if (skip && skip[o->run])
            continue;
        strbuf_printf(&text, "%lld %d %a %s", (long long)training->runs[o->run].id, o->op,
                      o->wall_ns, o->features.key);
        for (int t = 0; t < FEATURE_TERMS_MAX; t++)
            strbuf_printf(&text, " %a", o->features.terms[t]);
        strbuf_puts(&text, "\n");
    }
    for (uint32_t r = 0; r < training->run_count; r++) {
        const struct observed_run *run = &training->runs[r];
        if (!(skip && skip[r]))
            hash_run(&text, run);
    }
    sha256_hex(text.text, text.length, hex);
    strbuf_done(&text);
}

int fit_train(struct arena *arena, const struct training *training, const bool *skip,
              struct fit *out, struct err *err) {
    return fit_train_by(arena, training, skip, NULL, out, err);
}

int fit_train_by(struct arena *arena, const struct training *training, const bool *skip,
                 const struct estimator *estimator, struct fit *out, struct err *err) {
    *out = (struct fit){.interval_scale = 1, .evidence = ""};
    if (cost_model_fit(arena, training, skip, estimator, &out->cost, err))
        return -(int)err->code;
    for (uint32_t i = 0; i < training->observation_count; i++)
        out->observations += !(skip && skip[training->observations[i].run]);
    if (fit_composition(arena, training, skip, out, err))
        return -(int)err->code;
    for (int q = 0; q < QUANTITY_COUNT; q++)
        if (quantity_fit(arena, (enum quantity)q, training, skip, &out->quantities[q], err))
            return -(int)err->code;
    hash_training(training, skip, out->data_hash);
    calibrate_interval(arena, training, skip, out);
    return 0;
}
