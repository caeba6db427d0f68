#include "db/db.h"

#include "base/file.h"
#include "db/connection.h"
#include "db/migrations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const char *db_default_path(struct arena *arena, struct err *err) {
    const char *direct = getenv("ASSAY_DB");
    if (direct != NULL && direct[0] != '\0')
        return arena_strdup(arena, direct);
    const char *data = getenv("XDG_DATA_HOME");
    if (data != NULL && data[0] == '/') /* a relative one is to be ignored (XDG Base Directory) */
        return arena_printf(arena, "%s/assay/assay.db", data);
    const char *home = getenv("HOME");
    if (home != NULL && home[0] != '\0')
        return arena_printf(arena, "%s/.local/share/assay/assay.db", home);
    err_set(err, ERR_ENVIRONMENT, "no place for the database: HOME is not set");
    err_hint(err, "name one with --db or ASSAY_DB");
    return NULL;
}

const char *db_path(const struct db *db) {
    return db->path;
}

bool db_is_read_only(const struct db *db) {
    return db->read_only;
}

bool db_is_newer(const struct db *db) {
    return db->newer;
}

void db_close(struct db *db) {
    if (db == NULL)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(db->statements[i]);
    sqlite3_close(db->handle);
    free(db->path);
    free(db);
}

/* ---- the file, before SQLite sees it ---------------------------------------------------------*/

static int make_folder(const char *path, struct err *err) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return 0;
    char *folder = strndup(path, (size_t)(slash - path));
    int failed = file_make_folders(folder, err);
    free(folder);
    return failed;
}

static int check_absent(const char *path, int flags, struct err *err) {
    if ((flags & DB_CREATE) != 0 && (flags & DB_READ_ONLY) == 0)
        return make_folder(path, err);
    err_set(err, ERR_INPUT, "database %s: there is no such file", path);
    return err_hint(err, "`assay profile` makes it; name another one with --db or ASSAY_DB");
}

/* Whether the file has a non-empty one of that suffix beside it. */
static bool has_companion(const char *path, const char *suffix) {
    char *name = NULL;
    struct stat status;
    bool has = asprintf(&name, "%s%s", path, suffix) < 0 ||
               (stat(name, &status) == 0 && status.st_size > 0);
    free(name);
    return has;
}

static int check_magic(const char *path, struct err *err) {
    static const char magic[16] = "SQLite format 3"; /* with its NUL: SQLite file format, 1.3 */
    char start[sizeof magic];
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return err_set_errno(err, ERR_ENVIRONMENT, "database %s: cannot be opened", path);
    size_t count = fread(start, 1, sizeof start, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed)
        return err_set(err, ERR_ENVIRONMENT, "database %s: cannot be read", path);
    if (count == 0 || (count == sizeof start && memcmp(start, magic, sizeof magic) == 0))
        return 0;
    err_set(err, ERR_INPUT, "database %s: not a database (it does not start with \"%s\")", path,
            magic);
    return err_hint(err, "name another one with --db or ASSAY_DB; this file was not touched");
}

static int check_file(const char *path, int flags, struct err *err) {
    struct stat status;
    if (stat(path, &status) != 0)
        return check_absent(path, flags, err);
    if (!S_ISREG(status.st_mode)) {
        err_set(err, ERR_INPUT, "database %s: %s, not a file", path,
                S_ISDIR(status.st_mode) ? "a folder" : "a device or pipe");
        return err_hint(err, "name a file with --db or ASSAY_DB");
    }
    /* After a power loss the first page may be only in the journal: SQLite puts it back. */
    return has_companion(path, "-journal") ? 0 : check_magic(path, err);
}

/* ---- the connection --------------------------------------------------------------------------*/

