#include "tests/unit/test_db_sample.h"

#include "db/admin.h"
#include "db/fit.h"
#include "db/machine.h"
#include "db/prediction.h"

static void assert_same_summary(const struct summary *a, const struct summary *b) {
    assert_true(a->median == b->median);
    assert_true(a->low == b->low || (isnan(a->low) && isnan(b->low)));
    assert_true(a->high == b->high || (isnan(a->high) && isnan(b->high)));
    assert_true(a->spread == b->spread || (isnan(a->spread) && isnan(b->spread)));
    assert_int_equal(a->count, b->count);
}

static void assert_same_op(const struct stored_op *a, const struct stored_op *b) {
    assert_int_equal(a->index, b->index);
    assert_string_equal(a->path, b->path);
    assert_string_equal(a->type, b->type);
    assert_string_equal(a->domain, b->domain);
    assert_string_equal(a->kernel, b->kernel);
    assert_string_equal(a->shapes, b->shapes);
    assert_int_equal(a->dtype, b->dtype);
    assert_true(a->flops == b->flops && a->bytes == b->bytes);
    assert_same_summary(&a->wall_raw_ns, &b->wall_raw_ns);
    assert_same_summary(&a->wall_ns, &b->wall_ns);
    assert_same_summary(&a->cpu_ns, &b->cpu_ns);
    assert_int_equal(a->metric_count, b->metric_count);
}

static void a_run_is_read_as_it_was_written(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct stored_run run = sample_run(&t->arena, 4, 10), read;
    int64_t id = 0;
    assert_done(t, db_put_run(db, &run, &id, &t->err));
    assert_done(t, db_load_run(db, &t->arena, id, RUN_OPERATORS | RUN_GRAPH, &read, &t->err));
    assert_int_equal(read.id, id);
    assert_string_equal(read.model.name, "model4");
    assert_int_equal(read.model.parameters, 7);
    assert_string_equal(read.machine.isa, "avx2 fma");
    assert_int_equal(read.machine.cache_bytes[3], 4);
    assert_int_equal(read.conditions.threads, 1);
    assert_int_equal(read.conditions.batch, 8);
    assert_int_equal(read.conditions.dim_count, 2);
    assert_string_equal(read.conditions.dims[0].symbol, "batch");
    assert_string_equal(read.conditions.dims[1].symbol, "seq len");
    assert_int_equal(read.conditions.dims[1].size, 128);
    assert_int_equal(read.lowered.byte_count, 12);
    assert_memory_equal(read.lowered.bytes, "an ONNX file", 12);
    assert_true(read.seed == UINT64_MAX - 5);
    assert_string_equal(read.started_at, "2026-01-31T12:00:00.000Z");
    assert_string_equal(read.warnings_json, "[\"noisy\"]");
    assert_memory_equal(&read.disturbance, &run.disturbance, sizeof run.disturbance);
    assert_int_equal(read.metric_count, 3);
    const struct summary *peak = stored_run_metric(&read, METRIC_PEAK_BYTES, PHASE_COLD);
    assert_non_null(peak);
    assert_same_summary(peak, &run.metrics[2].summary);
    assert_null(stored_run_metric(&read, METRIC_PEAK_BYTES, PHASE_PLAIN));
    assert_int_equal(read.op_count, 10);
    for (uint32_t i = 0; i < 10; i++)
        assert_same_op(&read.ops[i], &run.ops[i]);
    assert_string_equal(read.ops[9].metrics[1].name, "instructions"); /* sorted by name */
    assert_same_summary(&read.ops[9].metrics[1].summary, &run.ops[9].metrics[0].summary);
    db_close(db);
}

static int count_run(void *context, const struct stored_run *run, struct err *err) {
    (void)err;
    *(uint64_t *)context += run->ops != NULL ? run->op_count : 1;
    return 0;
}

static int stop_at_two(void *context, const struct stored_run *run, struct err *err) {
    (void)run, (void)err;
    return ++*(int *)context == 2 ? 42 : 0;
}

