/* One connection of the external scaler, against a client in memory and a clock that is moved. */
#include "tests/unit/fake_auth.h"
#include "tests/unit/grpc_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    OK = 0,
    INVALID = 3,
    LATE = 4,
    EXHAUSTED = 8,
    UNKNOWN_METHOD = 12,
    INTERNAL = 13,
    GONE = 14
};

/* {result: true} */
static const unsigned char active[] = "\0\0\0\0\x02\x08\x01";

static void assert_status(const struct call_outcome *call, int status, const char *words) {
    assert_int_equal(call->http, 200);
    if (call->status != status || !strstr(call->message, words))
        fail_msg("status %d '%s' instead of %d '%s'", call->status, call->message, status, words);
}

/* One unary call on a connection of its own. */
static struct call_outcome call_once(const char *method, const struct client_field *more,
                                     struct client_body body) {
    struct grpc_client client;
    client_open(&client);
    int32_t stream = client_call(&client, method, more, &body);
    client_exchange(&client);
    struct call_outcome call = *outcome(&client, stream);
    client_done(&client);
    return call;
}

static void a_call_is_answered(void **state) {
    (void)state;
    struct call_outcome call =
        call_once(SERVICE "IsActive", NULL, (struct client_body)BODY(resnet_request));
    assert_status(&call, OK, "");
    assert_true(call.closed);
    assert_int_equal(call.error, NGHTTP2_NO_ERROR);
    assert_int_equal(call.body_bytes, sizeof active - 1);
    assert_memory_equal(call.body, active, sizeof active - 1);
}

static void a_request_in_single_bytes_is_the_same_request(void **state) {
    struct grpc_client client;
    struct client_body body = BODY(resnet_request);
    const uint8_t *bytes;
    ssize_t length;
    (void)state;
    client_open(&client);
    int32_t stream = client_call(&client, SERVICE "IsActive", NULL, &body);
    while ((length = nghttp2_session_mem_send(client.session, &bytes)) > 0)
        for (ssize_t i = 0; i < length; i++)
            assert_int_equal(grpc_connection_receive(client.connection, bytes + i, 1), 0);
    client_listen(&client, SIZE_MAX);
    assert_status(outcome(&client, stream), OK, "");
    assert_memory_equal(outcome(&client, stream)->body, active, sizeof active - 1);
    client_done(&client);
}

/* ---- what a request must be ------------------------------------------------------------------ */

static const struct wrong {
    const char *name;
    const char *method;
    struct client_field more[2];
    struct client_body body;
    int status;
    const char *words;
} wrongs[] = {
    {"no such method",
     SERVICE "Nothing",
     {{0}},
     BODY(resnet_request),
     UNKNOWN_METHOD,                                                                            "no such method" },
    {"another service",
     "/other/IsActive",                          {{0}},
     BODY(resnet_request),
     UNKNOWN_METHOD,                                                                            "no such method" },
    {"no message",         SERVICE "IsActive",   {{0}}, BODY(""),               UNKNOWN_METHOD, "no request"     },
    {"cut in the prefix",  SERVICE "IsActive",   {{0}}, BODY("\0\0\0"),         INTERNAL,       "cut short"      },
    {"cut in the message",
     SERVICE "IsActive",
     {{0}},
     BODY("\0\0\0\0\x05\x0a"),
     INTERNAL,                                                                                  "cut short"      },
    {"two messages",
     SERVICE "IsActive",
     {{0}},
     BODY("\0\0\0\0\0\0\0\0\0\0"),
     UNKNOWN_METHOD,                                                                            "more than one"  },
    {"too long",           SERVICE "IsActive",   {{0}}, BODY("\0\0\x01\0\x01"), EXHAUSTED,      "65537 bytes"    },
    {"absurdly long",
     SERVICE "IsActive",
     {{0}},
     BODY("\0\xff\xff\xff\xff!"),
     EXHAUSTED,                                                                                 "4294967295"     },
    {"flag without name",
     SERVICE "IsActive",
     {{0}},
     BODY("\x01\0\0\0\0"),
     INTERNAL,                                                                                  "grpc-encoding"  },
    {"compressed",
     SERVICE "IsActive",
     {{"grpc-encoding", "gzip"}},
     BODY("\x01\0\0\0\0"),
     UNKNOWN_METHOD,                                                                            "compressed"     },
    {"no protobuf",
     SERVICE "IsActive",
     {{0}},
     BODY("\0\0\0\0\x01\xff"),
     INTERNAL,                                                                                  "ScaledObjectRef"},
    {"a string too far",
     SERVICE "IsActive",
     {{0}},
     BODY("\0\0\0\0\x02\x0a\x7f"),
     INTERNAL,                                                                                  "ScaledObjectRef"},
    {"no metadata",        SERVICE "IsActive",   {{0}}, BODY("\0\0\0\0\0"),     INVALID,        "model"          },
    {"no object",          SERVICE "GetMetrics", {{0}}, BODY("\0\0\0\0\0"),     INVALID,        "model"          },
    {"a bad time-out",
     SERVICE "IsActive",
     {{"grpc-timeout", "1x"}},
     BODY(resnet_request),
     INVALID,                                                                                   "grpc-timeout"   },
    {"no time is left",
     SERVICE "IsActive",
     {{"grpc-timeout", "0n"}},
     BODY(resnet_request),
     LATE,                                                                                      "deadline"       },
};

