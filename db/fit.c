#include "db/fit.h"

#include "base/sha256.h"
#include "db/machine.h"
#include "db/nouns.h"
#include "db/query.h"

#include <inttypes.h>
#include <string.h>

static int put_fit_row(struct db *db, const struct stored_fit *fit, int64_t *id, struct err *err) {
    char hash[SHA256_HEX_SIZE];
    struct query query;
    sha256_hex(fit->text, strlen(fit->text), hash);
    int failed = query_open(&query, db, STATEMENT_PUT_FIT, err);
    if (failed != 0)
        return failed;
    put_text(&query, fit->machine);
    put_text(&query, fit->runtime);
    put_text(&query, fit->runtime_version);
    put_count(&query, fit->threads);
    put_count(&query, fit->observations);
    put_text(&query, fit->data_hash);
    put_text(&query, fit->tool_version);
    put_text(&query, hash);
    put_text(&query, fit->text);
    int stepped = query_step(&query, err);
    if (stepped > 0)
        *id = get_int(&query);
    query_close(&query);
    return stepped < 0 ? stepped : 0;
}

static int put_fit_runs(struct db *db, const struct stored_fit *fit, int64_t id, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_PUT_FIT_RUN, err);
    if (failed != 0)
        return failed;
    for (size_t i = 0; i < fit->run_count && failed == 0; i++) {
        put_int(&query, id);
        put_int(&query, fit->runs[i]);
        failed = query_run(&query, err);
    }
    query_close(&query);
    return failed;
}

static int put_fit(struct db *db, const struct stored_fit *fit, int64_t *id, struct err *err) {
    struct machine machine;
    int failed = db_find_machine(db, fit->machine, &machine, err);
    if (failed == 0)
        failed = put_fit_row(db, fit, id, err);
    return failed != 0 ? failed : put_fit_runs(db, fit, *id, err);
}

int db_put_fit(struct db *db, const struct stored_fit *fit, int64_t *id, struct err *err) {
    int failed = db_begin_write(db, err);
    return failed != 0 ? failed : db_end(db, put_fit(db, fit, id, err), err);
}

static void get_fit(struct query *query, struct arena *arena, struct stored_fit *fit) {
    fit->id = get_int(query);
    fit->machine = get_text(query, arena);
    fit->runtime = get_text(query, arena);
    fit->runtime_version = get_text(query, arena);
    fit->threads = get_u32(query);
    fit->observations = get_count(query);
    fit->data_hash = get_text(query, arena);
    fit->tool_version = get_text(query, arena);
    fit->created_at = get_text(query, arena);
}

static int get_fit_text(struct query *query, struct arena *arena, struct stored_fit *fit,
                        struct err *err) {
    char hash[SHA256_HEX_SIZE];
    const char *stored_hash = get_text(query, arena);
    fit->text = get_text(query, arena);
    sha256_hex(fit->text, strlen(fit->text), hash);
    if (strcmp(hash, stored_hash) == 0)
        return 0;
    err_set(err, ERR_INPUT,
            "database %s: fit %" PRId64 " is damaged: its text does not fit its "
            "SHA-256",
            query->db->path, fit->id);
    return err_hint(err, "`assay fit` makes a new one from the stored runs");
}

static int load_fit_row(struct db *db, struct arena *arena, int64_t id, struct stored_fit *fit,
                        struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_GET_FIT, err);
    if (failed != 0)
        return failed;
    put_int(&query, id);
    int stepped = query_step(&query, err);
    if (stepped > 0) {
        get_fit(&query, arena, fit);
        failed = get_fit_text(&query, arena, fit, err);
    }
    query_close(&query);
    if (stepped == 0)
        return row_is_missing(db, "fit", id, err);
    return stepped < 0 ? stepped : failed;
}

static int load_fit_runs(struct db *db, struct arena *arena, struct stored_fit *fit,
                         struct err *err) {
    struct query query;
    int64_t *runs = NULL;
    size_t count = 0, capacity = 0;
    int stepped;
    int failed = query_open(&query, db, STATEMENT_LIST_FIT_RUNS, err);
    if (failed != 0)
        return failed;
    put_int(&query, fit->id);
    while ((stepped = query_step(&query, err)) > 0)
        *ARENA_PUSH(arena, runs, count, capacity) = get_int(&query);
    query_close(&query);
    fit->runs = runs;
    fit->run_count = count;
    return stepped;
}

static int load_fit(struct db *db, struct arena *arena, int64_t id, struct stored_fit *fit,
                    struct err *err) {
    *fit = (struct stored_fit){0};
    int failed = load_fit_row(db, arena, id, fit, err);
    return failed != 0 ? failed : load_fit_runs(db, arena, fit, err);
}

int db_load_fit(struct db *db, struct arena *arena, int64_t id, struct stored_fit *fit,
                struct err *err) {
    int failed = db_begin_read(db, err);
    return failed != 0 ? failed : db_end(db, load_fit(db, arena, id, fit, err), err);
}

int db_latest_fit(struct db *db, struct arena *arena, const char *machine, const char *runtime,
                  const char *runtime_version, uint32_t threads, struct stored_fit *fit,
                  struct err *err) {
    struct query query;
    *fit = (struct stored_fit){0};
    int failed = query_open(&query, db, STATEMENT_LATEST_FIT, err);
    if (failed != 0)
        return failed;
    put_text_or_null(&query, machine);
    put_text_or_null(&query, runtime);
    put_text_or_null(&query, runtime_version);
    put_id(&query, threads);
    int stepped = query_step(&query, err);
    int64_t id = stepped > 0 ? get_int(&query) : 0;
    query_close(&query);
    return stepped <= 0 ? stepped : db_load_fit(db, arena, id, fit, err);
}

int db_list_fits(struct db *db, struct arena *arena, struct stored_fit **fits, size_t *count,
                 struct err *err) {
    struct query query;
    size_t capacity = 0;
    int stepped;
    *fits = NULL;
    *count = 0;
    int failed = query_open(&query, db, STATEMENT_LIST_FITS, err);
    if (failed != 0)
        return failed;
    while ((stepped = query_step(&query, err)) > 0)
        get_fit(&query, arena, ARENA_PUSH(arena, *fits, *count, capacity));
    query_close(&query);
    return stepped;
}

static int delete_fit(struct db *db, int64_t id, struct err *err) {
    int failed = query_run_with(db, STATEMENT_DELETE_FIT, id, err);
    if (failed == 0 && sqlite3_changes(db->handle) == 0)
        failed = row_is_missing(db, "fit", id, err);
    return failed;
}

int db_delete_fit(struct db *db, int64_t id, struct err *err) {
    int failed = db_begin_write(db, err);
    return failed != 0 ? failed : db_end(db, delete_fit(db, id, err), err);
}
