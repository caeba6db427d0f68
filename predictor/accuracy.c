#include "predictor/accuracy.h"

#include "base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- summaries ------------------------------------------------------------------------------- */

static double share_within(const double *errors, uint32_t count, double limit) {
    uint32_t inside = 0;
    for (uint32_t i = 0; i < count; i++)
        inside += errors[i] <= limit;
    return count ? inside / (double)count : NAN;
}

struct error_summary error_summary_of(struct arena *arena, const struct estimate *predicted,
                                      const double *measured, uint32_t count) {
    double *errors = ARENA_ARRAY(arena, count + 1u, double);
    double *widths = ARENA_ARRAY(arena, count + 1u, double);
    struct error_summary s = {0};
    double bias = 0, covered = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!isfinite(predicted[i].value) || !isfinite(measured[i]) || measured[i] <= 0)
            continue;
        double error = (predicted[i].value - measured[i]) / measured[i];
        bias += error;
        errors[s.count] = fabs(error);
        widths[s.count] = (predicted[i].high - predicted[i].low) / 2 / predicted[i].value;
        covered += measured[i] >= predicted[i].low && measured[i] <= predicted[i].high;
        s.count++;
    }
    stats_sort(errors, s.count);
    s.mape = stats_mean(errors, s.count);
    s.median = stats_quantile_sorted(errors, s.count, 0.5);
    s.p90 = stats_quantile_sorted(errors, s.count, 0.9);
    s.worst = s.count ? errors[s.count - 1] : NAN;
    s.bias = s.count ? bias / s.count : NAN;
    s.coverage = s.count ? covered / s.count : NAN;
    s.width = stats_median(widths, s.count);
    s.within_5 = share_within(errors, s.count, 0.05);
    s.within_10 = share_within(errors, s.count, 0.10);
    s.within_20 = share_within(errors, s.count, 0.20);
    return s;
}

/* ---- leaving out ----------------------------------------------------------------------------- */

struct leaving {
    struct arena *arena;
    const struct training *training;
    uint32_t *first; /* per run: the first run of its model */
    bool *skip;
    const struct estimator *estimator;
    const bool *judged;         /* per run; NULL: all */
    struct estimate *operators; /* of every observation, by the fit that had not seen it */
    double *usual_ns;           /* of every observation: measured, at the usual speed */
    struct accuracy *out;
};

static bool is_same_model(const struct training *training, uint32_t a, uint32_t b) {
    const struct observed_run *x = &training->runs[a], *y = &training->runs[b];
    return strcmp(x->model_sha256, y->model_sha256) == 0 ||
           strcmp(x->model_name, y->model_name) == 0;
}

/* A file may have changed its name and a name its file: whatever such a chain connects is one. */
static uint32_t *first_runs(struct arena *arena, const struct training *training) {
    uint32_t *first = ARENA_ARRAY(arena, training->run_count + 1u, uint32_t);
    for (uint32_t r = 0; r < training->run_count; r++)
        first[r] = r;
    for (uint32_t r = 1; r < training->run_count; r++)
        for (uint32_t q = 0; q < r; q++) {
            uint32_t from = first[r], to = first[q];
            if (from == to || !is_same_model(training, q, r))
                continue;
            for (uint32_t k = 0; k <= r; k++)
                if (first[k] == from || first[k] == to)
                    first[k] = from < to ? from : to;
        }
    return first;
}

static double measured_quantity(const struct observed_run *run, enum quantity quantity) {
    const double values[QUANTITY_COUNT] = {
        [QUANTITY_PEAK_BYTES] = run->peak_bytes,
        [QUANTITY_RESIDENT_BYTES] = run->resident_bytes,
        [QUANTITY_LOAD_NS] = run->load_ns,
        [QUANTITY_FIRST_RUN_NS] = run->first_run_ns,
    };
    return values[quantity];
}

/* What was measured is held against the prediction at the usual speed of the machine: the class's
 * own power of the slowness that the probe beside the run saw is taken off. */
static void judge_operators(struct leaving *l, const struct fit *fit, uint32_t run,
                            const struct features *features, struct judged_run *judged) {
    uint32_t next = 0;
    double total = 0, transferred = 0, measured = 0, at_usual_speed = 0;
    for (uint32_t i = 0; i < l->training->observation_count; i++) {
        const struct observation *o = &l->training->observations[i];
        if (o->run != run)
            continue;
        l->operators[i] = cost_model_estimate(&fit->cost, &features[next++]);
        l->usual_ns[i] = o->wall_ns * pow(o->slowness > 0 ? o->slowness : 1,
                                          -cost_model_slowdown(&fit->cost, &o->features));
        measured += o->wall_ns;
        at_usual_speed += l->usual_ns[i];
        total += l->operators[i].value;
        if (l->operators[i].tier > TIER_INTERPOLATED)
            transferred += l->operators[i].value;
    }
    double usual = measured > 0 ? at_usual_speed / measured : 1;
    judged->operators_ns = usual * l->training->runs[run].operators_ns;
    judged->measured_latency_ns = usual * l->training->runs[run].latency_ns;
    judged->measured_cpu_time_ns = usual * l->training->runs[run].cpu_ns;
    judged->transferred_share = total > 0 ? transferred / total : 0;
}