static void runs_are_filtered(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    int64_t id;
    uint64_t count = 0;
    for (int i = 0; i < 12; i++) {
        struct stored_run run = sample_run(&t->arena, i, 2);
        run.conditions.threads = i < 4 ? 1 : 2;
        assert_done(t, db_put_run(db, &run, &id, &t->err));
    }
    struct stored_run one = sample_run(&t->arena, 1, 2), read;
    assert_done(t, db_count_runs(db, &(struct run_filter){0}, &count, &t->err));
    assert_int_equal(count, 12);
    struct run_filter of_model = {.model_sha256 = one.model.sha256};
    assert_done(t, db_count_runs(db, &of_model, &count, &t->err));
    assert_int_equal(count, 2); /* 1 and 11 */
    assert_done(t, db_count_runs(db, &(struct run_filter){.threads = 1}, &count, &t->err));
    assert_int_equal(count, 4);
    struct dim_binding swapped[] = {
        {"batch",   8  },
        {"seq len", 128}
    };
    one.conditions.dims = swapped; /* the order of dimensions does not matter */
    struct run_filter exact = {.model_sha256 = one.model.sha256,
                               .machine = "abcdef0123456789",
                               .conditions = &one.conditions};
    assert_done(t, db_latest_run(db, &t->arena, &exact, RUN_HEAD, &read, &t->err));
    assert_int_equal(read.id, 2);
    assert_null(read.ops);
    assert_int_equal(read.op_count, 2);
    one.conditions.batch = 0;
    assert_done(t, db_latest_run(db, &t->arena, &exact, RUN_HEAD, &read, &t->err));
    assert_int_equal(read.id, 0);
    struct run_filter newer = {.after_id = 10, .collector = "replay", .runtime = "onnxruntime"};
    count = 0;
    assert_done(t, db_each_run(db, &newer, RUN_OPERATORS, count_run, &count, &t->err));
    assert_int_equal(count, 4);
    int seen = 0;
    assert_int_equal(
        db_each_run(db, &(struct run_filter){0}, RUN_HEAD, stop_at_two, &seen, &t->err), 42);
    assert_int_equal(seen, 2);
    db_close(db);
}

static void runs_beside_replicas_stand_apart(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct stored_run alone = sample_run(&t->arena, 1, 2), together = alone, read;
    int64_t id, *threads;
    uint64_t count;
    size_t thread_counts;
    together.conditions.replicas = 4;
    together.conditions.threads = 2;
    assert_done(t, db_put_run(db, &alone, &id, &t->err));
    assert_done(t, db_put_run(db, &together, &id, &t->err));
    assert_done(t, db_load_run(db, &t->arena, id, RUN_OPERATORS, &read, &t->err));
    assert_int_equal(read.conditions.replicas, 4);
    assert_done(t, db_count_runs(db, &(struct run_filter){0}, &count, &t->err));
    assert_int_equal(count, 1);
    assert_done(t, db_count_runs(db, &(struct run_filter){.company = RUNS_ANY}, &count, &t->err));
    assert_int_equal(count, 2);
    const struct run_filter company = {.company = RUNS_TOGETHER};
    assert_done(t, db_latest_run(db, &t->arena, &company, RUN_HEAD, &read, &t->err));
    assert_int_equal(read.id, id);
    assert_done(t, db_list_threads(db, &t->arena, &company, &threads, &thread_counts, &t->err));
    assert_int_equal(thread_counts, 1);
    assert_int_equal(threads[0], 2);
    db_close(db);
}

static void a_failed_run_leaves_nothing(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct stored_run run = sample_run(&t->arena, 1, 5);
    struct stored_op ops[5];
    uint64_t count = 1;
    int64_t id = -7;
    memcpy(ops, run.ops, sizeof ops);
    ops[4].index = ops[3].index; /* the same operator twice */
    run.ops = ops;
    assert_refused(t, db_put_run(db, &run, &id, &t->err), ERR_BUG, "store an operator");
    assert_int_equal(id, -7);
    assert_done(t, db_count_runs(db, &(struct run_filter){0}, &count, &t->err));
    assert_int_equal(count, 0);
    struct stored_model *models;
    size_t model_count;
    assert_done(t, db_list_models(db, &t->arena, &models, &model_count, &t->err));
    assert_int_equal(model_count, 0);
    run.ops = sample_run(&t->arena, 1, 5).ops;
    assert_done(t, db_put_run(db, &run, &id, &t->err));
    db_close(db);
}

