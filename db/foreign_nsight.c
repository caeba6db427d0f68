#include "db/foreign_nsight.h"

#include "base/file.h"
#include "base/intern.h"
#include "base/strbuf.h"
#include "base/utf8.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    CHECKED_BYTES_MAX = 256 << 20, /* larger files are checked as they are read */
    TEXT_BYTES_MAX = 1 << 20,
    TRACKS_BYTES_MAX = 16 << 20,
    COLUMNS = 8,
};

struct reader {
    const char *path;
    sqlite3 *handle;
    struct span_sink *sink;
    struct nsight_outcome *out;
    struct intern *tracks;
    struct strbuf text;
};

/* ---- what is read ---------------------------------------------------------------------------- */

/* A column may be missing in exports of other versions: `otherwise` stands for it then, and where
 * that is NULL the table is not one of Nsight's. */
struct column {
    const char *name, *otherwise;
};

enum { START, END, NAME, PROCESS, DEVICE, STREAM, CORRELATION, SORT };

struct source {
    const char *table;
    const char *category;
    enum span_kind kind;
    bool on_device;
    struct column columns[COLUMNS];
    const char *name_of_sort; /* "Memcpy %s": the name comes from SORT */
};

#define NO_COLUMN(value)                                                                           \
    { NULL, value }

/* NAME is a number of StringIds, or a text. */
static const struct source sources[] = {
    {"CUPTI_ACTIVITY_KIND_KERNEL",
     "kernel",       SPAN_KERNEL,
     true,  {{"start", NULL},
      {"end", NULL},
      {"demangledName", NULL},
      {"globalPid", "0"},
      {"deviceId", NULL},
      {"streamId", NULL},
      {"correlationId", "0"},
      NO_COLUMN("0")},
     NULL       },
    {"CUPTI_ACTIVITY_KIND_MEMCPY",
     "memcpy",       SPAN_COPY,
     true,  {{"start", NULL},
      {"end", NULL},
      NO_COLUMN("NULL"),
      {"globalPid", "0"},
      {"deviceId", NULL},
      {"streamId", NULL},
      {"correlationId", "0"},
      {"copyKind", NULL}},
     "Memcpy %s"},
    {"CUPTI_ACTIVITY_KIND_MEMSET",
     "memset",       SPAN_SET,
     true,  {{"start", NULL},
      {"end", NULL},
      NO_COLUMN("'Memset'"),
      {"globalPid", "0"},
      {"deviceId", NULL},
      {"streamId", NULL},
      {"correlationId", "0"},
      NO_COLUMN("0")},
     NULL       },
    {"CUPTI_ACTIVITY_KIND_RUNTIME",
     "cuda_runtime", SPAN_CALL,
     false, {{"start", NULL},
      {"end", NULL},
      {"nameId", NULL},
      {"globalTid", "0"},
      NO_COLUMN("0"),
      NO_COLUMN("0"),
      {"correlationId", "0"},
      NO_COLUMN("0")},
     NULL       },
    {"NVTX_EVENTS",
     "nvtx",         SPAN_ANNOTATION,
     false, {{"start", NULL},
      {"end", NULL},
      {"text", "NULL"},
      {"globalTid", "0"},
      NO_COLUMN("0"),
      NO_COLUMN("0"),
      NO_COLUMN("0"),
      {"eventType", NULL}},
     NULL       },
};

enum { SOURCES = sizeof sources / sizeof *sources };

/* By ENUM_CUDA_MEMCPY_OPER of the export. */
static const char *const copy_kinds[] = {
    "unknown", "HtoD", "DtoH", "HtoA", "AtoH",         "AtoA",         "AtoD",
    "DtoA",    "DtoD", "HtoH", "PtoP", "unified HtoD", "unified DtoH", "unified DtoD",
};

/* By ENUM_NSYS_EVENT_TYPE: ranges, pushed or started, NVTX's own and imported ones. */
enum { PUSH_RANGE = 59, START_RANGE = 60, PUSH_RANGE_IMPORTED = 70, START_RANGE_IMPORTED = 71 };

/* ---- the file -------------------------------------------------------------------------------- */

bool nsight_sniff(const char *head, size_t length) {
    static const char magic[16] = "SQLite format 3";
    return length >= sizeof magic && memcmp(head, magic, sizeof magic) == 0;
}

