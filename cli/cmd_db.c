#include "cli/command.h"
#include "cli/db_lists.h"
#include "db/admin.h"
#include "db/export.h"
#include "db/run.h"

#include <inttypes.h>
#include <string.h>

struct db_options {
    int action;
    const char *argument;
};

/* ---- what is in it, and whether it is sound ------------------------------------------------- */

static void add_pair(struct table *table, const char *name, const char *value) {
    table_row(table);
    table_text(table, 0, name);
    table_text(table, 1, value);
}

static void fill_info(struct table *table, const struct db_info *info) {
    char size[UNIT_TEXT_SIZE];
    add_pair(table, "path", info->path);
    add_pair(table, "schema",
             arena_printf(table->arena, "%" PRIu32 " of %" PRIu32, info->schema_version,
                          info->program_version));
    add_pair(table, "sqlite", info->sqlite_version);
    add_pair(table, "journal", info->journal_mode);
    add_pair(table, "size", unit_format(size, (double)info->file_bytes, UNIT_BYTES));
    add_pair(table, "write-ahead log", unit_format(size, (double)info->wal_bytes, UNIT_BYTES));
    add_pair(table, "unused inside", unit_format(size, (double)info->free_bytes, UNIT_BYTES));
    add_pair(table, "oldest run", *info->oldest_run_at ? info->oldest_run_at : "none");
    add_pair(table, "newest run", *info->newest_run_at ? info->newest_run_at : "none");
}

static void fill_tables(struct table *table, const struct db_info *info) {
    for (size_t i = 0; i < info->table_count; i++) {
        table_row(table);
        table_text(table, 0, info->tables[i].name);
        table_int(table, 1, (int64_t)info->tables[i].rows);
        table_text(table, 2, info->tables[i].help);
    }
}

static cJSON *info_json(const struct db_info *info, const struct table *tables) {
    cJSON *tree = json_object();
    json_add_text(tree, "path", info->path);
    json_add_uint(tree, "schema_version", info->schema_version);
    json_add_uint(tree, "program_version", info->program_version);
    json_add_text(tree, "sqlite_version", info->sqlite_version);
    json_add_text(tree, "journal_mode", info->journal_mode);
    json_add_uint(tree, "file_bytes", info->file_bytes);
    json_add_uint(tree, "wal_bytes", info->wal_bytes);
    json_add_uint(tree, "free_bytes", info->free_bytes);
    json_add_text(tree, "oldest_run_at", *info->oldest_run_at ? info->oldest_run_at : NULL);
    json_add_text(tree, "newest_run_at", *info->newest_run_at ? info->newest_run_at : NULL);
    json_add(tree, "tables", table_json(tables));
    return tree;
}

static int show_info(struct context *context, struct db *db, const char *argument,
                     struct err *err) {
    (void)argument;
    static const struct table_column head_columns[] = {
        {"name",  "Database", UNIT_PLAIN, TABLE_LEFT},
        {"value", "",         UNIT_PLAIN, TABLE_LEFT},
    };
    static const struct table_column table_columns[] = {
        {"name",  "Table", UNIT_PLAIN, TABLE_LEFT },
        {"rows",  "Rows",  UNIT_COUNT, TABLE_RIGHT},
        {"about", "About", UNIT_PLAIN, TABLE_LEFT },
    };
    struct db_info info;
    if (db_get_info(db, context->arena, &info, err) < 0)
        return -(int)err->code;
    struct table head, tables;
    table_init(&head, context->arena, "", head_columns, 2);
    table_init(&tables, context->arena, "", table_columns, 3);
    fill_info(&head, &info);
    fill_tables(&tables, &info);
    cJSON *tree = info_json(&info, &tables);
    const struct table *const both[] = {&head, &tables};
    int failed = print_answer(context, tree, both, 2, err);
    cJSON_Delete(tree);
    return failed;
}

static int check(struct context *context, struct db *db, const char *argument, struct err *err) {
    (void)argument;
    static const struct table_column columns[] = {
        {"problem", "Problem", UNIT_PLAIN, TABLE_LEFT}
    };
    const char *const *problems;
    size_t count;
    if (db_check(db, context->arena, &problems, &count, err) < 0)
        return -(int)err->code;
    struct table table;
    table_init(&table, context->arena, "", columns, 1);
    for (size_t i = 0; i < count; i++) {
        table_row(&table);
        table_text(&table, 0, problems[i]);
    }
    cJSON *tree = json_object();
    json_add_text(tree, "path", db_path(db));
    json_add_bool(tree, "sound", count == 0);
    json_add(tree, "problems", table_json(&table));
    const struct table *const only[] = {&table};
    int failed = context->json || count ? print_answer(context, tree, only, 1, err)
                                        : print_line(context, err, "%s is sound", db_path(db));
    cJSON_Delete(tree);
    return failed ? failed : count ? ERR_FINDING : 0;
}

/* ---- lists --------------------------------------------------------------------------------- */

typedef int list_fn(struct db *db, struct arena *arena, struct table *table, struct err *err);

static int show_list(struct context *context, struct db *db, list_fn *fill, struct err *err) {
    struct table table;
    int failed = fill(db, context->arena, &table, err);
    return failed ? failed : print_table(context, &table, err);
}

static int show_runs(struct context *context, struct db *db, const char *argument,
                     struct err *err) {
    (void)argument;
    return show_list(context, db, db_list_runs_table, err);
}

static int show_models(struct context *context, struct db *db, const char *argument,
                       struct err *err) {
    (void)argument;
    return show_list(context, db, db_list_models_table, err);
}

static int show_machines(struct context *context, struct db *db, const char *argument,
                         struct err *err) {
    (void)argument;
    return show_list(context, db, db_list_machines_table, err);
}

