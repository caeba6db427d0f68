#include "cli/command.h"
#include "cli/place_options.h"
#include "db/db.h"
#include "jobs/accuracy.h"
#include "predictor/estimator.h"
#include "reports/accuracy_text.h"
#include "reports/slowdown_text.h"

struct accuracy_options {
    struct place_options place;
    const char *from;
    struct text_list models;
    int estimator;
    bool compare;
};

static int print_accuracy(struct context *context, const struct accuracy_report *report,
                          struct err *err) {
    const struct accuracy *accuracy = &report->accuracy;
    struct table models, kernels, summary, slowdowns;
    const struct table *tables[] = {&models, &kernels, &summary, &slowdowns};
    slowdown_table(context->arena, report->slowdowns, report->slowdown_count, &slowdowns);
    accuracy_models_table(context->arena, accuracy, &models);
    accuracy_kernels_table(context->arena, accuracy, &kernels);
    accuracy_summary_table(context->arena, accuracy, &summary);
    cJSON *tree = accuracy_json(accuracy);
    slowdown_add_json(tree, report->slowdowns, report->slowdown_count);
    int code = print_answer(context, tree, tables, report->slowdown_count ? 4 : 3, err);
    cJSON_Delete(tree);
    return code;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct accuracy_options *options = given;
    struct db *db;
    struct place place;
    struct accuracy_report report;
    if (place_open(context, &options->place, DB_READ_ONLY, &db, &place, err))
        return -(int)err->code;
    int code = job_accuracy(context->arena, db, &place, options->from, options->models.items,
                            options->models.count, &estimators[options->estimator], context->progress, &report, err);
    db_close(db);
    return code ? code : print_accuracy(context, &report, err);
}

static const char *estimator_choice(size_t index, const char **help) {
    *help = estimators[index].help;
    return estimators[index].name;
}

static const struct option_row options[] = {
    PLACE_OPTIONS(struct accuracy_options, place),
    {.name = "from",
                                      .type = OPTION_TEXT,
                                      .metavar = "PURPOSE",
                                      .offset = offsetof(struct accuracy_options, from),
                                      .help = "learn from the runs of this purpose alone, such as calibrate, and judge the others"},
    {.name = "estimator",
     .type = OPTION_CHOICE,
     .metavar = "NAME",
     .choice = estimator_choice,
     .fallback = DEFAULT_ESTIMATOR,
     .offset = offsetof(struct accuracy_options, estimator),
     .help = "how costs are estimated"},
    {0},
};

static const struct argument_row arguments[] = {
    {.name = "NAME",
     .kind = ARGUMENT_ANY,
     .offset = offsetof(struct accuracy_options, models),
     .help = "learn from and judge these models alone; default all that are stored"},
    {0},
};

static const struct example examples[] = {
    {"assay accuracy",                                       "every stored model predicted by a fit that has not seen it"},
    {"assay accuracy --from calibrate",                                                      "what calibration alone makes of the profiled models"},
    {"assay accuracy resnet18 resnet50 vgg11 --json","among three models"},
    {0       },
};

const struct command cmd_accuracy = {
    .name = "accuracy",
    .summary = "tell how good the predictions are on models left out",
    .description =
        "Leaves out every run of one model after the other, fits on the rest, predicts it and "
        "compares with what was measured. Prints errors and interval coverage per model, per "
        "kernel class and in all. 'Own operators' is the noise floor: the model's own measured "
        "operators, summed, against its run.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct accuracy_options),
    .run = run,
};
