#include "cli/command.h"
#include "db/recording.h"
#include "reports/recording.h"
#include "reports/recording_figure.h"

#include <inttypes.h>
#include <math.h>

struct recordings_options {
    const char *id;
    bool flat, shapes, tracks, folded, gone;
    const char *picture;
    int64_t limit;
    double share;
};

/* ---- the list -------------------------------------------------------------------------------- */

enum { ID, FORMAT, SOURCE, EVENTS, OPERATORS, WALL, DEVICE, CREATED, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [ID] = {"id",         "Recording", UNIT_PLAIN, TABLE_RIGHT},
    [FORMAT] = {"format",     "Format",    UNIT_PLAIN, TABLE_LEFT },
    [SOURCE] = {"source",     "Source",    UNIT_PLAIN, TABLE_LEFT },
    [EVENTS] = {"events",     "Events",    UNIT_COUNT, TABLE_RIGHT},
    [OPERATORS] = {"operators",  "Operators", UNIT_COUNT, TABLE_RIGHT},
    [WALL] = {"wall_ns",    "Wall",      UNIT_NS,    TABLE_RIGHT},
    [DEVICE] = {"device",     "Device",    UNIT_PLAIN, TABLE_LEFT },
    [CREATED] = {"created_at", "Stored",    UNIT_PLAIN, TABLE_LEFT },
};

static int list(struct context *context, struct db *db, struct err *err) {
    struct stored_recording *items;
    struct table table;
    size_t count;
    if (db_list_recordings(db, context->arena, &items, &count, err) < 0)
        return -(int)err->code;
    table_init(&table, context->arena, "", columns, COLUMNS);
    for (size_t i = 0; i < count; i++) {
        const struct recording *r = &items[i].recording;
        table_row(&table);
        table_int(&table, ID, items[i].id);
        table_text(&table, FORMAT, r->format);
        table_text(&table, SOURCE, r->path);
        table_int(&table, EVENTS, (int64_t)r->events);
        table_int(&table, OPERATORS, r->node_count);
        table_number(&table, WALL, r->wall_ns > 0 ? r->wall_ns : NAN);
        table_text(&table, DEVICE, recording_fact(r, "device"));
        table_text(&table, CREATED, items[i].created_at);
    }
    return print_table(context, &table, err);
}

/* ---- one recording --------------------------------------------------------------------------- */

static int draw(struct context *context, const struct recording *recording, const char *path,
                struct err *err) {
    struct strbuf svg;
    strbuf_init(&svg);
    int code = recording_picture(context->arena, recording, &svg, err);
    if (!code)
        code = write_picture(context, &svg, path, err);
    strbuf_done(&svg);
    return code;
}

static int print_folded(struct context *context, const struct recording *recording,
                        struct err *err) {
    struct strbuf text;
    strbuf_init(&text);
    recording_folded(context->arena, recording, &text);
    int code = print_raw(context, text.text, err);
    strbuf_done(&text);
    return code;
}

static int show(struct context *context, struct db *db, const struct recordings_options *options,
                int64_t id, struct err *err) {
    struct stored_recording stored;
    struct table head, operators, tracks;
    if (db_load_recording(db, context->arena, id, RECORDING_NODES, &stored, err) < 0)
        return -(int)err->code;
    const struct recording *r = &stored.recording;
    if (options->picture && draw(context, r, options->picture, err) < 0)
        return -(int)err->code;
    if (options->folded)
        return print_folded(context, r, err);
    uint32_t limit = (uint32_t)options->limit;
    recording_head_table(context->arena, r, &head);
    recording_tracks_table(context->arena, r, &tracks);
    if (options->flat)
        recording_calls_table(context->arena, r, options->shapes, limit, &operators);
    else
        recording_tree_table(context->arena, r, 0, limit, options->share / 100, &operators);
    cJSON *tree = recording_json(context->arena, r);
    json_add_int(tree, "recording", stored.id);
    json_add_text(tree, "created_at", stored.created_at);
    json_add(tree, options->flat ? "calls" : "tree", table_json(&operators));
    const struct table *const tables[] = {&head, options->tracks ? &tracks : &operators};
    int code = print_answer(context, tree, tables, 2, err);
    cJSON_Delete(tree);
    return code;
}

