#include "cli/command.h"
#include "cli/place_options.h"
#include "db/db.h"
#include "jobs/accuracy.h"
#include "predictor/estimator.h"
#include "reports/accuracy_figure.h"
#include "reports/accuracy_text.h"
#include "reports/slowdown_text.h"

#include <inttypes.h>

struct accuracy_options {
    struct place_options place;
    const char *from, *judge, *picture;
    int leave_out;
    struct text_list families, models;
    int64_t at_most;
    int estimator;
    bool compare;
};

static const char *const ways[][2] = {
    [LEAVE_OUT_MODEL] = {"model",  "every run of one file or name"           },
    [LEAVE_OUT_FAMILY] = {"family", "every run of one family of architectures"},
};

static const char *leave_out_choice(size_t index, const char **help) {
    if (index >= sizeof ways / sizeof *ways)
        return NULL;
    *help = ways[index][1];
    return ways[index][0];
}

/* ---- answering ------------------------------------------------------------------------------- */

static int print_accuracy(struct context *context, const struct accuracy_report *report,
                          struct err *err) {
    const struct accuracy *accuracy = &report->accuracy;
    enum { TABLES = 6 };
    static void (*const fill[TABLES])(struct arena *, const struct accuracy *, struct table *) = {
        accuracy_models_table,           accuracy_kernels_table,  accuracy_worst_table,
        accuracy_worst_quantities_table, accuracy_families_table, accuracy_summary_table};
    struct table filled[TABLES], slowdowns;
    const struct table *tables[TABLES + 1];
    uint32_t count = 0;
    for (int t = 0; t < TABLES; t++) {
        fill[t](context->arena, accuracy, &filled[t]);
        if (fill[t] != accuracy_families_table || accuracy->family_count)
            tables[count++] = &filled[t];
    }
    slowdown_table(context->arena, report->slowdowns, report->slowdown_count, &slowdowns);
    if (report->slowdown_count)
        tables[count++] = &slowdowns;
    cJSON *tree = accuracy_json(accuracy);
    slowdown_add_json(tree, report->slowdowns, report->slowdown_count);
    int code = print_answer(context, tree, tables, count, err);
    cJSON_Delete(tree);
    return code;
}

static int draw(struct context *context, const struct accuracy *accuracy, const char *path,
                struct err *err) {
    struct strbuf svg;
    strbuf_init(&svg);
    int code = accuracy_picture(context->arena, accuracy, &svg, err);
    if (!code)
        code = write_picture(context, &svg, path, err);
    strbuf_done(&svg);
    return code;
}

static int read_request(struct context *context, const struct accuracy_options *options,
                        struct accuracy_request *out, struct err *err) {
    struct family_pattern *patterns =
        ARENA_ARRAY(context->arena, options->families.count + 1u, struct family_pattern);
    *out = (struct accuracy_request){
        .from = options->from,
        .judge = options->judge,
        .only = options->models.items,
        .only_count = options->models.count,
        .leave_out = (enum leave_out)options->leave_out,
        .patterns = patterns,
        .pattern_count = options->families.count,
        .at_most = (uint32_t)options->at_most,
        .estimator = &estimators[options->estimator],
    };
    for (uint32_t i = 0; i < options->families.count; i++)
        if (family_pattern_parse(context->arena, options->families.items[i], &patterns[i], err))
            return -(int)err->code;
    if (options->from && options->leave_out == LEAVE_OUT_FAMILY)
        return err_set(err, ERR_USAGE,
                       "with --from nothing of what is judged is learnt from, so there is nothing "
                       "to leave out");
    if (options->families.count && options->leave_out != LEAVE_OUT_FAMILY)
        return err_set(err, ERR_USAGE, "--family is of use with --leave-out family only");
    return 0;
}

static int judge(struct context *context, struct db *db, const struct place *place,
                 const struct accuracy_request *request, const char *picture, struct err *err) {
    struct accuracy_report report;
    const struct accuracy *accuracy = &report.accuracy;
    if (job_accuracy(context->arena, db, place, request, context->progress, &report, err) ||
        (picture && draw(context, accuracy, picture, err)) || print_accuracy(context, &report, err))
        return -(int)err->code;
    if (accuracy->groups_judged < accuracy->group_count)
        print_note(context,
                   "%" PRIu32 " of %" PRIu32 " were left out, evenly spaced; --at-most 0 is all",
                   accuracy->groups_judged, accuracy->group_count);
    return 0;
}