static void a_wrong_request_is_told_why(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        const struct wrong *wrong = &wrongs[i];
        struct call_outcome call = call_once(wrong->method, wrong->more, wrong->body);
        if (call.status != wrong->status || !strstr(call.message, wrong->words) || !call.closed)
            fail_msg("%s: status %d '%s'", wrong->name, call.status, call.message);
    }
}

static void what_is_not_grpc_is_told_in_http(void **state) {
    (void)state;
    static const struct {
        struct client_field more[2];
        int http;
    } rows[] = {
        {{{"content-type", "application/json"}},      415},
        {{{"content-type", "application/grpc+json"}}, 415},
        {{{"content-type", "application/grpcx"}},     415},
        {{{":method", "PUT"}},                        405},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct call_outcome call =
            call_once(SERVICE "IsActive", rows[i].more, (struct client_body)BODY(resnet_request));
        assert_int_equal(call.http, rows[i].http);
        assert_int_equal(call.status, -1);
    }
}

static void content_types_of_grpc_are_known(void **state) {
    (void)state;
    static const char *const types[] = {"application/grpc", "application/grpc+proto",
                                        "application/grpc;charset=utf-8"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const struct client_field more[] = {
            {"content-type", types[i]},
            {0             }
        };
        struct call_outcome call =
            call_once(SERVICE "IsActive", more, (struct client_body)BODY(resnet_request));
        assert_status(&call, OK, "");
    }
}

static void headers_are_bounded(void **state) {
    (void)state;
    static char text[15000];
    memset(text, 'x', sizeof text - 1);
    const struct client_field big[] = {
        {"x-big", text},
        {0      }
    };
    const struct client_field bigger[] = {
        {"x-big", text},
        {"x-more",       text},
        {0}
    };
    struct call_outcome call =
        call_once(SERVICE "IsActive", big, (struct client_body)BODY(resnet_request));
    assert_status(&call, OK, "");
    call = call_once(SERVICE "IsActive", bigger, (struct client_body)BODY(resnet_request));
    assert_status(&call, EXHAUSTED, "headers");
}

