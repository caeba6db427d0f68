#include "cli/command.h"
#include "cli/place_options.h"
#include "db/db.h"
#include "jobs/accuracy.h"
#include "predictor/estimator.h"
#include "reports/accuracy_text.h"

struct accuracy_options {
    struct place_options place;
    const char *from;
    struct text_list models;
    int estimator;
    bool compare;
};

static int print_accuracy(struct context *context, const struct accuracy *accuracy,
                          struct err *err) {
    struct table models, kernels, summary;
    const struct table *tables[] = {&models, &kernels, &summary};
    accuracy_models_table(context->arena, accuracy, &models);
    accuracy_kernels_table(context->arena, accuracy, &kernels);
    accuracy_summary_table(context->arena, accuracy, &summary);
    cJSON *tree = accuracy_json(accuracy);
    int code = print_answer(context, tree, tables, 3, err);
    cJSON_Delete(tree);
    return code;
}

static int print_ranking(struct context *context, const struct estimator_ranking *ranking,
                         struct err *err) {
    struct table table;
    const struct table *tables[] = {&table};
    estimators_table(context->arena, ranking, &table);
    cJSON *tree = estimators_json(ranking);
    int code = print_answer(context, tree, tables, 1, err);
    cJSON_Delete(tree);
    return code;
}

static int compare(struct context *context, struct db *db, const struct place *place,
                   const struct accuracy_choice *choice, struct err *err) {
    struct estimator_ranking ranking;
    if (job_compare_estimators(context->arena, db, place, choice, context->progress, &ranking, err))
        return -(int)err->code;
    return print_ranking(context, &ranking, err);
}

static int judge(struct context *context, struct db *db, const struct place *place,
                 const struct accuracy_choice *choice, const struct estimator *estimator,
                 struct err *err) {
    struct accuracy accuracy;
    if (job_accuracy(context->arena, db, place, choice, estimator, context->progress, &accuracy,
                     err))
        return -(int)err->code;
    return print_accuracy(context, &accuracy, err);
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct accuracy_options *options = given;
    const struct accuracy_choice choice = {options->from, options->models.items,
                                           options->models.count};
    struct db *db;
    struct place place;
    if (place_open(context, &options->place, DB_READ_ONLY, &db, &place, err))
        return -(int)err->code;
    int code = options->compare
                   ? compare(context, db, &place, &choice, err)
                   : judge(context, db, &place, &choice, &estimators[options->estimator], err);
    db_close(db);
    return code;
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
    {.name = "estimators",
                                      .type = OPTION_FLAG,
                                      .offset = offsetof(struct accuracy_options, compare),
                                      .help = "rank all ways of estimating costs instead of judging one"},
    {.name = "estimator",
                                      .type = OPTION_CHOICE,
                                      .metavar = "NAME",
                                      .choice = estimator_choice,
                                      .fallback = DEFAULT_ESTIMATOR,
                                      .offset = offsetof(struct accuracy_options, estimator),
                                      .help = "which way of estimating costs is judged"},
    {0                   },
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
    {"assay accuracy --from calibrate --estimators",        "which way of estimating does best"},
    {0                                                     },
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