static int delete_one(struct context *context, struct db *db, int64_t id, struct err *err) {
    if (db_delete_recording(db, id, err) < 0)
        return -(int)err->code;
    print_note(context, "recording %" PRId64 " is gone", id);
    return 0;
}

static int answer(struct context *context, struct db *db, const struct recordings_options *options,
                  struct err *err) {
    int64_t id;
    if (!options->id)
        return list(context, db, err);
    if (unit_parse_integer(options->id, &id, err) < 0)
        return -(int)err->code;
    return options->gone ? delete_one(context, db, id, err) : show(context, db, options, id, err);
}

static int check(const struct context *context, const struct recordings_options *options,
                 struct err *err) {
    const struct {
        bool given;
        const char *name;
    } of_one[] = {
        {options->gone,            "delete" },
        {options->folded,          "folded" },
        {options->tracks,          "tracks" },
        {options->flat,            "flat"   },
        {options->picture != NULL, "picture"},
    };
    for (size_t i = 0; i < sizeof of_one / sizeof *of_one && !options->id; i++)
        if (of_one[i].given)
            return err_set(err, ERR_USAGE, "--%s wants a recording", of_one[i].name);
    if (options->folded && context->json)
        return err_set(err, ERR_USAGE, "--folded is text for other programs, and no JSON");
    return 0;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct recordings_options *options = given;
    struct db *db;
    if (check(context, options, err) < 0)
        return -(int)err->code;
    if (context_db_open(context, options->gone ? DB_WRITE : DB_READ_ONLY, &db, err) < 0)
        return -(int)err->code;
    int code = answer(context, db, options, err);
    db_close(db);
    return code;
}

/* clang-format off */
static const struct option_row options[] = {
    {.name = "flat", .type = OPTION_FLAG, .offset = offsetof(struct recordings_options, flat),
     .help = "names by their own time, instead of the tree"},
    {.name = "shapes", .type = OPTION_FLAG, .offset = offsetof(struct recordings_options, shapes),
     .help = "with --flat: one row per shapes too"},
    {.name = "tracks", .type = OPTION_FLAG, .offset = offsetof(struct recordings_options, tracks),
     .help = "threads and queues, instead of operators"},
    {.name = "folded", .type = OPTION_FLAG, .offset = offsetof(struct recordings_options, folded),
     .help = "a line per stack with its own microseconds, for programs that draw flame graphs"},
    {.name = "picture", .type = OPTION_TEXT, .metavar = "FILE", .offset = offsetof(struct recordings_options, picture),
     .help = "draw the tree into an SVG file"},
    {.name = "limit", .type = OPTION_INT, .metavar = "N", .fallback = "20", .min = 0, .max = 1e6,
     .offset = offsetof(struct recordings_options, limit), .help = "rows, of the tree below each node; 0: all"},
    {.name = "share", .type = OPTION_NUMBER, .metavar = "PERCENT", .fallback = "0.5", .min = 0, .max = 100,
     .offset = offsetof(struct recordings_options, share),
     .help = "leave out what is a smaller part of the tree's time"},
    {.name = "delete", .type = OPTION_FLAG, .offset = offsetof(struct recordings_options, gone),
     .help = "remove the recording"},
    {0},
};

static const struct argument_row arguments[] = {
    {.name = "ID", .kind = ARGUMENT_OPTIONAL, .offset = offsetof(struct recordings_options, id),
     .help = "of a recording; without it all are listed"},
    {0},
};

static const struct example examples[] = {
    {"assay recordings", "all of them"},
    {"assay recordings 3", "the tree of operators, with total and own time"},
    {"assay recordings 3 --picture tree.svg", "the tree as a picture"},
    {"assay recordings 3 --flat --shapes", "where the time went, by name and shapes"},
    {0},
};
/* clang-format on */

const struct command cmd_recordings = {
    .name = "recordings",
    .summary = "look at what was recorded or imported",
    .description =
        "Lists recordings, or shows one: operators as a tree with calls, total and own time. A "
        "node is all calls of one name with the same shapes below the same parent. Total is the "
        "time of the calls, own time without the calls inside; the share is of all own time.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct recordings_options),
    .run = run,
};
