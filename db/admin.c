#include "db/admin.h"

#include "db/migrations.h"
#include "db/query.h"
#include "db/rows.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *table, *help;
} helps[] = {
    {"models",               "model files by content hash"                        },
    {"machines",             "machines by fingerprint"                            },
    {"machine_peaks",        "measured ceilings of machines"                      },
    {"lowered_graphs",       "what a runtime makes of a model, without weights"   },
    {"runs",                 "measurements: conditions, protocol, disturbance"    },
    {"run_metrics",          "latency, memory, load times of a run"               },
    {"operators",            "every operator of a run: shapes, FLOPs, times"      },
    {"operator_metrics",     "counters of every operator"                         },
    {"fits",                 "cost models as text"                                },
    {"fit_runs",             "the runs a fit was made from"                       },
    {"predictions",          "predictions as they were given"                     },
    {"recordings",           "what programs were seen doing, recorded or imported"},
    {"recording_nodes",      "the operator tree of a recording"                   },
    {"recording_tracks",     "its threads and queues"                             },
    {"recording_samples",    "its readings over time: memory, CPU time"           },
    {"recording_facts",      "what is said once about it: device, program"        },
    {"recording_categories", "how many spans of each category"                    },
    {"file_digests",         "SHA-256 of files, as long as they are not changed"  },
    {"recording_overview",   "view: recordings in milliseconds"                   },
    {"run_overview",         "view: runs with names, in milliseconds and MiB"     },
    {"prediction_overview",  "view: predictions beside the newest measurement"    },
};

static const char *help_of(const char *table) {
    for (size_t i = 0; i < sizeof helps / sizeof *helps; i++)
        if (strcmp(helps[i].table, table) == 0)
            return helps[i].help;
    return "";
}

static uint64_t file_bytes(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static int count_rows(struct db *db, const char *table, uint64_t *rows, struct err *err) {
    sqlite3_stmt *statement;
    int failed = rows_of_table(db, "count(*)", table, &statement, err);
    if (failed != 0)
        return failed;
    int status = sqlite3_step(statement);
    *rows = status == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return status == SQLITE_ROW ? 0 : db_fail(db, status, "count rows", err);
}

static int list_tables(struct db *db, struct arena *arena, struct db_info *info, struct err *err) {
    struct query query;
    struct db_table_info *tables = NULL;
    size_t count = 0, capacity = 0;
    int stepped = 0;
    int failed = query_open(&query, db, STATEMENT_LIST_TABLES, err);
    if (failed != 0)
        return failed;
    while ((stepped = query_step(&query, err)) > 0) {
        struct db_table_info *table = ARENA_PUSH(arena, tables, count, capacity);
        table->name = get_text(&query, arena);
        table->help = help_of(table->name);
    }
    query_close(&query);
    failed = stepped;
    for (size_t i = 0; i < count && failed == 0; i++)
        failed = count_rows(db, tables[i].name, &tables[i].rows, err);
    info->tables = tables;
    info->table_count = count;
    return failed;
}

/* The columns of a statement of one row, as text. */
static int read_texts(struct db *db, struct arena *arena, enum statement statement,
                      const char **texts[], int count, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, statement, err);
    if (failed != 0)
        return failed;
    int stepped = query_step(&query, err);
    for (int i = 0; i < count; i++)
        *texts[i] = stepped > 0 ? get_text(&query, arena) : "";
    query_close(&query);
    return stepped < 0 ? stepped : 0;
}

static int read_info(struct db *db, struct arena *arena, struct db_info *info, struct err *err) {
    int version = 0;
    const char *free_bytes = "";
    int failed = migrations_version(db, &version, err);
    info->schema_version = (uint32_t)version;
    if (failed == 0)
        failed = read_texts(db, arena, STATEMENT_JOURNAL_MODE,
                            (const char **[]){&info->journal_mode}, 1, err);
    if (failed == 0)
        failed =
            read_texts(db, arena, STATEMENT_FREE_BYTES, (const char **[]){&free_bytes}, 1, err);
    if (failed == 0)
        failed = read_texts(db, arena, STATEMENT_RUN_TIMES,
                            (const char **[]){&info->oldest_run_at, &info->newest_run_at}, 2, err);
    info->free_bytes = strtoull(free_bytes, NULL, 10);
    return failed != 0 ? failed : list_tables(db, arena, info, err);
}

int db_get_info(struct db *db, struct arena *arena, struct db_info *info, struct err *err) {
    *info = (struct db_info){
        .path = arena_strdup(arena, db->path),
        .program_version = (uint32_t)migration_count,
        .sqlite_version = sqlite3_libversion(),
        .file_bytes = file_bytes(db->path),
        .wal_bytes = file_bytes(arena_printf(arena, "%s-wal", db->path)),
        .read_only = db->read_only,
    };
    int failed = db_begin_read(db, err);
    return failed != 0 ? failed : db_end(db, read_info(db, arena, info, err), err);
}

static int sync_file(const char *path, struct err *err) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    int failed = descriptor < 0 || fsync(descriptor) != 0
                     ? err_set_errno(err, ERR_ENVIRONMENT, "%s: cannot be synced to disk", path)
                     : 0;
    if (descriptor >= 0)
        close(descriptor);
    return failed;
}

int db_backup(struct db *db, const char *path, struct err *err) {
    struct query query;
    if (access(path, F_OK) == 0)
        return err_set(err, ERR_INPUT, "%s: exists already; a backup does not overwrite", path);
    int failed = query_open(&query, db, STATEMENT_BACKUP, err);
    if (failed != 0)
        return failed;
    put_text(&query, path);
    failed = query_run(&query, err);
    query_close(&query);
    if (failed == 0)
        failed = sync_file(path, err);
    if (failed != 0) {
        unlink(path);
        err_prefix(err, "backup to %s", path);
    }
    return failed;
}

static int run_plain(struct db *db, enum statement statement, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, statement, err);
    if (failed != 0)
        return failed;
    failed = query_run(&query, err);
    query_close(&query);
    return failed;
}

int db_vacuum(struct db *db, struct err *err) {
    int failed = db_refuse_read_only(db, err);
    if (failed == 0)
        failed = run_plain(db, STATEMENT_VACUUM, err);
    return failed != 0 ? failed : run_plain(db, STATEMENT_CHECKPOINT, err);
}
