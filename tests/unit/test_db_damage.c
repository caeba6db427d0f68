/* Files damaged at random: whatever is done with them ends with an answer or an error, and a run
 * that can be read has the numbers it was stored with. ASSAY_DB_DAMAGES sets how many (200). */
#include "tests/unit/test_db_sample.h"

#include "base/rng.h"
#include "db/admin.h"
#include "db/export.h"
#include "db/fit.h"
#include "db/machine.h"
#include "db/prediction.h"

#include <time.h>

enum { RUNS = 12, OPS = 40 };

struct bytes {
    unsigned char *at;
    size_t count;
};

static struct bytes read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size_t count = (size_t)ftell(file);
    rewind(file);
    struct bytes bytes = {malloc(count), count};
    assert_int_equal(fread(bytes.at, 1, count, file), count);
    fclose(file);
    return bytes;
}

static void write_bytes(const char *path, const unsigned char *bytes, size_t count) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

static void make_database(struct sample_folder *t) {
    struct db *db = sample_open(t, DB_CREATE);
    int64_t id, runs[RUNS];
    for (int i = 0; i < RUNS; i++) {
        struct stored_run run = sample_run(&t->arena, i, OPS);
        assert_done(t, db_put_run(db, &run, &runs[i], &t->err));
    }
    struct stored_run run = sample_run(&t->arena, 1, OPS);
    struct stored_fit fit = {.machine = run.machine.fingerprint,
                             .runtime = "onnxruntime",
                             .runtime_version = "1.30.0",
                             .threads = 1,
                             .text = "text",
                             .runs = runs,
                             .run_count = RUNS};
    assert_done(t, db_put_fit(db, &fit, &id, &t->err));
    struct stored_prediction prediction = {
        .model = run.model, .machine = run.machine, .conditions = run.conditions, .json = "{}"};
    assert_done(t, db_put_prediction(db, &prediction, &id, &t->err));
    db_close(db);
}

/* Bytes, bits, whole pages, a swapped pair of pages, or the end. */
static size_t damage(struct rng *rng, unsigned char *bytes, size_t count) {
    size_t pages = count / 4096;
    switch (rng_below(rng, 6)) {
    case 0:
        for (uint64_t i = rng_below(rng, 64) + 1; i > 0; i--)
            bytes[rng_below(rng, count)] = (unsigned char)rng_next(rng);
        return count;
    case 1:
        bytes[rng_below(rng, count)] ^= (unsigned char)(1u << rng_below(rng, 8));
        return count;
    case 2:
        memset(bytes + rng_below(rng, pages) * 4096, (int)rng_below(rng, 256), 4096);
        return count;
    case 3:
        memcpy(bytes + rng_below(rng, pages) * 4096, bytes + rng_below(rng, pages) * 4096, 4096);
        return count;
    case 4: /* cell pointers and headers of a page */
        for (int i = 0; i < 8; i++)
            bytes[rng_below(rng, pages) * 4096 + rng_below(rng, 40)] = (unsigned char)rng_next(rng);
        return count;
    default:
        return rng_below(rng, count);
    }
}

static int assert_true_numbers(const struct stored_run *run) {
    for (uint32_t i = 0; i < run->op_count; i++) {
        const struct stored_op *op = &run->ops[i];
        bool good = op->index == i && op->flops == 1e6 * (i + 1) &&
                    op->wall_ns.median == 900.0 + i && op->cpu_ns.low == (890.0 + i) * 0.95 &&
                    strcmp(op->kernel, "nchwc_conv_pointwise") == 0;
        if (!good)
            fail_msg("operator %u of run %lld has wrong numbers", i, (long long)run->id);
    }
    const struct summary *wall = stored_run_metric(run, METRIC_WALL_NS, PHASE_PLAIN);
    assert_int_equal(run->op_count, OPS);
    assert_non_null(wall);
    assert_true(wall->median == 5e6 + (double)(run->id - 1));
    return 0;
}

static int ignore_row(void *context, const struct sql_row *row, struct err *err) {
    (void)context, (void)row, (void)err;
    return 0;
}

/* Everything there is to do; errors are fine. Returns how many runs were read. */
static int use_it(struct db *db, struct sample_folder *t, FILE *nowhere) {
    static const char *const tables[] = {"models",         "runs",         "operators",
                                         "lowered_graphs", "run_overview", "prediction_overview"};
    struct arena arena;
    struct err err = {0};
    struct db_info info;
    struct stored_run run;
    struct stored_model model;
    struct stored_fit fit;
    struct stored_prediction *predictions;
    const char *const *problems;
    size_t count;
    int64_t id;
    int read = 0;
    arena_init(&arena);
    for (int i = 1; i <= RUNS; i++, err = (struct err){0})
        if (db_load_run(db, &arena, i, RUN_OPERATORS | RUN_GRAPH, &run, &err) == 0)
            read += assert_true_numbers(&run) == 0;
    db_get_info(db, &arena, &info, &err), err = (struct err){0};
    db_check(db, &arena, &problems, &count, &err), err = (struct err){0};
    db_find_model(db, &arena, "model1", &model, &err), err = (struct err){0};
    db_latest_fit(db, &arena, NULL, NULL, NULL, 0, &fit, &err), err = (struct err){0};
    db_list_predictions(db, &arena, NULL, 0, &predictions, &count, &err), err = (struct err){0};
    db_sql(db, "SELECT * FROM run_overview", ignore_row, NULL, &err), err = (struct err){0};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++, err = (struct err){0})
        db_export(db, tables[i], EXPORT_JSON_LINES, nowhere, &err);
    run = sample_run(&arena, 1, OPS);
    if (db_put_run(db, &run, &id, &t->err) != 0)
        assert_true(t->err.message[0] != '\0');
    t->err = (struct err){0};
    arena_done(&arena);
    return read;
}

static void damaged_files_never_crash_nor_lie(void **state) {
    struct sample_folder *t = *state;
    const char *wanted = getenv("ASSAY_DB_DAMAGES");
    int cases = wanted != NULL ? atoi(wanted) : 200;
    int refused = 0, read = 0;
    make_database(t);
    struct bytes whole = read_file(t->db);
    unsigned char *copy = malloc(whole.count);
    FILE *nowhere = fopen("/dev/null", "w");
    struct rng rng;
    rng_init(&rng, wanted != NULL ? (uint64_t)time(NULL) : 1);
    for (int i = 0; i < cases; i++) {
        struct db *db;
        memcpy(copy, whole.at, whole.count);
        write_bytes(t->db, copy, damage(&rng, copy, whole.count));
        if (db_open(t->db, i % 2 == 0 ? DB_WRITE : DB_READ_ONLY, &db, &t->err) == 0) {
            read += use_it(db, t, nowhere);
            db_close(db);
        } else {
            refused++;
            assert_true(t->err.message[0] != '\0');
            assert_true(t->err.code == ERR_INPUT || t->err.code == ERR_ENVIRONMENT);
        }
        t->err = (struct err){0};
        unlink(arena_printf(&t->arena, "%s-wal", t->db));
        unlink(arena_printf(&t->arena, "%s-shm", t->db));
    }
    printf("%d damaged files: %d refused at once, %.1f of %d runs read from the others\n", cases,
           refused, (double)read / (cases - refused), RUNS);
    fclose(nowhere);
    free(copy);
    free(whole.at);
    assert_true(refused > 0 && refused < cases && read > 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(damaged_files_never_crash_nor_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
