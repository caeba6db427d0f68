#include "predictor/fit.h"

#include "base/sha256.h"
#include "base/stats.h"
#include "base/strbuf.h"

#include <math.h>
#include <string.h>

enum { JUDGED_GROUPS = 10, JUDGED_ALONE_MAX = 24 };

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

static uint32_t group_of(const struct training *training, uint32_t run) {
    uint32_t hash = 2166136261u;
    for (const char *c = training->runs[run].model_sha256; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    return hash % JUDGED_GROUPS;
}

static bool same_model(const struct training *training, uint32_t a, uint32_t b) {
    return strcmp(training->runs[a].model_sha256, training->runs[b].model_sha256) == 0;
}

struct judging {
    const struct training *training;
    const bool *skip;
    bool *left_out; /* per run, for the round */
    double *scores; /* |log error| in units of the stated deviation */
    uint32_t scored;
};

/* Fits without the runs marked left_out and scores those that are not skipped for good. */
static int judge_round(struct judging *j, const struct fit *fit, struct err *err) {
    struct arena scratch;
    arena_init(&scratch);
    struct fit trial = *fit;
    trial.interval_scale = 1;
    int code = cost_model_fit(&scratch, j->training, j->left_out, &trial.cost, err);
    for (uint32_t r = 0; !code && r < j->training->run_count; r++) {
        const struct observed_run *run = &j->training->runs[r];
        if (!j->left_out[r] || (j->skip && j->skip[r]) || !(run->latency_ns > 0))
            continue;
        struct latency_sum sum = sum_of_run(&trial, j->training, r);
        if (sum.value_ns > 0)
            j->scores[j->scored++] =
                fabs(log(steady_ns(j->training, r) / (trial.sum_ratio * sum.value_ns))) /
                relative_spread(&trial, &sum);
    }
    arena_done(&scratch);
    return code;
}

static uint32_t mark_round(struct judging *j, uint32_t run_count, uint32_t round, bool alone) {
    uint32_t kept = 0;
    for (uint32_t r = 0; r < run_count; r++) {
        bool judged = alone ? same_model(j->training, r, round) : group_of(j->training, r) == round;
        j->left_out[r] = judged || (j->skip && j->skip[r]);
        kept += !j->left_out[r];
    }
    return kept;
}

static bool first_of_model(const struct judging *j, uint32_t run) {
    for (uint32_t r = 0; r < run; r++)
        if (same_model(j->training, r, run))
            return false;
    return !(j->skip && j->skip[run]);
}

/* Split-conformal: the scale at which the stated 90 % held on models left out (Lei et al., 2018).
 * Few models are left out one by one, many in groups. */
static int calibrate_interval(struct arena *arena, const struct training *training,
                              const bool *skip, struct fit *fit, struct err *err) {
    uint32_t runs = training->run_count;
    struct judging j = {training, skip, ARENA_ARRAY(arena, runs + 1u, bool),
                        ARENA_ARRAY(arena, runs + 1u, double), 0};
    bool alone = fit->runs <= JUDGED_ALONE_MAX;
    for (uint32_t round = 0; round < (alone ? runs : JUDGED_GROUPS); round++) {
        if (alone && !first_of_model(&j, round))
            continue;
        if (mark_round(&j, runs, round, alone) == 0)
            continue;
        if (judge_round(&j, fit, err))
            return -(int)err->code;
    }
    if (j.scored < 3)
        return 0;
    stats_sort(j.scores, j.scored);
    uint32_t rank = (uint32_t)ceil(0.9 * (j.scored + 1));
    double score = j.scores[(rank > j.scored ? j.scored : rank) - 1];
    fit->interval_scale = fmax(score / normal_90, 0.2);
    return 0;
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
    return calibrate_interval(arena, training, skip, out, err);
}
