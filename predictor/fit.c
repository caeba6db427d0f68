#include "predictor/fit.h"

#include "base/sha256.h"
#include "base/stats.h"
#include "base/strbuf.h"

#include <math.h>
#include <string.h>

static const double normal_90 = 1.6448536269514722;

/* ---- sums ------------------------------------------------------------------------------------ */

void latency_sum_add(struct latency_sum *sum, const struct estimate *estimate,
                     enum kernel_family family, double log_spread, double times) {
    sum->value_ns += times * estimate->value;
    sum->spread_ns[family] += times * estimate->value * log_spread;
    sum->tier = sum->value_ns > 0 ? tier_weaker(sum->tier, estimate->tier) : estimate->tier;
}

static double relative_spread(const struct fit *fit, const struct latency_sum *sum) {
    double squares = 0;
    for (int f = 0; f < FAMILY_COUNT; f++)
        squares += sum->spread_ns[f] * sum->spread_ns[f];
    double own = sqrt(squares) / fmax(sum->value_ns, 1);
    return sqrt(own * own + fit->sum_log_spread * fit->sum_log_spread);
}

struct estimate latency_of_sum(const struct fit *fit, const struct latency_sum *sum) {
    double value = fit->wall_ratio * fit->sum_ratio * sum->value_ns;
    double reach = exp(normal_90 * fit->interval_scale * relative_spread(fit, sum));
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

static struct latency_sum sum_of_run(const struct fit *fit, const struct training *training,
                                     uint32_t run) {
    struct latency_sum sum = {0};
    for (uint32_t i = 0; i < training->observation_count; i++) {
        const struct observation *o = &training->observations[i];
        if (o->run != run)
            continue;
        struct estimate estimate = cost_model_estimate(&fit->cost, &o->features);
        latency_sum_add(&sum, &estimate, o->features.family,
                        cost_model_log_spread(&fit->cost, &o->features), 1);
    }
    return sum;
}

struct estimate fit_latency_of_run(const struct fit *fit, const struct training *training,
                                   uint32_t run) {
    struct latency_sum sum = sum_of_run(fit, training, run);
    return latency_of_sum(fit, &sum);
}

/* ---- composition ----------------------------------------------------------------------------- */

double steady_ns(const struct training *training, uint32_t run) {
    const struct observed_run *r = &training->runs[run];
    return training->threads == 1 && r->cpu_ns > 0 ? r->cpu_ns : r->latency_ns;
}

static void fit_composition(struct arena *arena, const struct training *training, const bool *skip,
                            struct fit *fit) {
    double *sums = ARENA_ARRAY(arena, training->run_count + 1u, double);
    double *ratios = ARENA_ARRAY(arena, training->run_count + 1u, double);
    double *wall = ARENA_ARRAY(arena, training->run_count + 1u, double);
    double *cpu = ARENA_ARRAY(arena, training->run_count + 1u, double);
    uint32_t n = 0, cpu_n = 0;
    for (uint32_t i = 0; i < training->observation_count; i++)
        sums[training->observations[i].run] += training->observations[i].wall_ns;
    for (uint32_t r = 0; r < training->run_count; r++) {
        const struct observed_run *run = &training->runs[r];
        double steady = steady_ns(training, r);
        if ((skip && skip[r]) || !(run->latency_ns > 0) || !(sums[r] > 0))
            continue;
        fit->runs++;
        wall[n] = run->latency_ns / steady;
        ratios[n++] = steady / sums[r];
        if (run->cpu_ns > 0)
            cpu[cpu_n++] = run->cpu_ns / steady;
    }
    fit->sum_ratio = n ? stats_median(ratios, n) : 1;
    fit->sum_log_spread = n > 1 ? fmax(stats_mad(ratios, n) / fit->sum_ratio, 0.02) : 0.05;
    fit->wall_ratio = n ? stats_quantile(wall, n, 0.25) : 1;
    fit->cpu_ratio = cpu_n ? stats_median(cpu, cpu_n) : 1;
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
        latency_sum_add(&sums[o->run], &estimate, o->features.family,
                        cost_model_log_spread(&fit->cost, &o->features), 1);
    }
    return sums;
}

/* Split-conformal: the scale at which the stated 90 % held on models left out (Lei et al., 2018).
 */
static void calibrate_interval(struct arena *arena, const struct training *training,
                               const bool *skip, struct fit *fit) {
    const struct latency_sum *sums = held_out_sums(arena, training, fit);
    double *scores = ARENA_ARRAY(arena, training->run_count + 1u, double);
    uint32_t scored = 0;
    for (uint32_t r = 0; r < training->run_count; r++) {
        if ((skip && skip[r]) || sums[r].value_ns <= 0 || !(training->runs[r].latency_ns > 0))
            continue;
        double said = fit->sum_ratio * sums[r].value_ns;
        scores[scored++] =
            fabs(log(steady_ns(training, r) / said)) / relative_spread(fit, &sums[r]);
    }
    if (scored < 3)
        return;
    stats_sort(scores, scored);
    uint32_t rank = (uint32_t)ceil(0.9 * (scored + 1));
    fit->interval_scale = fmax(scores[(rank > scored ? scored : rank) - 1] / normal_90, 0.2);
}

/* ---- identity -------------------------------------------------------------------------------- */

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
            strbuf_printf(&text, "%lld %s %a %a %a %a %a %a\n", (long long)run->id,
                          run->model_sha256, run->latency_ns, run->cpu_ns, run->peak_bytes,
                          run->resident_bytes, run->load_ns, run->first_run_ns);
    }
    sha256_hex(text.text, text.length, hex);
    strbuf_done(&text);
}

int fit_train(struct arena *arena, const struct training *training, const bool *skip,
              struct fit *out, struct err *err) {
    *out = (struct fit){.interval_scale = 1, .evidence = ""};
    if (cost_model_fit(arena, training, skip, &out->cost, err))
        return -(int)err->code;
    for (uint32_t i = 0; i < training->observation_count; i++)
        out->observations += !(skip && skip[training->observations[i].run]);
    fit_composition(arena, training, skip, out);
    for (int q = 0; q < QUANTITY_COUNT; q++)
        if (quantity_fit(arena, (enum quantity)q, training, skip, &out->quantities[q], err))
            return -(int)err->code;
    hash_training(training, skip, out->data_hash);
    calibrate_interval(arena, training, skip, out);
    return 0;
}
