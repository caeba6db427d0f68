/* Disks that are full, fail, or lose power. ASSAY_DB_POWER_LOSSES sets how many states of the disk
 * are rebuilt (300; 10000 for a release). */
#include "tests/unit/test_db_sample.h"
#include "tests/unit/test_db_vfs.h"

#include "base/rng.h"
#include "db/admin.h"
#include "db/connection.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { OPS = 6 };

static int ignore_run(void *context, const struct stored_run *run, struct err *err) {
    (void)context, (void)run, (void)err;
    return 0;
}

/* Sound, every run readable, and runs 1 to `told` among them. */
static void assert_sound(struct sample_folder *t, struct db *db, int64_t told) {
    const char *const *problems;
    size_t count;
    uint64_t runs = 0;
    assert_done(t, db_check(db, &t->arena, &problems, &count, &t->err));
    if (count > 0)
        fail_msg("%s", problems[0]);
    assert_done(t, db_each_run(db, &(struct run_filter){0}, RUN_OPERATORS | RUN_GRAPH, ignore_run,
                               NULL, &t->err));
    assert_done(t, db_count_runs(db, &(struct run_filter){0}, &runs, &t->err));
    assert_true(runs >= (uint64_t)told);
}

/* ---- the k-th writing call fails -------------------------------------------------------------*/

static void assert_told_why(const struct err *err) {
    if (err->code != ERR_ENVIRONMENT || err->hint[0] == '\0')
        fail_msg("a failing disk gave code %d: %s", err->code, err->message);
}

/* Opens, stores two runs, closes, while the k-th call fails. Returns the last id told. */
static int64_t use_failing(struct sample_folder *t, const struct stored_run *run, bool *failed) {
    struct err err = {0};
    struct db *db;
    int64_t told = 0;
    if (db_open(t->db, DB_CREATE, &db, &err) == 0) {
        for (int i = 0; i < 2 && err.code == ERR_OK; i++)
            db_put_run(db, run, &told, &err);
        db_close(db);
    }
    if (err.code != ERR_OK)
        assert_told_why(&err);
    *failed = disk.failed;
    disk.fail_after = -1;
    disk.failed = false;
    return told;
}

static int fail_every_call(struct sample_folder *t, bool existing, bool for_good, int failure) {
    struct stored_run run = sample_run(&t->arena, 1, OPS);
    bool failed = true;
    int k = 0;
    for (; failed && k < 1000; k++) {
        int64_t before = 0;
        nftw(t->path, sample_remove, 16, FTW_DEPTH | FTW_PHYS);
        assert_int_equal(mkdir(t->path, 0755), 0);
        if (existing) {
            struct db *db = sample_open(t, DB_CREATE);
            assert_done(t, db_put_run(db, &run, &before, &t->err));
            db_close(db);
        }
        disk.fail_after = k;
        disk.for_good = for_good;
        disk.failure = failure;
        int64_t told = use_failing(t, &run, &failed);
        struct db *db = sample_open(t, DB_CREATE); /* the disk works again */
        assert_sound(t, db, told > before ? told : before);
        assert_done(t, db_put_run(db, &run, &told, &t->err));
        db_close(db);
    }
    assert_false(failed);
    assert_true(k > 5);
    return k;
}

static void failing_writes_lose_nothing(void **state) {
    int calls = 0;
    for (int i = 0; i < 8; i++)
        calls += fail_every_call(*state, (i & 1) != 0, (i & 2) != 0,
                                 (i & 4) != 0 ? SQLITE_FULL : SQLITE_IOERR_WRITE);
    printf("%d failing calls\n", calls);
}

static void a_connection_goes_on_after_a_failure(void **state) {
    struct sample_folder *t = *state;
    struct stored_run run = sample_run(&t->arena, 1, OPS);
    struct db *db = sample_open(t, DB_CREATE);
    int64_t id = 0;
    for (int k = 0; k < 12; k++) {
        int64_t told = id;
        assert_done(t, db_put_run(db, &run, &told, &t->err));
        disk.fail_after = k;
        disk.for_good = true;
        disk.failure = SQLITE_FULL;
        int failed = db_put_run(db, &run, &id, &t->err);
        if (disk.failed) {
            assert_int_equal(failed, -ERR_ENVIRONMENT);
            assert_true(t->err.hint[0] != '\0');
        }
        t->err = (struct err){0};
        disk.fail_after = -1;
        disk.failed = false;
        assert_done(t, db_put_run(db, &run, &id, &t->err));
        assert_true(id > told);
    }
    assert_sound(t, db, 24);
    db_close(db);
}