static int refuse(const struct reader *reader, const char *what, struct err *err) {
    return err_set(err, ERR_INPUT, "%s: %s (%s)", reader->path, what,
                   sqlite3_errmsg(reader->handle));
}

/* file:...?immutable=1 (SQLite "URI filenames"), everything but plain characters in hexadecimal. */
static void uri_of(const char *path, struct strbuf *uri) {
    strbuf_puts(uri, path[0] == '/' ? "file:" : "file:./");
    for (; *path; path++) {
        bool plain = (*path >= 'a' && *path <= 'z') || (*path >= 'A' && *path <= 'Z') ||
                     (*path >= '0' && *path <= '9') || strchr("/._-", *path);
        strbuf_printf(uri, plain ? "%c" : "%%%02X", plain ? *path : (unsigned char)*path);
    }
    strbuf_puts(uri, "?immutable=1");
}

/* Reading of tables is all that a statement of ours does, so the file can add nothing to it. */
static int allow(void *context, int action, const char *a, const char *b, const char *c,
                 const char *d) {
    (void)context, (void)a, (void)b, (void)c, (void)d;
    return action == SQLITE_SELECT || action == SQLITE_READ ? SQLITE_OK : SQLITE_DENY;
}

static int configure(struct reader *reader, struct err *err) {
    static const struct {
        int limit, value;
    } limits[] = {
        {SQLITE_LIMIT_LENGTH,     TEXT_BYTES_MAX},
        {SQLITE_LIMIT_SQL_LENGTH, 1 << 16       },
        {SQLITE_LIMIT_COLUMN,     256           },
        {SQLITE_LIMIT_EXPR_DEPTH, 16            },
        {SQLITE_LIMIT_ATTACHED,   0             },
        {SQLITE_LIMIT_VDBE_OP,    25000         },
    };
    sqlite3 *db = reader->handle;
    sqlite3_extended_result_codes(db, 1);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        sqlite3_limit(db, limits[i].limit, limits[i].value);
    return sqlite3_exec(db,
                        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                        "PRAGMA mmap_size = 0; PRAGMA query_only = ON; PRAGMA cache_size = -8192;",
                        NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : refuse(reader, "cannot be opened", err);
}

static int open_file(struct reader *reader, struct err *err) {
    struct strbuf uri;
    strbuf_init(&uri);
    uri_of(reader->path, &uri);
    int status =
        sqlite3_open_v2(uri.text, &reader->handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    strbuf_done(&uri);
    return status == SQLITE_OK ? configure(reader, err) : refuse(reader, "cannot be opened", err);
}

static void damaged(struct reader *reader, const char *what) {
    if (reader->out->complete)
        snprintf(reader->out->reason, sizeof reader->out->reason, "the database is damaged: %.*s",
                 (int)utf8_prefix(what, 120), what);
    reader->out->complete = false;
}

/* A first look at all pages, where that does not take long. */
static int check_pages(struct reader *reader, struct err *err) {
    sqlite3_stmt *statement;
    if (reader->out->bytes > CHECKED_BYTES_MAX)
        return 0;
    int status = sqlite3_prepare_v2(reader->handle, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (status == SQLITE_OK)
        status = sqlite3_step(statement);
    if (status == SQLITE_ROW) {
        const char *said = (const char *)sqlite3_column_text(statement, 0);
        if (said && strcmp(said, "ok") != 0)
            damaged(reader, said);
    }
    sqlite3_finalize(statement);
    if (status == SQLITE_ROW)
        return 0;
    return (status & 0xff) == SQLITE_NOTADB || (status & 0xff) == SQLITE_ERROR
               ? refuse(reader, "is no SQLite database", err)
               : refuse(reader, "is damaged", err);
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* A plain table: neither view nor virtual. */
static bool has_table(struct reader *reader, const char *table) {
    sqlite3_stmt *statement;
    bool found = false;
    if (sqlite3_prepare_v2(reader->handle,
                           "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 "
                           "AND sql LIKE 'CREATE TABLE%'",
                           -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC) == SQLITE_OK)
        found = sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    return found;
}

/* What PRAGMA table_xinfo says. */
struct column_info {
    bool there, integer_key;
};

enum { INFO_NAME = 1, INFO_TYPE = 2, INFO_KEY = 5, INFO_HIDDEN = 6 };

static bool is_text(sqlite3_stmt *row, int column, const char *text) {
    const char *found = (const char *)sqlite3_column_text(row, column);
    return found && strcasecmp(found, text) == 0;
}

/* Generated columns (hidden) are not stored, so they are none of Nsight's. `table` is one of our
 * constants. */
static struct column_info column_info(struct reader *reader, const char *table,
                                      const char *column) {
    struct column_info info = {0};
    sqlite3_stmt *statement;
    char sql[120];
    snprintf(sql, sizeof sql, "PRAGMA main.table_xinfo(\"%s\")", table);
    if (sqlite3_prepare_v2(reader->handle, sql, -1, &statement, NULL) == SQLITE_OK)
        while (sqlite3_step(statement) == SQLITE_ROW)
            if (is_text(statement, INFO_NAME, column) &&
                sqlite3_column_int(statement, INFO_HIDDEN) == 0) {
                info.there = true;
                info.integer_key = sqlite3_column_int(statement, INFO_KEY) == 1 &&
                                   is_text(statement, INFO_TYPE, "INTEGER");
            }
    sqlite3_finalize(statement);
    return info;
}

static bool has_column(struct reader *reader, const char *table, const char *column) {
    return column_info(reader, table, column).there;
}

/* Names are looked up by the primary key, which makes a look-up quick. */
static bool has_strings(struct reader *reader) {
    return has_table(reader, "StringIds") && has_column(reader, "StringIds", "value") &&
           column_info(reader, "StringIds", "id").integer_key;
}

/* ---- statements ------------------------------------------------------------------------------ */

static int add_columns(struct reader *reader, const struct source *source, struct strbuf *sql,
                       struct err *err) {
    for (size_t i = 0; i < COLUMNS; i++) {
        const struct column *column = &source->columns[i];
        bool there = column->name && has_column(reader, source->table, column->name);
        if (!there && !column->otherwise)
            return err_set(err, ERR_INPUT, "%s: the table %s has no column %s", reader->path,
                           source->table, column->name);
        if (there)
            strbuf_printf(sql, "%st.\"%s\"", i ? ", " : "SELECT ", column->name);
        else
            strbuf_printf(sql, "%s%s", i ? ", " : "SELECT ", column->otherwise);
    }
    return 0;
}

/* Which column has the number of a name, when the table has one: ranges may have a text as well. */
static const char *name_column(struct reader *reader, const struct source *source) {
    if (source->kind == SPAN_ANNOTATION)
        return has_column(reader, source->table, "textId") ? "textId" : NULL;
    return source->columns[NAME].name;
}

static int make_statement(struct reader *reader, const struct source *source, bool strings,
                          struct strbuf *sql, struct err *err) {
    if (add_columns(reader, source, sql, err))
        return -(int)err->code;
    const char *name = strings ? name_column(reader, source) : NULL;
    if (name)
        strbuf_printf(
            sql, ", s.value FROM \"%s\" t NOT INDEXED LEFT JOIN StringIds s ON s.id = t.\"%s\"",
            source->table, name);
    else
        strbuf_printf(sql, ", NULL FROM \"%s\" t NOT INDEXED", source->table);
    return 0;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* A stream of a device, or a thread; ranges that may overlap have a track beside their thread's. */
struct track_key {
    int64_t process, device, stream;
    int64_t sort; /* 0: thread, 1: started ranges of it, 2: stream */
};

static int name_track(struct reader *reader, uint32_t track, const struct track_key *key,
                      struct err *err) {
    char name[120];
    if (!reader->sink->track)
        return 0;
    /* globalTid: the thread in 24 bits, above it the process in 24 bits. */
    long long tid = key->process & 0xffffff, pid = key->process >> 24 & 0xffffff;
    if (key->sort == 2)
        snprintf(name, sizeof name, "device %lld stream %lld (process %lld)",
                 (long long)key->device, (long long)key->stream, pid);
    else
        snprintf(name, sizeof name, "process %lld thread %lld%s", pid, tid,
                 key->sort ? " (started ranges)" : "");
    return reader->sink->track(reader->sink->context, track,
                               key->sort == 2 ? TRACK_QUEUE : TRACK_THREAD, name, err);
}

static int find_track(struct reader *reader, const struct track_key *key, uint64_t *track,
                      struct err *err) {
    uint32_t before = intern_count(reader->tracks);
    uint32_t number = intern(reader->tracks, key, sizeof *key);
    if (number == INTERN_FULL)
        return err_set(err, ERR_INPUT, "%s: too many threads and streams", reader->path);
    *track = number;
    return number == before ? name_track(reader, number, key, err) : 0;
}

/* A text of a row; bytes that are no UTF-8 become question marks. NULL: it is none. */
static const char *text_at(struct reader *reader, sqlite3_stmt *row, int column) {
    if (sqlite3_column_type(row, column) != SQLITE_TEXT)
        return NULL;
    const char *text = (const char *)sqlite3_column_text(row, column);
    if (!text)
        return NULL;
    reader->text.length = 0;
    for (;;) {
        size_t length = utf8_prefix(text, SIZE_MAX);
        strbuf_add(&reader->text, text, length);
        text += length;
        if (*text == '\0')
            break;
        strbuf_puts(&reader->text, "?");
        text++;
    }
    return reader->text.length > 0 ? reader->text.text : NULL;
}

static const char *name_of(struct reader *reader, sqlite3_stmt *row, const struct source *source,
                           char made[static 48]) {
    const char *text;
    int64_t sort = sqlite3_column_int64(row, SORT);
    if (source->name_of_sort) {
        bool known = sort >= 0 && sort < (int64_t)(sizeof copy_kinds / sizeof *copy_kinds);
        snprintf(made, 48, "Memcpy %s", copy_kinds[known ? sort : 0]);
        return made;
    }
    text = text_at(reader, row, NAME);
    if (!text)
        text = text_at(reader, row, COLUMNS);
    return text ? text : "[unknown]";
}

/* Processes count calls anew, so the process is part of what ties a kernel to its call. */
static uint64_t correlation_of(sqlite3_stmt *row) {
    uint64_t number = (uint64_t)sqlite3_column_int64(row, CORRELATION) & 0xffffffff;
    uint64_t process = (uint64_t)sqlite3_column_int64(row, PROCESS) >> 24 & 0xffffffff;
    return number == 0 ? 0 : process << 32 | number;
}

static bool is_range(int64_t type) {
    return type == PUSH_RANGE || type == START_RANGE || type == PUSH_RANGE_IMPORTED ||
           type == START_RANGE_IMPORTED;
}

static bool is_span(sqlite3_stmt *row, const struct source *source) {
    return source->kind != SPAN_ANNOTATION || (is_range(sqlite3_column_int64(row, SORT)) &&
                                               sqlite3_column_type(row, END) != SQLITE_NULL);
}

static struct track_key track_of(sqlite3_stmt *row, const struct source *source) {
    struct track_key key = {.process = sqlite3_column_int64(row, PROCESS)};
    int64_t type = sqlite3_column_int64(row, SORT);
    if (source->on_device) {
        key.device = sqlite3_column_int64(row, DEVICE);
        key.stream = sqlite3_column_int64(row, STREAM);
        key.sort = 2;
    } else if (source->kind == SPAN_ANNOTATION) {
        key.sort = type == START_RANGE || type == START_RANGE_IMPORTED;
    }
    return key;
}

static int take_row(struct reader *reader, sqlite3_stmt *row, const struct source *source,
                    struct err *err) {
    char made[48];
    struct span span = {.category = source->category, .kind = source->kind};
    reader->out->events++;
    if (!is_span(row, source))
        return 0;
    int64_t end_ns = sqlite3_column_int64(row, END);
    span.start_ns = sqlite3_column_int64(row, START);
    if (sqlite3_column_type(row, START) != SQLITE_INTEGER ||
        sqlite3_column_type(row, END) != SQLITE_INTEGER || span.start_ns < 0 ||
        end_ns < span.start_ns)
        return err_set(err, ERR_INPUT, "%s: a row of %s has no start, or ends before it",
                       reader->path, source->table);
    const struct track_key key = track_of(row, source);
    if (find_track(reader, &key, &span.track, err))
        return -(int)err->code;
    span.name = name_of(reader, row, source, made);
    span.duration_ns = end_ns - span.start_ns;
    span.correlation = source->kind == SPAN_ANNOTATION ? 0 : correlation_of(row);
    return reader->sink->span ? reader->sink->span(reader->sink->context, &span, err) : 0;
}

static int walk(struct reader *reader, sqlite3_stmt *statement, const struct source *source,
                struct err *err) {
    int status;
    while ((status = sqlite3_step(statement)) == SQLITE_ROW)
        if (take_row(reader, statement, source, err))
            return -(int)err->code;
    if (status != SQLITE_DONE)
        damaged(reader, sqlite3_errmsg(reader->handle));
    return 0;
}

static int read_source(struct reader *reader, const struct source *source, bool strings,
                       struct err *err) {
    sqlite3_stmt *statement = NULL;
    struct strbuf sql;
    strbuf_init(&sql);
    int rc = make_statement(reader, source, strings, &sql, err);
    if (rc == 0) {
        sqlite3_set_authorizer(reader->handle, allow, NULL);
        if (sqlite3_prepare_v2(reader->handle, sql.text, -1, &statement, NULL) == SQLITE_OK)
            rc = walk(reader, statement, source, err);
        else
            rc = refuse(reader, "a table that Nsight Systems does not write", err);
        sqlite3_finalize(statement);
        sqlite3_set_authorizer(reader->handle, NULL, NULL);
    }
    strbuf_done(&sql);
    return rc;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* A single text, told as a fact where it is there. */
static int say(struct reader *reader, const char *key, const char *table, const char *sql,
               struct err *err) {
    sqlite3_stmt *statement;
    int rc = 0;
    if (!reader->sink->fact || !has_table(reader, table))
        return 0;
    sqlite3_set_authorizer(reader->handle, allow, NULL);
    if (sqlite3_prepare_v2(reader->handle, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        const char *text = text_at(reader, statement, 0);
        rc = text ? reader->sink->fact(reader->sink->context, key, text, err) : 0;
    }
    sqlite3_finalize(statement);
    sqlite3_set_authorizer(reader->handle, NULL, NULL);
    return rc;
}

static int read_sources(struct reader *reader, struct err *err) {
    bool strings = has_strings(reader), found = false;
    for (size_t i = 0; i < SOURCES; i++) {
        if (!has_table(reader, sources[i].table))
            continue;
        found = true;
        if (read_source(reader, &sources[i], strings, err))
            return -(int)err->code;
    }
    if (!found) {
        err_set(err, ERR_INPUT, "%s: a SQLite database without the tables of Nsight Systems",
                reader->path);
        return err_hint(err, "`nsys export --type sqlite` writes one");
    }
    return say(reader, "device", "TARGET_INFO_GPU", "SELECT name FROM TARGET_INFO_GPU LIMIT 1",
               err) ||
                   say(reader, "tool", "META_DATA_EXPORT",
                       "SELECT value FROM META_DATA_EXPORT WHERE name = 'EXPORT_PRODUCT_VERSION'",
                       err)
               ? -(int)err->code
               : 0;
}

static int read_file(struct reader *reader, struct err *err) {
    struct file_map map;
    if (file_map_open(&map, reader->path, err) < 0)
        return -(int)err->code;
    reader->out->bytes = map.size;
    bool sniffed = nsight_sniff((const char *)map.bytes, map.size);
    file_map_close(&map);
    if (!sniffed)
        return err_set(err, ERR_INPUT, "%s: is no SQLite database", reader->path);
    if (open_file(reader, err) || check_pages(reader, err))
        return -(int)err->code;
    return read_sources(reader, err);
}

int nsight_read(const char *path, struct span_sink *sink, struct nsight_outcome *out,
                struct err *err) {
    struct reader reader = {.path = path, .sink = sink, .out = out};
    *out = (struct nsight_outcome){.complete = true};
    reader.tracks = intern_open(TRACKS_BYTES_MAX);
    strbuf_init(&reader.text);
    int rc =
        reader.tracks ? read_file(&reader, err) : err_set(err, ERR_ENVIRONMENT, "out of memory");
    sqlite3_close(reader.handle);
    intern_close(reader.tracks);
    strbuf_done(&reader.text);
    return rc;
}