static void a_model_is_found_by_name_path_and_hash(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct stored_model a = {.sha256 = "aaaaaaaa11", .name = "a", .path = "/a.onnx"};
    struct stored_model b = {.sha256 = "aaaaaaaa22", .name = "b", .path = "/b.onnx"}, found;
    int64_t id;
    assert_done(t, db_put_model(db, &a, &id, &t->err));
    assert_done(t, db_put_model(db, &b, &id, &t->err));
    assert_done(t, db_find_model(db, &t->arena, "b", &found, &t->err));
    assert_string_equal(found.sha256, b.sha256);
    assert_done(t, db_find_model(db, &t->arena, "/a.onnx", &found, &t->err));
    assert_string_equal(found.name, "a");
    assert_done(t, db_find_model(db, &t->arena, "AAAAAAAA1", &found, &t->err));
    assert_string_equal(found.name, "a");
    assert_refused(t, db_find_model(db, &t->arena, "aaaaaa", &found, &t->err), ERR_INPUT,
                   "names 2 models");
    assert_refused(t, db_find_model(db, &t->arena, "aaaaa", &found, &t->err), ERR_INPUT,
                   "there is no model");
    assert_refused(t, db_find_model(db, &t->arena, "%", &found, &t->err), ERR_INPUT,
                   "there is no model");
    a.name = "renamed";
    int64_t again = 0;
    assert_done(t, db_put_model(db, &a, &again, &t->err));
    assert_done(t, db_find_model(db, &t->arena, "renamed", &found, &t->err));
    assert_int_equal(found.id, again);
    assert_int_equal(found.id, 1);
    db_close(db);
}

static void lowered_graphs_are_kept_by_key(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct stored_run run = sample_run(&t->arena, 1, 1);
    struct lowered_key key = {run.model.sha256, "avx2", &run.conditions, "zero-pages"};
    struct lowered_graph rules = {.origin = "rules", .bytes = "r", .byte_count = 1};
    struct lowered_graph exact = {.origin = "runtime",
                                  .bytes = "e",
                                  .byte_count = 1,
                                  .lowering_ns = 5,
                                  .op_count = 3},
                         found;
    int64_t id = 0, again = 0;
    assert_done(t, db_get_lowered(db, &t->arena, &key, &found, &t->err));
    assert_int_equal(found.id, 0);
    assert_done(t, db_put_lowered(db, &run.model, &key, &exact, &id, &t->err));
    assert_done(t, db_put_lowered(db, &run.model, &key, &exact, &again, &t->err));
    assert_int_equal(again, id);
    assert_done(t, db_put_lowered(db, &run.model, &key, &rules, &again, &t->err));
    assert_done(t, db_get_lowered(db, &t->arena, &key, &found, &t->err));
    assert_int_equal(found.id, id);
    assert_string_equal(found.origin, "runtime");
    assert_int_equal(found.op_count, 3);
    assert_memory_equal(found.bytes, "e", 1);
    run.conditions.threads = 16; /* not part of the key */
    assert_done(t, db_get_lowered(db, &t->arena, &key, &found, &t->err));
    assert_int_equal(found.id, id);
    key.isa = "avx512f";
    assert_done(t, db_get_lowered(db, &t->arena, &key, &found, &t->err));
    assert_int_equal(found.id, 0);
    db_close(db);
}

