/* The parts of a call that need no connection: time-outs, messages of a status, tokens, the purse,
 * and what a ScaledObject asks. */
#include "server/grpc/call.h"
#include "server/grpc/guard.h"
#include "server/grpc/scaled_object.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SECOND_NS UINT64_C(1000000000)

static void timeouts_have_a_number_and_a_unit(void **state) {
    static const struct {
        const char *text;
        uint64_t ns; /* UINT64_MAX: refused */
    } rows[] = {
        {"1H",         3600 * SECOND_NS    },
        {"2M",         120 * SECOND_NS     },
        {"10S",        10 * SECOND_NS      },
        {"100m",       SECOND_NS / 10      },
        {"7u",         7000                },
        {"7n",         7                   },
        {"0n",         0                   },
        {"99999999H",  UINT64_MAX / 4      },
        {"99999999S",  99999999 * SECOND_NS},
        {"999999999S", UINT64_MAX          },
        {"",           UINT64_MAX          },
        {"S",          UINT64_MAX          },
        {"1",          UINT64_MAX          },
        {"1s",         UINT64_MAX          },
        {"-1S",        UINT64_MAX          },
        {"1.5S",       UINT64_MAX          },
        {" 1S",        UINT64_MAX          },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t ns = UINT64_MAX;
        int code = grpc_timeout_parse(rows[i].text, strlen(rows[i].text), &ns);
        if (ns != rows[i].ns || (code != 0) != (rows[i].ns == UINT64_MAX))
            fail_msg("'%s' is %d, %llu ns", rows[i].text, code, (unsigned long long)ns);
    }
}

