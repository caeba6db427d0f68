#include "tests/unit/test_db_sample.h"

#include "db/admin.h"
#include "db/migrations.h"

#include <sys/stat.h>
#include <sys/wait.h>

static void write_file(const char *path, const char *bytes, size_t count) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

static void execute(const char *path, const char *sql) {
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

/* Opening must fail so, and leave the bytes of the file alone. */
static void assert_untouched(struct sample_folder *t, int flags, int code, const char *text) {
    struct db *db;
    char before[8192], after[8192];
    FILE *file = fopen(t->db, "rb");
    size_t count = fread(before, 1, sizeof before, file);
    fclose(file);
    assert_refused(t, db_open(t->db, flags, &db, &t->err), code, text);
    assert_null(db);
    file = fopen(t->db, "rb");
    assert_int_equal(fread(after, 1, sizeof after, file), count);
    fclose(file);
    assert_memory_equal(before, after, count);
}

static void the_default_path_follows_the_environment(void **state) {
    struct sample_folder *t = *state;
    setenv("HOME", "/home/x", 1);
    unsetenv("ASSAY_DB");
    unsetenv("XDG_DATA_HOME");
    assert_string_equal(db_default_path(&t->arena, &t->err), "/home/x/.local/share/assay/assay.db");
    setenv("XDG_DATA_HOME", "relative", 1);
    assert_string_equal(db_default_path(&t->arena, &t->err), "/home/x/.local/share/assay/assay.db");
    setenv("XDG_DATA_HOME", "/data", 1);
    assert_string_equal(db_default_path(&t->arena, &t->err), "/data/assay/assay.db");
    setenv("ASSAY_DB", "here.db", 1);
    assert_string_equal(db_default_path(&t->arena, &t->err), "here.db");
    unsetenv("ASSAY_DB");
    unsetenv("XDG_DATA_HOME");
    unsetenv("HOME");
    assert_null(db_default_path(&t->arena, &t->err));
    assert_int_equal(t->err.code, ERR_ENVIRONMENT);
}

static void a_new_database_is_made_with_its_folder(void **state) {
    struct sample_folder *t = *state;
    struct db_info info;
    struct db *db;
    const char *path = arena_printf(&t->arena, "%s/a/b c/d?#%%.db", t->path);
    assert_refused(t, db_open(path, DB_WRITE, &db, &t->err), ERR_INPUT, "no such file");
    assert_refused(t, db_open(path, DB_READ_ONLY | DB_CREATE, &db, &t->err), ERR_INPUT,
                   "no such file");
    assert_done(t, db_open(path, DB_CREATE, &db, &t->err));
    assert_done(t, db_get_info(db, &t->arena, &info, &t->err));
    assert_int_equal(info.schema_version, migration_count);
    assert_string_equal(info.journal_mode, "wal");
    assert_true(info.table_count >= 11);
    for (size_t i = 0; i < info.table_count; i++)
        if (info.tables[i].help[0] == '\0')
            fail_msg("table %s has no help", info.tables[i].name);
    db_close(db);
    assert_int_equal(access(path, F_OK), 0);
    assert_done(t, db_open(path, DB_READ_ONLY, &db, &t->err));
    assert_true(db_is_read_only(db));
    db_close(db);
}

static void special_names_are_files(void **state) {
    struct sample_folder *t = *state;
    struct db *db;
    assert_int_equal(chdir(t->path), 0);
    assert_done(t, db_open(":memory:", DB_CREATE, &db, &t->err));
    db_close(db);
    assert_int_equal(access(":memory:", F_OK), 0);
    assert_int_equal(chdir("/"), 0);
}

static void what_is_no_database_is_refused(void **state) {
    struct sample_folder *t = *state;
    struct db *db;
    static const char picture[] = "\xff\xd8\xff\xe0 a picture that is called .db";
    static const char nonsense[] = "SQLite format 3\0 and then nonsense";
    write_file(t->db, picture, sizeof picture);
    assert_untouched(t, DB_CREATE, ERR_INPUT, "not a database");
    assert_untouched(t, DB_READ_ONLY, ERR_INPUT, "not a database");
    write_file(t->db, nonsense, sizeof nonsense);
    assert_untouched(t, DB_CREATE, ERR_INPUT, "database");
    write_file(t->db, "", 0);
    assert_untouched(t, DB_READ_ONLY, ERR_INPUT, "its version is 0");
    assert_refused(t, db_open(t->path, DB_CREATE, &db, &t->err), ERR_INPUT, "a folder");
    assert_refused(t, db_open("/dev/null", DB_CREATE, &db, &t->err), ERR_INPUT, "device or pipe");
    const char *below = arena_printf(&t->arena, "%s/x.db", t->db);
    assert_refused(t, db_open(below, DB_CREATE, &db, &t->err), ERR_ENVIRONMENT, t->db);
}

static void an_empty_file_becomes_a_database(void **state) {
    struct sample_folder *t = *state;
    write_file(t->db, "", 0);
    db_close(sample_open(t, DB_CREATE));
    db_close(sample_open(t, DB_READ_ONLY));
}

static void databases_of_others_are_refused(void **state) {
    struct sample_folder *t = *state;
    execute(t->db, "CREATE TABLE secrets (x)");
    assert_untouched(t, DB_CREATE, ERR_INPUT, "belongs to another program");
    execute(t->db, "PRAGMA application_id = 252006673"); /* Fossil's */
    assert_untouched(t, DB_CREATE, ERR_INPUT, "0x0f055111");
    assert_untouched(t, DB_READ_ONLY, ERR_INPUT, "belongs to another program");
}

static void a_newer_database_is_only_read(void **state) {
    struct sample_folder *t = *state;
    struct stored_run run = sample_run(&t->arena, 1, 2);
    int64_t id;
    struct db *db = sample_open(t, DB_CREATE);
    assert_done(t, db_put_run(db, &run, &id, &t->err));
    db_close(db);
    execute(t->db, "PRAGMA user_version = 1000");
    assert_refused(t, db_open(t->db, DB_CREATE, &db, &t->err), ERR_INPUT, "a newer program");
    db = sample_open(t, DB_WRITE_IF_ABLE);
    assert_true(db_is_newer(db) && db_is_read_only(db));
    assert_done(t, db_load_run(db, &t->arena, id, RUN_OPERATORS, &run, &t->err));
    assert_refused(t, db_put_run(db, &run, &id, &t->err), ERR_ENVIRONMENT, "newer program");
    db_close(db);
}

/* ---- migrations ------------------------------------------------------------------------------*/

static int read_version(struct sample_folder *t, struct db *db) {
    int version = -1;
    assert_done(t, migrations_version(db, &version, &t->err));
    return version;
}

static void migrations_walk_all_or_nothing(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    int old = migration_count;
    struct migration *steps = ARENA_ARRAY(&t->arena, (size_t)old + 3, struct migration);
    memcpy(steps, migrations, (size_t)old * sizeof *steps);
    steps[old] = (struct migration){"adds", "ALTER TABLE runs ADD COLUMN note TEXT"};
    steps[old + 1] =
        (struct migration){"fills", "UPDATE runs SET note = 'old'; CREATE TABLE y (a)"};
    steps[old + 2] =
        (struct migration){"breaks", "CREATE TABLE z (a); INSERT INTO nowhere VALUES (1)"};
    assert_refused(t, migrations_apply(db, steps, old + 3, &t->err), ERR_INPUT, "(breaks)");
    assert_int_equal(read_version(t, db), old);
    assert_int_equal(sqlite3_exec(db->handle, "SELECT note FROM runs", NULL, NULL, NULL),
                     SQLITE_ERROR);
    assert_done(t, migrations_apply(db, steps, old + 2, &t->err));
    assert_int_equal(read_version(t, db), old + 2);
    assert_int_equal(sqlite3_exec(db->handle, "SELECT note FROM runs", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_done(t, migrations_apply(db, steps, old + 2, &t->err)); /* nothing to do */
    assert_refused(t, migrations_apply(db, steps, old, &t->err), ERR_INPUT, "newer");
    db_close(db);
}

/* What was stored before replicas were counted ran alone, and its checksum still fits. */
static void runs_of_the_first_schema_were_alone(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct stored_run run = sample_run(&t->arena, 1, 3), read;
    int64_t id;
    assert_done(t, db_put_run(db, &run, &id, &t->err));
    db_close(db);
    db = sample_open(t, 0);
    static const char back[] = "DROP VIEW prediction_overview; DROP VIEW recording_overview;"
                               "DROP TABLE recording_nodes; DROP TABLE recording_tracks;"
                               "DROP TABLE recording_samples; DROP TABLE recording_facts;"
                               "DROP TABLE recording_categories; DROP TABLE recordings;"
                               "DROP TABLE file_digests;"
                               "ALTER TABLE runs DROP COLUMN replicas; PRAGMA user_version = 1;"
                               "CREATE VIEW prediction_overview AS SELECT 1 AS id";
    assert_int_equal(sqlite3_exec(db->handle, back, NULL, NULL, NULL), SQLITE_OK);
    db_close(db);
    db = sample_open(t, DB_READ_ONLY); /* readers bring it up to date too */
    assert_true(db_is_read_only(db));
    assert_int_equal(read_version(t, db), migration_count);
    assert_done(t, db_load_run(db, &t->arena, id, RUN_OPERATORS, &read, &t->err));
    assert_int_equal(read.conditions.replicas, 1);
    db_close(db);
}

static void every_statement_can_be_prepared(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_stmt *statement;
        assert_non_null(db_statements[i].name);
        if (sqlite3_prepare_v2(db->handle, db_statements[i].sql, -1, &statement, NULL) != SQLITE_OK)
            fail_msg("%s: %s", db_statements[i].name, sqlite3_errmsg(db->handle));
        sqlite3_finalize(statement);
    }
    db_close(db);
}

/* ---- rights ----------------------------------------------------------------------------------*/

/* Runs as somebody without rights and returns the child's verdict: root may write everywhere. */
static void as_nobody(struct sample_folder *t, void (*check)(struct sample_folder *t)) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        check(t);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0)
        fail_msg("the unprivileged child ended with status 0x%x", (unsigned)status);
}