static int compare(struct context *context, struct db *db, const struct place *place,
                   const struct accuracy_request *request, struct err *err) {
    struct estimator_ranking ranking;
    struct table table;
    const struct table *tables[] = {&table};
    if (job_compare_estimators(context->arena, db, place, request, context->progress, &ranking,
                               err))
        return -(int)err->code;
    estimators_table(context->arena, &ranking, &table);
    cJSON *tree = estimators_json(&ranking);
    int code = print_answer(context, tree, tables, 1, err);
    cJSON_Delete(tree);
    return code;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct accuracy_options *options = given;
    struct db *db;
    struct place place;
    struct accuracy_request request;
    if (read_request(context, options, &request, err) ||
        place_open(context, &options->place, DB_READ_ONLY, &db, &place, err))
        return -(int)err->code;
    int code = options->compare ? compare(context, db, &place, &request, err)
                                : judge(context, db, &place, &request, options->picture, err);
    db_close(db);
    return code;
}

static const char *estimator_choice(size_t index, const char **help) {
    *help = estimators[index].help;
    return estimators[index].name;
}

/* clang-format off */
static const struct option_row options[] = {
    PLACE_OPTIONS(struct accuracy_options, place),
    {.name = "leave-out", .type = OPTION_CHOICE, .metavar = "WHAT", .fallback = "model",
     .choice = leave_out_choice, .offset = offsetof(struct accuracy_options, leave_out),
     .help = "what the fit that judges has not seen"},
    {.name = "family", .type = OPTION_LIST, .metavar = "NAME=PATTERN",
     .offset = offsetof(struct accuracy_options, families),
     .help = "models whose names fit the pattern are of this family"},
    {.name = "at-most", .type = OPTION_INT, .metavar = "N", .fallback = "60", .min = 0, .max = 1e6,
     .offset = offsetof(struct accuracy_options, at_most),
     .help = "leave out so many models or families, evenly spaced; 0: all; each takes a fit"},
    {.name = "from", .type = OPTION_TEXT, .metavar = "PURPOSE",
     .offset = offsetof(struct accuracy_options, from),
     .help = "learn from the runs of this purpose alone, such as calibrate, and judge the others"},
    {.name = "judge", .type = OPTION_TEXT, .metavar = "PURPOSE",
     .offset = offsetof(struct accuracy_options, judge),
     .help = "judge the runs of this purpose; default all but calibrate, when there are such"},
    {.name = "picture", .type = OPTION_TEXT, .metavar = "FILE.svg",
     .offset = offsetof(struct accuracy_options, picture),
     .help = "draw predicted against measured, and the errors by kernel class"},
    {.name = "estimators", .type = OPTION_FLAG,
     .offset = offsetof(struct accuracy_options, compare),
     .help = "rank all ways of estimating costs instead of judging one"},
    {.name = "estimator", .type = OPTION_CHOICE, .metavar = "NAME", .choice = estimator_choice,
     .fallback = DEFAULT_ESTIMATOR, .offset = offsetof(struct accuracy_options, estimator),
     .help = "which way of estimating costs is judged"},
    {0},
};

static const struct argument_row arguments[] = {
    {.name = "NAME", .kind = ARGUMENT_ANY,
     .offset = offsetof(struct accuracy_options, models),
     .help = "learn from and judge these models alone; default all that are stored"},
    {0},
};

static const struct example examples[] = {
    {"assay accuracy", "every stored model predicted by a fit that has not seen it"},
    {"assay accuracy --leave-out family --picture accuracy.svg",
     "by a fit that has seen no model of its family; and a picture"},
    {"assay accuracy --leave-out family --family 'yolo=yolo*'", "with a family of your own"},
    {"assay accuracy --leave-out family --judge calibrate",
     "the random networks, a recipe left out at a time"},
    {"assay accuracy --from calibrate", "what calibration alone makes of the profiled models"},
    {"assay accuracy --from calibrate --estimators", "which way of estimating does best"},
    {"assay accuracy resnet18 resnet50 vgg11 --json", "among three models"},
    {0},
};
/* clang-format on */

const struct command cmd_accuracy = {
    .name = "accuracy",
    .summary = "tell how good the predictions are on models left out",
    .description =
        "Leaves out every run of one model, or of one family of models, after the other, fits on "
        "the rest, predicts it and compares with what was measured. Prints errors and interval "
        "coverage per model, per kernel class and in all, of latency, memory and start-up, and the "
        "worst cases with what adds most to them and why. 'Own operators' is the noise floor: the "
        "model's own measured operators, summed, against its run.\n\n"
        "A family is what --family says, the recipe of a random network, the family of an "
        "architecture of the zoo, and for models of others those that spend their time in the same "
        "kernel classes, named after the first of them.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct accuracy_options),
    .run = run,
};
