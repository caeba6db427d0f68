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
    int64_t recording; /* 0: of models */
};

static int print_path(struct context *context, const struct report_options *options, size_t bytes,
                      uint32_t models, struct err *err) {
    enum { PATH, BYTES, ABOUT };
    static const struct table_column of_models[] = {
        [PATH] = {"path",       "Report", UNIT_PLAIN, TABLE_LEFT },
        [BYTES] = {"size_bytes", "Size",   UNIT_BYTES, TABLE_RIGHT},
        [ABOUT] = {"models",     "Models", UNIT_COUNT, TABLE_RIGHT},
    };
    static const struct table_column of_recording[] = {
        [PATH] = {"path",       "Report",    UNIT_PLAIN, TABLE_LEFT },
        [BYTES] = {"size_bytes", "Size",      UNIT_BYTES, TABLE_RIGHT},
        [ABOUT] = {"recording",  "Recording", UNIT_PLAIN, TABLE_RIGHT},
    };
    struct table table;
    table_init(&table, context->arena, "", options->recording ? of_recording : of_models, 3);
    table_row(&table);
    table_text(&table, PATH, options->output);
    table_int(&table, BYTES, (int64_t)bytes);
    table_int(&table, ABOUT, options->recording ? options->recording : models);
    return print_table(context, &table, err);
}

static int make_of_models(struct context *context, const struct report_options *options,
                          struct strbuf *html, uint32_t *models, struct err *err) {
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

static int make_of_recording(struct context *context, const struct report_options *options,
                             struct strbuf *html, struct err *err) {
    struct db *db;
    if (options->models.count || options->plan_model || options->load.slo ||
        options->load.constraints)
        return err_set(err, ERR_USAGE,
                       "--recording makes a page about nothing else: it takes no "
                       "models and no plan");
    if (context_db_open(context, DB_READ_ONLY, &db, err))
        return -(int)err->code;
    int code = job_report_recording(context->arena, db, options->recording, html, err);
    db_close(db);
    return code;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct report_options *options = given;
    struct strbuf html;
    uint32_t models = 0;
    strbuf_init(&html);
    int code = options->recording ? make_of_recording(context, options, &html, err)
                                  : make_of_models(context, options, &html, &models, err);
    if (!code)
        code = file_replace(options->output, html.text, html.length, err);
    if (!code)
        code = print_path(context, options, html.length, models, err);
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
    {.name = "recording",
                                   .type = OPTION_INT,
                                   .metavar = "ID",
                                   .min = 1,
                                   .max = 9e15,
                                   .offset = offsetof(struct report_options, recording),
                                   .help = "a page about that recording instead; `assay recordings` lists them"},
    {0                       },
};

static const struct argument_row arguments[] = {
    {.name = "NAME",
     .kind = ARGUMENT_ANY,
     .offset = offsetof(struct report_options, models),
     .help = "the models to report on; default all that were measured"},
    {0},
};

static const struct example examples[] = {
    {"assay report",                           "writes assay-report.html about every model measured here"},
    {"assay report resnet50 -o resnet50.html --rate 200 --slo p99=50ms",
     "one model, with the plan for a load"},
    {"assay report --recording 3 -o run.html",    "what a recorded or imported run did"},
    {0},
};

const struct command cmd_report = {
    .name = "report",
    .summary = "write an HTML page about what was measured and predicted",
    .description =
        "Writes one self-contained page: the machine, the models, operators by time, the roofline, "
        "predicted against measured (each model by a fit that has not seen it), memory and, with "
        "--slo, a plan. With --recording it is about one recording: where the time went, as a "
        "picture and as tables, what a device did, memory and threads over time, and what "
        "recording cost. A page needs no network and no script; every picture's numbers stand in a "
        "table too.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct report_options),
    .run = run,
};
