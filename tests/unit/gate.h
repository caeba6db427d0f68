/* What is predicted of the recorded observations, as a table, and how two such tables compare: the
 * gate that a change of the predictor has to pass (docs/observations.md). */
#ifndef ASSAY_TESTS_GATE_H
#define ASSAY_TESTS_GATE_H

#include "base/stats.h"
#include "predictor/accuracy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double gate_model_error_more = 0.03;
static const double gate_median_more = 0.005;
static const double gate_coverage_low = 0.85, gate_coverage_high = 0.97;
/* Operators whose predictions moved so far are listed, the first of them. */
static const double gate_operator_moved = 0.2;
enum { GATE_LISTED_MAX = 12 };

/* A model, or operators of one that do the same work. */
struct gate_point {
    const char *model, *kernel; /* kernel "": the model as a whole */
    int32_t op;                 /* the first of them; -1: the model */
    uint32_t count;
    enum tier tier;
    double predicted_ns, measured_ns;
};

struct gate_table {
    struct gate_point *points;
    uint32_t count, capacity;
    double model_median, model_coverage, operator_median, operator_coverage;
};

static inline double gate_error(const struct gate_point *point) {
    return point->predicted_ns / point->measured_ns - 1;
}

/* ---- making one ------------------------------------------------------------------------------ */

static inline void gate_add_operators(struct arena *arena, struct gate_table *table,
                                      const struct fit *fit, const struct training *judged,
                                      uint32_t run) {
    uint32_t first = table->count, end = training_first(judged, run + 1);
    for (uint32_t i = training_first(judged, run); i < end; i++) {
        const struct observation *o = &judged->observations[i];
        struct estimate said = cost_model_estimate(&fit->cost, &o->features);
        struct gate_point *point = NULL;
        for (uint32_t p = first; p < table->count && !point; p++)
            if (strcmp(table->points[p].kernel, o->features.key) == 0 &&
                table->points[p].predicted_ns == said.value)
                point = &table->points[p];
        if (!point) {
            point = ARENA_PUSH(arena, table->points, table->count, table->capacity);
            *point = (struct gate_point){.model = judged->runs[run].model_name,
                                         .kernel = o->features.key,
                                         .op = o->op,
                                         .tier = said.tier,
                                         .predicted_ns = said.value};
        }
        double usual_ns = o->wall_ns * pow(o->slowness > 0 ? o->slowness : 1,
                                           -cost_model_slowdown(&fit->cost, &o->features));
        point->measured_ns = (point->count * point->measured_ns + usual_ns) / (point->count + 1);
        point->count++;
    }
}

static inline struct gate_table gate_make(struct arena *arena, const struct fit *fit,
                                          const struct training *learnt,
                                          const struct training *judged) {
    struct gate_table table = {0};
    struct accuracy accuracy;
    uint32_t operators = 0;
    accuracy_of_fit(arena, fit, learnt, judged, &accuracy);
    for (uint32_t r = 0; r < judged->run_count; r++) {
        struct gate_point *point = ARENA_PUSH(arena, table.points, table.count, table.capacity);
        *point = (struct gate_point){.model = judged->runs[r].model_name,
                                     .kernel = "",
                                     .op = -1,
                                     .count = 1,
                                     .tier = accuracy.runs[r].latency_ns.tier,
                                     .predicted_ns = accuracy.runs[r].latency_ns.value,
                                     .measured_ns = accuracy.runs[r].measured_latency_ns};
        gate_add_operators(arena, &table, fit, judged, r);
    }
    table.model_median = accuracy.latency.median;
    table.model_coverage = accuracy.latency.coverage;
    double *errors = ARENA_ARRAY(arena, table.count + 1u, double);
    for (uint32_t p = 0, n = 0; p < table.count; p++)
        if (table.points[p].op >= 0) {
            errors[n++] = fabs(gate_error(&table.points[p]));
            table.operator_median = n; /* their number until it is known */
        }
    table.operator_median = stats_median(errors, (size_t)table.operator_median);
    for (uint32_t c = 0; c < accuracy.class_count; c++) {
        const struct error_summary *class = &accuracy.classes[c].operators;
        table.operator_coverage += class->count * class->coverage;
        operators += class->count;
    }
    table.operator_coverage /= operators;
    return table;
}