static void judge_run(struct leaving *l, const struct fit *fit, uint32_t r) {
    const struct observed_run *run = &l->training->runs[r];
    struct judged_run *judged = &l->out->runs[l->out->run_count++];
    judged->id = run->id;
    judged->model_name = run->model_name;
    struct arena scratch;
    uint32_t count;
    arena_init(&scratch);
    const struct features *features = fit_features_of_run(&scratch, fit, l->training, r, &count);
    judged->latency_ns = fit_latency_of_features(fit, features, count);
    judge_operators(l, fit, r, features, judged);
    arena_done(&scratch);
    judged->cpu_time_ns = cpu_time_of_latency(fit, &judged->latency_ns);
    double latency_ns = judged->latency_ns.value;
    for (int q = 0; q < QUANTITY_COUNT; q++) {
        judged->quantities[q] =
            quantity_estimate((enum quantity)q, &fit->quantities[q], &run->footprint, latency_ns);
        judged->measured[q] = measured_quantity(run, (enum quantity)q);
    }
    judged->upper_peak_bytes =
        quantity_upper(QUANTITY_PEAK_BYTES, &fit->quantities[QUANTITY_PEAK_BYTES], &run->footprint,
                       latency_ns, 0.99)
            .value;
}

static bool is_judged(const struct leaving *l, uint32_t run) {
    return !l->judged || l->judged[run];
}

static int leave_out(struct leaving *l, uint32_t run, struct err *err) {
    const struct training *training = l->training;
    struct arena scratch;
    uint32_t kept = 0;
    for (uint32_t r = 0; r < training->run_count; r++) {
        l->skip[r] = l->first[r] == run;
        kept += !l->skip[r];
    }
    if (kept == 0)
        return err_set(err, ERR_INPUT,
                       "only one model is stored: there is nothing to learn from "
                       "when it is left out");
    arena_init(&scratch);
    struct fit fit;
    int code = fit_train_by(&scratch, training, l->skip, l->estimator, &fit, err);
    for (uint32_t r = run; !code && r < training->run_count; r++)
        if (l->skip[r] && is_judged(l, r))
            judge_run(l, &fit, r);
    arena_done(&scratch);
    return code;
}

/* ---- summing up ------------------------------------------------------------------------------ */

/* CPU time at one thread, latency at more: what others disturb least. */
static double steady_of(const struct leaving *l, const struct judged_run *run) {
    return l->training->threads == 1 && run->measured_cpu_time_ns > 0 ? run->measured_cpu_time_ns
                                                                      : run->measured_latency_ns;
}

static void summarise_runs(struct leaving *l) {
    struct accuracy *out = l->out;
    uint32_t n = out->run_count, exceeded = 0, bounded = 0;
    struct estimate *predicted = ARENA_ARRAY(l->arena, n + 1u, struct estimate);
    double *measured = ARENA_ARRAY(l->arena, n + 1u, double);
    for (uint32_t r = 0; r < n; r++) {
        predicted[r] = out->runs[r].latency_ns;
        measured[r] = out->runs[r].measured_latency_ns;
    }
    out->latency = error_summary_of(l->arena, predicted, measured, n);
    for (uint32_t r = 0; r < n; r++) {
        predicted[r] = out->runs[r].cpu_time_ns;
        measured[r] = out->runs[r].measured_cpu_time_ns;
    }
    out->cpu_time = error_summary_of(l->arena, predicted, measured, n);
    for (uint32_t r = 0; r < n; r++) {
        double floor_ns = out->runs[r].operators_ns;
        measured[r] = steady_of(l, &out->runs[r]);
        predicted[r] = (struct estimate){floor_ns, floor_ns, floor_ns, TIER_MEASURED, ""};
    }
    out->noise_floor = error_summary_of(l->arena, predicted, measured, n);
    for (int q = 0; q < QUANTITY_COUNT; q++) {
        for (uint32_t r = 0; r < n; r++) {
            predicted[r] = out->runs[r].quantities[q];
            measured[r] = out->runs[r].measured[q];
        }
        out->quantities[q] = error_summary_of(l->arena, predicted, measured, n);
    }
    for (uint32_t r = 0; r < n; r++) {
        if (!isfinite(out->runs[r].measured[QUANTITY_PEAK_BYTES]))
            continue;
        bounded++;
        double reach =
            out->runs[r].upper_peak_bytes / out->runs[r].measured[QUANTITY_PEAK_BYTES] - 1;
        exceeded += reach < 0;
        out->upper_peak_widest = fmax(out->upper_peak_widest, reach);
    }
    out->upper_peak_exceeded = bounded ? exceeded / (double)bounded : NAN;
}

static int by_share(const void *a, const void *b) {
    const struct judged_class *x = a, *y = b;
    return x->share != y->share ? (x->share < y->share ? 1 : -1) : strcmp(x->key, y->key);
}

