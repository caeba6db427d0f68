#include "predictor/error_causes.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CAUSES_MAX = 4 };

static const double share_min = 0.005;      /* of the run, or a class is no cause */
static const double error_worth_why = 0.02; /* of the run, or there is nothing to explain */
static const double disturbed = 1.1;        /* wall time over CPU time at one thread */
static const double unusual_speed = 1.25;   /* slowness, or its inverse */
static const double unlike = 1.5;           /* ratio of a term to that of the nearest */
static const double normal_90 = 1.6448536269514722;

/* ---- classes --------------------------------------------------------------------------------- */

/* What the operators of one class have in common. */
struct class_sum {
    struct error_cause cause;
    const struct features *features; /* of one of them */
    enum tier tier;
    const struct features *worst; /* of the operator that adds most */
    double worst_ns;
    uint32_t beyond, guessed;
};

static struct class_sum *sum_of(struct class_sum *sums, uint32_t *count, const char *key) {
    for (uint32_t i = 0; i < *count; i++)
        if (strcmp(sums[i].cause.kernel, key) == 0)
            return &sums[i];
    sums[*count] = (struct class_sum){
        .cause = {.kernel = key, .path = "", .reason = ""}
    };
    return &sums[(*count)++];
}

static bool is_beyond(const struct class_fit *fit, const struct features *features) {
    return fit && (features->flops > fit->flops_high || features_bytes(features) > fit->bytes_high);
}

static void add(struct class_sum *sum, const struct cost_model *model,
                const struct judged_operators *operators, uint32_t i) {
    const struct observation *o = &operators->observations[i];
    double predicted = operators->predicted[i].value, measured = operators->measured_ns[i];
    sum->features = &o->features;
    sum->tier = operators->predicted[i].tier;
    sum->cause.operators++;
    sum->cause.predicted_ns += predicted;
    sum->cause.measured_ns += measured;
    sum->beyond += is_beyond(cost_model_class(model, o->features.key), &o->features);
    sum->guessed += o->features.guessed;
    if (fabs(predicted - measured) > sum->worst_ns) {
        sum->worst_ns = fabs(predicted - measured);
        sum->worst = &o->features;
        sum->cause.op = o->op;
        sum->cause.op_predicted_ns = predicted;
        sum->cause.op_measured_ns = measured;
    }
}

/* ---- the nearest that was learnt from -------------------------------------------------------- */

struct nearest {
    const struct observation *observation;
    double squares;
    int term;     /* that differs most */
    double ratio; /* of that term, wanted over nearest */
};

static struct nearest compare(const struct features *wanted, const struct observation *o) {
    struct nearest n = {.observation = o, .ratio = 1};
    for (int i = 1; i < FEATURE_TERMS_MAX; i++) {
        double ratio = (wanted->terms[i] + 1) / (o->features.terms[i] + 1), off = log(ratio);
        n.squares += off * off;
        if (fabs(off) > fabs(log(n.ratio))) {
            n.ratio = ratio;
            n.term = i;
        }
    }
    return n;
}

static struct nearest find_nearest(const struct learnt_from *learnt,
                                   const struct features *wanted) {
    const struct training *training = learnt->training;
    struct nearest best = {.squares = INFINITY};
    for (uint32_t i = 0; i < training->observation_count; i++) {
        const struct observation *o = &training->observations[i];
        if ((learnt->skip && learnt->skip[o->run]) || strcmp(o->features.key, wanted->key) != 0)
            continue;
        struct nearest n = compare(wanted, o);
        if (n.squares < best.squares)
            best = n;
    }
    return best;
}

static const char *by_nearest(struct arena *arena, const struct learnt_from *learnt,
                              const struct class_sum *sum) {
    const struct nearest n = find_nearest(learnt, sum->worst);
    if (!n.observation)
        return "";
    const struct observation *o = n.observation;
    const char *const *terms = family_info(o->features.family)->terms;
    if (fmax(n.ratio, 1 / n.ratio) >= unlike)
        return n.ratio > 1e3 || n.ratio < 1e-3
                   ? arena_printf(arena, "none %s %s was learnt from",
                                  n.ratio > 1 ? "with" : "without", terms[n.term])
                   : arena_printf(arena, "the nearest learnt from has %.2g times its %s",
                                  1 / n.ratio, terms[n.term]);
    const char *model = learnt->training->runs[o->run].model_name;
    double usual = o->wall_ns * pow(o->slowness > 0 ? o->slowness : 1,
                                    -cost_model_slowdown(learnt->model, &o->features));
    double there = cost_model_estimate(learnt->model, &o->features).value / usual - 1;
    double here = sum->cause.op_predicted_ns / sum->cause.op_measured_ns - 1;
    return arena_printf(
        arena, "the nearest learnt from, of %s, is off by %+.0f %%%s", model, 100 * there,
        there * here > 0 && fabs(there) >= fabs(here) / 2 ? " too"
                                                          : ": the terms do not tell what differs");
}

/* ---- reasons --------------------------------------------------------------------------------- */

