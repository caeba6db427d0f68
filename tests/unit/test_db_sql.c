#include "tests/unit/test_db_sample.h"

#include "db/admin.h"
#include "db/export.h"

#include "base/sha256.h"

#include <sqlite3.h>

struct seen {
    int rows, empty;
    char first[64];
};

static int note_row(void *context, const struct sql_row *row, struct err *err) {
    struct seen *seen = context;
    (void)err;
    seen->rows += row->values != NULL;
    seen->empty += row->values == NULL;
    if (row->values != NULL && seen->rows == 1) {
        const struct sql_value *value = &row->values[0];
        if (value->kind == SQL_TEXT)
            snprintf(seen->first, sizeof seen->first, "%s", value->bytes);
        else if (value->kind == SQL_INTEGER)
            snprintf(seen->first, sizeof seen->first, "%lld", (long long)value->integer);
        else if (value->kind == SQL_REAL)
            snprintf(seen->first, sizeof seen->first, "%g", value->real);
    }
    return 0;
}

static struct db *filled(struct sample_folder *t, int runs) {
    struct db *db = sample_open(t, DB_CREATE);
    for (int i = 0; i < runs; i++) {
        struct stored_run run = sample_run(&t->arena, i, 3);
        int64_t id;
        assert_done(t, db_put_run(db, &run, &id, &t->err));
    }
    return db;
}

static void questions_are_answered(void **state) {
    static const struct {
        const char *sql, *first;
        int rows;
    } cases[] = {
        {"SELECT count(*) FROM operators",                                         "6",                     1},
        {"  -- a comment\n SELECT model FROM run_overview ORDER BY id; -- end\n ", "model0",                2},
        {"SELECT wall_median_ms FROM run_overview LIMIT 1",                        "5",                     1},
        {"SELECT dims FROM runs LIMIT 1",                                          "batch=8 seq%20len=128", 1},
        {"WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 9)"
         " SELECT i FROM n",                                              "1",                     9},
        {"VALUES (1.5), (2)",                                                      "1.5",                   2},
        {"SELECT name FROM sqlite_schema WHERE name = 'runs'",                     "runs",                  1},
        {"SELECT measured_ms FROM prediction_overview",                            "",                      0},
    };
    struct sample_folder *t = *state;
    struct db *db = filled(t, 2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seen seen = {0};
        assert_done(t, db_sql(db, cases[i].sql, note_row, &seen, &t->err));
        assert_int_equal(seen.rows, cases[i].rows);
        assert_int_equal(seen.empty, cases[i].rows == 0);
        assert_string_equal(seen.first, cases[i].first);
    }
    db_close(db);
}

/* The examples of docs/database.md; tests run in the folder that has docs/. */
static void the_documented_questions_are_answered(void **state) {
    static char text[1 << 16];
    struct sample_folder *t = *state;
    FILE *file = fopen("docs/database.md", "r");
    if (file == NULL) {
        puts("skip: docs/database.md is not here");
        skip();
    }
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    struct db *db = filled(t, 2);
    char *at = strstr(text, "```sql\n"), *end = at != NULL ? strstr(at + 7, "```") : NULL;
    int count = 0;
    assert_non_null(end);
    *end = '\0';
    for (at = strtok(at + 7, ";"); at != NULL && strlen(at) > 5; at = strtok(NULL, ";"), count++) {
        struct seen seen = {0};
        assert_done(t, db_sql(db, at, note_row, &seen, &t->err));
    }
    assert_int_equal(count, 5);
    db_close(db);
}

static void hash_file(const char *path, char hex[static SHA256_HEX_SIZE]) {
    static char bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    size_t count = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file != NULL)
        fclose(file);
    sha256_hex(bytes, count, hex);
}

