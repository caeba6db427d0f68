/* What the HTTP listener answers to requests that are well-formed. */
#include "tests/unit/http_client.h"

static int begin(void **state) {
    static struct test_server at;
    server_prepare(&at);
    server_start(&at);
    *state = &at;
    return 0;
}

static int end(void **state) {
    server_stop(*state);
    return 0;
}

static void has(const char *reply, const char *line) {
    if (!strstr(reply, line))
        fail_msg("no '%s' in:\n%s", line, reply);
}

static void every_answer_carries_the_same_headers(void **state) {
    static const char *const requests[] = {GET("/hello"), GET("/absent"), GET("/hello?x")};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const char *reply = client_ask(*state, NULL, requests[i]);
        has(reply, "\r\nX-Content-Type-Options: nosniff\r\n");
        has(reply, "\r\nContent-Security-Policy: default-src 'none'\r\n");
        has(reply, "\r\nCache-Control: no-store\r\n");
        has(reply, "\r\nContent-Type: application/json\r\n");
    }
}

static void a_connection_takes_many_requests(void **state) {
    int fd = client_connect(*state);
    for (int i = 0; i < 5; i++) {
        client_send(fd, GET("/hello"));
        const char *reply = client_read(fd, false);
        assert_int_equal(reply_status(reply), 200);
        assert_string_equal(reply_body(reply), "hello GET");
    }
    close(fd);
}