static int configure(struct db *db, struct err *err) {
    static const char pragmas[] =
        "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"
        "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;";
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, db->impatient ? DB_IMPATIENT_MS : DB_BUSY_MS);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL); /* see tidy_up() */
    int status = sqlite3_exec(db->handle, pragmas, NULL, NULL, NULL);
    if (status == SQLITE_OK && db->impatient)
        status = sqlite3_exec(db->handle, "PRAGMA cache_size = -128", NULL, NULL, NULL); /* KiB */
    return status == SQLITE_OK ? 0 : db_fail(db, status, "open it", err);
}

/* SQLite takes ":memory:" and "" for no file at all; a leading "./" keeps it a file. */
static char *file_name(const char *path) {
    char *name = NULL;
    return asprintf(&name, "%s%s", path[0] == '/' ? "" : "./", path) < 0 ? NULL : name;
}

/* file:...?immutable=1: without locks and without a -wal file, for folders that cannot be written
 * (SQLite "URI filenames"). */
static char *immutable_name(const char *path) {
    char *name = malloc(3 * strlen(path) + 32);
    if (name == NULL)
        return NULL;
    size_t length = (size_t)sprintf(name, path[0] == '/' ? "file:" : "file:./");
    for (; *path != '\0'; path++)
        length += (size_t)sprintf(name + length, strchr("%?#", *path) != NULL ? "%%%02X" : "%c",
                                  (unsigned char)*path);
    strcpy(name + length, "?immutable=1");
    return name;
}

/* Readers too ask SQLite for the right to write: the last one to close then merges and removes the
 * -wal and -shm files. Where that right is missing SQLite goes on without it. */
static int connect_file(struct db *db, bool immutable, int flags, struct err *err) {
    char *name = immutable ? immutable_name(db->path) : file_name(db->path);
    int mode = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    mode |= immutable ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE;
    mode |= (flags & DB_CREATE) != 0 ? SQLITE_OPEN_CREATE : 0;
    sqlite3_close(db->handle);
    db->handle = NULL;
    int status = name != NULL ? sqlite3_open_v2(name, &db->handle, mode, NULL) : SQLITE_NOMEM;
    free(name);
    return status == SQLITE_OK ? configure(db, err) : db_fail(db, status, "open it", err);
}

static int pragma_number(struct db *db, const char *sql, int64_t *value, struct err *err) {
    sqlite3_stmt *statement = NULL;
    int status = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (status == SQLITE_OK)
        status = sqlite3_step(statement);
    if (status == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return status == SQLITE_ROW ? 0 : db_fail(db, status, "read it", err);
}

static int read_owner(struct db *db, int64_t *id, int64_t *objects, struct err *err) {
    int failed = pragma_number(db, "PRAGMA application_id", id, err);
    return failed != 0 ? failed
                       : pragma_number(db, "SELECT count(*) FROM sqlite_schema", objects, err);
}

/* Refuses other programs' databases. An empty one may become ours. Both numbers come from one
 * snapshot: another process may be making the database just now. */
static int check_owner(struct db *db, struct err *err) {
    int64_t id = 0, objects = 0;
    int failed = db_begin_read(db, err);
    if (failed == 0)
        failed = db_end(db, read_owner(db, &id, &objects, err), err);
    if (failed != 0 || id == DB_APPLICATION_ID || (id == 0 && objects == 0))
        return failed;
    err_set(err, ERR_INPUT, "database %s: it belongs to another program (application id 0x%08llx)",
            db->path, (unsigned long long)id & 0xffffffffu);
    return err_hint(err, "name another one with --db or ASSAY_DB; this file was not changed");
}

static int check_version(struct db *db, struct err *err) {
    int version = 0;
    int failed = migrations_version(db, &version, err);
    db->newer = version > migration_count;
    db->older = version > 0 && version < migration_count;
    if (failed != 0 || version == migration_count || (db->newer && db->read_only))
        return failed;
    if (db->newer) {
        err_set(err, ERR_INPUT, "database %s: a newer program made it (its version is %d, ours %d)",
                db->path, version, migration_count);
        return err_hint(err, "use the newer assay, or another database with --db");
    }
    if (!db->read_only)
        return 0;
    err_set(err, ERR_INPUT, "database %s: its version is %d, not %d, and it is read-only", db->path,
            version, migration_count);
    return err_hint(err, "make the file and its folder writable: it is brought up to date then");
}

/* From here on the file is ours, and what closing it does to the -wal file is welcome. */
static void tidy_up(struct db *db) {
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, db->newer, NULL);
}