static int show_fits(struct context *context, struct db *db, const char *argument,
                     struct err *err) {
    (void)argument;
    return show_list(context, db, db_list_fits_table, err);
}

static int show_sql(struct context *context, struct db *db, const char *argument, struct err *err) {
    struct table table;
    int failed = db_sql_table(db, context->arena, argument, &table, err);
    return failed ? failed : print_table(context, &table, err);
}

/* ---- copies and care ----------------------------------------------------------------------- */

/* Streams, because a table may be larger than memory. */
static int export_table(struct context *context, struct db *db, const char *argument,
                        struct err *err) {
    bool csv = strcmp(context->format->name, "csv") == 0;
    context->answered = true;
    int failed = db_export(db, argument, csv ? EXPORT_CSV : EXPORT_JSON_LINES, context->out, err);
    if (failed && context_reader_gone(context)) {
        *err = (struct err){0};
        return 0;
    }
    return failed;
}

static int backup(struct context *context, struct db *db, const char *argument, struct err *err) {
    if (db_backup(db, argument, err) < 0)
        return -(int)err->code;
    print_note(context, "copied to %s", argument);
    return 0;
}

static int vacuum(struct context *context, struct db *db, const char *argument, struct err *err) {
    (void)context, (void)argument;
    return db_vacuum(db, err);
}

static int delete_run(struct context *context, struct db *db, const char *argument,
                      struct err *err) {
    int64_t id;
    if (unit_parse_integer(argument, &id, err) < 0 || db_delete_run(db, id, err) < 0)
        return -(int)err->code;
    print_note(context, "run %" PRId64 " is gone", id);
    return 0;
}

/* ---- the command --------------------------------------------------------------------------- */

static const struct action {
    const char *name;
    const char *help;
    const char *argument; /* what it wants; NULL: nothing */
    int flags;            /* of db_open */
    /* NULL: prints the path without opening it */
    int (*run)(struct context *context, struct db *db, const char *argument, struct err *err);
} actions[] = {
    {"info",       "size, versions and rows of each table",             NULL,     DB_READ_ONLY, show_info    },
    {"check",      "look for damage; exit code 1 when there is any",    NULL,     DB_READ_ONLY, check        },
    {"runs",       "every stored run",                                  NULL,     DB_READ_ONLY, show_runs    },
    {"models",     "every model seen",                                  NULL,     DB_READ_ONLY, show_models  },
    {"machines",   "every machine seen",                                NULL,     DB_READ_ONLY, show_machines},
    {"fits",       "every fit",                                         NULL,     DB_READ_ONLY, show_fits    },
    {"sql",        "the rows of one SELECT",                            "SELECT", DB_READ_ONLY, show_sql     },
    {"export",     "a whole table as JSON lines, or with --format csv", "TABLE",  DB_READ_ONLY,
     export_table                                                                                            },
    {"backup",     "a consistent copy, also while others write",        "FILE",   DB_READ_ONLY, backup       },
    {"vacuum",     "give unused space back",                            NULL,     DB_WRITE,     vacuum       },
    {"delete-run", "remove one run",                                    "ID",     DB_WRITE,     delete_run   },
    {"path",       "where the database is",                             NULL,     0,            NULL         },
    {NULL,         NULL,                                                NULL,     0,            NULL         },
};

static const char *action_choice(size_t index, const char **help) {
    *help = actions[index].help;
    return actions[index].name;
}

static int print_path(struct context *context, struct err *err) {
    const char *path = context_db_path(context, err);
    if (!path)
        return -(int)err->code;
    if (!context->json)
        return print_raw(context, arena_printf(context->arena, "%s\n", path), err);
    cJSON *tree = json_object();
    json_add_text(tree, "path", path);
    int failed = print_json(context, tree, err);
    cJSON_Delete(tree);
    return failed;
}

static int run(struct context *context, const void *given, struct err *err) {
    const struct db_options *options = given;
    const struct action *action = &actions[options->action];
    if (action->argument && !options->argument)
        return err_set(err, ERR_USAGE, "'db %s' wants %s: %s", action->name, action->argument,
                       action->help);
    if (!action->argument && options->argument)
        return err_set(err, ERR_USAGE, "unexpected argument '%s' of 'db %s'", options->argument,
                       action->name);
    if (!action->run)
        return print_path(context, err);
    struct db *db;
    if (context_db_open(context, action->flags, &db, err) < 0)
        return -(int)err->code;
    int failed = action->run(context, db, options->argument, err);
    db_close(db);
    return failed;
}

static const struct argument_row arguments[] = {
    {.name = "ACTION",
     .kind = ARGUMENT_ONE,
     .choice = action_choice,
     .offset = offsetof(struct db_options, action),
     .help = "what to do"},
    {.name = "ARGUMENT",
     .kind = ARGUMENT_OPTIONAL,
     .offset = offsetof(struct db_options, argument),
     .help = "of sql, export, backup and delete-run"},
    {0               },
};

static const struct example examples[] = {
    {"assay db info",                                      "where it is and what is in it"},
    {"assay db runs --format csv",                                                    "every run, for a spreadsheet"},
    {"assay db sql 'SELECT name, parameters FROM models'",
     "any question in SQL; nothing is changed"},
    {"assay db check", "looks for damage"},
    {"assay db backup assay-copy.db",                                                    "a copy that can be carried to another machine"},
    {0                                 },
};

const struct command cmd_db = {
    .name = "db",
    .summary = "look into the database of runs, fits and predictions",
    .description =
        "Everything measured and predicted is kept in one SQLite file. Any number of processes may "
        "read and write it at the same time, and a killed one leaves nothing half-written.",
    .examples = examples,
    .arguments = arguments,
    .options_size = sizeof(struct db_options),
    .run = run,
};