static void what_is_not_reading_is_refused(void **state) {
    static const char *const cases[] = {
        "",
        ";",
        "-- nothing",
        "DELETE FROM runs",
        "UPDATE runs SET threads = 9",
        "INSERT INTO models (sha256) VALUES ('x')",
        "DROP TABLE runs",
        "CREATE TABLE x (a)",
        "CREATE TEMP TABLE x (a)",
        "ATTACH '/tmp/assay-stolen.db' AS x",
        "DETACH main",
        "PRAGMA writable_schema = ON",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA user_version = 9",
        "PRAGMA query_only = 0",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT x",
        "VACUUM",
        "VACUUM INTO '/tmp/assay-stolen.db'",
        "REINDEX",
        "ANALYZE",
        "SELECT 1; DELETE FROM runs",
        "SELECT 1; SELECT 2",
        "SELECT 1; nonsense",
        "WITH x AS (SELECT 1) DELETE FROM runs",
        "REPLACE INTO models (sha256) VALUES ('x')",
        "INSERT INTO fits DEFAULT VALUES RETURNING id",
        "SELECT load_extension('/tmp/x.so')",
        "SELECT fts3_tokenizer('simple')",
        "CREATE VIRTUAL TABLE x USING fts5(a)",
        "EXPLAIN DELETE FROM runs",
        "ALTER TABLE runs ADD COLUMN x",
        "SELECT * FROM pragma_journal_mode('delete')",
        "SELECT writefile('/tmp/assay-stolen', 1)",
        "SELECT nonsense",
        "SELEC 1",
        "SELECT * FROM no_such_table",
        "SELECT abs(-9223372036854775808)",
    };
    struct sample_folder *t = *state;
    char before[SHA256_HEX_SIZE], after[SHA256_HEX_SIZE];
    db_close(filled(t, 2));
    struct db *db = sample_open(t, DB_WRITE);
    hash_file(t->db, before);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seen seen = {0};
        int failed = db_sql(db, cases[i], note_row, &seen, &t->err);
        if (failed != -ERR_USAGE)
            fail_msg("\"%s\" gave %d (%s)", cases[i], failed, t->err.message);
        assert_int_equal(seen.rows, 0);
        assert_true(t->err.hint[0] != '\0');
        t->err = (struct err){0};
    }
    uint64_t runs = 0;
    assert_done(t, db_count_runs(db, &(struct run_filter){0}, &runs, &t->err));
    assert_int_equal(runs, 2);
    struct stored_run run = sample_run(&t->arena, 1, 1); /* writing is possible again */
    int64_t id;
    db_close(db);
    hash_file(t->db, after);
    assert_string_equal(before, after);
    assert_int_equal(access("/tmp/assay-stolen.db", F_OK), -1);
    db = sample_open(t, DB_WRITE);
    struct seen seen = {0};
    assert_done(t, db_sql(db, "SELECT 1", note_row, &seen, &t->err));
    assert_done(t, db_put_run(db, &run, &id, &t->err));
    db_close(db);
}

static int stop(void *context, const struct sql_row *row, struct err *err) {
    (void)context, (void)row;
    return err_set(err, ERR_ENVIRONMENT, "enough");
}

static void the_reader_may_stop(void **state) {
    struct sample_folder *t = *state;
    struct db *db = filled(t, 2);
    assert_refused(t, db_sql(db, "SELECT * FROM runs", stop, NULL, &t->err), ERR_ENVIRONMENT,
                   "enough");
    db_close(db);
}

static const char *export_text(struct sample_folder *t, struct db *db, const char *table,
                               enum export_format format) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_done(t, db_export(db, table, format, out, &t->err));
    fclose(out);
    const char *copy = arena_strndup(&t->arena, text, size);
    free(text);
    return copy;
}

static void tables_are_exported(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct stored_model model = {.sha256 = "00",
                                 .name = "a \"b\",\n\xff\xc3\xa9\x01",
                                 .path = "/m",
                                 .format = "onnx",
                                 .file_bytes = INT64_MAX};
    int64_t id;
    assert_done(t, db_put_model(db, &model, &id, &t->err));
    const char *json = export_text(t, db, "models", EXPORT_JSON_LINES);
    assert_non_null(strstr(json, "\"name\":\"a \\\"b\\\",\\u000a\\ufffd\xc3\xa9\\u0001\","));
    assert_non_null(strstr(json, "\"file_bytes\":9223372036854775807,"));
    assert_int_equal(json[strlen(json) - 1], '\n');
    const char *csv = export_text(t, db, "models", EXPORT_CSV);
    assert_memory_equal(csv, "id,sha256,name,path,format,", 27);
    assert_non_null(strstr(csv, "\r\n1,00,\"a \"\"b\"\",\n\xff\xc3\xa9\x01\",/m,onnx,"));
    assert_string_equal(export_text(t, db, "fits", EXPORT_JSON_LINES), "");
    assert_memory_equal(export_text(t, db, "fits", EXPORT_CSV), "id,machine_id,", 14);
    struct stored_run run = sample_run(&t->arena, 1, 3);
    assert_done(t, db_put_run(db, &run, &id, &t->err));
    assert_non_null(strstr(export_text(t, db, "run_metrics", EXPORT_JSON_LINES),
                           "\"median\":100000000,\"low\":null"));
    assert_non_null(strstr(export_text(t, db, "lowered_graphs", EXPORT_JSON_LINES),
                           "\"graph\":\"616e204f4e4e582066696c65\"}"));
    assert_refused(t, db_export(db, "runs; DROP TABLE runs", EXPORT_CSV, stdout, &t->err),
                   ERR_INPUT, "there is no table");
    FILE *full = fopen("/dev/full", "w");
    assert_refused(t, db_export(db, "runs", EXPORT_CSV, full, &t->err), ERR_ENVIRONMENT,
                   "No space left");
    fclose(full);
    assert_int_equal(export_format_by_name("csv"), EXPORT_CSV);
    assert_int_equal(export_format_by_name("xml"), EXPORT_FORMAT_COUNT);
    db_close(db);
}