static void requests_may_be_sent_at_once(void **state) {
    int fd = client_connect(*state);
    client_send(fd, GET("/hello") GET("/open"));
    client_send(fd, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    int answers = 0;
    char all[REPLY_BYTES] = "";
    size_t length = 0;
    ssize_t got;
    while ((got = recv(fd, all + length, sizeof all - 1 - length, 0)) > 0)
        length += (size_t)got;
    for (const char *next = all; (next = strstr(next, "200 OK")); next++)
        answers++;
    assert_int_equal(answers, 3);
    close(fd);
}

static void head_is_get_without_a_body(void **state) {
    int fd;
    const char *reply = client_ask(*state, &fd, "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(reply_status(reply), 200);
    has(reply, "\r\nContent-Length: 9\r\n");
    assert_string_equal(reply_body(reply), "");
    client_send(fd, GET("/hello"));
    assert_int_equal(reply_status(client_read(fd, false)), 200);
    close(fd);
}

static void an_unknown_path_is_404_as_json(void **state) {
    int fd;
    const char *reply = client_ask(*state, &fd, GET("/absent"));
    assert_int_equal(reply_status(reply), 404);
    assert_string_equal(reply_body(reply),
                        "{\n  \"error\": {\n    \"code\": \"usage\",\n    \"message\": "
                        "\"/absent: there is no such path\",\n    \"hint\": \"\"\n  }\n}\n");
    client_send(fd, GET("/hello"));
    assert_int_equal(reply_status(client_read(fd, false)), 200);
    close(fd);
}

static void a_wrong_method_is_405_and_told_the_right_ones(void **state) {
    const char *reply = client_ask(*state, NULL, "DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(reply_status(reply), 405);
    has(reply, "\r\nAllow: GET, HEAD\r\n");
}

static void path_and_query_reach_the_handler_decoded(void **state) {
    const char *reply =
        client_ask(*state, NULL, GET("/models/res%6eet%2050/replicas?rate=2%2e5&n=3"));
    assert_int_equal(reply_status(reply), 200);
    assert_string_equal(reply_body(reply), "/models/resnet 50/replicas resnet 50 2.5");
}

static void a_query_is_checked_against_its_row(void **state) {
    static const struct {
        const char *request, *says;
    } rows[] = {
        {GET("/models/a/replicas"),                "rate: the parameter is missing"},
        {GET("/models/a/replicas?rate=1&rate=2"),  "rate: the parameter is given"  },
        {GET("/models/a/replicas?rate=x"),         "rate: 'x' is no number"        },
        {GET("/models/a/replicas?rate=0x10"),      "rate: '0x10' is no number"     },
        {GET("/models/a/replicas?rate=nan"),       "rate: 'nan' is no number"      },
        {GET("/models/a/replicas?rate="),          "rate: '' is no number"         },
        {GET("/models/a/replicas?rate=1e999"),     "is no number"                  },
        {GET("/models/a/replicas?rate=101"),       "is not between 0.5 and 100"    },
        {GET("/models/a/replicas?rate=1&n=1.5"),   "n: '1.5' is no whole number"   },
        {GET("/models/a/replicas?rate=1&model=b"), "model: there is no such"       },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *reply = client_ask(*state, NULL, rows[i].request);
        assert_int_equal(reply_status(reply), 400);
        has(reply_body(reply), rows[i].says);
    }
}

static void errors_of_handlers_become_a_status_and_json(void **state) {
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {GET("/fail?code=1"),            422},
        {GET("/fail?code=2"),            400},
        {GET("/fail?code=3"),            400},
        {GET("/fail?code=4"),            503},
        {GET("/fail?code=5"),            500},
        {GET("/fail?code=3&status=404"), 404},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *reply = client_ask(*state, NULL, rows[i].request);
        assert_int_equal(reply_status(reply), rows[i].status);
        has(reply_body(reply), "\"message\": \"it \\\"failed\\\"\"");
        has(reply_body(reply), "\"hint\": \"try again\"");
        assert_null(strstr(reply, "half"));
    }
}

static void a_body_is_handed_over_whole(void **state) {
    int fd = client_connect(*state);
    client_send(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello");
    pause_ms(20);
    client_send(fd, "world");
    const char *reply = client_read(fd, false);
    assert_int_equal(reply_status(reply), 200);
    has(reply, "\r\nContent-Type: text/plain\r\n");
    assert_string_equal(reply_body(reply), "helloworld");
    client_send(fd, GET("/hello"));
    assert_int_equal(reply_status(client_read(fd, false)), 200);
    close(fd);
}

/* However its chunks are read, nothing behind them is taken for a request. */
static void a_chunked_body_ends_the_connection(void **state) {
    int fd;
    const char *reply =
        client_ask(*state, &fd,
                   "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                   "Chunked\r\n\r\n5\r\nhello\r\n3;a=b\r\n wo\r\n0\r\n\r\n" GET("/hello"));
    assert_int_equal(reply_status(reply), 200);
    has(reply, "\r\nConnection: close\r\n");
    assert_string_equal(reply_body(reply), "hello wo");
    assert_true(client_sees_end(fd));
    assert_int_equal(atomic_load(&((struct test_server *)*state)->service.calls), 0);
    close(fd);
}

static void a_client_that_asks_may_send_its_body(void **state) {
    int fd = client_connect(*state);
    client_send(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                    "Expect: 100-continue\r\n\r\n");
    char line[64] = "";
    assert_true(recv(fd, line, 25, MSG_WAITALL) == 25);
    assert_string_equal(line, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(fd, "ok");
    assert_string_equal(reply_body(client_read(fd, false)), "ok");
    close(fd);
}

static void http_1_0_is_answered_and_closed(void **state) {
    int fd;
    const char *reply = client_ask(*state, &fd, "GET /hello HTTP/1.0\r\n\r\n");
    assert_int_equal(reply_status(reply), 200);
    assert_true(client_sees_end(fd));
    close(fd);
}

static void answers_are_counted(void **state) {
    struct test_server *at = *state;
    client_ask(at, NULL, GET("/hello"));
    client_ask(at, NULL, GET("/hello"));
    client_ask(at, NULL, GET("/absent"));
    client_ask(at, NULL, "GET /hello HTTP/1.1\nHost: x\n\n");
    assert_true(server_metric(at, "assay_http_requests_total{handler=\"hello\",code=\"200\"} ") ==
                2);
    assert_true(server_metric(at, "assay_http_requests_total{handler=\"none\",code=\"404\"} ") ==
                1);
    assert_true(server_metric(at, "assay_http_rejected_total{reason=\"malformed\"} ") == 1);
    assert_true(
        server_metric(at, "assay_http_request_duration_seconds_count{handler=\"hello\"} ") == 2);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static int begin_with_token(void **state) {
    static struct test_server at;
    struct err err = {0};
    server_prepare(&at);
    setenv(AUTH_ENVIRONMENT, "correct-horse", 1);
    assert_int_equal(auth_load(&at.options.auth, NULL, &err), 0);
    unsetenv(AUTH_ENVIRONMENT);
    server_start(&at);
    *state = &at;
    return 0;
}

#define WITH(line) "GET /hello HTTP/1.1\r\nHost: x\r\n" line "\r\n\r\n"

static void without_the_token_there_is_401(void **state) {
    static const char *const requests[] = {
        GET("/hello"),
        WITH("Authorization: Bearer wrong"),
        WITH("Authorization: Bearer correct-hors"),
        WITH("Authorization: Bearer correct-horse2"),
        WITH("Authorization: Bearer"),
        WITH("Authorization: Basic correct-horse"),
        WITH("X-API-KEY: wrong"),
        WITH("X-API-KEY:"),
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const char *reply = client_ask(*state, NULL, requests[i]);
        assert_int_equal(reply_status(reply), 401);
        has(reply, "\r\nWWW-Authenticate: Bearer realm=\"assay\"\r\n");
    }
    assert_int_equal(atomic_load(&((struct test_server *)*state)->service.calls), 0);
}

static void the_token_opens_and_health_needs_none(void **state) {
    static const char *const requests[] = {
        WITH("Authorization: Bearer correct-horse"),
        WITH("authorization: bearer  correct-horse"),
        WITH("x-api-key: correct-horse"),
        GET("/open"),
        "POST /write HTTP/1.1\r\nHost: x\r\nX-API-KEY: correct-horse\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        assert_int_equal(reply_status(client_ask(*state, NULL, requests[i])), 200);
}

static void a_refused_body_is_not_read(void **state) {
    int fd;
    const char *reply = client_ask(
        *state, &fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\nbeginning");
    assert_int_equal(reply_status(reply), 401);
    assert_true(client_sees_end(fd));
    close(fd);
}

static void a_page_in_a_browser_changes_nothing(void **state) {
    const char *reply = client_ask(*state, NULL,
                                   "POST /write HTTP/1.1\r\nHost: x\r\nOrigin: http://evil\r\n"
                                   "Content-Length: 0\r\n\r\n");
    assert_int_equal(reply_status(reply), 403);
    reply =
        client_ask(*state, NULL, "POST /write HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(reply_status(reply), 200);
}

static int begin_in_public(void **state) {
    static struct test_server at;
    struct err err = {0};
    server_prepare(&at);
    assert_int_equal(listen_parse(&at.options.address, "0.0.0.0:0", &err), 0);
    server_start(&at);
    *state = &at;
    return 0;
}

static void in_public_nothing_is_changed_without_a_token(void **state) {
    const char *reply =
        client_ask(*state, NULL, "POST /write HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(reply_status(reply), 403);
    assert_int_equal(reply_status(client_ask(*state, NULL, GET("/hello"))), 200);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void a_taken_address_is_told(void **state) {
    struct test_server *at = *state, second;
    struct err err = {0};
    server_prepare(&second);
    assert_int_equal(
        listen_parse(&second.options.address, strrchr(http_server_url(at->server), '/') + 1, &err),
        0);
    second.options.metrics = at->options.metrics;
    assert_int_equal(http_server_start(&second.options, &second.server, &err), -ERR_ENVIRONMENT);
    assert_non_null(strstr(err.message, "cannot listen on 127.0.0.1:"));
}

static void a_key_that_is_none_is_told(void **state) {
    (void)state;
    struct test_server at;
    struct err err = {0};
    server_prepare(&at);
    at.options.metrics = http_metrics_new(test_routes);
    at.options.tls = (struct http_tls){"no certificate", "no key"};
    assert_int_equal(http_server_start(&at.options, &at.server, &err), -ERR_INPUT);
    assert_true(*err.message && *err.hint);
    http_metrics_delete(at.options.metrics);
}

#define TEST(name)            cmocka_unit_test_setup_teardown(name, begin, end)
#define TEST_WITH_TOKEN(name) cmocka_unit_test_setup_teardown(name, begin_with_token, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_answer_carries_the_same_headers),
        TEST(a_connection_takes_many_requests),
        TEST(requests_may_be_sent_at_once),
        TEST(head_is_get_without_a_body),
        TEST(an_unknown_path_is_404_as_json),
        TEST(a_wrong_method_is_405_and_told_the_right_ones),
        TEST(path_and_query_reach_the_handler_decoded),
        TEST(a_query_is_checked_against_its_row),
        TEST(errors_of_handlers_become_a_status_and_json),
        TEST(a_body_is_handed_over_whole),
        TEST(a_chunked_body_ends_the_connection),
        TEST(a_client_that_asks_may_send_its_body),
        TEST(http_1_0_is_answered_and_closed),
        TEST(answers_are_counted),
        TEST_WITH_TOKEN(without_the_token_there_is_401),
        TEST_WITH_TOKEN(the_token_opens_and_health_needs_none),
        TEST_WITH_TOKEN(a_refused_body_is_not_read),
        TEST(a_page_in_a_browser_changes_nothing),
        cmocka_unit_test_setup_teardown(in_public_nothing_is_changed_without_a_token,
                                        begin_in_public, end),
        TEST(a_taken_address_is_told),
        cmocka_unit_test(a_key_that_is_none_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
