#include "cli/command.h"
#include "jobs/import.h"
#include "reports/recording.h"

#include <inttypes.h>
#include <string.h>

struct import_options {
    struct text_list files;
    const char *format, *companion, *mapping;
    bool no_store;
    int64_t limit;
};

/* ---- one file -------------------------------------------------------------------------------- */

static void tell(struct context *context, const struct imported *imported) {
    const struct recording *r = &imported->recording;
    const struct foreign_outcome *outcome = &imported->outcome;
    if (imported->format->experimental)
        print_note(context, "%s: the format %s was never tried on a real file of its tool", r->path,
                   imported->format->name);
    if (!outcome->complete)
        print_note(context, "%s: %s; imported to the last whole event, %" PRIu64 " bytes", r->path,
                   outcome->cut, outcome->whole_bytes);
    if (outcome->skipped)
        print_note(context, "%s: %" PRIu64 " of its events could not be used; the first %s",
                   r->path, outcome->skipped, outcome->why);
    if (imported->id && !imported->fresh)
        print_note(context, "%s: was imported before, as recording %" PRId64, r->path,
                   imported->id);
    else if (imported->id)
        print_note(context, "recording %" PRId64 " is stored: `assay recordings %" PRId64 "`",
                   imported->id, imported->id);
}

static cJSON *imported_json(struct arena *arena, const struct imported *imported) {
    cJSON *tree = recording_json(arena, &imported->recording);
    const struct foreign_outcome *outcome = &imported->outcome;
    json_add_text(tree, "cut", outcome->cut);
    json_add_uint(tree, "skipped", outcome->skipped);
    json_add_text(tree, "skipped_first", outcome->why);
    if (imported->id)
        json_add_int(tree, "recording", imported->id);
    else
        json_add_null(tree, "recording");
    json_add_bool(tree, "stored", imported->fresh);
    return tree;
}

static int print_text(struct context *context, const struct import_options *options,
                      const struct imported *imported, struct err *err) {
    struct table head, categories, calls;
    const struct recording *r = &imported->recording;
    recording_head_table(context->arena, r, &head);
    recording_categories_table(context->arena, r, &categories);
    recording_calls_table(context->arena, r, false, (uint32_t)options->limit, &calls);
    const struct table *const tables[] = {&head, &calls, &categories};
    return print_answer(context, NULL, tables, r->category_count > 1 ? 3 : 2, err);
}

/* ---- all files ------------------------------------------------------------------------------- */

/* JSON of one file is an object, of several an array of them. */
static int import_all(struct context *context, const struct import_options *options, struct db *db,
                      cJSON **answer, struct err *err) {
    cJSON *list = options->files.count > 1 ? json_array() : NULL;
    int code = 0;
    for (uint32_t i = 0; i < options->files.count && code == 0; i++) {
        struct import_request request = {options->files.items[i], options->format,
                                         options->companion, options->mapping, context->progress};
        struct imported imported;
        code = import_file(context->arena, db, &request, &imported, err);
        if (code)
            break;
        tell(context, &imported);
        if (!context->json)
            code = print_text(context, options, &imported, err);
        else if (list)
            json_add(list, NULL, imported_json(context->arena, &imported));
        else
            *answer = imported_json(context->arena, &imported);
    }
    if (list)
        *answer = list;
    return code;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct import_options *options = given;
    struct db *db = NULL;
    cJSON *answer = NULL;
    if (options->files.count > 1 && options->companion)
        return err_set(err, ERR_USAGE, "--with belongs to one file");
    if (!options->no_store && context_db_open(context, DB_CREATE, &db, err) < 0)
        return -(int)err->code;
    int code = import_all(context, options, db, &answer, err);
    db_close(db);
    if (code == 0 && context->json)
        code = print_json(context, answer, err);
    cJSON_Delete(answer);
    return code;
}

/* clang-format off */
static const struct option_row options[] = {
    {.name = "from", .type = OPTION_TEXT, .metavar = "FORMAT", .offset = offsetof(struct import_options, format),
     .help = "the file's format, instead of looking into it; `assay list imports` names them"},
    {.name = "with", .type = OPTION_TEXT, .metavar = "FILE", .offset = offsetof(struct import_options, companion),
     .help = "a second file that the format needs, such as the .pte of an ETDump"},
    {.name = "mapping", .type = OPTION_TEXT, .metavar = "FILE", .offset = offsetof(struct import_options, mapping),
     .help = "how the columns of a table are read"},
    {.name = "limit", .type = OPTION_INT, .metavar = "N", .fallback = "15", .min = 0, .max = 1e6,
     .offset = offsetof(struct import_options, limit), .help = "operators to show; 0: all"},
    {.name = "no-store", .type = OPTION_FLAG, .offset = offsetof(struct import_options, no_store),
     .help = "only look, keep nothing in the database"},
    {0},
};

static const struct argument_row arguments[] = {
    {.name = "FILE", .kind = ARGUMENT_SOME, .offset = offsetof(struct import_options, files),
     .help = "traces and tables, packed with gzip or not"},
    {0},
};

static const struct example examples[] = {
    {"assay import trace.json.gz", "a trace of PyTorch's profiler: operators, kernels, what was busy"},
    {"assay import trace.json --json", "the same for a program"},
    {"assay recordings", "what was imported and recorded"},
    {0},
};
/* clang-format on */

const struct command cmd_import = {
    .name = "import",
    .summary = "read traces and tables of other tools",
    .description =
        "Reads what other profilers wrote, knows the format by the content, and keeps it as a "
        "recording: the tree of operators with their own times, threads and queues, what the "
        "device did. A file that ends early is read up to its last whole event. The same file is "
        "stored once.\n\n"
        "`assay list imports` names the formats. Files may be larger than memory.",
    .examples = examples,
    .options = options,
    .arguments = arguments,
    .options_size = sizeof(struct import_options),
    .run = run,
};
