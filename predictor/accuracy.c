#include "predictor/accuracy.h"

#include "base/stats.h"
#include "core/cold_start.h"
#include "predictor/error_causes.h"

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
    const struct training *training; /* what is judged, and learnt from when left out in turn */
    const struct training *learnt;
    const struct leaving_out *how;
    uint32_t *first; /* per run: the first run of its model or family */
    bool *skip;
    struct estimate *operators; /* of every observation, by the fit that had not seen it */
    double *usual_ns;           /* of every observation: measured, at the usual speed */
    struct accuracy *out;
};

static bool is_same_model(const struct training *training, uint32_t a, uint32_t b) {
    const struct observed_run *x = &training->runs[a], *y = &training->runs[b];
    return strcmp(x->model_sha256, y->model_sha256) == 0 ||
           strcmp(x->model_name, y->model_name) == 0;
}

static bool leave_together(const struct training *training, const char *const *families, uint32_t a,
                           uint32_t b) {
    return is_same_model(training, a, b) || (families && strcmp(families[a], families[b]) == 0);
}

/* A file may have changed its name and a name its file: whatever such a chain connects is one. */
static uint32_t *first_runs(struct arena *arena, const struct training *training,
                            const char *const *families) {
    uint32_t *first = ARENA_ARRAY(arena, training->run_count + 1u, uint32_t);
    for (uint32_t r = 0; r < training->run_count; r++)
        first[r] = r;
    for (uint32_t r = 1; r < training->run_count; r++)
        for (uint32_t q = 0; q < r; q++) {
            uint32_t from = first[r], to = first[q];
            if (from == to || !leave_together(training, families, q, r))
                continue;
            for (uint32_t k = 0; k <= r; k++)
                if (first[k] == from || first[k] == to)
                    first[k] = from < to ? from : to;
        }
    return first;
}

/* What was measured is held against the prediction at the usual speed of the machine: the class's
 * own power of the slowness that was seen beside the run is taken off. */
static void judge_operators(struct leaving *l, const struct fit *fit, uint32_t run,
                            const struct features *features, struct judged_run *judged) {
    uint32_t next = 0;
    double total = 0, transferred = 0, measured = 0, at_usual_speed = 0;
    uint32_t first = training_first(l->training, run), end = training_first(l->training, run + 1);
    for (uint32_t i = first; i < end; i++) {
        const struct observation *o = &l->training->observations[i];
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
    const struct judged_operators operators = {
        &l->training->observations[first], &l->operators[first], &l->usual_ns[first], end - first};
    const struct learnt_from learnt = {&fit->cost, l->learnt, l->skip};
    find_error_causes(l->arena, &learnt, &operators, &l->training->runs[run], l->training->threads,
                      judged);
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
    judged->family = l->how && l->how->families ? l->how->families[r] : NULL;
    judged->cpu_time_ns = cpu_time_of_latency(fit, &judged->latency_ns);
    double latency_ns = judged->latency_ns.value;
    for (int q = 0; q < QUANTITY_COUNT; q++) {
        judged->quantities[q] =
            quantity_estimate((enum quantity)q, &fit->quantities[q], &run->footprint, latency_ns);
        judged->measured[q] = quantity_measured((enum quantity)q, run);
        judged->parts[q] = quantity_largest_term((enum quantity)q, &fit->quantities[q],
                                                 &run->footprint, latency_ns);
    }
    judged->upper_peak_bytes =
        quantity_upper(QUANTITY_PEAK_BYTES, &fit->quantities[QUANTITY_PEAK_BYTES], &run->footprint,
                       latency_ns, 0.99)
            .value;
}

static bool is_judged(const struct leaving *l, uint32_t run) {
    return !l->how->judged || l->how->judged[run];
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
                       "only one %s is stored: there is nothing to learn from when it is left out",
                       l->how->families ? "family" : "model");
    arena_init(&scratch);
    struct fit fit;
    int code = fit_train_by(&scratch, training, l->skip, l->how->estimator, &fit, err);
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
        const struct judged_run *run = &out->runs[r];
        const struct estimate both[] = {run->quantities[QUANTITY_LOAD_NS],
                                        run->quantities[QUANTITY_FIRST_RUN_NS]};
        predicted[r] = cold_start_sum(both, 2);
        measured[r] = run->measured[QUANTITY_LOAD_NS] + run->measured[QUANTITY_FIRST_RUN_NS];
    }
    out->start = error_summary_of(l->arena, predicted, measured, n);
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

