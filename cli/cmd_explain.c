#include "cli/command.h"
#include "cli/predict_options.h"
#include "core/prediction.h"
#include "db/db.h"
#include "jobs/explain.h"
#include "reports/estimate_json.h"

#include <math.h>

struct explain_options {
    struct model_options model;
    struct predict_options_given predict;
    const char *operator_name;
    int64_t neighbours;
};

/* ---- tables ---------------------------------------------------------------------------------- */

static void work_table(struct arena *arena, const struct explanation *e, struct table *table) {
    enum { WHAT, VALUE };
    static const struct table_column columns[] = {
        [WHAT] = {"what",  "",      UNIT_PLAIN, TABLE_LEFT},
        [VALUE] = {"value", "Value", UNIT_PLAIN, TABLE_LEFT},
    };
    const struct features *f = &e->features;
    char text[UNIT_TEXT_SIZE], other[UNIT_TEXT_SIZE];
    table_init(table, arena, "Operator", columns, 2);
#define ROW(what, ...)                                                                             \
    (table_row(table), table_text(table, WHAT, what), table_textf(table, VALUE, __VA_ARGS__))
    ROW("type", "%s", e->op);
    ROW("shapes", "%s", e->shapes);
    if (e->attributes[0])
        ROW("attributes", "%s", e->attributes);
    ROW("kernel class", "%s, of the family %s", f->key, family_info(f->family)->name);
    ROW("work", "%s%s", unit_format(text, f->flops, UNIT_FLOPS),
        f->guessed ? " at least: a size depends on data" : "");
    ROW("traffic", "%s, weights %s of it", unit_format(text, features_bytes(f), UNIT_BYTES),
        unit_format(other, f->bytes_weights, UNIT_BYTES));
    ROW("answered by", "%s", e->basis);
    if (e->fit) {
        ROW("observations", "%u in %u models", e->fit->observations, e->fit->models);
        ROW("spread", "%.3g %% on models left out, bias %.3g %%", 100 * e->fit->log_spread,
            100 * e->fit->log_bias);
        ROW("largest seen", "%s, %s%s", unit_format(text, e->fit->flops_high, UNIT_FLOPS),
            unit_format(other, e->fit->bytes_high, UNIT_BYTES),
            e->extrapolates ? ": this one is larger" : "");
    }
#undef ROW
}

static void term_row(struct table *table, const char *name, double amount, double rate_ns,
                     double ns, double share) {
    table_row(table);
    table_text(table, 0, name);
    table_number(table, 1, amount);
    table_number(table, 2, rate_ns);
    table_number(table, 3, ns);
    table_number(table, 4, share);
}

static void terms_table(struct arena *arena, const struct explanation *e, struct table *table) {
    static const struct table_column columns[] = {
        {"term",        "Term",     UNIT_PLAIN,    TABLE_LEFT },
        {"amount",      "Amount",   UNIT_COUNT,    TABLE_RIGHT},
        {"ns_per_unit", "ns per 1", UNIT_PLAIN,    TABLE_RIGHT},
        {"ns",          "Time",     UNIT_NS,       TABLE_RIGHT},
        {"share",       "Share",    UNIT_FRACTION, TABLE_RIGHT},
    };
    double value = e->estimate.value;
    table_init(table, arena, "Its time, term by term", columns, 5);
    for (uint32_t i = 0; i < e->term_count; i++) {
        const struct explained_term *term = &e->terms[i];
        term_row(table, term->name, term->amount, term->rate_ns, term->ns, term->share);
    }
    if (fabs(e->learnt_ns) > 1e-6 * value)
        term_row(table, "learnt beside the terms", NAN, NAN, e->learnt_ns, e->learnt_ns / value);
    term_row(table, "estimate", NAN, NAN, value, 1);
}

