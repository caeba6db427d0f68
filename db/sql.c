#include "db/sql.h"

#include "db/rows.h"

#include <string.h>

static const char only_reading[] =
    "only one statement that reads is allowed: SELECT, WITH, VALUES or EXPLAIN";

/* Functions that could reach outside the database, in case SQLite was built with them. */
static const char *const refused_functions[] = {"load_extension", "fts3_tokenizer", "readfile",
                                                "writefile", "edit"};

static int authorize_function(const char *name) {
    for (size_t i = 0; i < sizeof refused_functions / sizeof *refused_functions; i++)
        if (sqlite3_stricmp(name, refused_functions[i]) == 0)
            return SQLITE_DENY;
    return SQLITE_OK;
}

/* SQLite asks this for everything a statement would do (sqlite3_set_authorizer). */
static int authorize(void *context, int action, const char *first, const char *second,
                     const char *database, const char *trigger) {
    (void)context, (void)first, (void)database, (void)trigger;
    if (action == SQLITE_FUNCTION)
        return authorize_function(second);
    return action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE
               ? SQLITE_OK
               : SQLITE_DENY;
}

static int refuse(struct err *err) {
    err_set(err, ERR_USAGE, "SQL: %s", only_reading);
    return err_hint(err, "nothing was changed; docs/database.md has examples");
}

static int fail(const struct db *db, int status, struct err *err) {
    if ((status & 0xff) == SQLITE_AUTH)
        return refuse(err);
    if ((status & 0xff) != SQLITE_ERROR)
        return db_fail(db, status, "answer", err);
    err_set(err, ERR_USAGE, "SQL: %s", sqlite3_errmsg(db->handle));
    return err_hint(err, "`assay db info` lists the tables, docs/database.md their columns");
}

static int prepare(struct db *db, const char *sql, sqlite3_stmt **statement, struct err *err) {
    const char *tail = NULL;
    sqlite3_stmt *second = NULL;
    int status = sqlite3_prepare_v2(db->handle, sql, -1, statement, &tail);
    if (status != SQLITE_OK)
        return fail(db, status, err);
    if (*statement == NULL || !sqlite3_stmt_readonly(*statement))
        return refuse(err);
    /* Blanks and comments may follow; anything else is a second statement. */
    status = sqlite3_prepare_v2(db->handle, tail, -1, &second, NULL);
    sqlite3_finalize(second);
    return status != SQLITE_OK || second != NULL ? refuse(err) : 0;
}

static int walk(struct db *db, sqlite3_stmt *statement,
                int (*each)(void *context, const struct sql_row *row, struct err *err),
                void *context, struct err *err) {
    int status = SQLITE_DONE;
    int stopped = rows_walk(statement, each, context, &status, err);
    if (stopped != 0 || status == SQLITE_DONE)
        return stopped;
    return fail(db, status, err);
}

int db_sql(struct db *db, const char *sql,
           int (*each)(void *context, const struct sql_row *row, struct err *err), void *context,
           struct err *err) {
    sqlite3_stmt *statement = NULL;
    sqlite3_set_authorizer(db->handle, authorize, NULL);
    int failed = prepare(db, sql, &statement, err);
    if (failed == 0)
        failed = walk(db, statement, each, context, err);
    sqlite3_finalize(statement);
    sqlite3_set_authorizer(db->handle, NULL, NULL);
    return failed;
}
