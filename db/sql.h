/* Questions in SQL by the user: one SELECT (or WITH, VALUES, EXPLAIN), nothing that changes. */
#ifndef ASSAY_DB_SQL_H
#define ASSAY_DB_SQL_H

#include "db/db.h"

#include <stddef.h>
#include <stdint.h>

enum sql_kind { SQL_NULL, SQL_INTEGER, SQL_REAL, SQL_TEXT, SQL_BLOB };

struct sql_value {
    enum sql_kind kind;
    int64_t integer;   /* SQL_INTEGER */
    double real;       /* SQL_REAL */
    const char *bytes; /* SQL_TEXT (NUL-terminated) and SQL_BLOB */
    size_t byte_count;
};

struct sql_row {
    size_t column_count;
    const char *const *columns;     /* names */
    const struct sql_value *values; /* as many */
};

/* Calls `each` per row; the row lives until it returns, and it must not use the database. A result
 * without rows calls `each` once with row->values NULL, so that a header can be printed. A value
 * other than 0 stops and is returned. What is not a single reading statement is ERR_USAGE, and so
 * is SQL that does not parse. */
int db_sql(struct db *db, const char *sql,
           int (*each)(void *context, const struct sql_row *row, struct err *err), void *context,
           struct err *err);

#endif
