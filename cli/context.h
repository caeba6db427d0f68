/* What every command is handed: where to print, how, and which database. */
#ifndef ASSAY_CLI_CONTEXT_H
#define ASSAY_CLI_CONTEXT_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "base/table.h"

#include <stdbool.h>
#include <stdio.h>

struct db;

struct context {
    struct arena *arena; /* of the command */
    FILE *out;
    const struct table_format *format; /* a row of table_formats; text unless asked otherwise */
    struct table_style style;
    bool reader_gone;          /* what `out` led to was closed: the rest of the answer is dropped */
    bool quiet;                /* no progress, no remarks */
    bool json;                 /* format is JSON: one document goes out, errors too */
    bool answered;             /* something went to `out` */
    bool threads_left;         /* some still use memory: the program ends without freeing any */
    const char *db_given;      /* --db, or NULL */
    struct progress *progress; /* for jobs that take long; never NULL, silent when it should be */
};

/* ---- printing ------------------------------------------------------------------------------
 *
 * A command builds its answer once and hands it over; the format is the context's business. All
 * return 0 or -ERR_ENVIRONMENT when the stream cannot be written. */

/* The table in the chosen format. */
int print_table(struct context *context, const struct table *table, struct err *err);

/* A command with more to say than one table: `tree` (which stays the caller's) in JSON, else the
 * tables one below the other in the chosen format, a blank line between them. */
int print_answer(struct context *context, const cJSON *tree, const struct table *const *tables,
                 size_t table_count, struct err *err);

/* The tree as pretty JSON, whatever the format. */
int print_json(struct context *context, const cJSON *tree, struct err *err);

/* Text as it is, whatever the format. */
int print_raw(struct context *context, const char *text, struct err *err);

/* A line of prose for people: only in text and Markdown. Control characters are escaped. */
int print_line(struct context *context, struct err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A remark beside the answer (a warning, what to do next): to stderr, not with -q. */
void print_note(const struct context *context, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts a picture into a file, as a whole or not at all, and says so. */
int write_picture(struct context *context, const struct strbuf *picture, const char *path,
                  struct err *err);

/* True when `out` is a pipe that nobody reads any more: no reason to complain. */
bool context_reader_gone(const struct context *context);

/* ---- the database -------------------------------------------------------------------------- */

/* --db, else what db_default_path() says. NULL on failure. */
const char *context_db_path(struct context *context, struct err *err);
/* Opens it; `flags` as for db_open(). */
int context_db_open(struct context *context, int flags, struct db **db, struct err *err);

#endif