static uint32_t class_index(struct leaving *l, const char *key, uint32_t *capacity) {
    struct accuracy *out = l->out;
    for (uint32_t i = 0; i < out->class_count; i++)
        if (strcmp(out->classes[i].key, key) == 0)
            return i;
    struct judged_class *added = ARENA_PUSH(l->arena, out->classes, out->class_count, *capacity);
    added->key = key;
    return out->class_count - 1;
}

/* All operators of judged runs together. */
static void summarise_operators(struct leaving *l) {
    uint32_t n = l->training->observation_count, count = 0;
    struct estimate *predicted = ARENA_ARRAY(l->arena, n + 1u, struct estimate);
    double *measured = ARENA_ARRAY(l->arena, n + 1u, double), total = 0, off = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (l->usual_ns[i] <= 0)
            continue;
        predicted[count] = l->operators[i];
        measured[count++] = l->usual_ns[i];
        total += l->usual_ns[i];
        off += fabs(l->operators[i].value - l->usual_ns[i]);
    }
    l->out->operators = error_summary_of(l->arena, predicted, measured, count);
    l->out->operators_error = off / total;
}

static void summarise_classes(struct leaving *l) {
    const struct training *training = l->training;
    uint32_t n = training->observation_count, capacity = 0;
    uint32_t *class_of = ARENA_ARRAY(l->arena, n + 1u, uint32_t);
    struct estimate *predicted = ARENA_ARRAY(l->arena, n + 1u, struct estimate);
    double *measured = ARENA_ARRAY(l->arena, n + 1u, double);
    double total = 0, predicted_total = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (l->usual_ns[i] <= 0) { /* of a run that is not judged */
            class_of[i] = UINT32_MAX;
            continue;
        }
        class_of[i] = class_index(l, training->observations[i].features.key, &capacity);
        total += l->usual_ns[i];
        predicted_total += l->operators[i].value;
    }
    l->out->operators_bias = predicted_total / total - 1;
    for (uint32_t c = 0; c < l->out->class_count; c++) {
        struct judged_class *judged = &l->out->classes[c];
        uint32_t count = 0;
        for (uint32_t i = 0; i < n; i++) {
            if (class_of[i] != c)
                continue;
            predicted[count] = l->operators[i];
            measured[count++] = l->usual_ns[i];
            judged->share += l->usual_ns[i] / total;
        }
        judged->operators = error_summary_of(l->arena, predicted, measured, count);
    }
    if (l->out->class_count)
        qsort(l->out->classes, l->out->class_count, sizeof *l->out->classes, by_share);
}

static int by_id(const void *a, const void *b) {
    const struct judged_run *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Models whose runs are judged are left out one after the other. */
static int leave_each_out(struct leaving *l, void (*progress)(void *context, double done),
                          void *context, struct err *err) {
    const struct training *training = l->training;
    for (uint32_t r = 0; r < training->run_count; r++) {
        bool any = false;
        for (uint32_t q = r; l->first[r] == r && q < training->run_count && !any; q++)
            any = l->first[q] == r && is_judged(l, q);
        if (any && leave_out(l, r, err))
            return -(int)err->code;
        if (progress)
            progress(context, (r + 1.0) / training->run_count);
    }
    if (l->out->run_count)
        qsort(l->out->runs, l->out->run_count, sizeof *l->out->runs, by_id);
    return 0;
}

int accuracy_leave_one_model_out(struct arena *arena, const struct training *training,
                                 const bool *judged, const struct estimator *estimator,
                                 void (*progress)(void *context, double done), void *context,
                                 struct accuracy *out, struct err *err) {
    *out = (struct accuracy){0};
    out->runs = ARENA_ARRAY(arena, training->run_count + 1u, struct judged_run);
    struct leaving l = {
        .arena = arena,
        .training = training,
        .first = first_runs(arena, training),
        .skip = ARENA_ARRAY(arena, training->run_count + 1u, bool),
        .judged = judged,
        .estimator = estimator,
        .operators = ARENA_ARRAY(arena, training->observation_count + 1u, struct estimate),
        .usual_ns = ARENA_ARRAY(arena, training->observation_count + 1u, double),
        .out = out,
    };
    if (leave_each_out(&l, progress, context, err))
        return -(int)err->code;
    summarise_runs(&l);
    summarise_operators(&l);
    summarise_classes(&l);
    return 0;
}

int accuracy_of_others(struct arena *arena, const struct training *learnt,
                       const struct training *judged, const struct estimator *estimator,
                       struct accuracy *out, struct err *err) {
    *out = (struct accuracy){0};
    out->runs = ARENA_ARRAY(arena, judged->run_count + 1u, struct judged_run);
    struct leaving l = {.arena = arena,
                        .training = judged,
                        .operators =
                            ARENA_ARRAY(arena, judged->observation_count + 1u, struct estimate),
                        .usual_ns = ARENA_ARRAY(arena, judged->observation_count + 1u, double),
                        .out = out};
    struct fit fit;
    if (fit_train_by(arena, learnt, NULL, estimator, &fit, err))
        return -(int)err->code;
    for (uint32_t r = 0; r < judged->run_count; r++)
        judge_run(&l, &fit, r);
    summarise_runs(&l);
    summarise_operators(&l);
    summarise_classes(&l);
    return 0;
}
