/* Inside db/ only: one use of a named statement. Parameters are put and columns are got in the
 * order in which the SQL lists them. What was put (or got) since query_open is summed into a
 * checksum that does not depend on the order of rows, so that what is read can be held against
 * what was written. */
#ifndef ASSAY_DB_QUERY_H
#define ASSAY_DB_QUERY_H

#include "base/arena.h"
#include "base/err.h"
#include "core/run.h"
#include "db/connection.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct query {
    struct db *db;
    enum statement id;
    sqlite3_stmt *statement;
    bool borrowed; /* from the connection's cache */
    int parameter, column;
    int status;        /* the first failure of putting */
    uint64_t row_hash; /* of the present row */
    uint64_t checksum; /* of the rows so far */
};

int query_open(struct query *query, struct db *db, enum statement id, struct err *err);
void query_close(struct query *query);

/* NULL text is stored as "". Text and blobs are borrowed until the next step is done. */
void put_text(struct query *query, const char *text);
void put_text_or_null(struct query *query, const char *text);
void put_blob(struct query *query, const void *bytes, size_t count);
void put_int(struct query *query, int64_t value);
void put_id(struct query *query, int64_t id);        /* 0 is stored as NULL */
void put_count(struct query *query, uint64_t value); /* above 2^63 - 1 the step fails */
void put_real(struct query *query, double value);    /* NaN is stored as NULL */
void put_summary(struct query *query, const struct summary *summary);

/* 1: a row is there, 0: no more, negative: failed. */
int query_step(struct query *query, struct err *err);
/* For statements without rows: runs it and makes it ready for the next parameters. */
int query_run(struct query *query, struct err *err);
/* All of it, for a statement without rows whose one parameter is a number. */
int query_run_with(struct db *db, enum statement id, int64_t value, struct err *err);

/* NULL is got as "", 0 and NaN. Text and blobs are copied into the arena. */
const char *get_text(struct query *query, struct arena *arena);
void get_chars(struct query *query, char *text, size_t size); /* cut to size */
const void *get_blob(struct query *query, struct arena *arena, size_t *count);
int64_t get_int(struct query *query);
uint64_t get_count(struct query *query); /* negative is got as 0 */
uint32_t get_u32(struct query *query);   /* out of range is got as the nearest */
double get_real(struct query *query);
struct summary get_summary(struct query *query);

/* Closes the sum of the present row; the next put or get begins another. */
void query_sum_row(struct query *query);

#endif