static const char *within_class(struct arena *arena, const struct learnt_from *learnt,
                                const struct class_sum *sum, const struct class_fit *fit) {
    double off = fabs(log(sum->cause.predicted_ns / sum->cause.measured_ns));
    double usual = normal_90 * fit->log_spread;
    if (off <= usual / 2)
        return arena_printf(arena, "within what the class is known to (%.0f %%)",
                            100 * expm1(usual));
    return by_nearest(arena, learnt, sum);
}

static const char *reason_of(struct arena *arena, const struct learnt_from *learnt,
                             const struct class_sum *sum) {
    const char *family = family_info(sum->features->family)->name;
    const struct class_fit *fit = cost_model_class(learnt->model, sum->cause.kernel);
    if (sum->tier == TIER_ROOFLINE)
        return arena_printf(arena, "nothing of the family %s was learnt from: the roofline",
                            family);
    if (!fit)
        return arena_printf(arena, "class not learnt from: borrowed from the family %s", family);
    if (fit->basis == BASIS_SCALED_FAMILY)
        return arena_printf(arena,
                            "only %" PRIu32 " observations of the class: the family %s, scaled",
                            fit->observations, family);
    if (sum->beyond)
        return arena_printf(arena, "%" PRIu32 " of %" PRIu32 " do more work than any learnt from",
                            sum->beyond, sum->cause.operators);
    if (sum->guessed)
        return arena_printf(arena, "sizes of %" PRIu32 " depend on data and were guessed",
                            sum->guessed);
    return within_class(arena, learnt, sum, fit);
}

static int by_share(const void *a, const void *b) {
    const struct class_sum *x = a, *y = b;
    double p = fabs(x->cause.share), q = fabs(y->cause.share);
    return p != q ? (p < q ? 1 : -1) : strcmp(x->cause.kernel, y->cause.kernel);
}

static void list_causes(struct arena *arena, const struct learnt_from *learnt,
                        const struct judged_operators *operators, struct judged_run *judged) {
    struct arena scratch;
    arena_init(&scratch);
    struct class_sum *sums = ARENA_ARRAY(&scratch, operators->count + 1u, struct class_sum);
    double predicted = 0, measured = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < operators->count; i++) {
        add(sum_of(sums, &count, operators->observations[i].features.key), learnt->model, operators,
            i);
        predicted += operators->predicted[i].value;
        measured += operators->measured_ns[i];
    }
    for (uint32_t c = 0; c < count; c++)
        sums[c].cause.share = (sums[c].cause.predicted_ns - sums[c].cause.measured_ns) / measured;
    if (count)
        qsort(sums, count, sizeof *sums, by_share);
    judged->sum_error = predicted / measured - 1;
    judged->causes = ARENA_ARRAY(arena, CAUSES_MAX, struct error_cause);
    for (uint32_t c = 0; c < count && c < CAUSES_MAX; c++) {
        if (!(fabs(sums[c].cause.share) >= share_min))
            break;
        struct error_cause *cause = &judged->causes[judged->cause_count++];
        *cause = sums[c].cause;
        cause->reason = reason_of(arena, learnt, &sums[c]);
    }
    arena_done(&scratch);
}

/* ---- the run --------------------------------------------------------------------------------- */

static bool explains(double part, double whole) {
    return part * whole > 0 && fabs(part) >= fabs(whole) / 2;
}

static const char *remark_on(struct arena *arena, const struct judged_operators *operators,
                             const struct observed_run *run, uint32_t threads,
                             const struct judged_run *judged) {
    double error = judged->latency_ns.value / judged->measured_latency_ns - 1;
    double steady = threads == 1 && judged->measured_cpu_time_ns > 0 ? judged->measured_cpu_time_ns
                                                                     : judged->measured_latency_ns;
    double own = judged->operators_ns / steady - 1;
    double slowness = operators->count ? operators->observations[0].slowness : 1;
    if (!(fabs(error) >= error_worth_why))
        return "";
    if (threads == 1 && run->cpu_ns > 0 && run->latency_ns > disturbed * run->cpu_ns)
        return arena_printf(arena, "disturbed: its wall time is %.3g times its CPU time",
                            run->latency_ns / run->cpu_ns);
    if (explains(own, error))
        return arena_printf(arena, "noise: its own measured operators sum to %+.1f %%", 100 * own);
    if (slowness > unusual_speed || (slowness > 0 && slowness < 1 / unusual_speed))
        return arena_printf(arena, "the machine was %.0f %% %s than usual",
                            100 * fabs(slowness - 1), slowness > 1 ? "slower" : "faster");
    if (!explains(judged->sum_error, error))
        return arena_printf(arena,
                            "its operators sum to %+.1f %%: what the run adds to them is off",
                            100 * judged->sum_error);
    return "";
}

void find_error_causes(struct arena *arena, const struct learnt_from *learnt,
                       const struct judged_operators *operators, const struct observed_run *run,
                       uint32_t threads, struct judged_run *judged) {
    list_causes(arena, learnt, operators, judged);
    judged->remark = remark_on(arena, operators, run, threads, judged);
}
