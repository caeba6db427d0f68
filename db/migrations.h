/* Inside db/ only: the schema as a list of steps. Step i takes a file from version i to i + 1;
 * PRAGMA user_version holds the version. A released step is never changed: add another. */
#ifndef ASSAY_DB_MIGRATIONS_H
#define ASSAY_DB_MIGRATIONS_H

#include "db/connection.h"

struct migration {
    const char *name;
    const char *sql; /* statements; runs inside the transaction of the whole walk */
};

extern const struct migration migrations[];
extern const int migration_count; /* the version this program knows */

/* Walks from the file's version to `count` in one transaction: all steps or none. Does nothing at
 * `count`; ERR_INPUT when the file is newer. */
int migrations_apply(struct db *db, const struct migration *steps, int count, struct err *err);

int migrations_version(struct db *db, int *version, struct err *err);

#endif
