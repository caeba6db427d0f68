#include "tests/unit/foreign_sink.h"
#include "tests/unit/nsight_sample.h"

#include "base/file.h"
#include "db/foreign_nsight.h"

#define SAMPLE NSIGHT_STRINGS NSIGHT_KERNELS NSIGHT_OTHERS

static const char *make(struct arena *arena, const char *sql) {
    const char *path = file_of(arena, "trace.sqlite", "", 0);
    assert_int_equal(nsight_sample(path, sql), SQLITE_OK);
    return path;
}

static int read_file(struct kept *kept, const char *path, struct nsight_outcome *out) {
    struct span_sink sink = keep_sink(kept);
    return nsight_read(path, &sink, out, &kept->err);
}

static void read_sql(struct kept *kept, const char *sql, struct nsight_outcome *out) {
    kept_init(kept);
    const char *path = make(&kept->arena, sql);
    if (read_file(kept, path, out))
        fail_msg("%s", kept->err.message);
    remove_file(path);
}

static const struct span *span_named(const struct kept *kept, const char *name) {
    for (size_t i = 0; i < kept->span_count; i++)
        if (strcmp(kept->spans[i].name, name) == 0)
            return &kept->spans[i];
    fail_msg("no span %s", name);
    return NULL;
}

static void tables_become_spans_on_streams_and_threads(void **state) {
    (void)state;
    struct kept kept;
    struct nsight_outcome out;
    read_sql(&kept, SAMPLE, &out);
    assert_true(out.complete);
    assert_int_equal(out.events, 9);
    assert_int_equal(kept.span_count, 7);
    const struct span *kernel = span_named(&kept, "gemm<float>(int)");
    const struct span *call = span_named(&kept, "cudaLaunchKernel_v7000");
    assert_int_equal(kernel->kind, SPAN_KERNEL);
    assert_int_equal(kernel->start_ns, 1000);
    assert_int_equal(kernel->duration_ns, 500);
    assert_int_equal(call->kind, SPAN_CALL);
    assert_int_equal(kernel->correlation, call->correlation);
    assert_true(kernel->correlation != 0);
    assert_int_equal(span_named(&kept, "[unknown]")->kind, SPAN_KERNEL);
    assert_int_equal(span_named(&kept, "Memcpy HtoD")->kind, SPAN_COPY);
    assert_int_equal(span_named(&kept, "Memcpy HtoD")->track, kernel->track);
    assert_int_equal(span_named(&kept, "Memset")->kind, SPAN_SET);
    assert_int_equal(span_named(&kept, "Memset")->correlation, 0);
    assert_int_equal(span_named(&kept, "step")->track, call->track);
    assert_true(span_named(&kept, "forward")->track != call->track);
    assert_int_equal(kept.track_count, 4);
    assert_string_equal(kept.tracks[0], "device 0 stream 7 (process 5)");
    assert_string_equal(kept.tracks[2], "process 5 thread 7");
    assert_true(kept_has_fact(&kept, "device=NVIDIA A100"));
    assert_true(kept_has_fact(&kept, "tool=2024.6.2"));
    kept_done(&kept);
}

static void exports_of_other_versions_lack_columns_and_tables(void **state) {
    (void)state;
    struct kept kept;
    struct nsight_outcome out;
    read_sql(&kept,
             "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INT NOT NULL, end INT NOT NULL,"
             " deviceId INT NOT NULL, streamId INT NOT NULL, demangledName INT NOT NULL);"
             "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (1, 2, 0, 1, 1);",
             &out);
    assert_int_equal(kept.span_count, 1);
    assert_string_equal(kept.spans[0].name, "[unknown]");
    assert_int_equal(kept.spans[0].correlation, 0);
    kept_done(&kept);
}

