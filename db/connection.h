/* Inside db/ only: the connection, transactions, and SQLite's errors in our words. */
#ifndef ASSAY_DB_CONNECTION_H
#define ASSAY_DB_CONNECTION_H

#include "base/err.h"
#include "db/db.h"
#include "db/statements.h"

#include <sqlite3.h>
#include <stdbool.h>

enum {
    DB_APPLICATION_ID = 0x41535359, /* "ASSY" in the file's header */
    DB_BUSY_MS = 30000,
    DB_IMPATIENT_MS = 200,
    DB_TIME_SIZE = 32,
};

struct db {
    sqlite3 *handle;
    char *path;
    bool read_only, newer, older, impatient;   /* newer, older: than the program */
    sqlite3_stmt *statements[STATEMENT_COUNT]; /* prepared when first used */
};

/* Says what went wrong with the file in terms of the user's world. `status` is an (extended) result
 * code of SQLite; `doing` completes "cannot ...". Returns -code. */
int db_fail(const struct db *db, int status, const char *doing, struct err *err);

/* ERR_ENVIRONMENT when the database was opened for reading. Everything that writes asks this. */
int db_refuse_read_only(const struct db *db, struct err *err);
/* Takes the write lock at once, so that no statement inside can meet a lock. */
int db_begin_write(struct db *db, struct err *err);
/* A snapshot for several reading statements; nothing to do inside another one. */
int db_begin_read(struct db *db, struct err *err);
/* Commits when failed is 0, else rolls back and returns `failed`. */
int db_end(struct db *db, int failed, struct err *err);

/* Now in UTC, "2026-01-31T12:00:00.000Z". */
void db_now(char text[static DB_TIME_SIZE]);

#endif
