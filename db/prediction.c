#include "db/prediction.h"

#include "db/conditions.h"
#include "db/nouns.h"

static void put_columns(struct query *query, struct arena *arena,
                        const struct stored_prediction *prediction, int64_t model_id,
                        int64_t machine_id) {
    put_int(query, model_id);
    put_int(query, machine_id);
    put_id(query, prediction->fit_id);
    put_conditions(query, arena, &prediction->conditions);
    put_real(query, prediction->latency_ns.value);
    put_real(query, prediction->latency_ns.low);
    put_real(query, prediction->latency_ns.high);
    put_text(query, tier_name(prediction->latency_ns.tier));
    put_text(query, prediction->json);
}

static int put_row(struct db *db, struct arena *arena, const struct stored_prediction *prediction,
                   int64_t *id, struct err *err) {
    struct query query;
    int64_t model_id = 0, machine_id = 0;
    int failed = model_put_row(db, &prediction->model, &model_id, err);
    if (failed == 0)
        failed = machine_put_row(db, &prediction->machine, &machine_id, err);
    if (failed == 0)
        failed = query_open(&query, db, STATEMENT_PUT_PREDICTION, err);
    if (failed != 0)
        return failed;
    put_columns(&query, arena, prediction, model_id, machine_id);
    int stepped = query_step(&query, err);
    if (stepped > 0)
        *id = get_int(&query);
    query_close(&query);
    return stepped < 0 ? stepped : 0;
}

int db_put_prediction(struct db *db, const struct stored_prediction *prediction, int64_t *id,
                      struct err *err) {
    struct arena scratch;
    int failed = db_begin_write(db, err);
    if (failed != 0)
        return failed;
    arena_init(&scratch);
    failed = db_end(db, put_row(db, &scratch, prediction, id, err), err);
    arena_done(&scratch);
    return failed;
}

static int get_prediction(struct query *query, struct arena *arena,
                          struct stored_prediction *prediction, struct err *err) {
    prediction->id = get_int(query);
    int64_t model_id = get_int(query);
    int64_t machine_id = get_int(query);
    prediction->fit_id = get_int(query);
    get_conditions(query, arena, &prediction->conditions);
    prediction->latency_ns.value = get_real(query);
    prediction->latency_ns.low = get_real(query);
    prediction->latency_ns.high = get_real(query);
    enum tier tier = tier_by_name(get_text(query, arena));
    prediction->latency_ns.tier = tier < TIER_COUNT ? tier : TIER_REFUSED;
    prediction->latency_ns.evidence = "";
    prediction->json = get_text(query, arena);
    prediction->created_at = get_text(query, arena);
    int failed = model_get_row(query->db, arena, model_id, &prediction->model, err);
    return failed != 0 ? failed : machine_get_row(query->db, machine_id, &prediction->machine, err);
}

/* Parameters in the order of PREDICTION_FILTER. */
static void put_prediction_filter(struct query *query, const struct prediction_filter *filter) {
    put_text_or_null(query, filter->machine);
    put_int(query, filter->threads);
    put_int(query, filter->batch);
}

static int get_rows(struct query *query, struct arena *arena,
                    struct stored_prediction **predictions, size_t *count, struct err *err) {
    size_t capacity = 0;
    int stepped = 1, failed = 0;
    while (failed == 0 && (stepped = query_step(query, err)) > 0)
        failed =
            get_prediction(query, arena, ARENA_PUSH(arena, *predictions, *count, capacity), err);
    query_close(query);
    return stepped < 0 ? stepped : failed;
}

static int list_rows(struct db *db, struct arena *arena, const char *model_sha256, size_t limit,
                     struct stored_prediction **predictions, size_t *count, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_LIST_PREDICTIONS, err);
    if (failed != 0)
        return failed;
    put_text_or_null(&query, model_sha256);
    put_int(&query, limit > 0 && limit < INT64_MAX ? (int64_t)limit : -1);
    return get_rows(&query, arena, predictions, count, err);
}

static int list_rows_like(struct db *db, struct arena *arena, const char *model_sha256,
                          const struct prediction_filter *filter, size_t limit,
                          struct stored_prediction **predictions, size_t *count, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_LIST_PREDICTIONS_LIKE, err);
    if (failed != 0)
        return failed;
    put_prediction_filter(&query, filter);
    put_text(&query, model_sha256);
    put_int(&query, (int64_t)limit);
    return get_rows(&query, arena, predictions, count, err);
}

int db_list_predictions(struct db *db, struct arena *arena, const char *model_sha256, size_t limit,
                        struct stored_prediction **predictions, size_t *count, struct err *err) {
    *predictions = NULL;
    *count = 0;
    int failed = db_begin_read(db, err);
    if (failed != 0)
        return failed;
    return db_end(db, list_rows(db, arena, model_sha256, limit, predictions, count, err), err);
}

int db_list_predictions_like(struct db *db, struct arena *arena, const char *model_sha256,
                             const struct prediction_filter *filter, size_t limit,
                             struct stored_prediction **predictions, size_t *count,
                             struct err *err) {
    *predictions = NULL;
    *count = 0;
    int failed = db_begin_read(db, err);
    if (failed != 0)
        return failed;
    failed = list_rows_like(db, arena, model_sha256, filter, limit, predictions, count, err);
    return db_end(db, failed, err);
}

int db_list_newest_predictions(struct db *db, struct arena *arena,
                               const struct prediction_filter *filter,
                               struct newest_prediction **newest, size_t *count, struct err *err) {
    struct query query;
    size_t capacity = 0;
    int stepped;
    *newest = NULL;
    *count = 0;
    int failed = query_open(&query, db, STATEMENT_LIST_NEWEST_PREDICTIONS, err);
    if (failed != 0)
        return failed;
    put_prediction_filter(&query, filter);
    while ((stepped = query_step(&query, err)) > 0) {
        struct newest_prediction *row = ARENA_PUSH(arena, *newest, *count, capacity);
        row->id = get_int(&query);
        row->model_sha256 = get_text(&query, arena);
        row->model_name = get_text(&query, arena);
        row->created_at = get_text(&query, arena);
    }
    query_close(&query);
    return stepped;
}