/* What lies beside a database can change what SQLite sees, and is not of the file. */
static void nothing_is_written_and_no_journal_is_applied(void **state) {
    (void)state;
    struct kept kept;
    struct nsight_outcome out;
    struct file_map before, after;
    kept_init(&kept);
    const char *path = make(&kept.arena, SAMPLE);
    const char *wal = arena_printf(&kept.arena, "%s-wal", path);
    const char *journal = arena_printf(&kept.arena, "%s-journal", path);
    assert_int_equal(file_replace(wal, "garbage", 7, &kept.err), 0);
    assert_int_equal(file_replace(journal, "garbage", 7, &kept.err), 0);
    assert_int_equal(file_map_open(&before, path, &kept.err), 0);
    assert_int_equal(read_file(&kept, path, &out), 0);
    assert_int_equal(kept.span_count, 7);
    assert_int_equal(file_map_open(&after, path, &kept.err), 0);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.bytes, after.bytes, before.size);
    assert_int_equal(access(wal, F_OK), 0);
    assert_int_equal(access(journal, F_OK), 0);
    file_map_close(&before);
    file_map_close(&after);
    unlink(wal);
    unlink(journal);
    remove_file(path);
    kept_done(&kept);
}

#define KERNEL_COLUMNS "end INTEGER, deviceId INTEGER, streamId INTEGER, demangledName INTEGER"

static const struct {
    const char *sql, *message;
} hostile[] = {
    {"CREATE TABLE t (a);",                                                                         "without the tables of Nsight"},
    {"CREATE TABLE t (a, b, c, d, e); CREATE VIEW CUPTI_ACTIVITY_KIND_KERNEL AS SELECT a AS start,"
     " b AS end, c AS deviceId, d AS streamId, e AS demangledName FROM t;",                    "without the tables of Nsight"},
    {"CREATE VIRTUAL TABLE CUPTI_ACTIVITY_KIND_KERNEL USING fts5(start, end, deviceId, streamId);",
     "without the tables of Nsight"                                                                                               },
    {"CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (" KERNEL_COLUMNS ");",                               "has no column start"         },
    {"CREATE TABLE NVTX_EVENTS (start INTEGER, end INTEGER);",                                      "has no column eventType"     },
    {"CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (" KERNEL_COLUMNS ","
     " start INTEGER GENERATED ALWAYS AS (abs(end)));",                                        "has no column start"         },
    {"CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, " KERNEL_COLUMNS ");"
     "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (5, 4, 0, 0, 0);",                         "ends before it"              },
    {"CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, " KERNEL_COLUMNS ");"
     "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (-5, 4, 0, 0, 0);",                        "ends before it"              },
    {"CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start TEXT, " KERNEL_COLUMNS ");"
     "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES ('x', 4, 0, 0, 0);",                       "has no start"                },
    {"CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER, " KERNEL_COLUMNS ");"
     "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (1, 1e30, 0, 0, 0);",                      "has no start"                },
    {"CREATE TABLE pragma_table_xinfo (name TEXT, hidden INTEGER);"
     "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (" KERNEL_COLUMNS ");",
     "has no column start"                                                                                                        },
};

static void hostile_databases_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        struct kept kept;
        struct nsight_outcome out;
        kept_init(&kept);
        const char *path = make(&kept.arena, hostile[i].sql);
        assert_int_equal(read_file(&kept, path, &out), -ERR_INPUT);
        if (!strstr(kept.err.message, hostile[i].message))
            fail_msg("no '%s' in '%s'", hostile[i].message, kept.err.message);
        assert_int_equal(kept.span_count, 0);
        remove_file(path);
        kept_done(&kept);
    }
}

static void what_is_no_database_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *message;
    } files[] = {
        {"",                      0,   "is no SQLite database"   },
        {"{\"traceEvents\": []}", 19,  "is no SQLite database"   },
        {"SQLite format 3",       16,  "(file is not a database)"},
        {"SQLite format 3\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaa", 100, "(file is not a database)"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct kept kept;
        struct nsight_outcome out;
        kept_init(&kept);
        const char *path = file_of(&kept.arena, "x.sqlite", files[i].bytes, files[i].length);
        assert_int_equal(read_file(&kept, path, &out), -ERR_INPUT);
        if (!strstr(kept.err.message, files[i].message))
            fail_msg("no '%s' in '%s'", files[i].message, kept.err.message);
        remove_file(path);
        kept_done(&kept);
    }
}