#define child_must(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: not %s (%s)\n", __LINE__, #condition, t->err.message);       \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void a_reader_leaves_the_file_alone(void **state) {
    struct sample_folder *t = *state;
    struct stored_run run = sample_run(&t->arena, 1, 2);
    int64_t id;
    db_close(sample_open(t, DB_CREATE));
    struct db *db = sample_open(t, DB_READ_ONLY);
    assert_refused(t, db_put_run(db, &run, &id, &t->err), ERR_ENVIRONMENT, "opened read-only");
    assert_refused(t, db_put_model(db, &run.model, &id, &t->err), ERR_ENVIRONMENT, "read-only");
    assert_refused(t, db_delete_run(db, 1, &t->err), ERR_ENVIRONMENT, "opened read-only");
    assert_refused(t, db_vacuum(db, &t->err), ERR_ENVIRONMENT, "opened read-only");
    db_close(db);
    assert_int_equal(access(arena_printf(&t->arena, "%s-wal", t->db), F_OK), -1);
    assert_int_equal(access(arena_printf(&t->arena, "%s-shm", t->db), F_OK), -1);
}

static void read_only_place(struct sample_folder *t) {
    struct db *db;
    struct stored_run run;
    int64_t id = 0;
    child_must(db_open(t->db, DB_WRITE, &db, &t->err) == -ERR_ENVIRONMENT);
    child_must(strstr(t->err.message, "read-only") != NULL && t->err.hint[0] != '\0');
    t->err = (struct err){0};
    child_must(db_open(t->db, DB_WRITE_IF_ABLE, &db, &t->err) == 0);
    child_must(db_is_read_only(db));
    child_must(db_load_run(db, &t->arena, 1, RUN_OPERATORS, &run, &t->err) == 0);
    child_must(db_put_run(db, &run, &id, &t->err) == -ERR_ENVIRONMENT);
    child_must(strstr(t->err.message, "read-only") != NULL);
    t->err = (struct err){0};
    db_close(db);
    const char *other = arena_printf(&t->arena, "%s/other.db", t->path);
    if (access(t->path, W_OK) != 0) {
        child_must(db_open(other, DB_CREATE, &db, &t->err) == -ERR_ENVIRONMENT);
        child_must(t->err.hint[0] != '\0');
    }
}

