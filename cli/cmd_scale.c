#include "cli/command.h"
#include "cli/counts.h"
#include "cli/model_options.h"
#include "cli/predict_options.h"
#include "db/db.h"
#include "jobs/scale.h"
#include "profiler/protocol.h"
#include "reports/scale_figure.h"
#include "reports/scale_text.h"

struct scale_options {
    struct model_options model;
    struct predict_options_given predict;
    struct text_list batches, threads, replicas;
    const char *picture;
};

static int read_request(struct context *context, const struct scale_options *options,
                        struct scale_request *request, struct err *err) {
    struct predict_request predict;
    if (predict_options_request(context->arena, &options->model, &options->predict, &predict, err))
        return -(int)err->code;
    *request = (struct scale_request){
        .subject = predict.subject,
        .lowering = predict.lowering,
        .refuse_roofline = predict.refuse_roofline,
        .memory_confidence = predict.memory_confidence,
    };
    if (counts_read(context->arena, "batch", &options->batches, 1 << 20, &request->batches,
                    &request->batch_count, err) ||
        counts_read(context->arena, "threads", &options->threads, 1024, &request->threads,
                    &request->thread_count, err))
        return -(int)err->code;
    return counts_read(context->arena, "replicas", &options->replicas, PROTOCOL_REPLICAS_MAX,
                       &request->replicas, &request->replica_count, err);
}

static int draw(struct context *context, const struct scaling *scaling, const char *path,
                struct err *err) {
    struct strbuf svg;
    strbuf_init(&svg);
    int code = scale_picture(context->arena, scaling, &svg, err);
    if (!code)
        code = write_picture(context, &svg, path, err);
    strbuf_done(&svg);
    return code;
}

static int print_scaling(struct context *context, const struct scaling *scaling, struct err *err) {
    struct table answers, refused;
    const struct table *tables[] = {&answers, &refused};
    scale_table(context->arena, scaling, &answers);
    scale_refused_table(context->arena, scaling, &refused);
    if (print_line(context, err, "%s on %s, %s %s", scaling->model, scaling->machine,
                   scaling->runtime, scaling->runtime_version))
        return -(int)err->code;
    cJSON *tree = scale_json(scaling);
    bool any_refused = scaling->answered < scaling->row_count;
    int code = print_answer(context, tree, tables, any_refused ? 2 : 1, err);
    cJSON_Delete(tree);
    for (uint32_t i = 0; i < scaling->warning_count && !code; i++)
        print_note(context, "%s", scaling->warnings[i]);
    return code ? code : any_refused ? ERR_FINDING : 0;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct scale_options *options = given;
    struct scale_request request;
    struct scaling scaling;
    struct db *db;
    if (read_request(context, options, &request, err) ||
        context_db_open(context, DB_WRITE_IF_ABLE | DB_CREATE, &db, err))
        return -(int)err->code;
    int code = job_scale(context->arena, db, &request, &scaling, err);
    db_close(db);
    if (code || (options->picture && draw(context, &scaling, options->picture, err)))
        return -(int)err->code;
    return print_scaling(context, &scaling, err);
}

static const struct option_row options[] = {
    {.name = "batch",
     .letter = 'b',
     .type = OPTION_WORDS,
     .metavar = "N,N",
     .fallback = "1,2,4,8,16",
     .offset = offsetof(struct scale_options, batches),
     .help = "leading dimensions of the inputs; fixed ones are rewritten where that is provable"},
    {.name = "threads",
     .letter = 't',
     .type = OPTION_WORDS,
     .metavar = "N,N",
     .fallback = "1",
     .offset = offsetof(struct scale_options, threads),
     .help = "intra-op threads of each replica"},
    {.name = "replicas",
     .letter = 'r',
     .type = OPTION_WORDS,
     .metavar = "N,N",
     .fallback = "1",
     .offset = offsetof(struct scale_options, replicas),
     .help = "copies of the model side by side on this machine"},
    {.name = "picture",
     .type = OPTION_TEXT,
     .metavar = "FILE.svg",
     .offset = offsetof(struct scale_options, picture),
     .help = "draw throughput and latency over the batch"},
    MODEL_INPUT_OPTIONS(struct scale_options, model),
    {.name = "refuse-roofline",
     .type = OPTION_FLAG,
     .offset = offsetof(struct scale_options, predict.refuse_roofline),
     .help = "refuse operators that no observation supports"},
    {.name = "lowering",
     .type = OPTION_CHOICE,
     .metavar = "HOW",
     .fallback = "any",
     .choice = lowering_choice,
     .offset = offsetof(struct scale_options, predict.lowering),
     .help = "where the operators that run come from"},
    {.name = "confidence",
     .type = OPTION_NUMBER,
     .metavar = "PERCENT",
     .fallback = "99",
     .min = 50,
     .max = 99.9,
     .offset = offsetof(struct scale_options, predict.confidence),
     .help = "of the upper bound of peak memory"},
    {0},
};

static const struct argument_row arguments[] = {
    MODEL_ARGUMENT(struct scale_options, model),
    {0},
};

static const struct example examples[] = {
    {"assay scale resnet50.onnx",                                     "latency and throughput at batch 1 to 16"},
    {"assay scale model.onnx --threads 1,2,4 --replicas 1,2,4 --batch 1,8",
     "which of threads, replicas and batch make most of the machine"},
    {0},
};

const struct command cmd_scale = {
    .name = "scale",
    .summary = "tell how latency and throughput follow batch, threads and replicas",
    .description =
        "Predicts the model at every combination, without running it: latency of a whole batch, "
        "inferences per second of one replica and of all, how much slower a replica runs beside "
        "its copies than alone, and peak memory. The configuration with the most inferences per "
        "second and the one with the least latency are marked.\n\n"
        "A thread count that was calibrated is answered by its own fit, another one is carried "
        "over and marked 'transferred'. The slow-down by replicas comes from networks that "
        "calibration measured beside copies of themselves. A batch that cannot be proven is "
        "refused with the operator that is in the way, more threads than CPUs are refused too; "
        "the exit code is then 1.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct scale_options),
    .run = run,
};
