/* The database: one SQLite file with every model, machine, run, fit and prediction.
 *
 * A struct db is one connection; it is not shared between threads, but any number of processes
 * may have the same file open (WAL: readers never wait, writers queue). Each db_put_ function is
 * one transaction: when it returns 0 the data is on the disk (synchronous=FULL) and its id may be
 * told to others; when it fails, or the process dies, nothing of it is visible.
 *
 * Errors: ERR_INPUT for a file that is not ours, damaged or newer than the program and for what
 * the user asked that is not there; ERR_ENVIRONMENT for no right, no space, locked for too long.
 *
 * The nouns: db/model.h, db/machine.h, db/lowered.h, db/run.h, db/fit.h, db/prediction.h,
 * db/recording.h, db/file_digest.h. What an administrator does: db/admin.h, db/export.h, db/sql.h.
 * SQL stands nowhere else than in this room; docs/database.md describes the tables.
 */
#ifndef ASSAY_DB_DB_H
#define ASSAY_DB_DB_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>

struct db;

enum db_flags {
    DB_WRITE = 0,       /* the file must exist and be writable */
    DB_CREATE = 1 << 0, /* made, with its folder, when absent */
    /* No row is changed; a newer database is accepted, an older one brought up to date. */
    DB_READ_ONLY = 1 << 1,
    DB_WRITE_IF_ABLE = 1 << 2, /* read-only when the place cannot be written or is newer */
    /* Of a server that looks in again and again: gives up on a lock after a fifth of a second, not
     * half a minute, and holds little of the file in memory, however large it grows. */
    DB_IMPATIENT = 1 << 3,
};

/* $ASSAY_DB, else $XDG_DATA_HOME/assay/assay.db, else ~/.local/share/assay/assay.db. NULL with
 * ERR_ENVIRONMENT when none of the variables (nor HOME) is set. */
const char *db_default_path(struct arena *arena, struct err *err);

/* On failure *db is NULL. An absent file without DB_CREATE is ERR_INPUT. */
int db_open(const char *path, int flags, struct db **db, struct err *err);
void db_close(struct db *db); /* NULL is allowed */

const char *db_path(const struct db *db);
bool db_is_read_only(const struct db *db);
bool db_is_newer(const struct db *db); /* made by a newer program; then it is read-only too */

#endif
