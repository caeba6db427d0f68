#include "db/file_digest.h"

#include "db/nouns.h"
#include "db/query.h"

#include <inttypes.h>
#include <string.h>

struct stored_digest {
    const char *sha256;
    struct file_stamp stamp;
    bool damaged; /* does not fit its checksum */
};

/* SQLite's integers have a sign; the bits stay. What the checksum covers is put and got in the same
 * order. */
static void put_digest(struct query *query, const char *path, const struct file_stamp *stamp,
                       const char *sha256) {
    put_text(query, path);
    put_int(query, (int64_t)stamp->device);
    put_int(query, (int64_t)stamp->inode);
    put_int(query, (int64_t)stamp->size_bytes);
    put_int(query, stamp->modified_ns);
    put_int(query, stamp->changed_ns);
    put_int(query, stamp->seen_ns);
    put_text(query, sha256);
    query_sum_row(query);
    put_int(query, (int64_t)query->checksum);
}

static void get_digest(struct query *query, struct arena *arena, struct stored_digest *out) {
    get_text(query, arena); /* the path: only its sum matters */
    out->stamp.device = (uint64_t)get_int(query);
    out->stamp.inode = (uint64_t)get_int(query);
    out->stamp.size_bytes = (uint64_t)get_int(query);
    out->stamp.modified_ns = get_int(query);
    out->stamp.changed_ns = get_int(query);
    out->stamp.seen_ns = get_int(query);
    out->sha256 = get_text(query, arena);
    query_sum_row(query);
    uint64_t checksum = query->checksum;
    out->damaged =
        (uint64_t)get_int(query) != checksum || strlen(out->sha256) != SHA256_HEX_SIZE - 1;
}

/* Of the one row that the query asks for. */
static int step_digest(struct query *query, struct arena *arena, bool *found,
                       struct stored_digest *out, struct err *err) {
    int stepped = query_step(query, err);
    *found = stepped > 0;
    if (*found)
        get_digest(query, arena, out);
    query_close(query);
    return stepped < 0 ? stepped : 0;
}

static int find_digest(struct db *db, struct arena *arena, const char *path, bool *found,
                       struct stored_digest *out, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_FIND_DIGEST, err);
    if (failed != 0)
        return failed;
    put_text(&query, path);
    return step_digest(&query, arena, found, out, err);
}

int db_recall_digest(struct db *db, const char *path, const struct file_stamp *stamp,
                     char sha256[static SHA256_HEX_SIZE], bool *known, struct err *err) {
    struct arena scratch;
    struct stored_digest stored;
    bool found = false;
    arena_init(&scratch);
    int failed = find_digest(db, &scratch, path, &found, &stored, err);
    *known = failed == 0 && found && !stored.damaged && file_stamp_same(&stored.stamp, stamp);
    if (*known)
        memcpy(sha256, stored.sha256, SHA256_HEX_SIZE);
    arena_done(&scratch);
    return failed;
}

static int put_digest_row(struct db *db, const char *path, const struct file_stamp *stamp,
                          const char *sha256, struct err *err) {
    struct query query;
    int failed = query_open(&query, db, STATEMENT_PUT_DIGEST, err);
    if (failed != 0)
        return failed;
    put_digest(&query, path, stamp, sha256);
    failed = query_run(&query, err);
    query_close(&query);
    return failed;
}

int db_remember_digest(struct db *db, const char *path, const struct file_stamp *stamp,
                       const char *sha256, struct err *err) {
    if (!file_stamp_is_settled(stamp))
        return 0;
    int failed = db_begin_write(db, err);
    if (failed != 0)
        return failed;
    failed = put_digest_row(db, path, stamp, sha256, err);
    if (failed == 0)
        failed = query_run_with(db, STATEMENT_TRIM_DIGESTS, FILE_DIGESTS_MAX, err);
    return db_end(db, failed, err);
}

int digest_check_row(struct db *db, struct arena *arena, int64_t id, struct err *err) {
    struct query query;
    struct stored_digest stored;
    bool found;
    int failed = query_open(&query, db, STATEMENT_GET_DIGEST, err);
    if (failed != 0)
        return failed;
    put_int(&query, id);
    failed = step_digest(&query, arena, &found, &stored, err);
    if (failed != 0 || !found || !stored.damaged)
        return failed;
    return err_set(err, ERR_INPUT,
                   "database %s: the digest of file %" PRId64
                   " is damaged; the file is hashed when it is used again",
                   db->path, id);
}
