#include "base/file.h"
#include "cli/command.h"
#include "cli/load_options.h"
#include "cli/place_options.h"
#include "db/db.h"
#include "jobs/report.h"

struct report_options {
    struct place_options place;
    struct load_options load;
    struct text_list models;
    const char *output, *plan_model;
};

static int print_path(struct context *context, const char *path, size_t bytes, uint32_t models,
                      struct err *err) {
    enum { PATH, BYTES, MODELS };
    static const struct table_column columns[] = {
        [PATH] = {"path",       "Report", UNIT_PLAIN, TABLE_LEFT },
        [BYTES] = {"size_bytes", "Size",   UNIT_BYTES, TABLE_RIGHT},
        [MODELS] = {"models",     "Models", UNIT_COUNT, TABLE_RIGHT},
    };
    struct table table;
    table_init(&table, context->arena, "", columns, 3);
    table_row(&table);
    table_text(&table, PATH, path);
    table_int(&table, BYTES, (int64_t)bytes);
    table_int(&table, MODELS, models);
    return print_table(context, &table, err);
}

static int make(struct context *context, const struct report_options *options, struct strbuf *html,
                uint32_t *models, struct err *err) {
    const struct report_request request = {
        .models = options->models.items,
        .model_count = options->models.count,
        .plan_model = options->plan_model,
        .rate_per_second = options->load.rate,
        .targets = options->load.slo,
        .routing = (enum routing)options->load.routing,
        .nodes = options->load.nodes.items,
        .node_count = options->load.nodes.count,
        .catalog_path = options->load.catalog,
        .constraints = options->load.constraints,
    };
    struct db *db;
    struct place place;
    if (place_open(context, &options->place, DB_READ_ONLY, &db, &place, err))
        return -(int)err->code;
    int code =
        job_report(context->arena, db, &place, &request, context->progress, html, models, err);
    db_close(db);
    return code;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct report_options *options = given;
    struct strbuf html;
    uint32_t models = 0;
    strbuf_init(&html);
    int code = make(context, options, &html, &models, err);
    if (!code)
        code = file_replace(options->output, html.text, html.length, err);
    if (!code)
        code = print_path(context, options->output, html.length, models, err);
    strbuf_done(&html);
    return code;
}

static const struct option_row options[] = {
    PLACE_OPTIONS(struct report_options, place),
    LOAD_OPTIONS(struct report_options, load),
    {.name = "output",
                                   .letter = 'o',
                                   .type = OPTION_TEXT,
                                   .metavar = "FILE",
                                   .fallback = "assay-report.html",
                                   .offset = offsetof(struct report_options, output),
                                   .help = "where the page is written"},
    {.name = "plan-model",
                                   .type = OPTION_TEXT,
                                   .metavar = "NAME",
                                   .offset = offsetof(struct report_options, plan_model),
                                   .help = "the model to plan for; default the first"},
    {0},
};

static const struct argument_row arguments[] = {
    {.name = "NAME",
     .kind = ARGUMENT_ANY,
     .offset = offsetof(struct report_options, models),
     .help = "the models to report on; default all that were measured"},
    {0},
};

static const struct example examples[] = {
    {"assay report",                        "writes assay-report.html about every model measured here"},
    {"assay report resnet50 -o resnet50.html --rate 200 --slo p99=50ms",
     "one model, with the plan for a load"},
    {0},
};

const struct command cmd_report = {
    .name = "report",
    .summary = "write an HTML page about what was measured and predicted",
    .description =
        "Writes one self-contained page: the machine, the models, operators by time, the roofline, "
        "predicted against measured (each model by a fit that has not seen it), memory and, with "
        "--slo, a plan. It needs no network and no script; every picture's numbers stand in a "
        "table too.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct report_options),
    .run = run,
};