/* Several processes may make the file at once: changing to WAL then needs patience, for SQLite
 * does not wait for a lock where waiting could be a deadlock. */
static int use_wal(struct db *db, struct err *err) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    time_t deadline = now.tv_sec + DB_BUSY_MS / 1000;
    int status = sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    while ((status & 0xff) == SQLITE_BUSY && now.tv_sec < deadline) {
        usleep(5000);
        status = sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    return status == SQLITE_OK ? 0 : db_fail(db, status, "write", err);
}

static int check_writable(struct db *db, struct err *err) {
    if (sqlite3_db_readonly(db->handle, "main") == 0)
        return 0;
    err_set(err, ERR_ENVIRONMENT, "database %s: it is read-only", db->path);
    return err_hint(err, "make the file and its folder writable, or name another with --db");
}

static int open_for_writing(struct db *db, int flags, struct err *err) {
    int failed = connect_file(db, false, flags, err);
    if (failed == 0)
        failed = check_owner(db, err);
    if (failed == 0)
        failed = check_writable(db, err);
    if (failed == 0)
        failed = check_version(db, err);
    if (failed == 0)
        failed = use_wal(db, err);
    return failed != 0 ? failed : migrations_apply(db, migrations, migration_count, err);
}

static int open_for_reading(struct db *db, struct err *err) {
    struct err first = {0};
    db->read_only = true;
    int failed = connect_file(db, false, 0, &first);
    if (failed == 0)
        failed = check_owner(db, &first);
    /* What another process is writing must not be read without locks. */
    bool busy = (sqlite3_errcode(db->handle) & 0xff) == SQLITE_BUSY;
    if (failed != 0 && !busy && first.code == ERR_ENVIRONMENT && !has_companion(db->path, "-wal")) {
        failed = connect_file(db, true, 0, err);
        if (failed == 0)
            failed = check_owner(db, err);
    } else if (failed != 0) {
        *err = first;
    }
    return failed != 0 ? failed : check_version(db, err);
}

/* An older one is brought up to date first, and is an error where that cannot be. */
static int open_to_read(struct db *db, struct err *err) {
    struct err ignored = {0};
    int failed = open_for_reading(db, err);
    if (failed == 0 || !db->older)
        return failed;
    db->read_only = false;
    bool updated = open_for_writing(db, 0, &ignored) == 0;
    db->read_only = true;
    if (updated)
        *err = (struct err){0};
    return updated ? 0 : failed;
}

static int open_any(struct db *db, int flags, struct err *err) {
    if ((flags & DB_READ_ONLY) != 0)
        return open_to_read(db, err);
    struct err first = {0};
    if (open_for_writing(db, flags, &first) == 0)
        return 0;
    bool may_read = first.code == ERR_ENVIRONMENT || db->newer;
    struct err second = {0};
    if ((flags & DB_WRITE_IF_ABLE) != 0 && may_read && open_for_reading(db, &second) == 0)
        return 0;
    *err = first;
    return -(int)first.code;
}

int db_open(const char *path, int flags, struct db **db, struct err *err) {
    *db = NULL;
    int failed = check_file(path, flags, err);
    if (failed != 0)
        return failed;
    struct db *opened = calloc(1, sizeof *opened);
    if (opened == NULL || (opened->path = strdup(path)) == NULL) {
        free(opened);
        return err_set(err, ERR_ENVIRONMENT, "database %s: no memory", path);
    }
    opened->impatient = (flags & DB_IMPATIENT) != 0;
    failed = open_any(opened, flags, err);
    if (failed != 0) {
        db_close(opened);
        return failed;
    }
    tidy_up(opened);
    *db = opened;
    return failed;
}