/* ---- text ------------------------------------------------------------------------------------ */

static inline void gate_write(const struct gate_table *table, FILE *file) {
    fprintf(file,
            "# What was predicted of observations.tsv.gz; made by make record-predictions.\n");
    fprintf(file, "median_error\tmodels\t%.5f\toperators\t%.5f\n", table->model_median,
            table->operator_median);
    fprintf(file, "coverage\tmodels\t%.5f\toperators\t%.5f\n", table->model_coverage,
            table->operator_coverage);
    for (uint32_t p = 0; p < table->count; p++) {
        const struct gate_point *point = &table->points[p];
        if (point->op < 0)
            fprintf(file, "model\t%s\t%s\t%.5g\t%.5g\n", point->model, tier_name(point->tier),
                    point->predicted_ns, point->measured_ns);
        else
            fprintf(file, "op\t%" PRId32 "\t%" PRIu32 "\t%s\t%s\t%.4g\t%.4g\n", point->op,
                    point->count, point->kernel, tier_name(point->tier), point->predicted_ns,
                    point->measured_ns);
    }
}

static inline bool gate_read_line(struct arena *arena, struct gate_table *table, const char *line) {
    char name[128], tier[32];
    static const char *model = "";
    struct gate_point point = {.op = -1, .kernel = "", .count = 1};
    if (line[0] == '#')
        return true;
    if (sscanf(line, "median_error\tmodels\t%lf\toperators\t%lf", &table->model_median,
               &table->operator_median) == 2 ||
        sscanf(line, "coverage\tmodels\t%lf\toperators\t%lf", &table->model_coverage,
               &table->operator_coverage) == 2)
        return true;
    if (sscanf(line, "model\t%127[^\t]\t%31[^\t]\t%lf\t%lf", name, tier, &point.predicted_ns,
               &point.measured_ns) == 4)
        model = arena_strdup(arena, name);
    else if (sscanf(line, "op\t%" SCNd32 "\t%" SCNu32 "\t%127[^\t]\t%31[^\t]\t%lf\t%lf", &point.op,
                    &point.count, name, tier, &point.predicted_ns, &point.measured_ns) == 6)
        point.kernel = arena_strdup(arena, name);
    else
        return false;
    point.model = model;
    point.tier = tier_by_name(tier);
    *ARENA_PUSH(arena, table->points, table->count, table->capacity) = point;
    return true;
}

static inline bool gate_read(struct arena *arena, const char *path, struct gate_table *table) {
    char line[512];
    bool good = true;
    FILE *file = fopen(path, "r");
    *table = (struct gate_table){0};
    while (file && good && fgets(line, sizeof line, file))
        good = gate_read_line(arena, table, line);
    if (file)
        fclose(file);
    return file && good;
}

/* ---- comparing ------------------------------------------------------------------------------- */

struct gate_verdict {
    uint32_t worse, better, moved;
    FILE *out; /* NULL: only counted */
};

#define GATE_SAY(verdict, ...)                                                                     \
    ((verdict)->out ? (void)fprintf((verdict)->out, __VA_ARGS__) : (void)0)

static inline const struct gate_point *gate_find(const struct gate_table *table,
                                                 const struct gate_point *wanted) {
    for (uint32_t p = 0; p < table->count; p++)
        if (table->points[p].op == wanted->op && strcmp(table->points[p].model, wanted->model) == 0)
            return &table->points[p];
    return NULL;
}

/* Operators that were predicted alike may be told apart now: then one of the same class stands for
 * them. */
static inline const struct gate_point *gate_find_alike(const struct gate_table *table,
                                                       const struct gate_point *wanted) {
    for (uint32_t p = 0; p < table->count; p++)
        if (strcmp(table->points[p].model, wanted->model) == 0 &&
            strcmp(table->points[p].kernel, wanted->kernel) == 0)
            return &table->points[p];
    return NULL;
}

static inline void gate_compare_model(struct gate_verdict *v, const struct gate_point *before,
                                      const struct gate_point *now) {
    double was = fabs(gate_error(before)), is = fabs(gate_error(now));
    bool worse = is > was + gate_model_error_more, better = is < was - gate_model_error_more;
    if (!worse && !better)
        return;
    GATE_SAY(v, "%s %s: error %+.1f %%, was %+.1f %%\n", worse ? "WORSE " : "better", now->model,
             100 * gate_error(now), 100 * gate_error(before));
    v->worse += worse;
    v->better += better;
}

