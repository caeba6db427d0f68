#include "db/lowered.h"

#include "base/sha256.h"
#include "db/conditions.h"
#include "db/nouns.h"

#include <inttypes.h>
#include <string.h>

static void put_key(struct query *query, struct arena *arena, const struct lowered_key *key) {
    put_text(query, key->model_sha256);
    put_text(query, key->isa);
    put_text(query, key->conditions->runtime);
    put_text(query, key->conditions->runtime_version);
    put_int(query, key->conditions->batch);
    put_text(query, dims_text(arena, key->conditions));
    put_text(query, key->weights);
}

/* The id of a graph with these bytes, 0: none. */
static int find_same(struct db *db, struct arena *arena, const struct lowered_key *key,
                     const char *origin, const char *hash, int64_t *id, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_SAME_LOWERED, err);
    if (failed != 0)
        return failed;
    put_key(&query, arena, key);
    put_text(&query, origin);
    put_text(&query, hash);
    int stepped = query_step(&query, err);
    *id = stepped > 0 ? get_int(&query) : 0;
    query_close(&query);
    return stepped < 0 ? stepped : 0;
}

int lowered_put_row(struct db *db, struct arena *arena, const struct lowered_key *key,
                    const struct lowered_graph *lowered, int64_t *id, struct err *err) {
    char hash[SHA256_HEX_SIZE];
    struct query query;
    sha256_hex(lowered->bytes, lowered->byte_count, hash);
    int failed = find_same(db, arena, key, lowered->origin, hash, id, err);
    if (failed != 0 || *id != 0)
        return failed;
    failed = query_open(&query, db, STATEMENT_PUT_LOWERED, err);
    if (failed != 0)
        return failed;
    put_key(&query, arena, key);
    put_text(&query, lowered->origin);
    put_text(&query, hash);
    put_int(&query, lowered->lowering_ns);
    put_count(&query, lowered->op_count);
    put_blob(&query, lowered->bytes, lowered->byte_count);
    int stepped = query_step(&query, err);
    if (stepped > 0)
        *id = get_int(&query);
    query_close(&query);
    return stepped < 0 ? stepped : 0;
}

static int get_lowered(struct query *query, struct arena *arena, bool with_bytes,
                       struct lowered_graph *lowered, struct err *err) {
    char hash[SHA256_HEX_SIZE];
    lowered->id = get_int(query);
    lowered->origin = get_text(query, arena);
    lowered->lowering_ns = get_int(query);
    lowered->op_count = get_u32(query);
    const char *stored_hash = get_text(query, arena);
    lowered->bytes = get_blob(query, arena, &lowered->byte_count);
    if (!with_bytes)
        return 0;
    sha256_hex(lowered->bytes, lowered->byte_count, hash);
    if (strcmp(hash, stored_hash) == 0)
        return 0;
    err_set(err, ERR_INPUT,
            "database %s: lowered graph %" PRId64 " is damaged: its SHA-256 is %.12s..., stored "
            "was %.12s...",
            query->db->path, lowered->id, hash, stored_hash);
    return err_hint(err, "`assay db check` lists everything that is damaged");
}

int lowered_get_row(struct db *db, struct arena *arena, int64_t id, bool with_bytes,
                    struct lowered_graph *lowered, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_GET_LOWERED, err);
    if (failed != 0)
        return failed;
    put_int(&query, id);
    put_int(&query, with_bytes);
    int stepped = query_step(&query, err);
    if (stepped > 0)
        failed = get_lowered(&query, arena, with_bytes, lowered, err);
    query_close(&query);
    if (stepped == 0)
        return row_is_missing(db, "lowered graph", id, err);
    return stepped < 0 ? stepped : failed;
}

int db_get_lowered(struct db *db, struct arena *arena, const struct lowered_key *key,
                   struct lowered_graph *lowered, struct err *err) {
    struct query query;
    *lowered = (struct lowered_graph){0};
    int failed = query_open(&query, db, STATEMENT_FIND_LOWERED, err);
    if (failed != 0)
        return failed;
    put_key(&query, arena, key);
    int stepped = query_step(&query, err);
    if (stepped > 0)
        failed = get_lowered(&query, arena, true, lowered, err);
    query_close(&query);
    return stepped < 0 ? stepped : failed;
}

static int put_with_model(struct db *db, struct arena *arena, const struct stored_model *model,
                          const struct lowered_key *key, const struct lowered_graph *lowered,
                          int64_t *id, struct err *err) {
    int64_t model_id = 0;
    int failed = model_put_row(db, model, &model_id, err);
    return failed != 0 ? failed : lowered_put_row(db, arena, key, lowered, id, err);
}

int db_put_lowered(struct db *db, const struct stored_model *model, const struct lowered_key *key,
                   const struct lowered_graph *lowered, int64_t *id, struct err *err) {
    struct arena scratch;
    int failed = db_begin_write(db, err);
    if (failed != 0)
        return failed;
    arena_init(&scratch);
    failed = db_end(db, put_with_model(db, &scratch, model, key, lowered, id, err), err);
    arena_done(&scratch);
    return failed;
}
