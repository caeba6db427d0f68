/* A table as text, row by row, for other programs. */
#ifndef ASSAY_DB_EXPORT_H
#define ASSAY_DB_EXPORT_H

#include "db/sql.h"

#include <stdio.h>

enum export_format {
    EXPORT_JSON_LINES, /* an object per line; blobs as hexadecimal text, REAL with 17 digits */
    EXPORT_CSV,        /* RFC 4180 with a header line; NULL is an empty field */
    EXPORT_FORMAT_COUNT
};

const char *export_format_name(enum export_format format); /* "jsonl", "csv" */
/* EXPORT_FORMAT_COUNT when there is none of that name. */
enum export_format export_format_by_name(const char *name);

/* Every row of a table or view (db_get_info lists the tables). ERR_INPUT when there is none of
 * that name; ERR_ENVIRONMENT when writing to `out` fails. */
int db_export(struct db *db, const char *table, enum export_format format, FILE *out,
              struct err *err);

/* The same writing for the rows of db_sql. header: also a first line of names (CSV only). */
int export_row(enum export_format format, const struct sql_row *row, bool header, FILE *out,
               struct err *err);

#endif
