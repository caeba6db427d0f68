/* Models whose digest is remembered: what a rewritten file, a reader and a job that must hash get.
 * A false digest in the database tells whether the file was hashed. */
#include "tests/unit/test_db_sample.h"

#include "db/admin.h"
#include "db/file_digest.h"
#include "jobs/subject.h"
#include "models/onnx/write.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

static const char remembered[] = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

/* y = Relu(x), and a doc_string (field 6 of ModelProto) that makes it so large that remembering its
 * digest is worth it. */
static const char *write_model(struct sample_folder *t, const char *name, char filling) {
    const char *path = arena_printf(&t->arena, "%s/%s", t->path, name);
    struct graph *graph = graph_new(&t->arena, "g");
    graph->ir_version = 8;
    graph_add_opset(graph, "", 17);
    int32_t x = graph_add_tensor(graph, "x", DTYPE_FLOAT32);
    int32_t y = graph_add_tensor(graph, "y", DTYPE_FLOAT32);
    graph_set_shape(graph, x, 1, (int64_t[]){8});
    graph_set_shape(graph, y, 1, (int64_t[]){8});
    int32_t op = graph_add_op(graph, "relu", "Relu", "");
    graph_set_inputs(graph, op, 1, &x);
    graph_set_outputs(graph, op, 1, &y);
    graph_add_input(graph, x);
    graph_add_output(graph, y);
    const struct onnx_weights none = {.mode = ONNX_WEIGHTS_OMITTED};
    struct strbuf bytes;
    strbuf_init(&bytes);
    assert_done(t, onnx_write_bytes(graph, &none, &bytes, &t->err));
    strbuf_add(&bytes, "\x32\x80\x80\x40", 4); /* 1 MiB follow */
    for (int i = 0; i < 1 << 20; i++)
        strbuf_add(&bytes, &filling, 1);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, bytes.text, bytes.length) == (ssize_t)bytes.length);
    close(fd);
    strbuf_done(&bytes);
    return path;
}

/* As if the file had been hashed long after it was written, and was something else. */
static void remember_falsely(struct sample_folder *t, struct db *db, const char *path) {
    struct file_map map;
    char real[PATH_MAX];
    assert_done(t, file_map_open(&map, path, &t->err));
    map.stamp.seen_ns += INT64_C(3600000000000);
    assert_non_null(realpath(path, real));
    assert_done(t, db_remember_digest(db, real, &map.stamp, remembered, &t->err));
    file_map_close(&map);
}

static const char *digest_of(struct sample_folder *t, struct db *db, const char *path, bool anew) {
    const struct subject_request request = {
        .model_path = path, .collector = "replay", .threads = 1, .seed = 1, .hash_anew = anew};
    struct subject subject;
    assert_done(t, subject_open(&t->arena, db, &request, &subject, &t->err));
    subject_close(&subject);
    return arena_strdup(&t->arena, subject.model.sha256);
}

static const char *true_digest(struct sample_folder *t, const char *path) {
    char *sha256 = arena_alloc(&t->arena, SHA256_HEX_SIZE);
    assert_done(t, sha256_file(path, sha256, &t->err));
    return sha256;
}

static uint64_t remembered_rows(struct sample_folder *t, struct db *db) {
    struct db_info info;
    assert_done(t, db_get_info(db, &t->arena, &info, &t->err));
    for (size_t i = 0; i < info.table_count; i++)
        if (strcmp(info.tables[i].name, "file_digests") == 0)
            return info.tables[i].rows;
    return UINT64_MAX;
}

static void a_known_file_is_not_hashed(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    const char *path = write_model(t, "m.onnx", 'a');
    remember_falsely(t, db, path);
    assert_string_equal(digest_of(t, db, path, false), remembered);
    /* However it is spelt, but not without a database. */
    const char *link = arena_printf(&t->arena, "%s/link.onnx", t->path);
    assert_int_equal(symlink("m.onnx", link), 0);
    assert_string_equal(digest_of(t, db, link, false), remembered);
    assert_string_equal(digest_of(t, NULL, path, false), true_digest(t, path));
    db_close(db);
}

static void who_must_know_hashes(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    const char *path = write_model(t, "m.onnx", 'a');
    remember_falsely(t, db, path);
    assert_string_equal(digest_of(t, db, path, true), true_digest(t, path));
    db_close(db);
}

static void a_touched_file_is_hashed(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    const char *path = write_model(t, "m.onnx", 'a');
    remember_falsely(t, db, path);
    const struct timespec times[2] = {
        {1000000000, 0},
        {1000000000, 0}
    };
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_string_equal(digest_of(t, db, path, false), true_digest(t, path));
    db_close(db);
}

/* Same name, same inode, same size, and its time set back. */
static void a_rewritten_file_is_hashed(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    const char *path = write_model(t, "m.onnx", 'a'), *old = true_digest(t, path);
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    remember_falsely(t, db, path);
    usleep(20000); /* the kernel's clock of files goes in steps of up to 10 ms */
    write_model(t, "m.onnx", 'b');
    const struct timespec times[2] = {before.st_atim, before.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(stat(path, &after), 0);
    assert_true(after.st_ino == before.st_ino && after.st_size == before.st_size);
    assert_memory_equal(&after.st_mtim, &before.st_mtim, sizeof after.st_mtim);
    assert_string_equal(digest_of(t, db, path, false), true_digest(t, path));
    assert_string_not_equal(true_digest(t, path), old);
    db_close(db);
}

static void a_replaced_file_is_hashed(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    const char *path = write_model(t, "m.onnx", 'a'), *other = write_model(t, "n.onnx", 'b');
    remember_falsely(t, db, path);
    assert_int_equal(rename(other, path), 0);
    assert_string_equal(digest_of(t, db, path, false), true_digest(t, path));
    db_close(db);
}

static void a_file_just_written_is_not_remembered(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    const char *path = write_model(t, "m.onnx", 'a');
    assert_string_equal(digest_of(t, db, path, false), true_digest(t, path));
    assert_int_equal(remembered_rows(t, db), 0);
    db_close(db);
}

/* Once it is old enough: by whoever may write, the hashing ones too, and by no reader. */
static void a_file_left_alone_is_remembered(void **state) {
    struct sample_folder *t = *state;
    const char *path = write_model(t, "m.onnx", 'a'), *other = write_model(t, "n.onnx", 'b');
    db_close(sample_open(t, DB_CREATE));
    usleep(2100000);
    struct db *db = sample_open(t, DB_READ_ONLY);
    assert_string_equal(digest_of(t, db, path, false), true_digest(t, path));
    assert_int_equal(remembered_rows(t, db), 0);
    db_close(db);
    db = sample_open(t, 0);
    digest_of(t, db, path, false);
    assert_int_equal(remembered_rows(t, db), 1);
    digest_of(t, db, other, true);
    assert_int_equal(remembered_rows(t, db), 2);
    assert_string_equal(digest_of(t, db, other, false), true_digest(t, other));
    db_close(db);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_known_file_is_not_hashed),      CASE(who_must_know_hashes),
        CASE(a_touched_file_is_hashed),        CASE(a_rewritten_file_is_hashed),
        CASE(a_replaced_file_is_hashed),       CASE(a_file_just_written_is_not_remembered),
        CASE(a_file_left_alone_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
