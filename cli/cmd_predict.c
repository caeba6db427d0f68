#include "base/units.h"
#include "cli/command.h"
#include "cli/model_options.h"
#include "cli/predict_options.h"
#include "cli/print_prediction.h"
#include "db/db.h"

#include <string.h>

struct predict_command_options {
    struct model_options model;
    struct predict_options_given predict;
    int64_t operators;
    struct text_list cold_start_rows;
    int page_cache, speed;
    bool memory_timeline, no_store;
};

static const char *page_cache_choice(size_t index, const char **help) {
    static const char *const about[] = {
        [PAGE_CACHE_WARM] = "files are in memory, as after an earlier start",
        [PAGE_CACHE_COLD] = "library and model come from the storage of this machine",
    };
    if (index >= PAGE_CACHE_COUNT)
        return NULL;
    *help = about[index];
    return page_cache_name((enum page_cache)index);
}

static const char *speed_choice(size_t index, const char **help) {
    static const char *const rows[][2] = {
        [SPEED_USUAL] = {"usual", "as it was in the middle of what was measured"  },
        [SPEED_NOW] = {"now",   "as the reference network finds it, run for 4 s"},
    };
    if (index >= SPEED_COUNT)
        return NULL;
    *help = rows[index][1];
    return rows[index][0];
}

/* "image-pull=45s". */
static int read_given_phase(struct arena *arena, const char *text, struct given_phase *out,
                            struct err *err) {
    const char *sign = strchr(text, '=');
    uint64_t ns;
    if (!sign || sign == text) {
        err_set(err, ERR_USAGE, "--cold-start-row '%s': expected NAME=TIME", text);
        return err_hint(err, "for example --cold-start-row image-pull=45s");
    }
    if (unit_parse_duration(sign + 1, &ns, err)) {
        err->code = ERR_USAGE;
        return err_prefix(err, "--cold-start-row '%s'", text);
    }
    *out = (struct given_phase){arena_strndup(arena, text, (size_t)(sign - text)), (double)ns};
    return 0;
}

static int read_cold_start(struct arena *arena, const struct predict_command_options *options,
                           struct predict_request *request, struct err *err) {
    const struct text_list *rows = &options->cold_start_rows;
    struct given_phase *given = ARENA_ARRAY(arena, rows->count + 1u, struct given_phase);
    for (uint32_t i = 0; i < rows->count; i++)
        if (read_given_phase(arena, rows->items[i], &given[i], err))
            return -(int)err->code;
    request->given_phases = given;
    request->given_phase_count = rows->count;
    request->page_cache = (enum page_cache)options->page_cache;
    request->memory_timeline = options->memory_timeline;
    request->speed = (enum machine_speed)options->speed;
    return 0;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct predict_command_options *options = given;
    struct predict_request request;
    if (predict_options_request(context->arena, &options->model, &options->predict, &request,
                                err) ||
        read_cold_start(context->arena, options, &request, err))
        return -(int)err->code;
    request.progress = context->progress;
    struct db *db;
    int flags = options->no_store ? DB_READ_ONLY : DB_WRITE_IF_ABLE | DB_CREATE;
    if (context_db_open(context, flags, &db, err))
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
    {.name = "speed",
                                               .type = OPTION_CHOICE,
                                               .metavar = "SPEED",
                                               .fallback = "usual",
                                               .choice = speed_choice,
                                               .offset = offsetof(struct predict_command_options, speed),
                                               .help = "that this machine is taken to have: to hold a prediction against a stopwatch, ask "
             "for now"},
    {.name = "page-cache",
                                               .type = OPTION_CHOICE,
                                               .metavar = "STATE",
                                               .fallback = "warm",
                                               .choice = page_cache_choice,
                                               .offset = offsetof(struct predict_command_options, page_cache),
                                               .help = "at the cold start"},
    {.name = "cold-start-row",
                                               .type = OPTION_LIST,
                                               .metavar = "NAME=TIME",
                                               .offset = offsetof(struct predict_command_options, cold_start_rows),
                                               .help = "what comes before the process starts: image-pull=45s"},
    {.name = "memory-timeline",
                                               .type = OPTION_FLAG,
                                               .offset = offsetof(struct predict_command_options, memory_timeline),
                                               .help = "what is held while each operator runs"},
    {.name = "no-store",
                                               .type = OPTION_FLAG,
                                               .offset = offsetof(struct predict_command_options, no_store),
                                               .help = "leave the database as it is"},
    {0                                                    },
};

static const struct argument_row arguments[] = {
    MODEL_ARGUMENT(struct predict_command_options, model),
    {0},
};

static const struct example examples[] = {
    {"assay predict mobilenet_v2.onnx",           "latency, memory and every operator, without running it"},
    {"assay predict model.onnx --batch 8 --json",                                           "for another program"},
    {"assay predict model.onnx --leave-out-self","as if the model had never been measured here"},
    {"assay predict model.onnx --page-cache cold --cold-start-row node-boot=70s",
     "from nothing to the first answer"},
    {"assay predict model.onnx --speed now",                                           "what a measurement just now would give"},
    {"assay predict model.onnx --memory-timeline",          "which operator owns the peak"},
    {0     },
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
