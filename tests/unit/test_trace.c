#include "jobs/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

static bool parse(const char *text, int64_t *ns) {
    return trace_parse_time(text, strlen(text), ns);
}

static void times_are_read_in_every_common_form(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } table[] = {
        {"0,1,2",                              0                  },
        {"12.5",                               12500000000        },
        {"1700000000.123456789\t7",            1700000000123456789},
        {"1e3",                                1000000000000      },
        {"2023-11-16 18:15:46.6805900,374,44", 1700158546680590000},
        {"\"2023-11-16T18:15:46Z\",x",         1700158546000000000},
        {"2023-11-16T18:15:46+02:00",          1700151346000000000},
        {"2023-11-16T18:15:46.25-0530;",       1700178346250000000},
        {" 3 ",                                3000000000         },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t ns = -1;
        assert_true(parse(table[i].text, &ns));
        assert_int_equal(ns, table[i].ns);
    }
}

static void what_is_no_time_is_refused(void **state) {
    (void)state;
    static const char *const table[] = {"",
                                        "TIMESTAMP,x",
                                        "-1",
                                        "1.5x",
                                        "12:30",
                                        "2023-11",
                                        "2023-13-01 00:00:00",
                                        "nan",
                                        "1e99",
                                        "0x10",
                                        "2023-11-16 18:15:46+9",
                                        "99999999999"};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t ns;
        assert_false(parse(table[i], &ns));
    }
}

static const char *write_file(const char *text, bool zipped) {
    static char path[] = "/tmp/assay-trace-XXXXXX";
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    if (zipped) {
        gzFile file = gzdopen(fd, "wb");
        assert_true(gzwrite(file, text, (unsigned)strlen(text)) > 0);
        gzclose(file);
    } else {
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
    }
    return path;
}

static int read_text(const char *text, bool zipped, struct arena *arena, struct trace *trace,
                     struct err *err) {
    const char *path = write_file(text, zipped);
    int rc = trace_read(arena, path, trace, err);
    unlink(path);
    return rc;
}

static void a_recording_starts_at_its_first_request(void **state) {
    (void)state;
    for (int zipped = 0; zipped < 2; zipped++) {
        struct arena arena;
        struct trace trace;
        struct err err = {0};
        arena_init(&arena);
        assert_int_equal(read_text("time,tokens\n# a remark\n100,1\n\n100.5,2\n103,3", zipped,
                                   &arena, &trace, &err),
                         0);
        assert_int_equal(trace.count, 3);
        assert_true(trace.arrivals_ns[0] == 0 && trace.arrivals_ns[1] == 0.5e9 &&
                    trace.arrivals_ns[2] == 3e9);
        assert_int_equal(trace.disordered, 0);
        arena_done(&arena);
    }
}

static void lines_out_of_order_are_put_in_order_and_counted(void **state) {
    (void)state;
    struct arena arena;
    struct trace trace;
    struct err err = {0};
    arena_init(&arena);
    assert_int_equal(read_text("5\n3\n4\n", false, &arena, &trace, &err), 0);
    assert_int_equal(trace.disordered, 1);
    assert_true(trace.arrivals_ns[1] == 1e9 && trace.arrivals_ns[2] == 2e9);
    arena_done(&arena);
}

static void a_wrong_line_is_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } table[] = {
        {"time\n1\nnonsense\n", "line 3"        },
        {"time\nother\n1\n",    "line 2"        },
        {"time\n",              "no line begins"},
        {"",                    "no line begins"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct arena arena;
        struct trace trace;
        struct err err = {0};
        arena_init(&arena);
        assert_int_equal(read_text(table[i].text, false, &arena, &trace, &err), -ERR_INPUT);
        assert_non_null(strstr(err.message, table[i].says));
        arena_done(&arena);
    }
}

static void a_missing_file_is_an_input_error(void **state) {
    (void)state;
    struct arena arena;
    struct trace trace;
    struct err err = {0};
    arena_init(&arena);
    assert_int_equal(trace_read(&arena, "/nonexistent/trace.csv", &trace, &err), -ERR_INPUT);
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_in_every_common_form),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_recording_starts_at_its_first_request),
        cmocka_unit_test(lines_out_of_order_are_put_in_order_and_counted),
        cmocka_unit_test(a_wrong_line_is_named),
        cmocka_unit_test(a_missing_file_is_an_input_error),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
