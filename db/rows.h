/* Inside db/ only: rows of statements whose columns are not known beforehand. */
#ifndef ASSAY_DB_ROWS_H
#define ASSAY_DB_ROWS_H

#include "db/connection.h"
#include "db/sql.h"

/* Steps to the end and calls `each` as db_sql does. *status is SQLite's last result; the statement
 * stays the caller's. Returns what `each` returned when that was not 0. */
int rows_walk(sqlite3_stmt *statement,
              int (*each)(void *context, const struct sql_row *row, struct err *err), void *context,
              int *status, struct err *err);

/* SELECT <what> FROM <table>, for a table or view that exists: ERR_INPUT when it does not. Not in
 * db/statements.c because the name is the user's. */
int rows_of_table(struct db *db, const char *what, const char *table, sqlite3_stmt **statement,
                  struct err *err);

#endif