static void requests_at_a_time_are_bounded_together(void **state) {
    enum { EACH = 60 * 1024, CALLS = 5 };
    static unsigned char bytes[EACH] = {0, 0, 0, 0xff, 0xff};
    struct client_body bodies[CALLS];
    struct grpc_client client;
    (void)state;
    client_open(&client);
    for (size_t i = 0; i < CALLS; i++) {
        bodies[i] = (struct client_body){.bytes = bytes, .length = EACH, .open = true};
        client_call(&client, SERVICE "IsActive", NULL, &bodies[i]);
    }
    client_exchange(&client);
    int refused = 0;
    for (size_t i = 0; i < CALLS; i++)
        refused += client.calls[i].status == EXHAUSTED;
    assert_int_equal(refused, 1);
    client_done(&client);
}

static void a_token_is_compared_whole(void **state) {
    static const struct {
        const char *given;
        int status;
    } rows[] = {
        {"Bearer secret", 0 },
        {"bearer secret", 0 },
        {"Bearer secre",  16},
        {"secret",        16},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct client_field more[] = {
            {"authorization", rows[i].given},
            {0              }
        };
        struct client_body body = BODY(resnet_request);
        struct grpc_client client;
        client_open(&client);
        client.service.auth = fake_auth("secret");
        int32_t stream = client_call(&client, SERVICE "IsActive", more, &body);
        client_exchange(&client);
        assert_int_equal(outcome(&client, stream)->status, rows[i].status);
        client_done(&client);
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

static void a_deadline_ends_a_request_that_does_not_come(void **state) {
    const struct client_field more[] = {
        {"grpc-timeout", "100m"},
        {0             }
    };
    struct client_body body = {.bytes = resnet_request, .length = 8, .open = true};
    struct grpc_client client;
    (void)state;
    client_open(&client);
    int32_t stream = client_call(&client, SERVICE "IsActive", more, &body);
    client_wait_ms(&client, 99);
    assert_int_equal(outcome(&client, stream)->status, -1);
    client_wait_ms(&client, 1);
    assert_status(outcome(&client, stream), LATE, "deadline");
    assert_true(outcome(&client, stream)->closed);
    client_done(&client);
}

static void a_request_that_drips_is_ended_and_its_connection_closed(void **state) {
    struct client_body body = {.bytes = resnet_request, .length = 0, .open = true};
    struct grpc_client client;
    (void)state;
    client_open(&client);
    int32_t stream = client_call(&client, SERVICE "IsActive", NULL, &body);
    for (int i = 0; i < 11; i++) { /* a byte each second */
        body.length++;
        nghttp2_session_resume_data(client.session, stream);
        client_wait_ms(&client, 1000);
    }
    assert_status(outcome(&client, stream), LATE, "took too long");
    assert_int_equal(client.goaway, NGHTTP2_NO_ERROR);
    assert_true(grpc_connection_finished(client.connection));
    client_done(&client);
}

static void a_request_that_drips_does_not_end_other_calls(void **state) {
    struct client_body drip = {.bytes = resnet_request, .length = 3, .open = true};
    struct client_body body = BODY(resnet_request);
    struct grpc_client client;
    (void)state;
    client_open(&client);
    int32_t dripping = client_call(&client, SERVICE "IsActive", NULL, &drip);
    int32_t watching = client_call(&client, SERVICE "StreamIsActive", NULL, &body);
    client_wait_ms(&client, 10001);
    assert_status(outcome(&client, dripping), LATE, "took too long");
    assert_int_equal(client.goaway, -1);
    assert_false(outcome(&client, watching)->closed);
    client_done(&client);
}

static void a_client_that_says_nothing_is_dropped(void **state) {
    struct grpc_client client;
    (void)state;
    client_open(&client);
    client_listen(&client, SIZE_MAX);
    client_now_ns += 9999 * MS;
    assert_int_equal(grpc_connection_tick(client.connection), 0);
    client_now_ns += 1 * MS;
    assert_int_equal(grpc_connection_tick(client.connection), -1);
    client_done(&client);
}

/* Each byte is progress to a socket's time-out; here only whole frames are. */
static void a_frame_that_drips_is_dropped(void **state) {
    static const unsigned char head[] = {0, 0, 8, NGHTTP2_PING, 0, 0, 0, 0, 0, 1, 2};
    struct grpc_client client;
    (void)state;
    client_open(&client);
    client_exchange(&client);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(grpc_connection_receive(client.connection, head + i, 1), 0);
        assert_int_equal(grpc_connection_tick(client.connection), 0);
        client_now_ns += 1000 * MS;
    }
    assert_int_equal(grpc_connection_tick(client.connection), -1);
    client_done(&client);
}

static void a_header_block_that_does_not_end_is_dropped(void **state) {
    static const unsigned char open[] = {0, 0, 1, NGHTTP2_HEADERS, 0, 0, 0, 0, 1, 0x83};
    struct grpc_client client;
    (void)state;
    client_open(&client);
    client_exchange(&client);
    grpc_connection_receive(client.connection, open, sizeof open);
    client_now_ns += 10000 * MS;
    assert_int_equal(grpc_connection_tick(client.connection), -1);
    client_done(&client);
}

static void a_client_that_does_not_read_is_dropped(void **state) {
    struct client_body body = BODY(turning_request);
    struct grpc_client client;
    const void *bytes;
    (void)state;
    client_open(&client);
    client_call(&client, SERVICE "StreamIsActive", NULL, &body);
    client_exchange(&client);
    for (int i = 0; i < 11; i++) {
        client_now_ns += 1000 * MS;
        client.dropped |= grpc_connection_tick(client.connection) != 0;
        assert_true(client.dropped || grpc_connection_output(client.connection, &bytes) < 1000);
    }
    assert_true(client.dropped);
    client_done(&client);
}

/* It reads, but opens no window for the answer. */
static void an_answer_that_is_not_wanted_is_reset(void **state) {
    const nghttp2_settings_entry none = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0};
    struct client_body body = BODY(resnet_request);
    struct grpc_client client;
    (void)state;
    client_open(&client);
    nghttp2_submit_settings(client.session, NGHTTP2_FLAG_NONE, &none, 1);
    client_exchange(&client);
    int32_t stream = client_call(&client, SERVICE "IsActive", NULL, &body);
    client_wait_ms(&client, 9999);
    assert_false(outcome(&client, stream)->closed);
    client_wait_ms(&client, 1);
    assert_true(outcome(&client, stream)->closed);
    assert_int_equal(outcome(&client, stream)->error, NGHTTP2_CANCEL);
    assert_false(client.dropped);
    client_done(&client);
}