static void neighbours_table(struct arena *arena, const struct explanation *e,
                             struct table *table) {
    enum { DISTANCE, RUN, MODEL, PATH, TIMES, SHAPES, MEASURED, FITTED, ERROR, SLOWNESS, COLUMNS };
    static const struct table_column columns[] = {
        [DISTANCE] = {"log_distance", "Distance",     UNIT_PLAIN,    TABLE_RIGHT},
        [RUN] = {"run",          "Run",          UNIT_COUNT,    TABLE_RIGHT},
        [MODEL] = {"model",        "Model",        UNIT_PLAIN,    TABLE_LEFT },
        [PATH] = {"operator",     "Operator",     UNIT_PLAIN,    TABLE_LEFT },
        [TIMES] = {"count",        "Alike",        UNIT_COUNT,    TABLE_RIGHT},
        [SHAPES] = {"shapes",       "Shapes",       UNIT_PLAIN,    TABLE_LEFT },
        [MEASURED] = {"measured_ns",  "Measured",     UNIT_NS,       TABLE_RIGHT},
        [FITTED] = {"fitted_ns",    "The fit says", UNIT_NS,       TABLE_RIGHT},
        [ERROR] = {"error",        "Error",        UNIT_FRACTION, TABLE_RIGHT},
        [SLOWNESS] = {"slowness",     "Machine was",  UNIT_FRACTION, TABLE_RIGHT},
    };
    table_init(table, arena, "The nearest that were measured, at the machine's usual speed", columns, COLUMNS);
    for (uint32_t i = 0; i < e->neighbour_count; i++) {
        const struct explained_neighbour *n = &e->neighbours[i];
        table_row(table);
        table_number(table, DISTANCE, n->distance);
        table_int(table, RUN, n->run);
        table_text(table, MODEL, n->model);
        table_text(table, PATH, n->path);
        table_int(table, TIMES, n->count);
        table_text(table, SHAPES, n->shapes);
        table_number(table, MEASURED, n->measured_ns);
        table_number(table, FITTED, n->fitted_ns);
        table_number(table, ERROR, n->fitted_ns / n->measured_ns - 1);
        table_number(table, SLOWNESS, n->slowness);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_fit(cJSON *tree, const struct explanation *e) {
    cJSON *fit = json_add_object(tree, "fit");
    json_add_text(fit, "basis", e->basis);
    json_add_text(fit, "evidence", e->evidence);
    json_add_number(fit, "interval_log_spread", e->log_spread);
    if (!e->fit)
        return;
    json_add_text(fit, "key", e->fit->key);
    json_add_uint(fit, "observations", e->fit->observations);
    json_add_uint(fit, "models", e->fit->models);
    json_add_number(fit, "log_spread", e->fit->log_spread);
    json_add_number(fit, "log_bias", e->fit->log_bias);
    json_add_number(fit, "flops_high", e->fit->flops_high);
    json_add_number(fit, "bytes_high", e->fit->bytes_high);
    json_add_bool(fit, "extrapolates", e->extrapolates);
}

static cJSON *explanation_json(struct arena *arena, const struct explanation *e) {
    struct table terms, neighbours;
    cJSON *tree = json_object();
    json_add_int(tree, "schema", 1);
    json_add_text(tree, "name", e->path);
    json_add_text(tree, "op", e->op);
    json_add_text(tree, "shapes", e->shapes);
    json_add_text(tree, "attributes", e->attributes);
    json_add_text(tree, "kernel", e->features.key);
    json_add_text(tree, "family", family_info(e->features.family)->name);
    json_add_number(tree, "flops", e->features.flops);
    json_add_number(tree, "bytes", features_bytes(&e->features));
    json_add_bool(tree, "guessed", e->features.guessed);
    report_add_estimate(tree, "latency_ns", &e->estimate);
    add_fit(tree, e);
    terms_table(arena, e, &terms);
    neighbours_table(arena, e, &neighbours);
    json_add(tree, "terms", table_json(&terms));
    json_add(tree, "neighbours", table_json(&neighbours));
    return tree;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int print_explanation(struct context *context, const struct explanation *e,
                             struct err *err) {
    struct table work, terms, neighbours;
    const struct table *tables[] = {&work, &terms, &neighbours};
    char value[UNIT_TEXT_SIZE], low[UNIT_TEXT_SIZE], high[UNIT_TEXT_SIZE];
    work_table(context->arena, e, &work);
    terms_table(context->arena, e, &terms);
    neighbours_table(context->arena, e, &neighbours);
    if (print_line(context, err, "%s: %s (90 %%: %s to %s), %s", e->path,
                   unit_format(value, e->estimate.value, UNIT_NS),
                   unit_format(low, e->estimate.low, UNIT_NS),
                   unit_format(high, e->estimate.high, UNIT_NS), tier_name(e->estimate.tier)))
        return -(int)err->code;
    cJSON *tree = explanation_json(context->arena, e);
    int code = print_answer(context, tree, tables, 3, err);
    cJSON_Delete(tree);
    for (uint32_t i = 0; !code && i < e->note_count; i++)
        print_note(context, "%s", e->notes[i]);
    return code;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct explain_options *options = given;
    struct explain_request request = {.operator_name = options->operator_name,
                                      .neighbours = (uint32_t)options->neighbours};
    struct explanation explanation;
    struct db *db;
    if (predict_options_request(context->arena, &options->model, &options->predict,
                                &request.predict, err) ||
        context_db_open(context, DB_WRITE_IF_ABLE | DB_CREATE, &db, err))
        return -(int)err->code;
    int code = job_explain(context->arena, db, &request, &explanation, err);
    db_close(db);
    return code ? code : print_explanation(context, &explanation, err);
}

/* clang-format off */
static const struct option_row options[] = {
    MODEL_OPTIONS(struct explain_options, model),
    PREDICT_OPTIONS(struct explain_options, predict),
    {.name = "neighbours", .type = OPTION_INT, .metavar = "N", .fallback = "8", .min = 0, .max = 1000,
     .offset = offsetof(struct explain_options, neighbours),
     .help = "how many measured operators to show, nearest first"},
    {0},
};

static const struct argument_row arguments[] = {
    MODEL_ARGUMENT(struct explain_options, model),
    {.name = "OPERATOR", .kind = ARGUMENT_ONE,
     .offset = offsetof(struct explain_options, operator_name),
     .help = "its name as `assay predict` prints it, or a part that no other has"},
    {0},
};

static const struct example examples[] = {
    {"assay explain resnet50.onnx /conv1/Conv", "which rates and which measurements are behind it"},
    {"assay explain model.onnx Gemm_12 --leave-out-self --json", "as if it had never run here"},
    {0},
};
/* clang-format on */

const struct command cmd_explain = {
    .name = "explain",
    .summary = "tell where the number of one operator comes from",
    .description =
        "Shows what the operator has to do, the terms of its kernel class with the rates that were "
        "fitted and what each adds to the time, how the class has done on models left out, and the "
        "measured operators that are nearest to it: by the root mean square of the logarithms of "
        "their terms' ratios, so 0 is the same work and 0.7 about twice or half.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct explain_options),
    .run = run,
};
