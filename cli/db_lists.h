/* What is stored, as tables: `assay db runs`, `db models`, `db machines`, `db fits`. */
#ifndef ASSAY_CLI_DB_LISTS_H
#define ASSAY_CLI_DB_LISTS_H

#include "base/table.h"
#include "db/db.h"

/* Each initialises the table in the arena and fills it. */
int db_list_runs_table(struct db *db, struct arena *arena, struct table *table, struct err *err);
int db_list_models_table(struct db *db, struct arena *arena, struct table *table, struct err *err);
int db_list_machines_table(struct db *db, struct arena *arena, struct table *table,
                           struct err *err);
int db_list_fits_table(struct db *db, struct arena *arena, struct table *table, struct err *err);

/* The rows of one SELECT; columns are named by it. */
int db_sql_table(struct db *db, struct arena *arena, const char *sql, struct table *table,
                 struct err *err);

#endif