static inline void gate_compare_operator(struct gate_verdict *v, const struct gate_point *before,
                                         const struct gate_point *now) {
    if (now->tier != before->tier) {
        bool weaker = now->tier > before->tier;
        GATE_SAY(v, "%s %s, operator %" PRId32 " (%s): %s, was %s\n", weaker ? "WORSE " : "better",
                 now->model, now->op, now->kernel, tier_name(now->tier), tier_name(before->tier));
        v->worse += weaker;
        v->better += !weaker;
    }
    double change = now->predicted_ns / before->predicted_ns - 1;
    if (now->op == before->op && fabs(change) > gate_operator_moved && v->moved++ < GATE_LISTED_MAX)
        GATE_SAY(v,
                 "moved  %s, operator %" PRId32 " (%s) by %+.0f %%: error %+.0f %%, was %+.0f %%\n",
                 now->model, now->op, now->kernel, 100 * change, 100 * gate_error(now),
                 100 * gate_error(before));
}

/* Outside the range, and further than it was. */
static inline void gate_compare_coverage(struct gate_verdict *v, const char *what, double before,
                                         double now) {
    bool low = now < gate_coverage_low && now < before;
    bool high = now > gate_coverage_high && now > before;
    if (!low && !high)
        return;
    GATE_SAY(v,
             "WORSE  90 %% intervals hold %.1f %% of %s, was %.1f %%: %.0f to %.0f %% is wanted\n",
             100 * now, what, 100 * before, 100 * gate_coverage_low, 100 * gate_coverage_high);
    v->worse++;
}

static inline void gate_compare_median(struct gate_verdict *v, double before, double now) {
    if (fabs(now - before) <= gate_median_more)
        return;
    GATE_SAY(v, "%s median error of models %.2f %%, was %.2f %%\n",
             now > before ? "WORSE " : "better", 100 * now, 100 * before);
    v->worse += now > before;
    v->better += now < before;
}

static inline void gate_compare_points(struct gate_verdict *v, const struct gate_table *before,
                                       const struct gate_table *now) {
    for (uint32_t p = 0; p < before->count; p++) {
        const struct gate_point *was = &before->points[p], *is = gate_find(now, was);
        if (!is && was->op >= 0)
            is = gate_find_alike(now, was);
        if (!is) {
            GATE_SAY(v, "WORSE  %s %s is not predicted any more\n", was->model, was->kernel);
            v->worse++;
        } else if (is->op < 0) {
            gate_compare_model(v, was, is);
        } else {
            gate_compare_operator(v, was, is);
        }
    }
    for (uint32_t p = 0; p < now->count; p++)
        if (now->points[p].op < 0 && !gate_find(before, &now->points[p])) {
            GATE_SAY(v, "WORSE  %s is not in the table\n", now->points[p].model);
            v->worse++;
        }
}

static inline struct gate_verdict gate_compare(const struct gate_table *before,
                                               const struct gate_table *now, FILE *out) {
    struct gate_verdict v = {.out = out};
    gate_compare_points(&v, before, now);
    gate_compare_coverage(&v, "models", before->model_coverage, now->model_coverage);
    gate_compare_coverage(&v, "operators", before->operator_coverage, now->operator_coverage);
    gate_compare_median(&v, before->model_median, now->model_median);
    if (v.moved > GATE_LISTED_MAX)
        GATE_SAY(&v, "moved  and %" PRIu32 " more operators\n", v.moved - GATE_LISTED_MAX);
    if (v.worse || v.better || v.moved)
        GATE_SAY(&v,
                 "median error of models %.2f %% (was %.2f), of operators %.2f %% (was %.2f); "
                 "intervals hold %.1f %% (was %.1f) and %.1f %% (was %.1f)\n"
                 "When this is meant: make record-predictions, and commit tests/data.\n",
                 100 * now->model_median, 100 * before->model_median, 100 * now->operator_median,
                 100 * before->operator_median, 100 * now->model_coverage,
                 100 * before->model_coverage, 100 * now->operator_coverage,
                 100 * before->operator_coverage);
    return v;
}

#endif