static void a_fit_names_its_runs_and_protects_them(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    int64_t runs[3], id = 0;
    for (int i = 0; i < 3; i++) {
        struct stored_run run = sample_run(&t->arena, i, 1);
        assert_done(t, db_put_run(db, &run, &runs[i], &t->err));
    }
    struct stored_fit fit = {.machine = "abcdef0123456789",
                             .runtime = "onnxruntime",
                             .runtime_version = "1.30.0",
                             .threads = 1,
                             .observations = 3,
                             .data_hash = "h",
                             .text = "{\"a\": 1}",
                             .tool_version = "0.1.0",
                             .runs = runs,
                             .run_count = 2},
                      read;
    assert_done(t, db_put_fit(db, &fit, &id, &t->err));
    assert_done(t, db_latest_fit(db, &t->arena, fit.machine, NULL, NULL, 1, &read, &t->err));
    assert_int_equal(read.id, id);
    assert_string_equal(read.text, fit.text);
    assert_int_equal(read.run_count, 2);
    assert_int_equal(read.runs[1], runs[1]);
    assert_done(t, db_latest_fit(db, &t->arena, NULL, NULL, NULL, 2, &read, &t->err));
    assert_int_equal(read.id, 0);
    assert_refused(t, db_delete_run(db, runs[0], &t->err), ERR_INPUT, "evidence of fit 1");
    assert_done(t, db_delete_run(db, runs[2], &t->err));
    assert_refused(t, db_delete_run(db, runs[2], &t->err), ERR_INPUT, "there is no run 3");
    assert_done(t, db_delete_fit(db, id, &t->err));
    assert_done(t, db_delete_run(db, runs[0], &t->err));
    int64_t gone[] = {99};
    fit.runs = gone, fit.run_count = 1;
    assert_refused(t, db_put_fit(db, &fit, &id, &t->err), ERR_INPUT, "not stored");
    fit.machine = "unknown-machine";
    assert_refused(t, db_put_fit(db, &fit, &id, &t->err), ERR_INPUT, "names no machine");
    db_close(db);
}

static void predictions_and_peaks_are_kept(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct stored_run run = sample_run(&t->arena, 1, 1);
    struct stored_prediction one =
                                 {
                                     .model = run.model,
                                     .machine = run.machine,
                                     .conditions = run.conditions,
                                     .latency_ns = {1e6, 9e5, 2e6, TIER_FITTED, ""},
                                     .json = "{}"
    },
                             *list;
    struct stored_prediction refused = one;
    refused.latency_ns = estimate_refused();
    size_t count;
    int64_t id;
    assert_done(t, db_put_prediction(db, &one, &id, &t->err));
    assert_done(t, db_put_prediction(db, &refused, &id, &t->err));
    assert_done(t, db_list_predictions(db, &t->arena, NULL, 0, &list, &count, &t->err));
    assert_int_equal(count, 2);
    assert_true(isnan(list[0].latency_ns.value));
    assert_int_equal(list[0].latency_ns.tier, TIER_REFUSED);
    assert_true(list[1].latency_ns.high == 2e6);
    assert_string_equal(list[1].machine.label, "a machine");
    assert_string_equal(list[1].conditions.dims[0].symbol, "batch");
    assert_done(t, db_list_predictions(db, &t->arena, "other", 1, &list, &count, &t->err));
    assert_int_equal(count, 0);

    struct machine_peak peaks[] =
        {
            {"flops_per_s", "float32", 1, 1e11, 9e10, 1.1e11, NULL},
            {"bytes_per_s", "memory",  1, 1e10, 9e9,  1.1e10, NULL}
    },
                        *read;
    assert_done(t, db_put_peaks(db, &run.machine, peaks, 2, &t->err));
    peaks[0].value = 2e11;
    assert_done(t, db_put_peaks(db, &run.machine, peaks, 1, &t->err));
    assert_done(t, db_list_peaks(db, &t->arena, run.machine.fingerprint, &read, &count, &t->err));
    assert_int_equal(count, 2);
    assert_true(read[1].value == 2e11);
    db_close(db);
}

static void a_hundred_thousand_operators_are_all_read(void **state) {
    struct sample_folder *t = *state;
    struct db *db = sample_open(t, DB_CREATE);
    struct stored_run run = sample_run(&t->arena, 1, 1000);
    uint64_t ops = 0;
    int64_t id;
    for (int i = 0; i < 100; i++)
        assert_done(t, db_put_run(db, &run, &id, &t->err));
    assert_done(t, db_each_run(db, &(struct run_filter){0}, RUN_OPERATORS | RUN_GRAPH, count_run,
                               &ops, &t->err));
    assert_int_equal(ops, 100000);
    db_close(db);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_run_is_read_as_it_was_written),  CASE(runs_are_filtered),
        CASE(runs_beside_replicas_stand_apart), CASE(a_model_is_found_by_name_path_and_hash),
        CASE(a_failed_run_leaves_nothing),      CASE(a_model_is_found_by_name_path_and_hash),
        CASE(lowered_graphs_are_kept_by_key),   CASE(a_fit_names_its_runs_and_protects_them),
        CASE(predictions_and_peaks_are_kept),   CASE(a_hundred_thousand_operators_are_all_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
