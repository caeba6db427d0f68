#include "predictor/fit.h"

#include "base/sha256.h"
#include "base/stats.h"
#include "base/strbuf.h"
#include "predictor/same_work.h"

#include <math.h>
#include <string.h>

/* Runs one after the other that take about as long as a model is measured. */
enum { WINDOW_RUNS = 12, WINDOWS_MIN = 5 };
static const double short_run_ns = 5e5;
static const double normal_90 = 1.6448536269514722;

/* ---- sums ------------------------------------------------------------------------------------ */

void latency_sum_add(struct latency_sum *sum, const struct estimate *estimate,
                     enum kernel_family family, double log_spread, double times) {
    sum->value_ns += times * estimate->value;
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

/* Near 1 for runs that take a part of half a millisecond, next to nothing from three milliseconds
 * on: what runs left out were off by had this shape in four calibrations. */
static double shortness(double run_ns) {
    double times = run_ns / short_run_ns;
    return 1 / (1 + times * times);
}

static struct spread_parts parts_of(const struct latency_sum *sum) {
    double squares = 0, value_ns = fmax(sum->value_ns, 1);
    for (int f = 0; f < FAMILY_COUNT; f++)
        squares += sum->spread_ns[f] * sum->spread_ns[f];
    return (struct spread_parts){
        {
         [SPREAD_OPERATORS] = squares / (value_ns * value_ns),
         [SPREAD_AGE] = sum->doubtful_ns * sum->doubtful_ns / (value_ns * value_ns),
         [SPREAD_SHORT] = shortness(value_ns),
         [SPREAD_ALWAYS] = 1,
         }
    };
}

struct estimate latency_of_sum(const struct fit *fit, const struct latency_sum *sum,
                               double speed_log_spread) {
    const struct spread_parts parts = parts_of(sum);
    double value = fit->wall_ratio * fit->sum_ratio * sum->value_ns;
    double own = run_spread_deviation(&fit->spread, &parts);
    double reach = exp(normal_90 * hypot(own, speed_log_spread));
    return (struct estimate){value, value / reach, value * reach, sum->tier,
                             fit->evidence ? fit->evidence : ""};
}

struct estimate cpu_time_of_latency(const struct fit *fit, const struct estimate *latency_ns) {
    return estimate_times(*latency_ns, fit->cpu_ratio / fit->wall_ratio);
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

/* Ages move the terms of what is far alone, and hang on the latency but little: the rates say
 * enough of the operators that they matter to. */
struct ageing {
    const struct features **features;
    double *times;
    uint32_t count;
    double fixed_ns; /* of all that find their data near */
};

static struct ageing begin_ageing(struct arena *arena, const struct fit *fit,
                                  const struct distinct *d) {
    struct ageing a = {.features = ARENA_ARRAY(arena, d->count + 1u, const struct features *),
                       .times = ARENA_ARRAY(arena, d->count + 1u, double)};
    for (uint32_t i = 0; i < d->count; i++) {
        const struct features *f = &d->features[i];
        if (d->times[i] == 0)
            continue;
        if (features_age_matters(f)) {
            a.features[a.count] = f;
            a.times[a.count++] = d->times[i];
        } else {
            a.fixed_ns +=
                d->times[i] *
                (d->estimated_ns ? d->estimated_ns[i] : cost_model_estimate(&fit->cost, f).value);
        }
    }
    return a;
}

static double aged_ns(const struct fit *fit, const struct ageing *a, double latency_ns) {
    double sum = a->fixed_ns;
    for (uint32_t i = 0; i < a->count; i++) {
        struct features features = *a->features[i];
        features.inference_ns = latency_ns;
        sum += a->times[i] * cost_model_rates_ns(&fit->cost, &features);
    }
    return fit->wall_ratio * fit->sum_ratio * sum;
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
    return latency_of_sum(fit, &sum, fit->speed_log_spread);
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

static const double *operator_sums(struct arena *arena, const struct training *training) {
    double *sums = ARENA_ARRAY(arena, training->run_count + 1u, double);
    for (uint32_t i = 0; i < training->observation_count; i++)
        sums[training->observations[i].run] += training->observations[i].wall_ns;
    return sums;
}

/* The runs that say how operators compose: ratios of what was measured of each. */
struct composition {
    double *sum, *wall, *cpu; /* steady over the sum of operators; wall and CPU over steady */
    uint32_t count, cpu_count;
};

static struct composition compose(struct arena *arena, const struct training *training,
                                  const bool *skip) {
    uint32_t runs = training->run_count + 1u;
    struct composition c = {ARENA_ARRAY(arena, runs, double), ARENA_ARRAY(arena, runs, double),
                            ARENA_ARRAY(arena, runs, double), 0, 0};
    const double *sums = operator_sums(arena, training);
    for (uint32_t r = 0; r < training->run_count; r++) {
        const struct observed_run *run = &training->runs[r];
        double steady = steady_ns(training, r);
        if ((skip && skip[r]) || !(run->latency_ns > 0) || !(sums[r] > 0))
            continue;
        if (run->cpu_ns > 0)
            c.cpu[c.cpu_count++] = run->cpu_ns / steady;
        c.sum[c.count] = steady / sums[r];
        c.wall[c.count++] = run->latency_ns / steady;
    }
    return c;
}

static double usual_slowdown(const struct fit *fit) {
    double slowdown = 0, weight = 0;
    for (int f = 0; f < FAMILY_COUNT; f++) {
        slowdown += fit->cost.families[f].observations * fit->cost.families[f].slowdown;
        weight += fit->cost.families[f].observations;
    }
    return weight > 0 ? slowdown / weight : 0;
}

/* Medians of windows one after the other, in place. Returns how many. */
static uint32_t window_medians(double *values, uint32_t count) {
    uint32_t windows = 0;
    for (uint32_t first = 0; first + WINDOW_RUNS <= count; first += WINDOW_RUNS)
        values[windows++] = stats_median(values + first, WINDOW_RUNS);
    return windows;
}

/* How far the speed of the machine, as it was seen beside runs for some seconds, moves what is
 * measured: about its middle, and from some seconds to the next. The runs come in the order in
 * which they were measured. */
static void learn_speed_spreads(struct arena *arena, const struct training *training,
                                const bool *skip, struct fit *fit) {
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
    if (count >= WINDOWS_MIN * WINDOW_RUNS)
        count = window_medians(logs, count);
    if (count < 2)
        return;
    fit->speed_log_spread = usual_slowdown(fit) * stats_mad(logs, count);
    double *changes = ARENA_ARRAY(arena, 2 * count, double); /* both ways: a drift is one too */
    for (uint32_t i = 0; i + 1 < count; i++) {
        changes[2 * i] = logs[i + 1] - logs[i];
        changes[2 * i + 1] = logs[i] - logs[i + 1];
    }
    fit->speed_change_log_spread = usual_slowdown(fit) * stats_mad(changes, 2 * (count - 1));
}

static void fit_composition(struct arena *arena, const struct training *training, const bool *skip,
                            struct fit *fit) {
    const struct composition c = compose(arena, training, skip);
    fit->runs = c.count;
    fit->sum_ratio = c.count ? stats_median(c.sum, c.count) : 1;
    fit->wall_ratio = c.count ? stats_quantile(c.wall, c.count, 0.25) : 1;
    fit->cpu_ratio = c.cpu_count ? stats_median(c.cpu, c.cpu_count) : 1;
    learn_speed_spreads(arena, training, skip, fit);
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

/* What was measured of a run is what its operators sum to: two processes know it better than one.
 */
static int learn_spread(struct arena *arena, const struct training *training, const bool *skip,
                        struct fit *fit, struct err *err) {
    const struct latency_sum *said = held_out_sums(arena, training, fit);
    const double *usual = usual_shares(arena, training, fit),
                 *sums = operator_sums(arena, training);
    double *errors = ARENA_ARRAY(arena, training->run_count + 1u, double);
    struct spread_parts *parts = ARENA_ARRAY(arena, training->run_count + 1u, struct spread_parts);
    uint32_t count = 0;
    for (uint32_t r = 0; r < training->run_count; r++) {
        double error = log(usual[r] * sums[r] / said[r].value_ns);
        if ((skip && skip[r]) || !isfinite(error))
            continue;
        parts[count] = parts_of(&said[r]);
        errors[count++] = error;
    }
    return run_spread_learn(arena, errors, parts, count, &fit->spread, err);
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
    *out = (struct fit){.evidence = "", .usual = training->usual};
    if (cost_model_fit(arena, training, skip, estimator, &out->cost, err))
        return -(int)err->code;
    for (uint32_t i = 0; i < training->observation_count; i++)
        out->observations += !(skip && skip[training->observations[i].run]);
    fit_composition(arena, training, skip, out);
    for (int q = 0; q < QUANTITY_COUNT; q++)
        if (quantity_fit(arena, (enum quantity)q, training, skip, &out->quantities[q], err))
            return -(int)err->code;
    hash_training(training, skip, out->data_hash);
    return learn_spread(arena, training, skip, out, err);
}
