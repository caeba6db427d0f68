#include "db/conditions.h"
#include "db/run.h"

#include <inttypes.h>

/* As RUN_FILTER in db/statements.c numbers them. Exact conditions win over single fields. */
static void put_filter(struct query *query, struct arena *arena, const struct run_filter *filter) {
    const struct conditions *exact = filter->conditions;
    uint32_t threads = exact != NULL ? exact->threads : filter->threads;
    put_text_or_null(query, filter->model_sha256);
    put_text_or_null(query, filter->machine);
    put_text_or_null(query, exact != NULL ? exact->runtime : filter->runtime);
    put_text_or_null(query, exact != NULL ? exact->runtime_version : filter->runtime_version);
    put_text_or_null(query, filter->weights);
    put_text_or_null(query, filter->collector);
    put_text_or_null(query, filter->purpose);
    put_id(query, threads);
    if (exact != NULL) {
        put_int(query, exact->batch);
        put_text(query, dims_text(arena, exact));
    } else {
        put_text_or_null(query, NULL);
        put_text_or_null(query, NULL);
    }
    put_int(query, filter->after_id);
    if (filter->company != RUNS_ANY)
        put_int(query, filter->company == RUNS_TOGETHER);
}

/* The integers of the first column. */
static int list_ids(struct db *db, struct arena *arena, enum statement statement,
                    const struct run_filter *filter, int64_t **ids, size_t *count,
                    struct err *err) {
    struct query query;
    size_t capacity = 0;
    int stepped;
    *ids = NULL;
    *count = 0;
    int failed = query_open(&query, db, statement, err);
    if (failed != 0)
        return failed;
    put_filter(&query, arena, filter);
    while ((stepped = query_step(&query, err)) > 0)
        *ARENA_PUSH(arena, *ids, *count, capacity) = get_int(&query);
    query_close(&query);
    return stepped;
}

static int visit(struct db *db, int64_t id, int parts,
                 int (*each)(void *context, const struct stored_run *run, struct err *err),
                 void *context, struct err *err) {
    struct arena arena;
    struct stored_run run;
    arena_init(&arena);
    int failed = db_load_run(db, &arena, id, parts, &run, err);
    if (failed == 0)
        failed = each(context, &run, err);
    arena_done(&arena);
    return failed;
}

int db_each_run(struct db *db, const struct run_filter *filter, int parts,
                int (*each)(void *context, const struct stored_run *run, struct err *err),
                void *context, struct err *err) {
    struct arena arena;
    int64_t *ids;
    size_t count;
    arena_init(&arena);
    int failed = list_ids(db, &arena, STATEMENT_LIST_RUNS, filter, &ids, &count, err);
    for (size_t i = 0; i < count && failed == 0; i++)
        failed = visit(db, ids[i], parts, each, context, err);
    arena_done(&arena);
    return failed;
}

int db_latest_run(struct db *db, struct arena *arena, const struct run_filter *filter, int parts,
                  struct stored_run *run, struct err *err) {
    int64_t *ids;
    size_t count;
    *run = (struct stored_run){0};
    int failed = list_ids(db, arena, STATEMENT_LATEST_RUN, filter, &ids, &count, err);
    if (failed != 0 || count == 0)
        return failed;
    return db_load_run(db, arena, ids[0], parts, run, err);
}

int db_count_runs(struct db *db, const struct run_filter *filter, uint64_t *count,
                  struct err *err) {
    struct arena arena;
    int64_t *counts;
    size_t rows;
    arena_init(&arena);
    int failed = list_ids(db, &arena, STATEMENT_COUNT_RUNS, filter, &counts, &rows, err);
    *count = failed == 0 && rows > 0 ? (uint64_t)counts[0] : 0;
    arena_done(&arena);
    return failed;
}

int db_list_threads(struct db *db, struct arena *arena, const struct run_filter *filter,
                    int64_t **threads, size_t *count, struct err *err) {
    return list_ids(db, arena, STATEMENT_LIST_THREADS, filter, threads, count, err);
}

int db_list_op_types(struct db *db, struct arena *arena, const struct run_filter *filter,
                     const char ***types, size_t *count, struct err *err) {
    struct query query;
    size_t capacity = 0;
    int stepped;
    *types = NULL;
    *count = 0;
    int failed = query_open(&query, db, STATEMENT_LIST_OP_TYPES, err);
    if (failed != 0)
        return failed;
    put_filter(&query, arena, filter);
    while ((stepped = query_step(&query, err)) > 0) {
        const char **slot = ARENA_PUSH(arena, *types, *count, capacity);
        *slot = get_text(&query, arena);
    }
    query_close(&query);
    return stepped;
}

int db_list_product_peaks(struct db *db, struct arena *arena, const struct run_filter *filter,
                          struct product_peak **peaks, size_t *count, struct err *err) {
    struct query query;
    size_t capacity = 0;
    int stepped;
    *peaks = NULL;
    *count = 0;
    int failed = query_open(&query, db, STATEMENT_LIST_PRODUCT_PEAKS, err);
    if (failed != 0)
        return failed;
    put_filter(&query, arena, filter);
    while ((stepped = query_step(&query, err)) > 0) {
        struct product_peak *peak = ARENA_PUSH(arena, *peaks, *count, capacity);
        peak->dtype = get_text(&query, arena);
        peak->flops_per_s = get_real(&query);
    }
    query_close(&query);
    return stepped;
}

static int refuse_evidence(struct db *db, int64_t id, struct err *err) {
    struct arena arena;
    struct query query;
    int failed = query_open(&query, db, STATEMENT_RUN_IN_FITS, err);
    if (failed != 0)
        return failed;
    arena_init(&arena);
    put_int(&query, id);
    int stepped = query_step(&query, err);
    const char *fits = stepped > 0 ? get_text(&query, &arena) : "";
    if (fits[0] != '\0') {
        err_set(err, ERR_INPUT, "database %s: run %" PRId64 " is evidence of fit %.80s",
                db_path(db), id, fits);
        stepped =
            err_hint(err, "a fit can be made again without it, but not understood: keep the run, "
                          "or delete the fit first");
    }
    query_close(&query);
    arena_done(&arena);
    return stepped < 0 ? stepped : 0;
}

static int delete_row(struct db *db, int64_t id, struct err *err) {
    int failed = refuse_evidence(db, id, err);
    if (failed == 0)
        failed = query_run_with(db, STATEMENT_DELETE_RUN, id, err);
    if (failed == 0 && sqlite3_changes(db->handle) == 0)
        failed = err_set(err, ERR_INPUT, "database %s: there is no run %" PRId64, db->path, id);
    return failed;
}

int db_delete_run(struct db *db, int64_t id, struct err *err) {
    int failed = db_begin_write(db, err);
    return failed != 0 ? failed : db_end(db, delete_row(db, id, err), err);
}