/* ---- no space --------------------------------------------------------------------------------*/

/* Stores runs until it fails; writes the number of those told to a file. */
static void fill(struct sample_folder *t, int64_t limit_bytes) {
    struct rlimit limit = {(rlim_t)limit_bytes, (rlim_t)limit_bytes};
    struct err err = {0};
    struct db *db;
    int64_t id = 0;
    struct stored_run run = sample_run(&t->arena, 1, 200);
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(90);
    if (db_open(t->db, DB_CREATE, &db, &err) == 0)
        for (int i = 0; i < 10000 && db_put_run(db, &run, &id, &err) == 0; i++)
            ;
    if (err.code != ERR_ENVIRONMENT || err.hint[0] == '\0') {
        fprintf(stderr, "code %d: %s\n", err.code, err.message);
        _exit(91);
    }
    _exit((int)id);
}

static void a_file_size_limit_loses_nothing(void **state) {
    struct sample_folder *t = *state;
    int64_t seen = 0;
    for (int64_t limit = 0; limit <= 2 << 20; limit += limit < 65536 ? 4096 : 500 * 1024) {
        fflush(NULL);
        pid_t child = fork();
        int status;
        if (child == 0)
            fill(t, limit);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        int64_t told = WEXITSTATUS(status);
        if (told >= 90)
            fail_msg("limit %lld: %lld", (long long)limit, (long long)told);
        seen = told > seen ? told : seen;
        struct db *db = sample_open(t, DB_CREATE);
        assert_sound(t, db, seen);
        db_close(db);
    }
    assert_true(seen > 3);
}

static int64_t fill_tmpfs(struct sample_folder *t, struct db *db) {
    struct stored_run run = sample_run(&t->arena, 1, 200);
    int64_t id = 0;
    t->err = (struct err){0};
    for (int i = 0; i < 10000 && db_put_run(db, &run, &id, &t->err) == 0; i++)
        ;
    assert_told_why(&t->err);
    assert_non_null(strstr(t->err.message, "no space left"));
    t->err = (struct err){0};
    return id;
}

static void a_full_file_system_is_survived(void **state) {
    struct sample_folder *t = *state;
    char ballast[1 << 18] = {1};
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", t->path, "tmpfs", 0, "size=2m") != 0) {
        puts("skip: a small tmpfs cannot be mounted (not root, or in a container)");
        skip();
    }
    const char *path = arena_printf(&t->arena, "%s/ballast", t->path);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    for (int i = 0; i < 3; i++)
        assert_int_equal(write(file, ballast, sizeof ballast), sizeof ballast);
    close(file);
    struct db *db = sample_open(t, DB_CREATE);
    int64_t told = fill_tmpfs(t, db);
    assert_true(told > 0);
    assert_sound(t, db, told); /* readable while the disk is full */
    assert_int_equal(unlink(path), 0);
    int64_t more = fill_tmpfs(t, db); /* goes on when there is space again */
    assert_true(more > told);
    db_close(db);
    db = sample_open(t, DB_READ_ONLY);
    assert_sound(t, db, more);
    db_close(db);
    assert_int_equal(umount(t->path), 0);
}

/* ---- power loss ------------------------------------------------------------------------------*/

struct image {
    unsigned char *bytes;
    size_t count, capacity;
    bool exists;
};

static void image_resize(struct image *image, size_t count) {
    if (count > image->capacity) {
        image->capacity = count * 2;
        image->bytes = realloc(image->bytes, image->capacity);
    }
    if (count > image->count)
        memset(image->bytes + image->count, 0, count - image->count);
    image->count = count;
    image->exists = true;
}

static void image_write(struct image *image, size_t offset, const unsigned char *bytes,
                        size_t count) {
    if (offset + count > image->count)
        image_resize(image, offset + count);
    memcpy(image->bytes + offset, bytes, count);
}