/* ---- families -------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct judged_family *)a)->name, ((const struct judged_family *)b)->name);
}

static bool is_listed(const struct accuracy *out, const char *name) {
    for (uint32_t f = 0; f < out->family_count; f++)
        if (strcmp(out->families[f].name, name) == 0)
            return true;
    return false;
}

static void summarise_families(struct leaving *l) {
    struct accuracy *out = l->out;
    uint32_t capacity = 0;
    struct estimate *predicted = ARENA_ARRAY(l->arena, out->run_count + 1u, struct estimate);
    double *measured = ARENA_ARRAY(l->arena, out->run_count + 1u, double);
    for (uint32_t r = 0; r < out->run_count; r++) {
        const char *name = out->runs[r].family;
        if (!name || is_listed(out, name))
            continue;
        struct judged_family *family =
            ARENA_PUSH(l->arena, out->families, out->family_count, capacity);
        uint32_t count = 0;
        family->name = name;
        for (uint32_t q = r; q < out->run_count; q++)
            if (strcmp(out->runs[q].family, name) == 0) {
                predicted[count] = out->runs[q].latency_ns;
                measured[count++] = out->runs[q].measured_latency_ns;
            }
        family->latency = error_summary_of(l->arena, predicted, measured, count);
    }
    if (out->family_count)
        qsort(out->families, out->family_count, sizeof *out->families, by_name);
}

static int by_id(const void *a, const void *b) {
    const struct judged_run *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static bool is_left_out(const struct leaving *l, uint32_t first) {
    for (uint32_t r = first; l->first[first] == first && r < l->training->run_count; r++)
        if (l->first[r] == first && is_judged(l, r))
            return true;
    return false;
}

/* The first runs of the models or families that have a judged run, thinned out evenly. */
static uint32_t *groups_to_leave_out(struct leaving *l) {
    struct accuracy *out = l->out;
    uint32_t *groups = ARENA_ARRAY(l->arena, l->training->run_count + 1u, uint32_t);
    for (uint32_t r = 0; r < l->training->run_count; r++)
        if (is_left_out(l, r))
            groups[out->group_count++] = r;
    uint32_t most = l->how->at_most ? l->how->at_most : out->group_count;
    for (uint64_t g = 0; g < out->group_count; g++)
        if (most >= out->group_count ||
            (g + 1) * most / out->group_count != g * most / out->group_count)
            groups[out->groups_judged++] = groups[g];
    return groups;
}

/* Models whose runs are judged are left out one after the other. */
static int leave_each_out(struct leaving *l, struct err *err) {
    const uint32_t *groups = groups_to_leave_out(l);
    for (uint32_t g = 0; g < l->out->groups_judged; g++) {
        if (leave_out(l, groups[g], err))
            return -(int)err->code;
        if (l->how->progress)
            l->how->progress(l->how->context, (g + 1.0) / l->out->groups_judged);
    }
    if (l->out->run_count)
        qsort(l->out->runs, l->out->run_count, sizeof *l->out->runs, by_id);
    return 0;
}

int accuracy_leave_out(struct arena *arena, const struct training *training,
                       const struct leaving_out *how, struct accuracy *out, struct err *err) {
    *out = (struct accuracy){0};
    out->runs = ARENA_ARRAY(arena, training->run_count + 1u, struct judged_run);
    struct leaving l = {
        .arena = arena,
        .training = training,
        .learnt = training,
        .how = how,
        .first = first_runs(arena, training, how->families),
        .skip = ARENA_ARRAY(arena, training->run_count + 1u, bool),
        .operators = ARENA_ARRAY(arena, training->observation_count + 1u, struct estimate),
        .usual_ns = ARENA_ARRAY(arena, training->observation_count + 1u, double),
        .out = out,
    };
    if (leave_each_out(&l, err))
        return -(int)err->code;
    summarise_runs(&l);
    summarise_operators(&l);
    summarise_classes(&l);
    summarise_families(&l);
    return 0;
}

void accuracy_of_fit(struct arena *arena, const struct fit *fit, const struct training *learnt,
                     const struct training *judged, struct accuracy *out) {
    *out = (struct accuracy){0};
    out->runs = ARENA_ARRAY(arena, judged->run_count + 1u, struct judged_run);
    struct leaving l = {.arena = arena,
                        .training = judged,
                        .learnt = learnt,
                        .operators =
                            ARENA_ARRAY(arena, judged->observation_count + 1u, struct estimate),
                        .usual_ns = ARENA_ARRAY(arena, judged->observation_count + 1u, double),
                        .out = out};
    for (uint32_t r = 0; r < judged->run_count; r++)
        judge_run(&l, fit, r);
    summarise_runs(&l);
    summarise_operators(&l);
    summarise_classes(&l);
}

int accuracy_of_others(struct arena *arena, const struct training *learnt,
                       const struct training *judged, const struct estimator *estimator,
                       struct accuracy *out, struct err *err) {
    struct fit fit;
    if (fit_train_by(arena, learnt, NULL, estimator, &fit, err))
        return -(int)err->code;
    accuracy_of_fit(arena, &fit, learnt, judged, out);
    return 0;
}