static void a_connection_without_calls_is_told_to_go(void **state) {
    struct client_body body = BODY(resnet_request);
    struct grpc_client client;
    (void)state;
    client_open(&client);
    client_wait_ms(&client, 250000);
    client_call(&client, SERVICE "IsActive", NULL, &body);
    client_wait_ms(&client, 250000);
    assert_int_equal(client.goaway, -1);
    client_wait_ms(&client, 50001);
    assert_int_equal(client.goaway, NGHTTP2_NO_ERROR);
    assert_true(grpc_connection_finished(client.connection));
    client_done(&client);
}

/* ---- streams --------------------------------------------------------------------------------- */

static void a_stream_says_what_changes_and_is_never_idle(void **state) {
    struct client_body turning = BODY(turning_request), still = BODY(resnet_request);
    struct grpc_client client;
    (void)state;
    client_open(&client);
    int32_t changes = client_call(&client, SERVICE "StreamIsActive", NULL, &turning);
    int32_t stays = client_call(&client, SERVICE "StreamMetricSpec", NULL, &still);
    client_exchange(&client);
    size_t once = outcome(&client, stays)->body_bytes;
    assert_int_equal(outcome(&client, changes)->body_bytes, sizeof active - 1);
    client_wait_ms(&client, 600000);
    assert_int_equal(client.goaway, -1);
    assert_int_equal(outcome(&client, stays)->body_bytes, once);
    assert_true(once > 0);
    /* true is a message of 7 bytes, false is the prefix alone; one of both each second */
    assert_int_equal(outcome(&client, changes)->body_bytes, 7 + 300 * (7 + 5));
    client_done(&client);
}

