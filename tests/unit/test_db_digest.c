/* What is remembered of files that were hashed, and when it must not be believed. */
#include "tests/unit/test_db_sample.h"

#include "db/admin.h"
#include "db/connection.h"
#include "db/file_digest.h"

static const char hash_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char hash_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/* Changed at 100 s, looked at 5 s later. Device and inode need all their bits. */
static struct file_stamp settled(void) {
    return (struct file_stamp){
        .device = UINT64_MAX - 1,
        .inode = UINT64_C(1) << 63,
        .size_bytes = 438000000,
        .modified_ns = INT64_C(90000000001),
        .changed_ns = INT64_C(100000000002),
        .seen_ns = INT64_C(105000000003),
    };
}

static void remember(struct sample_folder *t, struct db *db, const char *path,
                     struct file_stamp stamp, const char *sha256) {
    assert_done(t, db_remember_digest(db, path, &stamp, sha256, &t->err));
}

/* NULL: not known. */
static const char *recalled(struct sample_folder *t, struct db *db, const char *path,
                            struct file_stamp stamp) {
    char *sha256 = arena_alloc(&t->arena, SHA256_HEX_SIZE);
    bool known = true;
    assert_done(t, db_recall_digest(db, path, &stamp, sha256, &known, &t->err));
    return known ? sha256 : NULL;
}

static void what_was_hashed_is_known_again(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct file_stamp later = settled();
    remember(t, db, "/m.onnx", settled(), hash_a);
    later.seen_ns += INT64_C(3600000000000);
    assert_string_equal(recalled(t, db, "/m.onnx", later), hash_a);
    db_close(db);
    db = sample_open(t, 0); /* by another process too */
    assert_string_equal(recalled(t, db, "/m.onnx", later), hash_a);
    db_close(db);
}

static void another_path_is_another_file(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    assert_null(recalled(t, db, "/m.onnx", settled()));
    remember(t, db, "/m.onnx", settled(), hash_a);
    assert_null(recalled(t, db, "/n.onnx", settled()));
    assert_null(recalled(t, db, "/m.onn", settled()));
    db_close(db);
}

static void a_difference_in_any_part_makes_it_unknown(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct file_stamp others[6];
    for (int i = 0; i < 6; i++)
        others[i] = settled();
    others[0].device++;
    others[1].inode++;
    others[2].size_bytes++;
    others[3].modified_ns++; /* touched */
    others[4].changed_ns++;  /* written, and the other time set back */
    others[5].changed_ns--;
    remember(t, db, "/m.onnx", settled(), hash_a);
    for (int i = 0; i < 6; i++)
        assert_null(recalled(t, db, "/m.onnx", others[i]));
    db_close(db);
}

static void a_changed_file_takes_the_place_of_what_it_was(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct file_stamp now = settled();
    now.changed_ns += 1000;
    remember(t, db, "/m.onnx", settled(), hash_a);
    remember(t, db, "/m.onnx", now, hash_b);
    assert_string_equal(recalled(t, db, "/m.onnx", now), hash_b);
    assert_null(recalled(t, db, "/m.onnx", settled()));
    db_close(db);
}

/* It may be changed again within the same step of the file system's clock. */
static void what_was_just_changed_is_not_kept(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct file_stamp written = settled(), touched = settled(), ahead = settled();
    written.changed_ns = written.seen_ns - INT64_C(2000000000);
    touched.modified_ns = touched.seen_ns - 1;
    ahead.modified_ns = INT64_MAX; /* of a clock that was ahead */
    remember(t, db, "/written", written, hash_a);
    remember(t, db, "/touched", touched, hash_a);
    remember(t, db, "/ahead", ahead, hash_a);
    assert_null(recalled(t, db, "/written", written));
    assert_null(recalled(t, db, "/touched", touched));
    assert_null(recalled(t, db, "/ahead", ahead));
    written.changed_ns--;
    remember(t, db, "/written", written, hash_a);
    assert_string_equal(recalled(t, db, "/written", written), hash_a);
    db_close(db);
}

