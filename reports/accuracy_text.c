#include "reports/accuracy_text.h"

#include "reports/estimate_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORST_MODELS = 5, WORST_OF_QUANTITY = 3 };

static double error_of(const struct estimate *predicted, double measured) {
    return (predicted->value - measured) / measured;
}

/* ---- the worst ------------------------------------------------------------------------------- */

/* A judged run and how far one of its numbers is off. */
struct ranked {
    const struct judged_run *run;
    double error;
};

static int by_error(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    double p = fabs(x->error), q = fabs(y->error);
    return p != q ? (p < q ? 1 : -1) : (x->run->id > y->run->id) - (x->run->id < y->run->id);
}

/* The runs of which it is known, worst first; `quantity` -1: the latency. */
static struct ranked *ranked_by(struct arena *arena, const struct accuracy *accuracy, int quantity,
                                uint32_t *count) {
    struct ranked *ranked = ARENA_ARRAY(arena, accuracy->run_count + 1u, struct ranked);
    *count = 0;
    for (uint32_t r = 0; r < accuracy->run_count; r++) {
        const struct judged_run *run = &accuracy->runs[r];
        double error = quantity < 0 ? error_of(&run->latency_ns, run->measured_latency_ns)
                                    : error_of(&run->quantities[quantity], run->measured[quantity]);
        if (isfinite(error))
            ranked[(*count)++] = (struct ranked){run, error};
    }
    if (*count)
        qsort(ranked, *count, sizeof *ranked, by_error);
    return ranked;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

struct figure_row {
    const char *key;
    double value;
};

static cJSON *add_summary(cJSON *parent, const char *key, const struct error_summary *s) {
    cJSON *object = json_add_object(parent, key);
    const struct figure_row rows[] = {
        {"mape",      s->mape     },
        {"median",    s->median   },
        {"p90",       s->p90      },
        {"worst",     s->worst    },
        {"bias",      s->bias     },
        {"within_5",  s->within_5 },
        {"within_10", s->within_10},
        {"within_20", s->within_20},
        {"coverage",  s->coverage },
        {"width",     s->width    },
    };
    json_add_uint(object, "count", s->count);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        json_add_number(object, rows[i].key, rows[i].value);
    return object;
}

static void add_causes(cJSON *item, const struct judged_run *run) {
    json_add_number(item, "sum_error", run->sum_error);
    json_add_text(item, "remark", run->remark);
    cJSON *causes = json_add_array(item, "causes");
    for (uint32_t c = 0; c < run->cause_count; c++) {
        const struct error_cause *cause = &run->causes[c];
        cJSON *object = json_add_object(causes, NULL);
        json_add_text(object, "kernel", cause->kernel);
        json_add_uint(object, "operators", cause->operators);
        json_add_number(object, "predicted_ns", cause->predicted_ns);
        json_add_number(object, "measured_ns", cause->measured_ns);
        json_add_number(object, "adds", cause->share);
        json_add_text(object, "worst_operator", cause->path);
        json_add_number(object, "operator_predicted_ns", cause->op_predicted_ns);
        json_add_number(object, "operator_measured_ns", cause->op_measured_ns);
        json_add_text(object, "reason", cause->reason);
    }
}

static void add_model(cJSON *list, const struct judged_run *run) {
    cJSON *item = json_add_object(list, NULL);
    json_add_int(item, "run", run->id);
    json_add_text(item, "model", run->model_name);
    json_add_text(item, "family", run->family);
    report_add_estimate(item, "latency_ns", &run->latency_ns);
    json_add_number(item, "measured_latency_ns", run->measured_latency_ns);
    json_add_number(item, "error", error_of(&run->latency_ns, run->measured_latency_ns));
    report_add_estimate(item, "cpu_time_ns", &run->cpu_time_ns);
    json_add_number(item, "measured_cpu_time_ns", run->measured_cpu_time_ns);
    json_add_number(item, "operators_ns", run->operators_ns);
    json_add_number(item, "borrowed_share", run->transferred_share);
    for (int q = 0; q < QUANTITY_COUNT; q++) {
        char key[64];
        snprintf(key, sizeof key, "measured_%s", quantity_name((enum quantity)q));
        report_add_estimate(item, quantity_name((enum quantity)q), &run->quantities[q]);
        json_add_number(item, key, run->measured[q]);
    }
    json_add_number(item, "upper_peak_memory_bytes", run->upper_peak_bytes);
    add_causes(item, run);
}

cJSON *accuracy_json(const struct accuracy *accuracy) {
    cJSON *tree = json_object();
    json_add_int(tree, "schema", 1);
    cJSON *models = json_add_array(tree, "models");
    for (uint32_t r = 0; r < accuracy->run_count; r++)
        add_model(models, &accuracy->runs[r]);
    cJSON *kernels = json_add_array(tree, "kernels");
    for (uint32_t c = 0; c < accuracy->class_count; c++) {
        cJSON *item = add_summary(kernels, NULL, &accuracy->classes[c].operators);
        json_add_text(item, "kernel", accuracy->classes[c].key);
        json_add_number(item, "share", accuracy->classes[c].share);
    }
    cJSON *families = json_add_array(tree, "families");
    for (uint32_t f = 0; f < accuracy->family_count; f++)
        json_add_text(add_summary(families, NULL, &accuracy->families[f].latency), "family",
                      accuracy->families[f].name);
    json_add_uint(tree, "groups", accuracy->group_count);
    json_add_uint(tree, "groups_judged", accuracy->groups_judged);
    add_summary(tree, "latency_ns", &accuracy->latency);
    add_summary(tree, "cpu_time_ns", &accuracy->cpu_time);
    add_summary(tree, "noise_floor", &accuracy->noise_floor);
    for (int q = 0; q < QUANTITY_COUNT; q++)
        add_summary(tree, quantity_name((enum quantity)q), &accuracy->quantities[q]);
    add_summary(tree, "load_and_first_run_ns", &accuracy->start);
    json_add_number(tree, "upper_peak_exceeded", accuracy->upper_peak_exceeded);
    json_add_number(tree, "upper_peak_widest", accuracy->upper_peak_widest);
    json_add_number(tree, "operators_bias", accuracy->operators_bias);
    return tree;
}

/* ---- tables ---------------------------------------------------------------------------------- */

void accuracy_models_table(struct arena *arena, const struct accuracy *accuracy,
                           struct table *table) {
    enum {
        MODEL,
        PREDICTED,
        MEASURED,
        ERROR,
        CPU,
        CPU_ERROR,
        OWN,
        INSIDE,
        BORROWED,
        PEAK,
        PEAK_MEASURED,
        FAMILY,
        COLUMNS
    };
    static const struct table_column columns[COLUMNS] = {
        [MODEL] = {"model",                      "Model left out",  UNIT_PLAIN,    TABLE_LEFT },
        [PREDICTED] = {"latency_ns",                 "Predicted",       UNIT_NS,       TABLE_RIGHT},
        [MEASURED] = {"measured_latency_ns",        "Measured",        UNIT_NS,       TABLE_RIGHT},
        [ERROR] = {"error",                      "Error",           UNIT_FRACTION, TABLE_RIGHT},
        [CPU] = {"measured_cpu_time_ns",       "CPU time",        UNIT_NS,       TABLE_RIGHT},
        [CPU_ERROR] = {"cpu_error",                  "Error",           UNIT_FRACTION, TABLE_RIGHT},
        [OWN] = {"operators_error",            "Own operators",   UNIT_FRACTION, TABLE_RIGHT},
        [INSIDE] = {"inside",                     "In interval",     UNIT_PLAIN,    TABLE_LEFT },
        [BORROWED] = {"borrowed_share",             "Borrowed",        UNIT_FRACTION, TABLE_RIGHT},
        [PEAK] = {"peak_memory_bytes",          "Peak memory",     UNIT_BYTES,    TABLE_RIGHT},
        [PEAK_MEASURED] = {"measured_peak_memory_bytes", "Measured",        UNIT_BYTES,    TABLE_RIGHT},
        [FAMILY] = {"family",                     "Family left out", UNIT_PLAIN,    TABLE_LEFT },
    };
    bool families = accuracy->family_count > 0;
    table_init(table, arena,
               families ? "Models, each predicted by a fit without its family"
                        : "Models, each predicted by a fit without it",
               columns, families ? COLUMNS : FAMILY);
    for (uint32_t r = 0; r < accuracy->run_count; r++) {
        const struct judged_run *run = &accuracy->runs[r];
        double measured = run->measured_latency_ns;
        table_row(table);
        table_text(table, MODEL, run->model_name);
        table_number(table, PREDICTED, run->latency_ns.value);
        table_number(table, MEASURED, measured);
        table_number(table, ERROR, error_of(&run->latency_ns, measured));
        table_number(table, CPU, run->measured_cpu_time_ns);
        table_number(table, CPU_ERROR, error_of(&run->cpu_time_ns, run->measured_cpu_time_ns));
        table_number(table, OWN, run->operators_ns / run->measured_cpu_time_ns - 1);
        table_bool(table, INSIDE,
                   measured >= run->latency_ns.low && measured <= run->latency_ns.high);
        table_number(table, BORROWED, run->transferred_share);
        table_number(table, PEAK, run->quantities[QUANTITY_PEAK_BYTES].value);
        table_number(table, PEAK_MEASURED, run->measured[QUANTITY_PEAK_BYTES]);
        if (families)
            table_text(table, FAMILY, run->family);
    }
}

enum { WHAT, COUNT, SHARE, MAPE, MEDIAN, P90, WORST, BIAS, WITHIN_10, COVERAGE, WIDTH, COLUMNS };

static const struct table_column summary_columns[COLUMNS] = {
    [WHAT] = {"what",      "",              UNIT_PLAIN,    TABLE_LEFT },
    [COUNT] = {"count",     "Count",         UNIT_COUNT,    TABLE_RIGHT},
    [SHARE] = {"share",     "Share of time", UNIT_FRACTION, TABLE_RIGHT},
    [MAPE] = {"mape",      "MAPE",          UNIT_FRACTION, TABLE_RIGHT},
    [MEDIAN] = {"median",    "Median",        UNIT_FRACTION, TABLE_RIGHT},
    [P90] = {"p90",       "p90",           UNIT_FRACTION, TABLE_RIGHT},
    [WORST] = {"worst",     "Worst",         UNIT_FRACTION, TABLE_RIGHT},
    [BIAS] = {"bias",      "Bias",          UNIT_FRACTION, TABLE_RIGHT},
    [WITHIN_10] = {"within_10", "Within 10 %",   UNIT_FRACTION, TABLE_RIGHT},
    [COVERAGE] = {"coverage",  "Coverage",      UNIT_FRACTION, TABLE_RIGHT},
    [WIDTH] = {"width",     "Half width",    UNIT_FRACTION, TABLE_RIGHT},
};

static void summary_row(struct table *table, const char *what, double share,
                        const struct error_summary *s) {
    const double figures[COLUMNS] = {
        [SHARE] = share,    [MAPE] = s->mape, [MEDIAN] = s->median,       [P90] = s->p90,
        [WORST] = s->worst, [BIAS] = s->bias, [WITHIN_10] = s->within_10, [COVERAGE] = s->coverage,
        [WIDTH] = s->width,
    };
    table_row(table);
    table_text(table, WHAT, what);
    table_int(table, COUNT, s->count);
    for (uint32_t i = SHARE; i < COLUMNS; i++)
        table_number(table, i, figures[i]);
}

void accuracy_kernels_table(struct arena *arena, const struct accuracy *accuracy,
                            struct table *table) {
    table_init(table, arena, "Operators by kernel class, of models left out", summary_columns,
               COLUMNS);
    for (uint32_t c = 0; c < accuracy->class_count; c++)
        summary_row(table, accuracy->classes[c].key, accuracy->classes[c].share,
                    &accuracy->classes[c].operators);
}

void accuracy_summary_table(struct arena *arena, const struct accuracy *accuracy,
                            struct table *table) {
    table_init(table, arena, "All models", summary_columns, COLUMNS);
    summary_row(table, "latency", NAN, &accuracy->latency);
    summary_row(table, "CPU time", NAN, &accuracy->cpu_time);
    summary_row(table, "noise floor (own operators)", NAN, &accuracy->noise_floor);
    for (int q = 0; q < QUANTITY_COUNT; q++)
        summary_row(table, quantity_title((enum quantity)q), NAN, &accuracy->quantities[q]);
    summary_row(table, "load and first inference", NAN, &accuracy->start);
}

void accuracy_families_table(struct arena *arena, const struct accuracy *accuracy,
                             struct table *table) {
    table_init(table, arena, "Latency by family, each left out as a whole", summary_columns,
               COLUMNS);
    for (uint32_t f = 0; f < accuracy->family_count; f++)
        summary_row(table, accuracy->families[f].name, NAN, &accuracy->families[f].latency);
}

/* ---- worst cases and why --------------------------------------------------------------------- */

enum {
    WORST_MODEL,
    WORST_ERROR,
    WORST_WHAT,
    WORST_ADDS,
    WORST_OPERATOR,
    WORST_SAID,
    WORST_TOOK,
    WORST_WHY,
    WORST_COLUMNS
};

static void cause_row(struct table *table, const struct judged_run *run,
                      const struct error_cause *cause) {
    table_row(table);
    table_text(table, WORST_MODEL, run->model_name);
    table_textf(table, WORST_WHAT, "%s (%u)", cause->kernel, cause->operators);
    table_number(table, WORST_ADDS, cause->share);
    table_text(table, WORST_OPERATOR, cause->path);
    table_number(table, WORST_SAID, cause->op_predicted_ns);
    table_number(table, WORST_TOOK, cause->op_measured_ns);
    table_text(table, WORST_WHY, cause->reason);
}

void accuracy_worst_table(struct arena *arena, const struct accuracy *accuracy,
                          struct table *table) {
    static const struct table_column columns[WORST_COLUMNS] = {
        [WORST_MODEL] = {"model",                 "Model",               UNIT_PLAIN,    TABLE_LEFT },
        [WORST_ERROR] = {"error",                 "Error",               UNIT_FRACTION, TABLE_RIGHT},
        [WORST_WHAT] = {"what",                  "Of it, kernel class", UNIT_PLAIN,    TABLE_LEFT },
        [WORST_ADDS] = {"adds",                  "Adds",                UNIT_FRACTION, TABLE_RIGHT},
        [WORST_OPERATOR] = {"worst_operator",        "Most by",             UNIT_PLAIN,    TABLE_LEFT },
        [WORST_SAID] = {"operator_predicted_ns", "Predicted",           UNIT_NS,       TABLE_RIGHT},
        [WORST_TOOK] = {"operator_measured_ns",  "Measured",            UNIT_NS,       TABLE_RIGHT},
        [WORST_WHY] = {"why",                   "Why",                 UNIT_PLAIN,    TABLE_LEFT },
    };
    uint32_t count;
    const struct ranked *ranked = ranked_by(arena, accuracy, -1, &count);
    table_init(table, arena, "Worst latencies and why", columns, WORST_COLUMNS);
    for (uint32_t i = 0; i < count && i < WORST_MODELS; i++) {
        const struct judged_run *run = ranked[i].run;
        table_row(table);
        table_text(table, WORST_MODEL, run->model_name);
        table_number(table, WORST_ERROR, ranked[i].error);
        table_text(table, WORST_WHAT, "the run");
        table_number(table, WORST_ADDS, ranked[i].error);
        table_text(table, WORST_WHY,
                   run->remark[0] ? run->remark : "its operators, below, sum to as much");
        for (uint32_t c = 0; c < run->cause_count; c++)
            cause_row(table, run, &run->causes[c]);
    }
}

void accuracy_worst_quantities_table(struct arena *arena, const struct accuracy *accuracy,
                                     struct table *table) {
    enum { QUANTITY, MODEL, PREDICTED, MEASURED, ERROR, INSIDE, MOSTLY, SHARE_OF_IT, COUNT_OF };
    static const struct table_column columns[COUNT_OF] = {
        [QUANTITY] = {"quantity",  "",            UNIT_PLAIN,    TABLE_LEFT },
        [MODEL] = {"model",     "Model",       UNIT_PLAIN,    TABLE_LEFT },
        [PREDICTED] = {"predicted", "Predicted",   UNIT_PLAIN,    TABLE_RIGHT},
        [MEASURED] = {"measured",  "Measured",    UNIT_PLAIN,    TABLE_RIGHT},
        [ERROR] = {"error",     "Error",       UNIT_FRACTION, TABLE_RIGHT},
        [INSIDE] = {"inside",    "In interval", UNIT_PLAIN,    TABLE_LEFT },
        [MOSTLY] = {"mostly",    "Mostly",      UNIT_PLAIN,    TABLE_LEFT },
        [SHARE_OF_IT] = {"share",     "Share of it", UNIT_FRACTION, TABLE_RIGHT},
    };
    char text[UNIT_TEXT_SIZE];
    table_init(table, arena, "Memory and start-up: the worst", columns, COUNT_OF);
    for (int q = 0; q < QUANTITY_COUNT; q++) {
        uint32_t count;
        const struct ranked *ranked = ranked_by(arena, accuracy, q, &count);
        enum unit unit = strstr(quantity_name((enum quantity)q), "_ns") ? UNIT_NS : UNIT_BYTES;
        for (uint32_t i = 0; i < count && i < WORST_OF_QUANTITY; i++) {
            const struct judged_run *run = ranked[i].run;
            const struct estimate *said = &run->quantities[q];
            table_row(table);
            table_text(table, QUANTITY, quantity_title((enum quantity)q));
            table_text(table, MODEL, run->model_name);
            table_text(table, PREDICTED, unit_format(text, said->value, unit));
            table_text(table, MEASURED, unit_format(text, run->measured[q], unit));
            table_number(table, ERROR, ranked[i].error);
            table_bool(table, INSIDE,
                       run->measured[q] >= said->low && run->measured[q] <= said->high);
            table_text(table, MOSTLY, run->parts[q].name);
            table_number(table, SHARE_OF_IT, run->parts[q].share);
        }
    }
}

/* ---- estimators ------------------------------------------------------------------------------ */

cJSON *estimators_json(const struct estimator_ranking *ranking) {
    cJSON *tree = json_object();
    json_add_int(tree, "schema", 1);
    cJSON *list = json_add_array(tree, "estimators");
    for (uint32_t i = 0; i < ranking->count; i++) {
        const struct judged_estimator *row = &ranking->rows[i];
        cJSON *item = json_add_object(list, NULL);
        json_add_text(item, "estimator", row->name);
        json_add_text(item, "about", row->help);
        json_add_text(item, "reason", row->reason);
        if (row->reason)
            continue;
        add_summary(item, "latency_ns", &row->accuracy.latency);
        add_summary(item, "cpu_time_ns", &row->accuracy.cpu_time);
        add_summary(item, "operators", &row->accuracy.operators);
        json_add_number(item, "operators_error", row->accuracy.operators_error);
        json_add_number(item, "fit_ns", row->fit_ns);
        json_add_number(item, "predict_ns", row->predict_ns);
    }
    return tree;
}

void estimators_table(struct arena *arena, const struct estimator_ranking *ranking,
                      struct table *table) {
    enum { NAME, ERROR, MIDDLE, HIGH, MOST, INSIDE, BY_TIME, OPERATOR, FIT, PREDICT, WHY, FIELDS };
    static const struct table_column columns[FIELDS] = {
        [NAME] = {"estimator",        "Estimator",          UNIT_PLAIN,    TABLE_LEFT },
        [ERROR] = {"mape",             "MAPE",               UNIT_FRACTION, TABLE_RIGHT},
        [MIDDLE] = {"median",           "Median",             UNIT_FRACTION, TABLE_RIGHT},
        [HIGH] = {"p90",              "p90",                UNIT_FRACTION, TABLE_RIGHT},
        [MOST] = {"worst",            "Worst",              UNIT_FRACTION, TABLE_RIGHT},
        [INSIDE] = {"within_10",        "Within 10 %",        UNIT_FRACTION, TABLE_RIGHT},
        [BY_TIME] = {"operators_error",  "Operators, by time", UNIT_FRACTION, TABLE_RIGHT},
        [OPERATOR] = {"operators_median", "Median operator",    UNIT_FRACTION, TABLE_RIGHT},
        [FIT] = {"fit_ns",           "To learn",           UNIT_NS,       TABLE_RIGHT},
        [PREDICT] = {"predict_1000_ns",  "1000 operators",     UNIT_NS,       TABLE_RIGHT},
        [WHY] = {"reason",           "Why not",            UNIT_PLAIN,    TABLE_LEFT },
    };
    table_init(table, arena, "Ways to estimate, by the error of models' latencies", columns,
               FIELDS);
    for (uint32_t i = 0; i < ranking->count; i++) {
        const struct judged_estimator *row = &ranking->rows[i];
        const struct accuracy *accuracy = &row->accuracy;
        const double figures[] = {
            [ERROR] = accuracy->latency.mape,        [MIDDLE] = accuracy->latency.median,
            [HIGH] = accuracy->latency.p90,          [MOST] = accuracy->latency.worst,
            [INSIDE] = accuracy->latency.within_10,  [BY_TIME] = accuracy->operators_error,
            [OPERATOR] = accuracy->operators.median, [FIT] = row->fit_ns,
            [PREDICT] = 1000 * row->predict_ns,
        };
        table_row(table);
        table_text(table, NAME, row->name);
        for (uint32_t c = ERROR; !row->reason && c <= PREDICT; c++)
            table_number(table, c, figures[c]);
        table_text(table, WHY, row->reason);
    }
}
