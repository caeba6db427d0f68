/* Writers that die. ASSAY_DB_KILLS sets how often (100 unless given; 1000 for a release). */
#include "tests/unit/test_db_sample.h"

#include "base/rng.h"
#include "db/admin.h"
#include "db/connection.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { OPS = 12, IDS_MAX = 100000 };

/* The child: stores runs and tells each id once it is acknowledged, until it is killed. */
static void write_until_killed(const char *path, int acknowledged) {
    struct arena arena;
    struct err err = {0};
    struct db *db;
    arena_init(&arena);
    struct stored_run run = sample_run(&arena, 1, OPS);
    if (db_open(path, DB_CREATE, &db, &err) != 0)
        _exit(1);
    for (int64_t id = 0;;)
        if (db_put_run(db, &run, &id, &err) != 0 || write(acknowledged, &id, sizeof id) < 0)
            _exit(2);
}

static void sleep_us(int64_t us) {
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&time, NULL);
}

/* Kills a writer `us` microseconds after its start or, so that a busy machine makes no empty test,
 * after the first run it told. Returns how many ids it told. */
static size_t kill_a_writer(const char *path, bool from_first, int64_t us, int64_t *ids) {
    int ends[2], status;
    size_t count = 0;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_until_killed(path, ends[1]);
    close(ends[1]);
    if (from_first && read(ends[0], &ids[count], sizeof *ids) == (ssize_t)sizeof *ids)
        count++;
    sleep_us(us);
    assert_int_equal(kill(child, SIGKILL), 0);
    while (count < IDS_MAX && read(ends[0], &ids[count], sizeof *ids) == (ssize_t)sizeof *ids)
        count++;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status))
        fail_msg("the writer failed by itself: %d", WEXITSTATUS(status));
    return count;
}

struct whole {
    const int64_t *ids; /* acknowledged, ascending */
    size_t count, found;
    int64_t last;
};

static int check_whole(void *context, const struct stored_run *run, struct err *err) {
    struct whole *whole = context;
    if (run->op_count != OPS || run->metric_count != 3 || run->ops[9].metric_count != 2)
        return err_set(err, ERR_BUG, "run %lld is not whole", (long long)run->id);
    if (whole->found < whole->count && whole->ids[whole->found] == run->id)
        whole->found++;
    whole->last = run->id;
    return 0;
}

/* Every acknowledged run of this round is there, and every run that is there is whole. */
static int64_t assert_all_there(struct sample_folder *t, const char *path, int64_t after,
                                const int64_t *ids, size_t count) {
    struct whole whole = {.ids = ids, .count = count, .last = after};
    struct db *db;
    const char *const *problems;
    size_t problem_count;
    assert_done(t, db_open(path, DB_CREATE, &db, &t->err));
    assert_done(t, db_each_run(db, &(struct run_filter){.after_id = after},
                               RUN_OPERATORS | RUN_GRAPH, check_whole, &whole, &t->err));
    assert_int_equal(whole.found, count);
    assert_done(t, db_check(db, &t->arena, &problems, &problem_count, &t->err));
    if (problem_count > 0)
        fail_msg("%s", problems[0]);
    db_close(db);
    return whole.last;
}

static void killed_writers_lose_nothing(void **state) {
    struct sample_folder *t = *state;
    const char *wanted = getenv("ASSAY_DB_KILLS");
    int kills = wanted != NULL ? atoi(wanted) : 100;
    int64_t *ids = malloc(IDS_MAX * sizeof *ids);
    size_t total = 0;
    int64_t after = 0;
    const char *path = t->db;
    struct rng rng;
    rng_init(&rng, (uint64_t)time(NULL));
    for (int i = 0; i < kills; i++) {
        if (i % 5 == 0) { /* some die while they make the file */
            path = arena_printf(&t->arena, "%s/%d.db", t->path, i);
            after = 0;
        }
        size_t count = kill_a_writer(path, i % 2 == 1, rng_between(&rng, 0, 30000), ids);
        after = assert_all_there(t, path, after, ids, count);
        total += count;
    }
    printf("%d kills, %zu acknowledged runs, none lost\n", kills, total);
    free(ids);
    assert_true(total > 0);
}

/* ---- many at once ----------------------------------------------------------------------------*/

enum { WRITERS = 8 };

/* Per writer; ASSAY_DB_COMMITS, 25 unless given. */
static int commits(void) {
    const char *wanted = getenv("ASSAY_DB_COMMITS");
    return wanted != NULL ? atoi(wanted) : 25;
}

static void write_some(const char *path) {
    struct arena arena;
    struct err err = {0};
    struct db *db;
    int64_t id;
    arena_init(&arena);
    struct stored_run run = sample_run(&arena, 1, OPS);
    int failed = db_open(path, DB_CREATE, &db, &err);
    for (int i = 0; i < commits() && failed == 0; i++)
        failed = db_put_run(db, &run, &id, &err);
    if (failed == 0)
        db_close(db);
    else
        fprintf(stderr, "%s\n", err.message);
    _exit(failed == 0 ? 0 : 1);
}

static void writers_wait_for_each_other(void **state) {
    struct sample_folder *t = *state;
    pid_t children[WRITERS];
    uint64_t count;
    fflush(NULL);
    for (int i = 0; i < WRITERS; i++) /* the file is not there yet: they race to make it */
        if ((children[i] = fork()) == 0)
            write_some(t->db);
    for (int i = 0; i < WRITERS; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    struct db *db = sample_open(t, DB_WRITE);
    assert_done(t, db_count_runs(db, &(struct run_filter){0}, &count, &t->err));
    assert_int_equal(count, WRITERS * commits());
    db_close(db);
}

static void readers_do_not_wait_for_a_writer(void **state) {
    struct sample_folder *t = *state;
    struct stored_run run = sample_run(&t->arena, 1, 2), read;
    struct err err = {0};
    int64_t id;
    struct db *writer = sample_open(t, DB_CREATE), *reader = sample_open(t, DB_READ_ONLY);
    assert_done(t, db_put_run(writer, &run, &id, &t->err));
    struct db *holder = sample_open(t, DB_WRITE);
    assert_int_equal(db_begin_write(holder, &err), 0); /* holds the lock for writing */
    assert_done(t, db_load_run(reader, &t->arena, id, RUN_OPERATORS, &read, &t->err));
    assert_int_equal(read.op_count, 2);
    assert_int_equal(db_end(holder, -1, &err), -1);
    db_close(holder);
    db_close(reader);
    db_close(writer);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(killed_writers_lose_nothing),
        CASE(writers_wait_for_each_other),
        CASE(readers_do_not_wait_for_a_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