static void messages_are_printable_ascii_on_the_wire(void **state) {
    char out[GRPC_ENCODED_SIZE], longest[GRPC_MESSAGE_SIZE];
    (void)state;
    assert_string_equal(grpc_encode_message(out, "a b~!"), "a b~!");
    assert_string_equal(grpc_encode_message(out, "50%\n\x7fgr\xc3\xb6"), "50%25%0A%7Fgr%C3%B6");
    memset(longest, '\n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(strlen(grpc_encode_message(out, longest)), 3 * (GRPC_MESSAGE_SIZE - 1));
}

static void the_first_failure_is_kept(void **state) {
    struct grpc_status status = {0};
    const struct err err = {.code = ERR_INPUT, .message = "no such model", .hint = "try another"};
    (void)state;
    assert_int_equal(grpc_fail_err(&status, &err), -1);
    assert_int_equal(grpc_fail(&status, GRPC_INTERNAL, "later"), -1);
    assert_int_equal(status.code, GRPC_NOT_FOUND);
    assert_string_equal(status.message, "no such model (try another)");
}

/* ---- the purse ------------------------------------------------------------------------------- */

static void frames_are_followed_over_any_cut(void **state) {
    static const unsigned char bytes[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                         "\0\0\0\x04\0\0\0\0\0"         /* settings */
                                         "\0\0\x03\0\x01\0\0\0\x01xyz"  /* data */
                                         "\0\0\x01\x01\0\0\0\0\x03x"    /* headers that go on */
                                         "\0\0\x01\x09\x04\0\0\0\x03x"; /* and end */
    (void)state;
    /* Where nothing is unfinished: after settings, after data, after the second half of headers. */
    static const size_t whole[] = {24 + 9, 24 + 9 + 12, 24 + 9 + 12 + 10 + 10};
    for (size_t cut = 0; cut <= sizeof bytes - 1; cut++) {
        struct grpc_guard guard;
        bool is_whole = false;
        grpc_guard_init(&guard, 1);
        assert_int_equal(grpc_guard_watch(&guard, bytes, cut, 2), 0);
        for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
            is_whole |= whole[i] == cut;
        if ((guard.unfinished_ns == UINT64_MAX) != is_whole)
            fail_msg("after %zu bytes", cut);
    }
}

static void what_is_unfinished_keeps_its_beginning(void **state) {
    static const unsigned char settings[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0";
    struct grpc_guard guard;
    (void)state;
    grpc_guard_init(&guard, 5);
    assert_int_equal(guard.unfinished_ns, 5);
    grpc_guard_watch(&guard, settings, 30, 6);
    assert_int_equal(guard.unfinished_ns, 5);
    grpc_guard_watch(&guard, settings + 30, sizeof settings - 30, 7);
    assert_int_equal(guard.unfinished_ns, UINT64_MAX);
    grpc_guard_watch(&guard, "\0", 1, 8);
    grpc_guard_watch(&guard, "\0", 1, 9);
    assert_int_equal(guard.unfinished_ns, 8);
}

static void the_purse_fills_with_time_and_calls(void **state) {
    struct grpc_guard guard;
    (void)state;
    grpc_guard_init(&guard, 0);
    assert_int_equal(grpc_guard_pay(&guard, 1000, 0), 0);
    assert_int_equal(grpc_guard_pay(&guard, 50, SECOND_NS), 0);
    grpc_guard_earn(&guard);
    assert_int_equal(grpc_guard_pay(&guard, 10, SECOND_NS), 0);
    assert_int_equal(grpc_guard_pay(&guard, 1, SECOND_NS), -1);
    assert_int_equal(grpc_guard_pay(&guard, 1001, 1000 * SECOND_NS), -1); /* never above 1000 */
}

/* ---- what a ScaledObject asks ---------------------------------------------------------------- */

struct entry {
    const char *key, *value; /* NULL ends them */
};

static int read_metadata(const struct entry *entries, struct grpc_asked *asked,
                         struct grpc_status *status) {
    Externalscaler__ScaledObjectRef__ScalerMetadataEntry items[8], *pointers[8];
    Externalscaler__ScaledObjectRef reference;
    char texts[16][300];
    externalscaler__scaled_object_ref__init(&reference);
    reference.scalermetadata = pointers;
    for (size_t i = 0; entries[i].key; i++) {
        externalscaler__scaled_object_ref__scaler_metadata_entry__init(&items[i]);
        items[i].key = strcpy(texts[2 * i], entries[i].key);
        items[i].value = strcpy(texts[2 * i + 1], entries[i].value);
        pointers[reference.n_scalermetadata++] = &items[i];
    }
    *status = (struct grpc_status){0};
    int code = grpc_asked_read(&reference, asked, status);
    asked->question.model = asked->question.routing = NULL; /* their texts end here */
    return code;
}

static void numbers_that_are_not_given_are_not_numbers(void **state) {
    const struct entry entries[] = {
        {"model",         "m"  },
        {"scalerAddress", "x:1"},
        {NULL,            NULL }
    };
    struct grpc_asked asked;
    struct grpc_status status;
    (void)state;
    assert_int_equal(read_metadata(entries, &asked, &status), 0);
    assert_true(isnan(asked.question.rate_per_second));
    assert_true(isnan(asked.question.slo_p99_ms));
    assert_string_equal(asked.metric_name, "assay_desired_replicas");
}

static void numbers_that_are_given_are_read(void **state) {
    const struct entry entries[] = {
        {"rate",     "1.5k"  },
        {"sloP99Ms", "12.5"  },
        {"model",    "m"     },
        {"routing",  "random"},
        {NULL,       NULL    }
    };
    const struct entry zero[] = {
        {"model", "m" },
        {"rate",  "0" },
        {NULL,    NULL}
    };
    struct grpc_asked asked;
    struct grpc_status status;
    (void)state;
    assert_int_equal(read_metadata(entries, &asked, &status), 0);
    assert_float_equal(asked.question.rate_per_second, 1500, 0);
    assert_float_equal(asked.question.slo_p99_ms, 12.5, 0);
    assert_int_equal(read_metadata(zero, &asked, &status), 0);
    assert_float_equal(asked.question.rate_per_second, 0, 0);
}

static void a_wrong_value_names_its_key(void **state) {
    char long_text[258] = "";
    memset(long_text, 'm', sizeof long_text - 1);
    const struct {
        struct entry entries[3];
        const char *key;
    } rows[] = {
        {{{"rate", "1"}},                          "model"     },
        {{{"model", ""}},                          "model"     },
        {{{"model", long_text}},                   "model"     },
        {{{"model", "m"}, {"rate", "-1"}},         "rate"      },
        {{{"model", "m"}, {"rate", "nan"}},        "rate"      },
        {{{"model", "m"}, {"rate", ""}},           "rate"      },
        {{{"model", "m"}, {"rate", "1e999"}},      "rate"      },
        {{{"model", "m"}, {"sloP99Ms", "0"}},      "sloP99Ms"  },
        {{{"model", "m"}, {"sloP99Ms", "50ms"}},   "sloP99Ms"  },
        {{{"model", "m"}, {"routing", "nowhere"}}, "routing"   },
        {{{"model", "m"}, {"metricName", ""}},     "metricName"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct grpc_asked asked;
        struct grpc_status status;
        read_metadata(rows[i].entries, &asked, &status);
        if (status.code != GRPC_INVALID_ARGUMENT || !strstr(status.message, rows[i].key))
            fail_msg("row %zu: %d '%s'", i, (int)status.code, status.message);
    }
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void methods_are_found_by_their_whole_path(void **state) {
    (void)state;
    size_t count = 0;
    for (const struct grpc_method *row = grpc_methods; row->path; row++, count++) {
        assert_ptr_equal(grpc_method_find(row->path), row);
        assert_non_null(row->answer);
    }
    assert_int_equal(count, 6);
    assert_null(grpc_method_find(""));
    assert_null(grpc_method_find("/externalscaler.ExternalScaler/"));
    assert_null(grpc_method_find("/externalscaler.ExternalScaler/IsActive2"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timeouts_have_a_number_and_a_unit),
        cmocka_unit_test(messages_are_printable_ascii_on_the_wire),
        cmocka_unit_test(the_first_failure_is_kept),
        cmocka_unit_test(frames_are_followed_over_any_cut),
        cmocka_unit_test(what_is_unfinished_keeps_its_beginning),
        cmocka_unit_test(the_purse_fills_with_time_and_calls),
        cmocka_unit_test(numbers_that_are_not_given_are_not_numbers),
        cmocka_unit_test(numbers_that_are_given_are_read),
        cmocka_unit_test(a_wrong_value_names_its_key),
        cmocka_unit_test(methods_are_found_by_their_whole_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
