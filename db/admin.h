/* Looking after the file: what is in it, whether it is sound, a copy of it. */
#ifndef ASSAY_DB_ADMIN_H
#define ASSAY_DB_ADMIN_H

#include "db/db.h"

#include <stddef.h>
#include <stdint.h>

struct db_table_info {
    const char *name;
    const char *help; /* one line */
    uint64_t rows;
};

struct db_info {
    const char *path;
    uint32_t schema_version, program_version; /* of the file; the newest this program knows */
    const char *sqlite_version;
    const char *journal_mode;                   /* "wal" */
    uint64_t file_bytes, wal_bytes, free_bytes; /* free: unused pages inside the file */
    bool read_only;
    const struct db_table_info *tables;
    size_t table_count;
    const char *oldest_run_at, *newest_run_at; /* "" when there is none */
};

/* Lives in the arena. */
int db_get_info(struct db *db, struct arena *arena, struct db_info *info, struct err *err);

/* Everything that is wrong, one line each, at most 100: SQLite's integrity check, foreign keys,
 * runs, lowered graphs, fits, recordings and digests that do not fit their checksums. Empty: sound.
 * The function fails only when it cannot look. */
int db_check(struct db *db, struct arena *arena, const char *const **problems, size_t *count,
             struct err *err);

/* A consistent copy, also while others write; `path` must not exist. */
int db_backup(struct db *db, const char *path, struct err *err);
/* Gives free pages back to the file system. */
int db_vacuum(struct db *db, struct err *err);

#endif