static void a_stream_ends_at_its_deadline(void **state) {
    const struct client_field more[] = {
        {"grpc-timeout", "3S"},
        {0             }
    };
    struct client_body body = BODY(resnet_request);
    struct grpc_client client;
    (void)state;
    client_open(&client);
    int32_t stream = client_call(&client, SERVICE "StreamIsActive", more, &body);
    client_wait_ms(&client, 2999);
    assert_false(outcome(&client, stream)->closed);
    client_wait_ms(&client, 1);
    assert_status(outcome(&client, stream), LATE, "deadline");
    client_done(&client);
}

static void assert_counted(const struct grpc_metrics *metrics, const char *sample) {
    struct strbuf text;
    strbuf_init(&text);
    grpc_metrics_print(metrics, false, &text);
    if (!strstr(text.text, sample))
        fail_msg("no '%s' in:\n%s", sample, text.text);
    strbuf_done(&text);
}

static void calls_are_counted_by_how_they_end(void **state) {
    struct client_body bodies[] = {BODY(resnet_request), BODY(resnet_request), BODY(resnet_request),
                                   BODY(resnet_request)};
    struct grpc_metrics *metrics = grpc_metrics_new();
    struct grpc_client client;
    (void)state;
    client_open(&client);
    client.service.metrics = metrics;
    client_call(&client, SERVICE "IsActive", NULL, &bodies[0]);
    client_call(&client, SERVICE "Unheard", NULL, &bodies[1]);
    int32_t left = client_call(&client, SERVICE "StreamIsActive", NULL, &bodies[2]);
    client_call(&client, SERVICE "StreamIsActive", NULL, &bodies[3]);
    client_wait_ms(&client, 3000);
    assert_counted(metrics, "assay_grpc_requests_total{method=\"IsActive\",code=\"OK\"} 1\n");
    assert_counted(metrics,
                   "assay_grpc_requests_total{method=\"none\",code=\"UNIMPLEMENTED\"} 1\n");
    assert_counted(metrics, "assay_grpc_streams 2\n");
    nghttp2_submit_rst_stream(client.session, NGHTTP2_FLAG_NONE, left, NGHTTP2_CANCEL);
    client_exchange(&client);
    assert_counted(metrics, "{method=\"StreamIsActive\",code=\"CANCELLED\"} 1\n");
    assert_counted(metrics, "assay_grpc_streams 1\n");
    grpc_connection_stop(client.connection);
    client_exchange(&client);
    assert_counted(metrics, "{method=\"StreamIsActive\",code=\"UNAVAILABLE\"} 1\n");
    assert_counted(metrics, "assay_grpc_streams 0\n");
    client_done(&client);
    grpc_metrics_delete(metrics);
}

static void streams_hear_that_the_server_stops(void **state) {
    struct client_body body = BODY(resnet_request);
    struct grpc_client client;
    (void)state;
    client_open(&client);
    int32_t stream = client_call(&client, SERVICE "StreamIsActive", NULL, &body);
    client_exchange(&client);
    grpc_connection_stop(client.connection);
    client_exchange(&client);
    assert_status(outcome(&client, stream), GONE, "stops");
    assert_int_equal(client.goaway, NGHTTP2_NO_ERROR);
    assert_true(grpc_connection_finished(client.connection));
    client_done(&client);
}

static void calls_beyond_the_limit_are_refused(void **state) {
    struct client_body bodies[102];
    struct grpc_client client;
    (void)state;
    client_open(&client);
    /* Not knowing the server's settings, the client opens all at once. */
    for (size_t i = 0; i < 102; i++) {
        bodies[i] = (struct client_body)BODY(resnet_request);
        client_call(&client, SERVICE "StreamMetricSpec", NULL, &bodies[i]);
    }
    while (client_talk(&client))
        ;
    client_exchange(&client);
    assert_int_equal(client.refusals, 2);
    client_done(&client);
}