static void a_reader_is_answered_and_keeps_nothing(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct file_stamp stamp = settled();
    remember(t, db, "/m.onnx", stamp, hash_a);
    db_close(db);
    db = sample_open(t, DB_READ_ONLY);
    assert_string_equal(recalled(t, db, "/m.onnx", stamp), hash_a);
    assert_refused(t, db_remember_digest(db, "/n.onnx", &stamp, hash_b, &t->err), ERR_ENVIRONMENT,
                   "opened read-only");
    assert_null(recalled(t, db, "/n.onnx", stamp));
    db_close(db);
}

static void damage(struct sample_folder *t, const char *sql) {
    struct db *db = sample_open(t, 0);
    assert_int_equal(sqlite3_exec(db->handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(db->handle), 1);
    db_close(db);
}

static void a_damaged_digest_is_told_and_not_believed(void **state) {
    struct sample_folder *t = *state;
    const char *const *problems;
    size_t count;
    static const char *const damages[] = {
        "UPDATE file_digests SET sha256 = 'c' || substr(sha256, 2)",
        "UPDATE file_digests SET changed_ns = 1, modified_ns = 1",
        "UPDATE file_digests SET sha256 = ''",
        "UPDATE file_digests SET checksum = checksum + 1",
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct file_stamp stamp = settled(), as_damaged = settled();
        as_damaged.changed_ns = as_damaged.modified_ns = 1;
        struct db *db = sample_open(t, DB_CREATE);
        remember(t, db, "/m.onnx", stamp, hash_a);
        assert_done(t, db_check(db, &t->arena, &problems, &count, &t->err));
        assert_int_equal(count, 0);
        db_close(db);
        damage(t, damages[i]);
        db = sample_open(t, 0);
        assert_null(recalled(t, db, "/m.onnx", stamp));
        assert_null(recalled(t, db, "/m.onnx", as_damaged));
        assert_done(t, db_check(db, &t->arena, &problems, &count, &t->err));
        assert_int_equal(count, 1);
        assert_non_null(strstr(problems[0], "digest"));
        db_close(db);
    }
}

static int64_t digests_in(struct db *db) {
    sqlite3_stmt *statement;
    assert_int_equal(
        sqlite3_prepare_v2(db->handle, "SELECT count(*) FROM file_digests", -1, &statement, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return count;
}

/* Copies of one row, each hashed a nanosecond before the one before it. */
static void those_hashed_long_ago_are_forgotten(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct file_stamp latest = settled();
    remember(t, db, "/m.onnx", settled(), hash_a);
    assert_int_equal(
        sqlite3_exec(db->handle,
                     "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE"
                     " i < 1200) INSERT INTO file_digests (path, device, inode, size_bytes,"
                     " modified_ns, changed_ns, seen_ns, sha256, checksum) SELECT '/old' || i,"
                     " device, inode, size_bytes, modified_ns, changed_ns, seen_ns - i, sha256, 0"
                     " FROM file_digests, n",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(digests_in(db), 1201);
    latest.seen_ns++;
    remember(t, db, "/n.onnx", latest, hash_b);
    assert_int_equal(digests_in(db), FILE_DIGESTS_MAX);
    assert_string_equal(recalled(t, db, "/m.onnx", settled()), hash_a);
    assert_string_equal(recalled(t, db, "/n.onnx", latest), hash_b);
    db_close(db);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(what_was_hashed_is_known_again),
        CASE(another_path_is_another_file),
        CASE(a_difference_in_any_part_makes_it_unknown),
        CASE(a_changed_file_takes_the_place_of_what_it_was),
        CASE(what_was_just_changed_is_not_kept),
        CASE(a_reader_is_answered_and_keeps_nothing),
        CASE(a_damaged_digest_is_told_and_not_believed),
        CASE(those_hashed_long_ago_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
