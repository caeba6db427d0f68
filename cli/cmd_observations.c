#include "cli/command.h"
#include "cli/place_options.h"
#include "db/db.h"
#include "jobs/observations.h"
#include "predictor/observations_text.h"

struct observations_options {
    struct place_options place;
    int64_t networks;
};

static int print_observations(struct context *context, const struct training *training,
                              struct err *err) {
    struct strbuf text;
    strbuf_init(&text);
    observations_write(training, &text);
    int code = print_raw(context, text.text, err);
    strbuf_done(&text);
    print_note(context, "%u runs, %u operators", training->run_count, training->observation_count);
    return code;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct observations_options *options = given;
    struct db *db;
    struct place place;
    struct training training;
    if (place_open(context, &options->place, DB_READ_ONLY, &db, &place, err))
        return -(int)err->code;
    int code = job_observations(context->arena, db, &place, (uint32_t)options->networks, &training,
                                err);
    db_close(db);
    return code ? code : print_observations(context, &training, err);
}

/* clang-format off */
static const struct option_row options[] = {
    PLACE_OPTIONS(struct observations_options, place),
    {.name = "networks", .type = OPTION_INT, .metavar = "N", .fallback = "0", .min = 0, .max = 1e6,
     .offset = offsetof(struct observations_options, networks),
     .help = "keep about N networks of calibrations, and those that rare kernel classes need; 0: all"},
    {0},
};

static const struct example examples[] = {
    {"assay observations | gzip -9 > observations.tsv.gz", "all that this machine's fit learns from"},
    {"assay fit --observations observations.tsv --text", "a fit from such a file alone, elsewhere"},
    {0},
};
/* clang-format on */

const struct command cmd_observations = {
    .name = "observations",
    .summary = "print what fits learn from, as text",
    .description =
        "Prints every run stored for this machine, runtime version and thread count with the "
        "features and times of its operators: tab-separated lines whose numbers read back the "
        "same, so that a fit can be made again bit for bit without the database. The format is "
        "described in docs/observations.md.",
    .examples = examples,
    .options = options,
    .options_size = sizeof(struct observations_options),
    .run = run,
};
