#include "cli/command.h"
#include "cli/place_options.h"
#include "db/db.h"
#include "jobs/calibrate.h"
#include "models/random/random.h"

struct calibrate_options {
    struct place_options place;
    int64_t seed;
    uint64_t budget_ns;
    struct text_list recipes;
};

/* What a model with such an operator is answered from is its family or the roofline. */
static void note_unseen(struct context *context, const struct calibrated *done) {
    const char *list = "";
    for (uint32_t i = 0; i < done->unseen_count; i++)
        list = arena_printf(context->arena, "%s%s%s", list, i ? " " : "", done->unseen[i]);
    if (done->unseen_count)
        print_note(context, "%u operator types were never measured here: %s", done->unseen_count,
                   list);
}

static void note_speed(struct context *context, const struct calibrated *done) {
    char low[UNIT_TEXT_SIZE], middle[UNIT_TEXT_SIZE], high[UNIT_TEXT_SIZE];
    if (done->no_reference)
        print_note(context,
                   "speed of the machine: told by its clock alone, the reference network "
                   "does not run: %s",
                   done->no_reference);
    if (!(done->reference_ns > 0))
        return;
    print_note(context,
               "speed of the machine: the reference network took %s, beside eight of ten networks "
               "%s to %s",
               unit_format(middle, done->reference_ns, UNIT_NS),
               unit_format(low, done->reference_low_ns, UNIT_NS),
               unit_format(high, done->reference_high_ns, UNIT_NS));
    if (calibrated_is_disturbed(done))
        print_note(context, "that is much: others have used this machine meanwhile; call again "
                            "when it is quiet, what is learnt then comes on top");
}

static int print_calibrated(struct context *context, const struct calibrated *done,
                            struct err *err) {
    enum { RECIPE, NETWORKS, SECONDS, ERROR, COLUMNS };
    static const struct table_column columns[COLUMNS] = {
        [RECIPE] = {"recipe",      "Recipe",       UNIT_PLAIN,    TABLE_LEFT },
        [NETWORKS] = {"networks",    "Networks",     UNIT_COUNT,    TABLE_RIGHT},
        [SECONDS] = {"duration_ns", "Time",         UNIT_NS,       TABLE_RIGHT},
        [ERROR] = {"error",       "Recent error", UNIT_FRACTION, TABLE_RIGHT},
    };
    struct table table;
    table_init(&table, context->arena, "", columns, COLUMNS);
    for (uint32_t i = 0; i < done->design.count; i++) {
        const struct design_arm *arm = &done->design.arms[i];
        table_row(&table);
        table_text(&table, RECIPE, arm->name);
        table_int(&table, NETWORKS, arm->tried);
        table_number(&table, SECONDS, arm->seconds * 1e9);
        table_number(&table, ERROR, arm->error);
    }
    if (print_table(context, &table, err))
        return -(int)err->code;
    print_note(
        context,
        "%u networks measured (%u before), %u of them also beside replicas, %u given up%s%s; "
        "%.0f %% of %.0f s was measuring",
        done->networks, done->networks_before, done->together, done->failed,
        done->failed ? ", last: " : "", done->last_failure, 100 * done->measuring_share,
        done->seconds);
    print_note(context, "fit %lld: %u kernel classes from %u operators", (long long)done->fitted.id,
               done->fitted.fit.cost.class_count, done->fitted.fit.observations);
    note_speed(context, done);
    note_unseen(context, done);
    return 0;
}

static const char *recipe_choice(size_t index, const char **help) {
    bool known = index < random_recipe_count;
    *help = known ? random_recipes[index].row.help : "";
    return known ? random_recipes[index].row.name : NULL;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct calibrate_options *options = given;
    const struct calibrate_request request = {
        .collector = place_collector(&options->place),
        .threads = (uint32_t)options->place.threads,
        .budget_ns = options->budget_ns,
        .seed = (uint64_t)options->seed,
        .recipes = options->recipes.items,
        .recipe_count = options->recipes.count,
    };
    struct db *db;
    struct calibrated done;
    if (context_db_open(context, DB_CREATE, &db, err))
        return -(int)err->code;
    int code = job_calibrate(context->arena, db, &request, context->progress, &done, err);
    db_close(db);
    return code ? code : print_calibrated(context, &done, err);
}

static const struct option_row options[] = {
    PLACE_OPTIONS(struct calibrate_options, place),
    {.name = "budget",
                                       .type = OPTION_DURATION,
                                       .metavar = "TIME",
                                       .fallback = "10m",
                                       .offset = offsetof(struct calibrate_options, budget_ns),
                                       .help = "stop after this time"},
    {.name = "seed",
                                       .type = OPTION_INT,
                                       .metavar = "N",
                                       .fallback = "1",
                                       .offset = offsetof(struct calibrate_options, seed),
                                       .help = "of the random networks"},
    {.name = "recipe",
                                       .type = OPTION_WORDS,
                                       .metavar = "NAME",
                                       .choice = recipe_choice,
                                       .offset = offsetof(struct calibrate_options, recipes),
                                       .help = "of these recipes alone; default all"},
    {0             },
};

static const struct example examples[] = {
    {"assay calibrate",                         "ten minutes at one thread; then any model can be predicted"},
    {"assay calibrate --budget 3m --recipe quantised-images,quantised-tokens",
     "when only eight-bit models matter"},
    {"assay calibrate --budget 2m --threads 4",       "two more minutes, at four threads"},
    {0},
};

const struct command cmd_calibrate = {
    .name = "calibrate",
    .summary = "learn this machine from random networks, no model needed",
    .description =
        "Measures memory bandwidth and random small networks in the manner of many families of "
        "architectures until the time is spent. What the growing fit predicts worst, per second "
        "it costs, is measured most. Every network is stored at once: an interrupted calibration "
        "loses nothing, and calling again goes on with new networks. Profiles of real models add "
        "to the same observations.",
    .examples = examples,
    .options = options,
    .options_size = sizeof(struct calibrate_options),
    .run = run,
};
