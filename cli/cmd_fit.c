#include "cli/command.h"
#include "cli/place_options.h"
#include "db/db.h"
#include "jobs/observations.h"
#include "predictor/fit_text.h"

struct fit_options {
    struct place_options place;
    const char *observations;
    bool text;
};

static void fit_table(struct context *context, const struct fit *fit, struct table *table) {
    enum { CLASS, FAMILY, OBSERVATIONS, MODELS, SPREAD, BIAS, COLUMNS };
    static const struct table_column columns[COLUMNS] = {
        [CLASS] = {"class",        "Kernel class", UNIT_PLAIN,    TABLE_LEFT },
        [FAMILY] = {"family",       "Family",       UNIT_PLAIN,    TABLE_LEFT },
        [OBSERVATIONS] = {"observations", "Observations", UNIT_COUNT,    TABLE_RIGHT},
        [MODELS] = {"models",       "Models",       UNIT_COUNT,    TABLE_RIGHT},
        [SPREAD] = {"spread",       "Spread",       UNIT_FRACTION, TABLE_RIGHT},
        [BIAS] = {"bias",         "Bias",         UNIT_FRACTION, TABLE_RIGHT},
    };
    table_init(table, context->arena, "Kernel classes (spread and bias on models left out)",
               columns, COLUMNS);
    for (uint32_t i = 0; i < fit->cost.class_count; i++) {
        const struct class_fit *class = &fit->cost.classes[i];
        table_row(table);
        table_text(table, CLASS, class->key);
        table_textf(table, FAMILY, "%s%s", family_info(class->family)->name,
                    class->basis == BASIS_OWN ? "" : " (scaled)");
        table_int(table, OBSERVATIONS, class->observations);
        table_int(table, MODELS, class->models);
        table_number(table, SPREAD, class->log_spread);
        table_number(table, BIAS, class->log_bias);
    }
}

static int print_fit(struct context *context, const struct fitted *fitted, bool whole,
                     struct err *err) {
    if (whole || context->json) {
        struct strbuf text;
        strbuf_init(&text);
        fit_write(&fitted->fit, &text);
        int code = print_raw(context, text.text, err);
        strbuf_done(&text);
        return code;
    }
    struct table table;
    const struct table *tables[] = {&table};
    fit_table(context, &fitted->fit, &table);
    if (print_answer(context, NULL, tables, 1, err))
        return -(int)err->code;
    const char *name =
        fitted->id ? arena_printf(context->arena, "fit %lld", (long long)fitted->id) : "not stored";
    print_note(context, "%s: %u runs, %u observations, run = %.4g x sum of its operators", name,
               fitted->fit.runs, fitted->fit.observations, fitted->fit.sum_ratio);
    return 0;
}

static int fit_stored(struct context *context, const struct fit_options *options,
                      struct fitted *fitted, struct err *err) {
    struct db *db;
    struct place place;
    if (place_open(context, &options->place, DB_WRITE, &db, &place, err))
        return -(int)err->code;
    int code = job_fit(context->arena, db, &place, fitted, err);
    db_close(db);
    return code;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct fit_options *options = given;
    struct fitted fitted;
    int code = options->observations
                   ? job_fit_file(context->arena, options->observations, &fitted, err)
                   : fit_stored(context, options, &fitted, err);
    return code ? code : print_fit(context, &fitted, options->text, err);
}

static const struct option_row options[] = {
    PLACE_OPTIONS(struct fit_options, place),
    {.name = "observations",
                                 .type = OPTION_TEXT,
                                 .metavar = "FILE",
                                 .offset = offsetof(struct fit_options, observations),
                                 .help = "learn from what `assay observations` printed, and store nothing"},
    {.name = "text",
                                 .type = OPTION_FLAG,
                                 .offset = offsetof(struct fit_options, text),
                                 .help = "print the whole fit: every class with its rates per term"},
    {0        },
};

static const struct example examples[] = {
    {"assay fit",                   "learns from every run stored for this machine at one thread"},
    {"assay fit --text",                             "and prints all its numbers"},
    {0},
};

const struct command cmd_fit = {
    .name = "fit",
    .summary = "learn cost models from all that is stored",
    .description =
        "Fits, for each kernel class, non-negative rates on physical features (FLOPs, bytes, "
        "calls) "
        "to the operators of all runs stored for this machine, runtime version and thread count, "
        "and rates for memory and load time to the runs as a whole. The fit is stored as readable "
        "numbers; the same observations give the same bits.",
    .examples = examples,
    .options = options,
    .options_size = sizeof(struct fit_options),
    .run = run,
};
