#include "db/connection.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct failure {
    int status; /* primary or extended result code; extended ones first */
    enum err_code code;
    const char *what;
    const char *hint;
};

static const struct failure failures[] = {
    {SQLITE_CONSTRAINT_FOREIGNKEY, ERR_INPUT,       "it refers to something that is not stored",
     "it may have been deleted meanwhile"                                                                                          },
    {SQLITE_FULL,                  ERR_ENVIRONMENT, "no space left",
     "free some space there; everything stored before is intact"                                                                   },
    {SQLITE_READONLY,              ERR_ENVIRONMENT, "it is read-only",
     "make the file and its folder writable, or name another database with --db"                                                   },
    {SQLITE_BUSY,                  ERR_ENVIRONMENT, "another process has kept it locked for too long",
     "wait for the other assay to finish, or end it"                                                                               },
    {SQLITE_LOCKED,                ERR_ENVIRONMENT, "another process has kept it locked for too long",
     "wait for the other assay to finish, or end it"                                                                               },
    {SQLITE_IOERR,                 ERR_ENVIRONMENT, "the file system refused",
     "look at the file system's space, quota and limits; everything stored before is intact"                                       },
    {SQLITE_CANTOPEN,              ERR_ENVIRONMENT, "the file cannot be opened",
     "the file and its folder must be accessible; the folder writable too, for the -wal file"                                      },
    {SQLITE_PERM,                  ERR_ENVIRONMENT, "no permission",                                   ""                          },
    {SQLITE_NOMEM,                 ERR_ENVIRONMENT, "no memory",                                       ""                          },
    {SQLITE_PROTOCOL,              ERR_ENVIRONMENT, "locking does not work there",
     "keep the database on a local file system"                                                                                    },
    {SQLITE_CORRUPT,               ERR_INPUT,       "the file is damaged",
     "`assay db check` tells what is wrong, `assay db export` saves what can be read"                                              },
    {SQLITE_NOTADB,                ERR_INPUT,       "the file is not a database",                      "name another one with --db"},
    {SQLITE_ERROR,                 ERR_INPUT,       "its tables are not those of an Assay database",
     "`assay db check` tells what is wrong"                                                                                        },
    {SQLITE_TOOBIG,                ERR_INPUT,       "a value is too large to be stored",               ""                          },
};

static const struct failure *find_failure(int status) {
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i].status == status || failures[i].status == (status & 0xff))
            return &failures[i];
    return NULL;
}

int db_fail(const struct db *db, int status, const char *doing, struct err *err) {
    const struct failure *failure = find_failure(status);
    const char *detail = db->handle != NULL && sqlite3_errcode(db->handle) != SQLITE_OK
                             ? sqlite3_errmsg(db->handle)
                             : sqlite3_errstr(status);
    int number = db->handle != NULL ? sqlite3_system_errno(db->handle) : 0;
    if (failure == NULL)
        return err_set(err, ERR_BUG, "database %s: cannot %s: %s", db->path, doing, detail);
    if (failure->code == ERR_ENVIRONMENT && number != 0)
        detail = strerror(number);
    err_set(err, failure->code, "database %s: cannot %s: %s (%s)", db->path, doing, failure->what,
            detail);
    return failure->hint[0] != '\0' ? err_hint(err, "%s", failure->hint) : -(int)err->code;
}

static int execute(struct db *db, const char *sql, const char *doing, struct err *err) {
    int status = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return status == SQLITE_OK ? 0 : db_fail(db, status, doing, err);
}

int db_refuse_read_only(const struct db *db, struct err *err) {
    if (!db->read_only)
        return 0;
    err_set(err, ERR_ENVIRONMENT, "database %s: opened read-only%s", db->path,
            db->newer ? ", as a newer program made it" : "");
    return err_hint(err, "make the file and its folder writable, or name another with --db");
}

int db_begin_write(struct db *db, struct err *err) {
    int failed = db_refuse_read_only(db, err);
    return failed != 0 ? failed : execute(db, "BEGIN IMMEDIATE", "write", err);
}

int db_begin_read(struct db *db, struct err *err) {
    return execute(db, "BEGIN", "read", err);
}

int db_end(struct db *db, int failed, struct err *err) {
    if (failed == 0)
        failed = execute(db, "COMMIT", "store", err);
    if (failed != 0 && !sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    return failed;
}

void db_now(char text[static DB_TIME_SIZE]) {
    struct timespec now;
    struct tm utc;
    char seconds[24];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, DB_TIME_SIZE, "%s.%03dZ", seconds, (int)(now.tv_nsec / 1000000));
}
