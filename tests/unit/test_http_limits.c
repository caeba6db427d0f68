/* Clients that take too long, are too many, or ask for what takes long. Deadlines are short here;
 * that they are kept is seen by waiting for the close, not by the clock. */
#include "tests/unit/http_client.h"

#include <poll.h>

enum { SHORT_NS = 300000000, DRIPPERS = 8 };

static int end(void **state) {
    server_stop(*state);
    return 0;
}

static int begin_short(void **state) {
    static struct test_server at;
    server_prepare(&at);
    at.options.limits.deadline_ns = SHORT_NS;
    server_start(&at);
    *state = &at;
    return 0;
}

/* ---- clients that trickle -------------------------------------------------------------------- */

/* Sends one byte every 10 ms until the server closes; how many it took. Far more than fit into the
 * deadline are there to be sent. */
static int drip(int fd, const char *text) {
    int sent = 0;
    for (; sent < 2000; sent++) {
        char byte = *text ? *text++ : 'a';
        char answer;
        if (send(fd, &byte, 1, MSG_NOSIGNAL) <= 0)
            break;
        ssize_t got = recv(fd, &answer, 1, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            break;
        pause_ms(10);
    }
    return sent;
}

static void check_dripper(struct test_server *at, const char *text) {
    int fd = client_connect(at);
    int taken = drip(fd, text);
    if (taken >= 2000)
        fail_msg("a client that trickles '%.30s' is never closed", text);
    close(fd);
}

static void a_trickled_head_is_closed(void **state) {
    check_dripper(*state, "GET /hello HTTP/1.1\r\nHost: x\r\nA: ");
    assert_true(server_metric(*state, "assay_http_rejected_total{reason=\"deadline\"} ") == 1);
}

static void a_trickled_request_line_is_closed(void **state) {
    check_dripper(*state, "GET /");
}

static void a_trickled_body_is_closed(void **state) {
    int fd = client_connect(*state);
    client_send(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    assert_true(drip(fd, "") < 2000);
    close(fd);
}

static void a_trickled_second_request_is_closed(void **state) {
    int fd;
    client_ask(*state, &fd, GET("/hello"));
    assert_true(drip(fd, "GET /hello HTTP/1.1\r\nHost: x\r\nA: ") < 2000);
    close(fd);
}

static void a_silent_client_is_closed(void **state) {
    int fd = client_connect(*state);
    assert_true(client_sees_end(fd));
    close(fd);
}

/* More than socket buffers hold, of which nothing is read. */
static void an_answer_that_is_not_read_is_given_up(void **state) {
    struct test_server *at = *state;
    int fd = client_connect(at);
    char first;
    client_send(fd, GET("/big"));
    assert_int_equal(recv(fd, &first, 1, 0), 1);
    for (int i = 0; i < 2000 && server_metric(at, "assay_http_connections ") != 0; i++)
        pause_ms(5);
    assert_true(server_metric(at, "assay_http_connections ") == 0);
    assert_true(server_metric(at, "assay_http_rejected_total{reason=\"deadline\"} ") == 1);
    close(fd);
}

static void drippers_do_not_keep_others_waiting(void **state) {
    struct test_server *at = *state;
    int drippers[DRIPPERS];
    for (int i = 0; i < DRIPPERS; i++) {
        drippers[i] = client_connect(at);
        client_send(drippers[i], "GET /hello HTTP/1.1\r\nHost:");
    }
    assert_int_equal(reply_status(client_ask(at, NULL, GET("/hello"))), 200);
    for (int i = 0; i < DRIPPERS; i++) {
        assert_true(client_sees_end(drippers[i]));
        close(drippers[i]);
    }
    assert_int_equal(reply_status(client_ask(at, NULL, GET("/hello"))), 200);
}

/* ---- too many -------------------------------------------------------------------------------- */

static int begin_few(void **state) {
    static struct test_server at;
    server_prepare(&at);
    at.options.limits.connections = DRIPPERS;
    at.options.limits.patience_ns = 50000000;
    at.options.limits.requests_per_connection = 3;
    server_start(&at);
    *state = &at;
    return 0;
}

static void the_oldest_that_is_waited_for_makes_room(void **state) {
    struct test_server *at = *state;
    int held[DRIPPERS], fd;
    for (int i = 0; i < DRIPPERS; i++) {
        held[i] = client_connect(at);
        client_send(held[i], "GET /hello");
        pause_ms(2);
    }
    pause_ms(60);
    assert_int_equal(reply_status(client_ask(at, &fd, GET("/hello"))), 200);
    assert_true(client_sees_end(held[0]));
    assert_true(server_metric(at, "assay_http_rejected_total{reason=\"evicted\"} ") == 1);
    client_send(held[1], " HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(reply_status(client_read(held[1], false)), 200);
    for (int i = 0; i < DRIPPERS; i++)
        close(held[i]);
    close(fd);
}

/* Whoever has just come is not thrown out for the next one. */
static void a_crowd_that_comes_at_once_is_refused_beyond_the_limit(void **state) {
    struct test_server *at = *state;
    int held[DRIPPERS];
    for (int i = 0; i < DRIPPERS; i++)
        client_ask(at, &held[i], GET("/hello"));
    int late = client_connect(at);
    client_send(late, GET("/hello"));
    assert_true(client_sees_end(late));
    close(late);
    for (int i = 0; i < DRIPPERS; i++) {
        client_send(held[i], GET("/hello"));
        assert_int_equal(reply_status(client_read(held[i], false)), 200);
        close(held[i]);
    }
    assert_true(server_metric(at, "assay_http_rejected_total{reason=\"connections\"} ") == 1);
}

static int begin_many(void **state) {
    static struct test_server at;
    server_prepare(&at);
    at.options.limits.requests_per_connection = UINT32_MAX;
    server_start(&at);
    *state = &at;
    return 0;
}

/* All ask at once and none asks again before all are answered: the library takes events by the 128
 * and waits for more when it has got exactly as many. */
static void a_crowd_in_step_is_answered(void **state) {
    enum { CROWD = 256, ROUNDS = 100 };
    int crowd[CROWD];
    for (int i = 0; i < CROWD; i++)
        client_ask(*state, &crowd[i], GET("/hello"));
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CROWD; i++)
            client_send(crowd[i], GET("/hello"));
        for (int i = 0; i < CROWD; i++)
            assert_int_equal(reply_status(client_read(crowd[i], false)), 200);
    }
    for (int i = 0; i < CROWD; i++)
        close(crowd[i]);
}

static int begin_patient(void **state) {
    static struct test_server at;
    server_prepare(&at);
    at.options.limits.connections = DRIPPERS;
    at.options.limits.patience_ns = 1000000000000;
    server_start(&at);
    *state = &at;
    return 0;
}

static void a_connection_ends_after_its_requests(void **state) {
    int fd = client_connect(*state);
    for (int i = 1; i <= 3; i++) {
        client_send(fd, GET("/hello"));
        const char *reply = client_read(fd, false);
        assert_int_equal(reply_status(reply), 200);
        assert_true((strstr(reply, "\r\nConnection: close\r\n") != NULL) == (i == 3));
    }
    assert_true(client_sees_end(fd));
    close(fd);
}

/* ---- what takes long ------------------------------------------------------------------------- */

static int begin_slow_within(void **state, uint64_t deadline_ns) {
    static struct test_server at;
    server_prepare(&at);
    at.options.limits.deadline_ns = deadline_ns;
    at.options.limits.slow_threads = 1;
    at.options.limits.slow_waiting = 1;
    at.options.limits.bodies_bytes = 20000;
    atomic_store(&at.service.hold, true);
    server_start(&at);
    *state = &at;
    return 0;
}

static int begin_slow(void **state) {
    return begin_slow_within(state, http_limits_default.deadline_ns);
}

static int begin_slow_and_short(void **state) {
    return begin_slow_within(state, SHORT_NS);
}

static void wait_until_entered(struct test_server *at) {
    for (int i = 0; i < 10000 && atomic_load(&at->service.entered) == 0; i++)
        pause_ms(1);
    assert_int_equal(atomic_load(&at->service.entered), 1);
}

static void slow_requests_do_not_block_quick_ones(void **state) {
    struct test_server *at = *state;
    int running = client_connect(at);
    client_send(running, GET("/slow"));
    wait_until_entered(at);
    for (int i = 0; i < 4; i++) /* each of the library's threads gets one */
        assert_int_equal(reply_status(client_ask(at, NULL, GET("/hello"))), 200);
    atomic_store(&at->service.hold, false);
    const char *reply = client_read(running, false);
    assert_int_equal(reply_status(reply), 200);
    assert_string_equal(reply_body(reply), "done");
    client_send(running, GET("/hello"));
    assert_int_equal(reply_status(client_read(running, false)), 200);
    close(running);
}

/* One runs, one waits; the third one is told so. */
static void a_full_queue_is_503(void **state) {
    struct test_server *at = *state;
    int running = client_connect(at);
    client_send(running, GET("/slow"));
    wait_until_entered(at);
    struct pollfd two[2] = {
        {client_connect(at), POLLIN, 0},
        {client_connect(at), POLLIN, 0}
    };
    client_send(two[0].fd, GET("/slow"));
    client_send(two[1].fd, GET("/slow"));
    assert_int_equal(poll(two, 2, PATIENCE_S * 1000), 1);
    int refused = two[1].revents ? 1 : 0;
    const char *reply = client_read(two[refused].fd, false);
    assert_int_equal(reply_status(reply), 503);
    assert_non_null(strstr(reply, "\r\nRetry-After: 1\r\n"));
    atomic_store(&at->service.hold, false);
    assert_int_equal(reply_status(client_read(running, false)), 200);
    assert_int_equal(reply_status(client_read(two[!refused].fd, false)), 200);
    close(running);
    close(two[0].fd);
    close(two[1].fd);
}

/* The deadline is the client's, not ours. */
static void a_slow_request_outlives_the_deadline(void **state) {
    struct test_server *at = *state;
    int running = client_connect(at);
    client_send(running, GET("/slow"));
    wait_until_entered(at);
    pause_ms(2 * SHORT_NS / 1000000);
    atomic_store(&at->service.hold, false);
    assert_int_equal(reply_status(client_read(running, false)), 200);
    close(running);
}

static void a_client_that_leaves_a_slow_request_is_forgotten(void **state) {
    struct test_server *at = *state;
    int running = client_connect(at);
    client_send(running, GET("/slow"));
    wait_until_entered(at);
    close(running);
    atomic_store(&at->service.hold, false);
    for (int i = 0; i < 2000 && server_metric(at, "assay_http_connections ") != 0; i++)
        pause_ms(5);
    assert_true(server_metric(at, "assay_http_connections ") == 0);
}

static int send_body(struct test_server *at, size_t length) {
    static char body[16000];
    int fd = client_connect(at);
    memset(body, 'b', sizeof body);
    client_send(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 16000\r\n\r\n");
    client_send_bytes(fd, body, length);
    return fd;
}

static int status_of_body(struct test_server *at) {
    int fd = send_body(at, 16000);
    int status = reply_status(client_read(fd, false));
    close(fd);
    return status;
}

static void bodies_share_a_budget(void **state) {
    struct test_server *at = *state;
    int first = send_body(at, 15999), status;
    /* Until the first one has arrived, there is room for another. */
    while ((status = status_of_body(at)) == 200)
        pause_ms(1);
    assert_int_equal(status, 503);
    client_send(first, "b");
    assert_int_equal(reply_status(client_read(first, false)), 200);
    close(first);
    while (status_of_body(at) != 200) /* it is freed a moment behind the answer */
        pause_ms(1);
}

/* ---- stopping -------------------------------------------------------------------------------- */

static void *release(void *given) {
    struct test_server *at = given;
    pause_ms(50);
    atomic_store(&at->service.hold, false);
    return NULL;
}

static void what_runs_is_finished_before_the_end(void **state) {
    struct test_server *at = *state;
    int running = client_connect(at);
    pthread_t releaser;
    client_send(running, GET("/slow"));
    wait_until_entered(at);
    assert_int_equal(pthread_create(&releaser, NULL, release, at), 0);
    assert_int_equal(http_server_stop(at->server, (uint64_t)PATIENCE_S * 1000000000), 0);
    pthread_join(releaser, NULL);
    const char *reply = client_read(running, false);
    assert_int_equal(reply_status(reply), 200);
    assert_string_equal(reply_body(reply), "done");
    assert_true(client_sees_end(running));
    close(running);
    http_metrics_delete(at->options.metrics);
}

static void what_does_not_finish_is_told(void **state) {
    struct test_server *at = *state;
    int running = client_connect(at), waiting = client_connect(at);
    client_send(running, GET("/slow"));
    wait_until_entered(at);
    client_send(waiting, GET("/hello"));
    assert_int_equal(reply_status(client_read(waiting, false)), 200);
    client_send(waiting, GET("/slow"));
    assert_int_equal(http_server_stop(at->server, 50000000), 1);
    assert_int_equal(reply_status(client_read(waiting, false)), 503);
    close(running);
    close(waiting);
    atomic_store(&at->service.hold, false);
    pause_ms(50); /* its thread stays, as it does until the end of a process */
}

#define TEST_SHORT(name) cmocka_unit_test_setup_teardown(name, begin_short, end)
#define TEST_SLOW(name)  cmocka_unit_test_setup_teardown(name, begin_slow, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_SHORT(a_trickled_head_is_closed),
        TEST_SHORT(a_trickled_request_line_is_closed),
        TEST_SHORT(a_trickled_body_is_closed),
        TEST_SHORT(a_trickled_second_request_is_closed),
        TEST_SHORT(a_silent_client_is_closed),
        TEST_SHORT(an_answer_that_is_not_read_is_given_up),
        TEST_SHORT(drippers_do_not_keep_others_waiting),
        cmocka_unit_test_setup_teardown(the_oldest_that_is_waited_for_makes_room, begin_few, end),
        cmocka_unit_test_setup_teardown(a_crowd_that_comes_at_once_is_refused_beyond_the_limit,
                                        begin_patient, end),
        cmocka_unit_test_setup_teardown(a_connection_ends_after_its_requests, begin_few, end),
        cmocka_unit_test_setup_teardown(a_crowd_in_step_is_answered, begin_many, end),
        TEST_SLOW(slow_requests_do_not_block_quick_ones),
        TEST_SLOW(a_full_queue_is_503),
        cmocka_unit_test_setup_teardown(a_slow_request_outlives_the_deadline, begin_slow_and_short,
                                        end),
        TEST_SLOW(a_client_that_leaves_a_slow_request_is_forgotten),
        TEST_SLOW(bodies_share_a_budget),
        cmocka_unit_test_setup(what_runs_is_finished_before_the_end, begin_slow),
        cmocka_unit_test_setup(what_does_not_finish_is_told, begin_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
