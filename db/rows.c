#include "db/rows.h"

#include "base/strbuf.h"
#include "db/query.h"

#include <stdlib.h>
#include <string.h>

static struct sql_value column_value(sqlite3_stmt *statement, int column) {
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return (struct sql_value){.kind = SQL_INTEGER,
                                  .integer = sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT:
        return (struct sql_value){.kind = SQL_REAL,
                                  .real = sqlite3_column_double(statement, column)};
    case SQLITE_TEXT: {
        const unsigned char *text = sqlite3_column_text(statement, column);
        return (struct sql_value){.kind = SQL_TEXT,
                                  .bytes = text != NULL ? (const char *)text : "",
                                  .byte_count = (size_t)sqlite3_column_bytes(statement, column)};
    }
    case SQLITE_BLOB: {
        const void *bytes = sqlite3_column_blob(statement, column);
        return (struct sql_value){.kind = SQL_BLOB,
                                  .bytes = bytes != NULL ? bytes : "",
                                  .byte_count = (size_t)sqlite3_column_bytes(statement, column)};
    }
    default:
        return (struct sql_value){.kind = SQL_NULL};
    }
}

static int walk(sqlite3_stmt *statement, struct sql_row *row, struct sql_value *values,
                int (*each)(void *context, const struct sql_row *row, struct err *err),
                void *context, int *status, struct err *err) {
    int stopped = 0;
    size_t rows = 0;
    while (stopped == 0 && (*status = sqlite3_step(statement)) == SQLITE_ROW) {
        for (size_t i = 0; i < row->column_count; i++)
            values[i] = column_value(statement, (int)i);
        row->values = values;
        rows++;
        stopped = each(context, row, err);
    }
    if (stopped == 0 && rows == 0 && *status == SQLITE_DONE)
        stopped = each(context, row, err);
    return stopped;
}

int rows_walk(sqlite3_stmt *statement,
              int (*each)(void *context, const struct sql_row *row, struct err *err), void *context,
              int *status, struct err *err) {
    struct arena arena;
    arena_init(&arena);
    size_t count = (size_t)sqlite3_column_count(statement);
    const char **columns = ARENA_ARRAY(&arena, count, const char *);
    struct sql_value *values = ARENA_ARRAY(&arena, count, struct sql_value);
    for (size_t i = 0; i < count; i++)
        columns[i] = arena_strdup(&arena, sqlite3_column_name(statement, (int)i));
    struct sql_row row = {.column_count = count, .columns = columns};
    int stopped = walk(statement, &row, values, each, context, status, err);
    arena_done(&arena);
    return stopped;
}

/* "models, runs, ..." in *list; *known when `table` is one of them. */
static int look_up(struct db *db, const char *table, struct strbuf *list, bool *known,
                   struct err *err) {
    struct arena arena;
    struct query query;
    int stepped;
    int failed = query_open(&query, db, STATEMENT_LIST_TABLES, err);
    if (failed != 0)
        return failed;
    arena_init(&arena);
    *known = false;
    while ((stepped = query_step(&query, err)) > 0) {
        const char *name = get_text(&query, &arena);
        strbuf_printf(list, "%s%s", list->length > 0 ? ", " : "", name);
        *known = *known || strcmp(name, table) == 0;
    }
    query_close(&query);
    arena_done(&arena);
    return stepped;
}

static int check_table(struct db *db, const char *table, struct err *err) {
    struct strbuf list;
    bool known;
    strbuf_init(&list);
    int failed = look_up(db, table, &list, &known, err);
    if (failed == 0 && !known) {
        failed =
            err_set(err, ERR_INPUT, "database %s: there is no table \"%.80s\"", db->path, table);
        err_hint(err, "the tables are %.300s", list.text);
    }
    strbuf_done(&list);
    return failed;
}

int rows_of_table(struct db *db, const char *what, const char *table, sqlite3_stmt **statement,
                  struct err *err) {
    *statement = NULL;
    int failed = check_table(db, table, err);
    if (failed != 0)
        return failed;
    char *sql = sqlite3_mprintf("SELECT %s FROM \"%w\"", what, table);
    int status =
        sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(db->handle, sql, -1, statement, NULL);
    sqlite3_free(sql);
    return status == SQLITE_OK ? 0 : db_fail(db, status, "read a table", err);
}
