#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/predict_options.h"
#include "cli/print_prediction.h"
#include "db/db.h"

struct predict_command_options {
    struct model_options model;
    struct predict_options_given predict;
    int64_t operators;
};

static int run(struct context *context, const void *given, struct err *err) {
    const struct predict_command_options *options = given;
    struct predict_request request;
    if (predict_options_request(context->arena, &options->model, &options->predict, &request, err))
        return -(int)err->code;
    struct db *db;
    if (context_db_open(context, DB_WRITE_IF_ABLE | DB_CREATE, &db, err))
        return -(int)err->code;
    struct predicted predicted;
    int code = job_predict(context->arena, db, &request, &predicted, err);
    db_close(db);
    if (code || print_prediction(context, &predicted.prediction, (uint32_t)options->operators, err))
        return -(int)err->code;
    print_note(context, "lowered by %s in %.3g ms, predicted in %.3g ms", predicted.lowering.origin,
               (double)predicted.lowering.duration_ns / 1e6, predicted.predicting_ns / 1e6);
    return predicted.prediction.refused_count ? ERR_FINDING : 0;
}

static const struct option_row options[] = {
    MODEL_OPTIONS(struct predict_command_options, model),
    PREDICT_OPTIONS(struct predict_command_options, predict),
    {.name = "operators",
                                               .type = OPTION_INT,
                                               .metavar = "N",
                                               .fallback = "10",
                                               .min = 0,
                                               .max = 1 << 30,
                                               .offset = offsetof(struct predict_command_options, operators),
                                               .help = "how many operators the text shows, costliest first; 0 is all"},
    {0     },
};

static const struct argument_row arguments[] = {
    MODEL_ARGUMENT(struct predict_command_options, model),
    {0},
};

static const struct example examples[] = {
    {"assay predict mobilenet_v2.onnx",           "latency, memory and every operator, without running it"},
    {"assay predict model.onnx --batch 8 --json",                                           "for another program"},
    {"assay predict model.onnx --leave-out-self","as if the model had never been measured here"},
    {0},
};

const struct command cmd_predict = {
    .name = "predict",
    .summary = "tell what a model will need without running it",
    .description =
        "Finds the operators that will really run (from the database, the runtime's own optimiser, "
        "or our fusion rules) and sums what the fitted cost models say of each. Every number has a "
        "90 % interval and a tier that says how it is known. Operators that nothing stored "
        "supports are answered by the roofline, marked so, or refused with --refuse-roofline; then "
        "the totals are empty and the exit code is 1.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct predict_command_options),
    .run = run,
};
