#include "db/query.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* FNV-1a, 64 bits (Fowler, Noll, Vo). Against damage by accident, not against an adversary. */
static const uint64_t hash_basis = 0xcbf29ce484222325u, hash_prime = 0x100000001b3u;

static void hash_bytes(struct query *query, const void *bytes, size_t count) {
    const unsigned char *at = bytes;
    uint64_t hash = query->row_hash;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ at[i]) * hash_prime;
    query->row_hash = hash;
}

static void hash_sized(struct query *query, const void *bytes, size_t count) {
    uint64_t size = count;
    hash_bytes(query, &size, sizeof size);
    hash_bytes(query, bytes, count);
}

static void hash_real(struct query *query, double value) {
    double canonical = isnan(value) ? NAN : value + 0.0; /* -0 is 0 */
    uint64_t bits = 0;
    if (!isnan(value))
        memcpy(&bits, &canonical, sizeof bits);
    else
        bits = UINT64_MAX;
    hash_bytes(query, &bits, sizeof bits);
}

int query_open(struct query *query, struct db *db, enum statement id, struct err *err) {
    *query = (struct query){.db = db, .id = id, .row_hash = hash_basis};
    sqlite3_stmt **cached = &db->statements[id];
    if (*cached == NULL) {
        int status = sqlite3_prepare_v3(db->handle, db_statements[id].sql, -1,
                                        SQLITE_PREPARE_PERSISTENT, cached, NULL);
        if (status != SQLITE_OK)
            return db_fail(db, status, db_statements[id].name, err);
    }
    query->borrowed = !sqlite3_stmt_busy(*cached);
    if (query->borrowed) {
        query->statement = *cached;
        return 0;
    }
    int status = sqlite3_prepare_v2(db->handle, db_statements[id].sql, -1, &query->statement, NULL);
    return status == SQLITE_OK ? 0 : db_fail(db, status, db_statements[id].name, err);
}

void query_close(struct query *query) {
    if (!query->borrowed) {
        sqlite3_finalize(query->statement);
    } else {
        sqlite3_reset(query->statement);
        sqlite3_clear_bindings(query->statement);
    }
    query->statement = NULL;
}

static void note(struct query *query, int status) {
    if (query->status == SQLITE_OK)
        query->status = status;
}

void put_text(struct query *query, const char *text) {
    const char *value = text != NULL ? text : "";
    hash_sized(query, value, strlen(value));
    note(query, sqlite3_bind_text(query->statement, ++query->parameter, value, -1, SQLITE_STATIC));
}

void put_text_or_null(struct query *query, const char *text) {
    if (text != NULL)
        put_text(query, text);
    else
        query->parameter++;
}

void put_blob(struct query *query, const void *bytes, size_t count) {
    hash_sized(query, bytes, count);
    note(query, sqlite3_bind_blob64(query->statement, ++query->parameter, count > 0 ? bytes : "",
                                    count, SQLITE_STATIC));
}

void put_int(struct query *query, int64_t value) {
    hash_bytes(query, &value, sizeof value);
    note(query, sqlite3_bind_int64(query->statement, ++query->parameter, value));
}

void put_id(struct query *query, int64_t id) {
    if (id != 0) {
        put_int(query, id);
        return;
    }
    hash_bytes(query, &id, sizeof id);
    query->parameter++;
}

void put_count(struct query *query, uint64_t value) {
    if (value > INT64_MAX)
        note(query, SQLITE_TOOBIG);
    put_int(query, (int64_t)value);
}

void put_real(struct query *query, double value) {
    hash_real(query, value);
    note(query, sqlite3_bind_double(query->statement, ++query->parameter, value));
}

void put_summary(struct query *query, const struct summary *summary) {
    put_real(query, summary->median);
    put_real(query, summary->low);
    put_real(query, summary->high);
    put_real(query, summary->spread);
    put_count(query, summary->count);
}

int query_step(struct query *query, struct err *err) {
    int status = query->status != SQLITE_OK ? query->status : sqlite3_step(query->statement);
    if (status == SQLITE_ROW) {
        query->column = 0;
        query->row_hash = hash_basis;
        return 1;
    }
    return status == SQLITE_DONE ? 0
                                 : db_fail(query->db, status, db_statements[query->id].name, err);
}

int query_run(struct query *query, struct err *err) {
    int stepped = query_step(query, err);
    query_sum_row(query);
    sqlite3_reset(query->statement);
    query->parameter = 0;
    return stepped < 0 ? stepped : 0;
}

int query_run_with(struct db *db, enum statement id, int64_t value, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, id, err);
    if (failed != 0)
        return failed;
    put_int(&query, value);
    failed = query_run(&query, err);
    query_close(&query);
    return failed;
}

const char *get_text(struct query *query, struct arena *arena) {
    int column = query->column++;
    const unsigned char *text = sqlite3_column_text(query->statement, column);
    size_t length = text != NULL ? (size_t)sqlite3_column_bytes(query->statement, column) : 0;
    hash_sized(query, text, length);
    return arena_strndup(arena, text != NULL ? (const char *)text : "", length);
}

void get_chars(struct query *query, char *text, size_t size) {
    const unsigned char *value = sqlite3_column_text(query->statement, query->column++);
    snprintf(text, size, "%s", value != NULL ? (const char *)value : "");
}

const void *get_blob(struct query *query, struct arena *arena, size_t *count) {
    int column = query->column++;
    const void *bytes = sqlite3_column_blob(query->statement, column);
    *count = bytes != NULL ? (size_t)sqlite3_column_bytes(query->statement, column) : 0;
    void *copy = arena_alloc(arena, *count);
    if (*count > 0)
        memcpy(copy, bytes, *count);
    return copy;
}

int64_t get_int(struct query *query) {
    int64_t value = sqlite3_column_int64(query->statement, query->column++);
    hash_bytes(query, &value, sizeof value);
    return value;
}

uint64_t get_count(struct query *query) {
    int64_t value = get_int(query);
    return value > 0 ? (uint64_t)value : 0;
}

uint32_t get_u32(struct query *query) {
    uint64_t value = get_count(query);
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

double get_real(struct query *query) {
    int column = query->column++;
    bool known = sqlite3_column_type(query->statement, column) != SQLITE_NULL;
    double value = known ? sqlite3_column_double(query->statement, column) : NAN;
    hash_real(query, value);
    return value;
}

struct summary get_summary(struct query *query) {
    struct summary summary;
    summary.median = get_real(query);
    summary.low = get_real(query);
    summary.high = get_real(query);
    summary.spread = get_real(query);
    summary.count = get_u32(query);
    return summary;
}

void query_sum_row(struct query *query) {
    query->checksum += query->row_hash;
    query->row_hash = hash_basis;
}