/* A write that was not synced: each 512-byte sector of it arrived or did not. */
static void image_write_torn(struct image *image, const struct disk_event *event, struct rng *rng) {
    size_t offset = (size_t)event->offset;
    for (size_t at = 0; at < event->count;) {
        size_t step = 512 - (offset + at) % 512;
        step = step < event->count - at ? step : event->count - at;
        if (rng_below(rng, 2) == 0)
            image_write(image, offset + at, event->bytes + at, step);
        at += step;
    }
}

static void image_apply(struct image *image, const struct disk_event *event, bool synced,
                        struct rng *rng) {
    if (event->kind == DISK_DELETE)
        image->count = 0, image->exists = false;
    else if (event->kind == DISK_WRITE && synced)
        image_write(image, (size_t)event->offset, event->bytes, event->count);
    else if (event->kind == DISK_WRITE)
        image_write_torn(image, event, rng);
    else if (event->kind == DISK_TRUNCATE && (synced || rng_below(rng, 2) == 0))
        image_resize(image, (size_t)event->offset);
}

static size_t last_sync(enum disk_file file, size_t end) {
    while (end > 0 && (disk.events[end - 1].kind != DISK_SYNC || disk.events[end - 1].file != file))
        end--;
    return end;
}

static void write_image(struct sample_folder *t, const char *suffix, const struct image *image) {
    const char *path = arena_printf(&t->arena, "%s%s", t->db, suffix);
    unlink(path);
    if (!image->exists)
        return;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(image->bytes, 1, image->count, file), image->count);
    assert_int_equal(fclose(file), 0);
}

/* The disk when the power went after `end` events. Returns the last id told until then. */
static int64_t rebuild(struct sample_folder *t, size_t end, struct rng *rng) {
    static const char *const suffixes[DISK_FILES] = {
        [DISK_MAIN] = "", [DISK_WAL] = "-wal", [DISK_JOURNAL] = "-journal"};
    int64_t told = 0;
    unlink(arena_printf(&t->arena, "%s-shm", t->db));
    for (int file = 0; file < DISK_FILES; file++) {
        struct image image = {0};
        size_t synced = last_sync((enum disk_file)file, end);
        for (size_t i = 0; i < end; i++)
            if ((int)disk.events[i].file == file && disk.events[i].kind != DISK_TOLD)
                image_apply(&image, &disk.events[i], i < synced, rng);
        write_image(t, suffixes[file], &image);
        free(image.bytes);
    }
    for (size_t i = 0; i < end; i++)
        if (disk.events[i].kind == DISK_TOLD)
            told = disk.events[i].offset;
    return told;
}

static void log_a_session(struct sample_folder *t) {
    struct stored_run run = sample_run(&t->arena, 1, OPS);
    int64_t id;
    disk.logging = true;
    for (int session = 0; session < 2; session++) {
        struct db *db = sample_open(t, DB_CREATE);
        sqlite3_wal_autocheckpoint(db->handle, 40); /* often, so that it is in the log */
        for (int i = 0; i < 12; i++) {
            assert_done(t, db_put_run(db, &run, &id, &t->err));
            disk_log(DISK_TOLD, DISK_MAIN, id, NULL, 0);
        }
        db_close(db);
    }
    disk.logging = false;
}

static void power_losses_lose_nothing(void **state) {
    struct sample_folder *t = *state;
    const char *wanted = getenv("ASSAY_DB_POWER_LOSSES");
    int states = wanted != NULL ? atoi(wanted) : 300;
    struct rng rng;
    rng_init(&rng, 1);
    log_a_session(t);
    for (int i = 0; i < states; i++) {
        /* A third of them while the file is made. */
        size_t end = 1 + (size_t)rng_below(&rng, i % 3 == 0 ? 60 : disk.event_count);
        int64_t told = rebuild(t, end, &rng);
        struct db *db = sample_open(t, DB_CREATE);
        assert_sound(t, db, told);
        db_close(db);
    }
    printf("%d states of the disk from a log of %zu writes and syncs\n", states, disk.event_count);
    for (size_t i = 0; i < disk.event_count; i++)
        free(disk.events[i].bytes);
    free(disk.events);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void) {
    disk_install();
    const struct CMUnitTest tests[] = {
        CASE(failing_writes_lose_nothing),     CASE(a_connection_goes_on_after_a_failure),
        CASE(a_file_size_limit_loses_nothing), CASE(power_losses_lose_nothing),
        CASE(a_full_file_system_is_survived), /* last: it leaves the mount namespace */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