/* ---- floods ---------------------------------------------------------------------------------- */

static void pings_are_answered_and_floods_of_them_are_not(void **state) {
    struct grpc_client client;
    (void)state;
    client_open(&client);
    for (int i = 0; i < 3000; i++) {
        nghttp2_submit_ping(client.session, NGHTTP2_FLAG_NONE, NULL);
        client_wait_ms(&client, 20); /* 50 a second may go on for ever */
    }
    assert_int_equal(client.pongs, 3000);
    for (int i = 0; i < 3000 && client.goaway < 0; i++) {
        nghttp2_submit_ping(client.session, NGHTTP2_FLAG_NONE, NULL);
        client_exchange(&client);
    }
    assert_int_equal(client.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_true(grpc_connection_finished(client.connection));
    client_done(&client);
}

static void rapid_resets_end_the_connection(void **state) {
    struct grpc_client client;
    int opened = 0;
    (void)state;
    client_open(&client);
    while (client.goaway < 0 && opened < 1000) {
        struct client_body body = BODY(resnet_request);
        int32_t stream = client_call(&client, SERVICE "StreamIsActive", NULL, &body);
        client_talk(&client);
        nghttp2_submit_rst_stream(client.session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
        client_exchange(&client);
        opened++;
    }
    assert_int_equal(client.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_in_range(opened, 100, 200);
    client_done(&client);
}

/* A window that is opened by nothing is an error of the stream, and the server resets it; that
 * costs as much as a reset by the client. */
static void resets_that_were_provoked_end_the_connection(void **state) {
    struct grpc_client client;
    int opened = 0;
    (void)state;
    client_open(&client);
    for (; client.goaway < 0 && opened < 1000; opened++) {
        struct client_body body = BODY(resnet_request);
        int32_t stream = client_call(&client, SERVICE "StreamIsActive", NULL, &body);
        const unsigned char too_far[] = {0,
                                         0,
                                         4,
                                         NGHTTP2_WINDOW_UPDATE,
                                         0,
                                         0,
                                         0,
                                         (unsigned char)(stream >> 8),
                                         (unsigned char)stream,
                                         0x7f,
                                         0xff,
                                         0xff,
                                         0xff};
        client_exchange(&client);
        grpc_connection_receive(client.connection, too_far, sizeof too_far);
        client_exchange(&client);
    }
    assert_int_equal(client.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_in_range(opened, 100, 200);
    client_done(&client);
}

static void settings_floods_end_the_connection(void **state) {
    struct grpc_client client;
    (void)state;
    client_open(&client);
    for (int i = 0; i < 200 && client.goaway < 0; i++) {
        nghttp2_submit_settings(client.session, NGHTTP2_FLAG_NONE, NULL, 0);
        client_exchange(&client);
    }
    assert_int_equal(client.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
    client_done(&client);
}

static void any_number_of_honest_calls_is_no_flood(void **state) {
    struct grpc_client client;
    (void)state;
    client_open(&client);
    for (int i = 0; i < 5000; i++) {
        struct client_body body = BODY(resnet_request);
        int32_t stream = client_call(&client, SERVICE "GetMetricSpec", NULL, &body);
        nghttp2_submit_ping(client.session, NGHTTP2_FLAG_NONE, NULL);
        *outcome(&client, stream) = (struct call_outcome){.status = -1};
        client_exchange(&client);
        assert_int_equal(outcome(&client, stream)->status, OK);
    }
    assert_int_equal(client.goaway, -1);
    client_done(&client);
}

/* ---- what is not HTTP/2 ---------------------------------------------------------------------- */

static void other_protocols_are_dropped_at_once(void **state) {
    static const char *const first[] = {
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a greeting of TLS to a plain port",
    };
    (void)state;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        struct grpc_client client;
        client_open(&client);
        assert_int_equal(grpc_connection_receive(client.connection, first[i], strlen(first[i])),
                         -1);
        client_done(&client);
    }
}

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static void broken_frames_end_in_goaway(void **state) {
    static const struct {
        const char *name;
        unsigned char bytes[24];
        size_t length;
        int goaway;
    } rows[] = {
        {"not settings first",
         {0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8},
         17,                                                              NGHTTP2_PROTOCOL_ERROR   },
        {"settings of 5 bytes",
         {0, 0, 5, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
         14,                                                              NGHTTP2_FRAME_SIZE_ERROR },
        {"settings on a stream", {0, 0, 0, 4, 0, 0, 0, 0, 1},          9, NGHTTP2_PROTOCOL_ERROR   },
        {"data on stream 0",
         {0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 'x'},
         19,                                                              NGHTTP2_PROTOCOL_ERROR   },
        {"data on no stream",
         {0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 7, 'x'},
         19,                                                              NGHTTP2_PROTOCOL_ERROR   },
        {"a frame too long",
         {0, 0, 0, 4, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0, 1},
         18,                                                              NGHTTP2_FRAME_SIZE_ERROR },
        {"no such header",
         {0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 1, 5, 0, 0, 0, 1, 0xfe},
         19,                                                              NGHTTP2_COMPRESSION_ERROR},
        {"continuing nothing",
         {0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 9, 4, 0, 0, 0, 1, 0x83},
         19,                                                              NGHTTP2_PROTOCOL_ERROR   },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct grpc_client client;
        client_open(&client);
        grpc_connection_receive(client.connection, PREFACE, strlen(PREFACE));
        grpc_connection_receive(client.connection, rows[i].bytes, rows[i].length);
        client_listen(&client, SIZE_MAX);
        if (client.goaway != rows[i].goaway || !grpc_connection_finished(client.connection))
            fail_msg("%s: GOAWAY %d instead of %d", rows[i].name, client.goaway, rows[i].goaway);
        client_done(&client);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_answered),
        cmocka_unit_test(a_request_in_single_bytes_is_the_same_request),
        cmocka_unit_test(a_wrong_request_is_told_why),
        cmocka_unit_test(what_is_not_grpc_is_told_in_http),
        cmocka_unit_test(content_types_of_grpc_are_known),
        cmocka_unit_test(headers_are_bounded),
        cmocka_unit_test(requests_at_a_time_are_bounded_together),
        cmocka_unit_test(a_token_is_compared_whole),
        cmocka_unit_test(a_deadline_ends_a_request_that_does_not_come),
        cmocka_unit_test(a_request_that_drips_is_ended_and_its_connection_closed),
        cmocka_unit_test(a_request_that_drips_does_not_end_other_calls),
        cmocka_unit_test(a_client_that_says_nothing_is_dropped),
        cmocka_unit_test(a_frame_that_drips_is_dropped),
        cmocka_unit_test(a_header_block_that_does_not_end_is_dropped),
        cmocka_unit_test(a_client_that_does_not_read_is_dropped),
        cmocka_unit_test(an_answer_that_is_not_wanted_is_reset),
        cmocka_unit_test(a_connection_without_calls_is_told_to_go),
        cmocka_unit_test(a_stream_says_what_changes_and_is_never_idle),
        cmocka_unit_test(a_stream_ends_at_its_deadline),
        cmocka_unit_test(calls_are_counted_by_how_they_end),
        cmocka_unit_test(streams_hear_that_the_server_stops),
        cmocka_unit_test(calls_beyond_the_limit_are_refused),
        cmocka_unit_test(pings_are_answered_and_floods_of_them_are_not),
        cmocka_unit_test(rapid_resets_end_the_connection),
        cmocka_unit_test(resets_that_were_provoked_end_the_connection),
        cmocka_unit_test(settings_floods_end_the_connection),
        cmocka_unit_test(any_number_of_honest_calls_is_no_flood),
        cmocka_unit_test(other_protocols_are_dropped_at_once),
        cmocka_unit_test(broken_frames_end_in_goaway),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