static void a_backup_is_a_database_of_its_own(void **state) {
    struct sample_folder *t = *state;
    struct db *db = filled(t, 2), *copy;
    const char *path = arena_printf(&t->arena, "%s/copy 'x'.db", t->path);
    const char *const *problems;
    size_t count;
    uint64_t runs;
    db_close(db);
    db = sample_open(t, DB_READ_ONLY);
    assert_done(t, db_backup(db, path, &t->err));
    db_close(db);
    db = sample_open(t, DB_WRITE);
    assert_refused(t, db_backup(db, path, &t->err), ERR_INPUT, "exists already");
    assert_refused(t, db_backup(db, "/nowhere/x.db", &t->err), ERR_ENVIRONMENT, "/nowhere/x.db");
    assert_done(t, db_vacuum(db, &t->err));
    db_close(db);
    assert_done(t, db_open(path, DB_WRITE, &copy, &t->err));
    assert_done(t, db_count_runs(copy, &(struct run_filter){0}, &runs, &t->err));
    assert_int_equal(runs, 2);
    assert_done(t, db_check(copy, &t->arena, &problems, &count, &t->err));
    assert_int_equal(count, 0);
    db_close(copy);
}

static void changed_numbers_are_noticed(void **state) {
    static const struct {
        const char *sql, *problem;
    } cases[] = {
        {"UPDATE operators SET wall_median_ns = wall_median_ns + 1 WHERE run_id = 1 AND op_index = "
         "2",                                                               "run 1 is damaged"          },
        {"DELETE FROM operators WHERE run_id = 2 AND op_index = 1",                  "run 2 is damaged"          },
        {"UPDATE run_metrics SET median = 1 WHERE run_id = 3 AND metric = 'cpu_ns'",
         "run 3 is damaged"                                                                                      },
        {"UPDATE runs SET threads = 2 WHERE id = 4",                                 "run 4 is damaged"          },
        {"UPDATE lowered_graphs SET graph = x'00'",                                  "lowered graph 1 is damaged"},
        {"PRAGMA foreign_keys = OFF; DELETE FROM models WHERE id = 5",               "absent"                    },
    };
    struct sample_folder *t = *state;
    struct db *db = filled(t, 6);
    const char *const *problems;
    size_t count;
    sqlite3 *handle;
    assert_done(t, db_check(db, &t->arena, &problems, &count, &t->err));
    assert_int_equal(count, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(sqlite3_open(t->db, &handle), SQLITE_OK);
        assert_int_equal(sqlite3_exec(handle, cases[i].sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(handle);
        assert_done(t, db_check(db, &t->arena, &problems, &count, &t->err));
        bool found = false;
        for (size_t p = 0; p < count; p++)
            found = found || strstr(problems[p], cases[i].problem) != NULL;
        if (!found)
            fail_msg("\"%s\" was not noticed", cases[i].sql);
    }
    struct stored_run run;
    assert_refused(t, db_load_run(db, &t->arena, 1, RUN_OPERATORS, &run, &t->err), ERR_INPUT,
                   "run 1 is damaged");
    assert_done(t, db_load_run(db, &t->arena, 6, RUN_OPERATORS, &run, &t->err));
    db_close(db);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(questions_are_answered),
        CASE(the_documented_questions_are_answered),
        CASE(what_is_not_reading_is_refused),
        CASE(the_reader_may_stop),
        CASE(tables_are_exported),
        CASE(a_backup_is_a_database_of_its_own),
        CASE(changed_numbers_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