/* Names that are numbers of a view or of a table without a key are not looked up. */
static void strings_without_a_key_are_left_out(void **state) {
    (void)state;
    static const char *const strings[] = {
        "CREATE TABLE StringIds (id INTEGER, value TEXT); INSERT INTO StringIds VALUES (1, 'x');",
        "CREATE VIEW StringIds AS SELECT 1 AS id, 'x' AS value;",
        "CREATE TABLE StringIds (id TEXT PRIMARY KEY, value TEXT);",
    };
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        struct kept kept;
        struct nsight_outcome out;
        struct arena arena;
        arena_init(&arena);
        read_sql(&kept, arena_printf(&arena, "%s%s", strings[i], NSIGHT_KERNELS), &out);
        assert_int_equal(kept.span_count, 2);
        assert_string_equal(kept.spans[0].name, "[unknown]");
        kept_done(&kept);
        arena_done(&arena);
    }
}

static void names_that_are_no_utf8_are_mended(void **state) {
    (void)state;
    struct kept kept;
    struct nsight_outcome out;
    read_sql(&kept,
             "CREATE TABLE NVTX_EVENTS (start INTEGER, end INTEGER, eventType INTEGER, text TEXT);"
             "INSERT INTO NVTX_EVENTS VALUES (1, 2, 59, CAST(x'61FF62C3' AS TEXT)),"
             " (1, 2, 59, CAST(x'FF' AS TEXT)), (1, 2, 59, ''), (1, 2, 59, x'61');",
             &out);
    assert_string_equal(kept.spans[0].name, "a?b?");
    assert_string_equal(kept.spans[1].name, "?");
    assert_string_equal(kept.spans[2].name, "[unknown]");
    assert_string_equal(kept.spans[3].name, "[unknown]");
    kept_done(&kept);
}

static void a_name_that_is_too_long_ends_the_reading_with_a_reason(void **state) {
    (void)state;
    struct kept kept;
    struct nsight_outcome out;
    read_sql(&kept,
             "CREATE TABLE NVTX_EVENTS (start INTEGER, end INTEGER, eventType INTEGER, text TEXT);"
             "INSERT INTO NVTX_EVENTS VALUES (1, 2, 59, 'a'), (1, 2, 59, hex(zeroblob(1048576)));",
             &out);
    assert_int_equal(kept.span_count, 1);
    assert_false(out.complete);
    assert_non_null(strstr(out.reason, "too big"));
    kept_done(&kept);
}

/* Cut and overwritten at every page. */
static void damaged_databases_give_what_can_be_read(void **state) {
    (void)state;
    struct arena arena;
    struct file_map map;
    struct err err = {0};
    arena_init(&arena);
    const char *path = make(&arena, "PRAGMA page_size = 512;" SAMPLE);
    assert_int_equal(file_map_open(&map, path, &err), 0);
    size_t damaged = 0;
    for (int overwrite = 0; overwrite < 2; overwrite++)
        for (uint64_t at = 512; at < map.size; at += 512) {
            struct kept kept;
            struct nsight_outcome out;
            kept_init(&kept);
            char *bytes = arena_alloc(&kept.arena, map.size);
            memcpy(bytes, map.bytes, map.size);
            if (overwrite)
                memset(bytes + at, 0x7f, 512);
            const char *bad = file_of(&kept.arena, "bad.sqlite", bytes, overwrite ? map.size : at);
            if (read_file(&kept, bad, &out) == 0) {
                damaged += !out.complete;
                assert_true(out.complete || strstr(out.reason, "damaged"));
            } else {
                assert_int_equal(kept.err.code, ERR_INPUT);
                damaged++;
            }
            remove_file(bad);
            kept_done(&kept);
        }
    assert_int_equal(damaged, 2 * (map.size / 512 - 1));
    file_map_close(&map);
    remove_file(path);
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_become_spans_on_streams_and_threads),
        cmocka_unit_test(exports_of_other_versions_lack_columns_and_tables),
        cmocka_unit_test(nothing_is_written_and_no_journal_is_applied),
        cmocka_unit_test(hostile_databases_are_refused),
        cmocka_unit_test(what_is_no_database_is_refused),
        cmocka_unit_test(strings_without_a_key_are_left_out),
        cmocka_unit_test(names_that_are_no_utf8_are_mended),
        cmocka_unit_test(a_name_that_is_too_long_ends_the_reading_with_a_reason),
        cmocka_unit_test(damaged_databases_give_what_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