static void make_one_run(struct sample_folder *t) {
    struct stored_run run = sample_run(&t->arena, 1, 2);
    int64_t id;
    struct db *db = sample_open(t, DB_CREATE);
    assert_done(t, db_put_run(db, &run, &id, &t->err));
    db_close(db);
}

static void a_read_only_file_is_read(void **state) {
    struct sample_folder *t = *state;
    make_one_run(t);
    assert_int_equal(chmod(t->path, 0777), 0);
    assert_int_equal(chmod(t->db, 0444), 0);
    as_nobody(t, read_only_place);
}

static void a_read_only_folder_is_read(void **state) {
    struct sample_folder *t = *state;
    make_one_run(t);
    assert_int_equal(chmod(t->db, 0444), 0);
    assert_int_equal(chmod(t->path, 0555), 0);
    as_nobody(t, read_only_place);
    assert_int_equal(chmod(t->path, 0755), 0);
}

static void no_right_at_all(struct sample_folder *t) {
    struct db *db;
    child_must(db_open(t->db, DB_WRITE_IF_ABLE, &db, &t->err) == -ERR_ENVIRONMENT);
    child_must(strstr(t->err.message, "Permission denied") != NULL);
}

static void an_unreadable_file_is_an_environment_error(void **state) {
    struct sample_folder *t = *state;
    make_one_run(t);
    assert_int_equal(chmod(t->path, 0755), 0);
    assert_int_equal(chmod(t->db, 0), 0);
    as_nobody(t, no_right_at_all);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(the_default_path_follows_the_environment),
        CASE(a_new_database_is_made_with_its_folder),
        CASE(special_names_are_files),
        CASE(what_is_no_database_is_refused),
        CASE(an_empty_file_becomes_a_database),
        CASE(databases_of_others_are_refused),
        CASE(a_newer_database_is_only_read),
        CASE(migrations_walk_all_or_nothing),
        CASE(runs_of_the_first_schema_were_alone),
        CASE(every_statement_can_be_prepared),
        CASE(a_reader_leaves_the_file_alone),
        CASE(a_read_only_file_is_read),
        CASE(a_read_only_folder_is_read),
        CASE(an_unreadable_file_is_an_environment_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
